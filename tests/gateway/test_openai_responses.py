"""The official openai client and the Responses API through the gateway: plain, streaming, tools."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import openai
import pytest
from gateway_bench import POLICY
from responses_wire import REQUEST, events, function_call, message, reply, wire

CARD = "4111 1111 1111 1111"
SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"
STREAM = b"text/event-stream"


class Served:
    """A gateway, and clients that are closed at the end."""

    def __init__(self, bench: Any, stack: ExitStack) -> None:
        self.bench = bench
        self._stack = stack

    @property
    def client(self) -> Any:
        """The client's part for this API."""
        return self._stack.enter_context(self.bench.client()).responses

    def answers(self, *output: Any) -> Any:
        """A client whose next request is answered with these items."""
        self.bench.start().model.sends([json.dumps(reply(*output)).encode()])
        return self.client

    def streams(self, *output: Any) -> Any:
        """The same, for a stream."""
        self.bench.start().model.sends(wire(events(reply(*output), 3)), content_type=STREAM)
        return self.client


@pytest.fixture
def served(bench: Any) -> Iterator[Served]:
    with ExitStack() as stack:
        yield Served(bench, stack)


def test_a_clean_exchange_passes_and_names_itself(served: Served) -> None:
    raw = served.answers(message("good day")).with_raw_response.create(model="m", input="hello", instructions="be kind")
    assert raw.parse().output_text == "good day"
    decisions = [decision for decision in served.bench.decisions() if decision.exchange == raw.headers["x-fairlead-exchange"]]
    assert [decision.stage for decision in decisions] == ["input", "output"]
    assert [entry.path for entry in decisions[0].coverage] == ["/instructions", "/input"]
    assert served.bench.model.requests[0]["input"] == "hello"


def test_a_card_in_the_answer_is_redacted(served: Served) -> None:
    assert served.answers(message(f"your card is {CARD}")).create(model="m", input="x").output_text == "your card is [PAYMENT_CARD]"


def test_a_secret_in_the_request_never_reaches_the_model(served: Served) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        served.answers().create(model="m", input=[{"role": "user", "content": [{"type": "input_text", "text": SECRET}]}])
    assert error.value.code == "content_filter"
    assert served.bench.model.requests == []


def test_a_secret_in_the_answer_ends_it(served: Served) -> None:
    answer = served.answers(message(f"the key is {SECRET}")).create(model="m", input="x")
    assert (answer.status, answer.incomplete_details.reason, answer.output_text) == ("incomplete", "content_filter", "")


def test_an_allowed_call_passes_and_a_forbidden_one_is_taken_out(served: Served) -> None:
    output = (function_call("search_docs", {"q": "refund"}), function_call("delete_all", {}, "call_2"))
    answer = served.answers(*output).create(model="m", input="x")
    assert [item.type for item in answer.output] == ["function_call", "message"]
    assert answer.output[0].name == "search_docs"
    assert "stopped by the policy" in answer.output_text


def test_a_tool_loop_works(served: Served) -> None:
    client = served.answers(function_call("search_docs", {"q": "refund"}))
    history: list[Any] = [{"role": "user", "content": "how are refunds made?"}]
    first = client.create(model="m", input=history, tools=REQUEST["tools"][:1])
    history += [item.to_dict() for item in first.output]
    history.append({"type": "function_call_output", "call_id": first.output[0].call_id, "output": "within a week"})
    served.bench.model.sends([json.dumps(reply(message("In a week."))).encode()])
    assert client.create(model="m", input=history, tools=REQUEST["tools"][:1]).output_text == "In a week."
    assert [decision.tool for decision in served.bench.decisions() if decision.stage == "tool_result"] == ["search_docs"]


def test_a_stream_is_redacted_and_its_last_event_tells_the_same(served: Served) -> None:
    output = message(f"card {CARD}, mail bob.smith@example.org. Bye")
    found = list(served.streams(output).create(model="m", input="x", stream=True))
    assert "".join(one.delta for one in found if one.type == "response.output_text.delta") == "card [PAYMENT_CARD], mail [EMAIL]. Bye"
    assert found[-1].type == "response.completed"
    assert found[-1].response.output_text == "card [PAYMENT_CARD], mail [EMAIL]. Bye"
    assert [one.sequence_number for one in found] == list(range(len(found)))


def test_the_clients_stream_helper_can_follow(served: Served) -> None:
    output = (message(f"card {CARD}"), function_call("search_docs", {"q": "x"}), function_call("wipe", {}, "call_2"))
    with served.streams(*output).stream(model="m", input="x") as stream:
        for _ in stream:
            pass
        final = stream.get_final_response()
    assert [item.type for item in final.output] == ["message", "function_call", "message"]
    assert final.output[0].content[0].text == "card [PAYMENT_CARD]"


def test_a_stream_has_an_opening_and_a_final_record(served: Served) -> None:
    list(served.streams(message("a b")).create(model="m", input="x", stream=True))
    assert [(decision.stage, decision.state) for decision in served.bench.decisions()] == [
        ("input", "final"),
        ("output", "open"),
        ("output", "final"),
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_what_the_policy_says_instead_of_an_answer_comes_in_the_apis_shape(served: Served, stream: bool) -> None:  # noqa: FBT001 - a parameter of the test
    served.bench.start(POLICY.replace("do: block}", "do: block, say: refusal.secret}"))
    answer = served.client.create(model="m", input=f"the {SECRET}", stream=stream)
    final = list(answer)[-1].response if stream else answer
    assert final.output_text
    assert (final.status, final.incomplete_details.reason) == ("incomplete", "content_filter")


def test_what_was_answered_before_is_unknown_and_the_policy_decides(served: Served) -> None:
    with pytest.raises(openai.BadRequestError, match="rule unknown"):
        served.answers().create(model="m", input="x", previous_response_id="resp_1")
    served.bench.stop()
    served.bench.start(POLICY.replace("unknown: block", "unknown: allow")).model.forget()
    served.bench.model.sends([json.dumps(reply(message("good day"))).encode()])
    assert served.client.create(model="m", input="x", previous_response_id="resp_1").output_text == "good day"
    skipped = [entry.path for decision in served.bench.decisions() for entry in decision.coverage if entry.status == "skipped"]
    assert "/previous_response_id" in skipped


def test_a_background_response_is_refused(served: Served) -> None:
    with pytest.raises(openai.BadRequestError, match="past the guard"):
        served.answers().create(model="m", input="x", background=True)


def test_what_is_kept_at_the_provider_is_not_served(served: Served) -> None:
    served.bench.start()
    with pytest.raises(openai.NotFoundError):
        served.client.retrieve("resp_1")
