"""The official anthropic client through the gateway: plain, streaming, tools, errors."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import pytest
from gateway_bench import POLICY, Bench, bench_in
from gateway_door import Door
from messages_wire import REPLY, REQUEST, call, reply, streamed

CARD = "4111 1111 1111 1111"
SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"
ANTHROPIC = POLICY.replace("provider: openai", "provider: anthropic")
USER = [{"role": "user", "content": "hello"}]
ASKED = {"model": "claude-x", "max_tokens": 64, "messages": USER}
SERVED = ("web_search", "web_fetch", "bash_code_execution", "list_notes")


class Desk:
    """A gateway in front of a scripted Anthropic server, and a client of it."""

    def __init__(self, bench: Bench, policy: str = ANTHROPIC) -> None:
        self.bench = bench.start(policy)
        self.model = bench.model
        self.client = anthropic.Anthropic(base_url=bench.url, api_key=bench.token, max_retries=0)

    def says(self, message: object) -> None:
        self.model.sends([json.dumps(message).encode()])

    def streams(self, message: Any, size: int = 5) -> None:
        self.model.sends(streamed(message, size), content_type=b"text/event-stream")

    def ask(self, content: object = "hello", **extra: Any) -> Any:
        return self.client.messages.create(model="claude-x", max_tokens=64, messages=[{"role": "user", "content": content}], **extra)

    def stream(self, **extra: Any) -> Any:
        return self.client.messages.stream(model="claude-x", max_tokens=64, messages=USER, **extra)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all tests that need no policy of their own."""
    with bench_in(tmp_path_factory.mktemp("desk")) as bench:
        desk = Desk(
            bench, ANTHROPIC.replace("unknown: block", "unknown: scan") + "".join(f"  - {{tool: {name}, allow: true}}\n" for name in SERVED)
        )
        with desk.client:
            yield desk


@pytest.fixture(autouse=True)
def forget(desk: Desk) -> None:
    """Forget what other tests asked."""
    desk.model.requests.clear()
    desk.model.asked.clear()


def test_a_clean_exchange_passes_and_names_itself(desk: Desk) -> None:
    desk.says(reply("good day"))
    raw = desk.client.messages.with_raw_response.create(model="claude-x", max_tokens=64, messages=USER)
    message = raw.parse()
    assert (message.content[0].text, message.stop_reason, message.usage.output_tokens) == ("good day", "end_turn", 4)
    found = [decision for decision in desk.bench.decisions() if decision.exchange == raw.headers["x-fairlead-exchange"]]
    assert [decision.stage for decision in found] == ["input", "output"]
    assert all(entry.status == "ran" for decision in found for entry in decision.coverage)


def test_the_model_s_server_is_asked_as_it_wants_to_be(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_KEY", "sk-upstream")
    desk = Desk(bench, ANTHROPIC.replace('base_url: "UPSTREAM"', 'base_url: "UPSTREAM", key: env:MODEL_KEY'))
    desk.says(reply("x"))
    desk.ask(extra_headers={"anthropic-beta": "files-api-2025-04-14"}, extra_body={"fairlead": {"user": "u-1"}})
    [(path, headers)] = desk.model.asked
    assert path == "/messages"
    assert (headers["x-api-key"], headers["anthropic-version"]) == ("sk-upstream", desk.client.default_headers["anthropic-version"])
    assert headers["anthropic-beta"] == "files-api-2025-04-14"
    assert desk.bench.token not in str(headers)
    assert desk.model.requests == [{"model": "claude-x", "max_tokens": 64, "messages": USER}]


def test_everything_that_the_api_has_passes(desk: Desk) -> None:
    request = {key: REQUEST[key] for key in ASKED}
    rest = {key: value for key, value in REQUEST.items() if key not in ASKED}
    desk.says(REPLY)
    plain = desk.client.beta.messages.create(**request, extra_body=rest)
    assert desk.model.requests == [REQUEST]
    desk.streams(REPLY)
    with desk.client.beta.messages.stream(**request, extra_body=rest) as stream:
        message = stream.get_final_message()
    assert [block.to_dict() for block in message.content] == [block.to_dict() for block in plain.content]
    assert (message.stop_reason, message.stop_sequence) == (plain.stop_reason, plain.stop_sequence) == ("stop_sequence", "the end")


def test_a_card_in_the_answer_is_redacted(desk: Desk) -> None:
    desk.says(reply(f"your card is {CARD}, thanks"))
    assert desk.ask().content[0].text == "your card is [PAYMENT_CARD], thanks"


@pytest.mark.parametrize("size", [1, 3, 50])
def test_a_stream_is_redacted_however_it_is_split(desk: Desk, size: int) -> None:
    desk.streams(reply(f"Hello, your card {CARD} and mail bob.smith@example.org. Bye"), size)
    with desk.stream() as stream:
        assert "".join(stream.text_stream) == "Hello, your card [PAYMENT_CARD] and mail [EMAIL]. Bye"
        assert stream.get_final_message().stop_reason == "end_turn"


def test_a_secret_ends_an_answer(desk: Desk) -> None:
    desk.says(reply(f"The key is {SECRET} and more"))
    message = desk.ask()
    assert (message.content, message.stop_reason, message.role) == ([], "refusal", "assistant")
    desk.streams(reply(f"The key is {SECRET} and more"))
    with desk.stream() as stream:
        message = stream.get_final_message()
    assert (message.content[0].text, message.stop_reason) == ("The key is ", "refusal")


def test_a_request_that_is_stopped_is_an_error(desk: Desk) -> None:
    with pytest.raises(anthropic.BadRequestError) as error:
        desk.ask(f"my key is {SECRET}")
    assert error.value.body == {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "message": "the request was stopped by the policy (rule no-secrets at input)",
            "code": "content_filter",
        },
    }
    assert desk.model.requests == []


def test_what_the_policy_says_instead_comes_as_a_message(bench: Bench) -> None:
    desk = Desk(bench, ANTHROPIC.replace("entity: secret, do: block", "entity: secret, do: block, say: refusal.secret"))
    message = desk.ask(f"my key is {SECRET}")
    with desk.client.messages.stream(
        model="claude-x", max_tokens=64, messages=[{"role": "user", "content": f"my key is {SECRET}"}]
    ) as stream:
        assert "".join(stream.text_stream) == message.content[0].text != ""
        assert stream.get_final_message().stop_reason == message.stop_reason == "refusal"


def test_tools_are_called_if_the_policy_lists_them(desk: Desk) -> None:
    answer = reply("let me see", call("search_docs", {"q": "x"}), call("wipe", {}, "toolu_2"), stop="tool_use")
    desk.says(answer)
    plain = desk.ask()
    desk.streams(answer, 2)
    with desk.stream() as stream:
        message = stream.get_final_message()
    for got in (plain, message):
        assert [block.type for block in got.content] == ["text", "tool_use", "text"]
        assert (got.content[1].name, got.content[1].input, got.stop_reason) == ("search_docs", {"q": "x"}, "tool_use")
        assert "stopped by the policy" in got.content[2].text


def test_an_answer_left_without_its_call_is_a_refusal(desk: Desk) -> None:
    answer = reply(call("send_email", {"to": "eve@evil.example", "body": "x"}), stop="tool_use")
    desk.says(answer)
    plain = desk.ask()
    desk.streams(answer)
    with desk.stream() as stream:
        message = stream.get_final_message()
    for got in (plain, message):
        assert got.stop_reason == "refusal"
        assert "apr_" in got.content[0].text


def test_a_tool_result_is_guarded_under_the_name_of_its_tool(door: Door) -> None:
    door.start(ANTHROPIC.replace("at: [input, output, tool_call]", "at: tool_result"))
    used = {"role": "assistant", "content": [call("search_docs", {"q": "x"})]}
    for content in (f"the key {SECRET}", [{"type": "text", "text": f"the key {SECRET}"}]):
        given = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": content, "is_error": True}]}
        answer = door.ask({**ASKED, "messages": [*USER, used, given]}, path="/v1/messages")
        assert (answer.status, b"no-secrets at tool_result" in answer.body) == (400, True)
    stopped = [decision for decision in door.decisions() if decision.action == "block"]
    assert [(decision.stage, decision.tool) for decision in stopped] == [("tool_result", "search_docs")] * 2
    assert door.upstream.requests == []


def test_the_async_client_streams(desk: Desk) -> None:
    async def ask() -> str:
        async with anthropic.AsyncAnthropic(base_url=desk.bench.url, api_key=desk.bench.token, max_retries=0) as client:
            events = await client.messages.create(model="claude-x", max_tokens=64, messages=USER, stream=True)
            return "".join([event.delta.text async for event in events if event.type == "content_block_delta"])

    desk.streams(reply(f"card {CARD}."))
    assert asyncio.run(ask()) == "card [PAYMENT_CARD]."


def test_tokens_are_counted(desk: Desk) -> None:
    desk.says({"input_tokens": 9})
    assert desk.client.messages.count_tokens(model="claude-x", messages=USER).input_tokens == 9
    assert desk.model.asked[0][0] == "/messages/count_tokens"
    with pytest.raises(anthropic.BadRequestError, match="no-secrets at input"):
        desk.client.messages.count_tokens(model="claude-x", messages=USER, system=f"the key {SECRET}")


def test_errors_have_the_api_s_shape(desk: Desk) -> None:
    with pytest.raises(anthropic.AuthenticationError) as refused, anthropic.Anthropic(base_url=desk.bench.url, api_key="fl_x") as client:
        client.messages.create(model="claude-x", max_tokens=64, messages=USER)
    assert refused.value.body["error"]["type"] == "authentication_error"  # type: ignore[index,call-overload] # the body is JSON
    desk.model.sends([b'{"error": "the prompt"}'], status=529)
    with pytest.raises(anthropic.InternalServerError) as failed:
        desk.ask()
    assert failed.value.body["error"]["code"] == "upstream_error"  # type: ignore[index,call-overload] # the same
    with pytest.raises(anthropic.NotFoundError) as missing:
        desk.client.messages.batches.list()
    assert missing.value.body["type"] == "error"  # type: ignore[index,call-overload] # the same


def test_an_error_in_a_stream_is_raised(desk: Desk) -> None:
    parts = [
        *streamed(reply("one two"))[:4],
        b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n',
    ]
    desk.model.sends(parts, content_type=b"text/event-stream")
    with pytest.raises(anthropic.APIStatusError, match="broke off"), desk.stream() as stream:
        stream.get_final_message()


def test_a_rate_limit_says_when_to_come_back(door: Door) -> None:
    door.start(ANTHROPIC + "limits: {requests_per_minute: 1}\n").upstream.script.append([json.dumps(reply("x")).encode()])
    assert door.ask(ASKED, path="/v1/messages").status == 200
    answer = door.ask(ASKED, path="/v1/messages")
    assert (answer.status, json.loads(answer.body)["error"]["type"]) == (429, "rate_limit_error")
    assert int(answer.headers["retry-after"]) >= 1


def test_an_openai_upstream_is_refused_with_a_mend(open_door: Door) -> None:
    answer = open_door.ask(ASKED, path="/v1/messages")
    assert (answer.status, b"provider: anthropic" in answer.body) == (400, True)


def test_curl_may_use_either_header(desk: Desk) -> None:
    for header in ({"x-api-key": desk.bench.token}, {"authorization": f"Bearer {desk.bench.token}"}):
        desk.says(reply("x"))
        answer = httpx.post(f"{desk.bench.url}/v1/messages", json={"model": "claude-x", "max_tokens": 9, "messages": USER}, headers=header)
        assert answer.json()["content"][0]["text"] == "x"
