"""The official openai client through the gateway: plain, streaming, tools."""

from collections.abc import Callable
from typing import Any

import openai
import pytest

CARD = "4111 1111 1111 1111"
SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"
USER = [{"role": "user", "content": "hello"}]


def ask(bench: Any, content: str = "hello", **extra: Any) -> Any:
    return bench.client().chat.completions.create(model="m", messages=[{"role": "user", "content": content}], **extra)


def test_a_clean_exchange_passes_and_names_itself(bench: Any) -> None:
    bench.start().model.says("good day")
    raw = bench.client().chat.completions.with_raw_response.create(model="m", messages=USER)
    assert raw.parse().choices[0].message.content == "good day"
    assert raw.headers["x-fairlead-exchange"].startswith("x_")
    assert raw.headers["x-fairlead-release"].startswith("sha256:")
    decisions = [decision for decision in bench.decisions() if decision.exchange == raw.headers["x-fairlead-exchange"]]
    assert [decision.stage for decision in decisions] == ["input", "output"]
    assert all(entry.status == "ran" for decision in decisions for entry in decision.coverage)


def test_a_card_in_the_answer_is_redacted(bench: Any) -> None:
    bench.start().model.says(f"your card is {CARD}, thanks")
    assert ask(bench).choices[0].message.content == "your card is [PAYMENT_CARD], thanks"


def test_every_choice_is_guarded(bench: Any) -> None:
    bench.start().model.says("fine", f"card {CARD}")
    assert [choice.message.content for choice in ask(bench, n=2).choices] == ["fine", "card [PAYMENT_CARD]"]


def test_a_secret_in_the_request_never_reaches_the_model(bench: Any) -> None:
    bench.start()
    with pytest.raises(openai.BadRequestError) as error:
        ask(bench, f"my key is {SECRET}")
    assert error.value.code == "content_filter"
    assert bench.model.requests == []
    assert SECRET.encode() not in bench.journal_bytes()


def test_a_secret_in_the_answer_ends_it(bench: Any) -> None:
    bench.start().model.says(f"the key is {SECRET}")
    choice = ask(bench).choices[0]
    assert choice.finish_reason == "content_filter"
    assert SECRET not in (choice.message.content or "")


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_a_stream_is_redacted_however_it_is_split(bench: Any, size: int) -> None:
    text = f"Hello, your card {CARD} and mail bob.smith@example.org. Bye"
    bench.start().model.streams(*(text[i : i + size] for i in range(0, len(text), size)))
    pieces = [chunk.choices[0].delta.content or "" for chunk in ask(bench, stream=True) if chunk.choices]
    assert "".join(pieces) == "Hello, your card [PAYMENT_CARD] and mail [EMAIL]. Bye"


def test_a_secret_in_a_stream_ends_it_after_the_clean_prefix(bench: Any) -> None:
    text = f"The key is {SECRET} and more"
    bench.start().model.streams(*text)
    chunks = list(ask(bench, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "The key is "
    assert chunks[-1].choices[0].finish_reason == "content_filter"


def test_a_stream_has_an_opening_and_a_final_record(bench: Any) -> None:
    bench.start().model.streams("a ", "b")
    list(ask(bench, stream=True))
    assert [(decision.stage, decision.state) for decision in bench.decisions()] == [
        ("input", "final"),
        ("output", "open"),
        ("output", "final"),
    ]


def test_an_allowed_tool_call_passes_and_a_forbidden_one_is_taken_out(bench: Any, call: Callable[..., dict[str, Any]]) -> None:
    bench.start().model.says("", tool_calls=[call("search_docs", {"q": "refund"}), call("delete_all", {}, "call_2")])
    choice = ask(bench).choices[0]
    assert [made.function.name for made in choice.message.tool_calls] == ["search_docs"]
    assert "stopped by the policy" in choice.message.content


def test_a_tool_call_that_needs_approval_is_replaced_by_its_id(bench: Any, call: Callable[..., dict[str, Any]]) -> None:
    bench.start().model.says("", tool_calls=[call("send_email", {"to": "eve@evil.example", "body": "x"})])
    choice = ask(bench).choices[0]
    assert choice.message.tool_calls is None
    assert "apr_" in choice.message.content


def test_tool_calls_in_a_stream_leave_whole_or_not_at_all(bench: Any, call: Callable[..., dict[str, Any]]) -> None:
    model = bench.start().model
    first = call("search_docs", "")
    model.sends(
        [
            model.chunk({"role": "assistant", "tool_calls": [{"index": 0, **first}]}),
            model.chunk({"tool_calls": [{"index": 0, "function": {"arguments": '{"q": '}}]}),
            model.chunk({"tool_calls": [{"index": 0, "function": {"arguments": '"x"}'}}]}),
            model.chunk({"tool_calls": [{"index": 1, **call("wipe", "{}", "call_2")}]}),
            model.chunk({}, finish="tool_calls"),
            b"data: [DONE]\n\n",
        ],
        content_type=b"text/event-stream",
    )
    chunks = list(ask(bench, stream=True))
    calls = [made for chunk in chunks for made in chunk.choices[0].delta.tool_calls or []]
    assert [(made.function.name, made.function.arguments) for made in calls] == [("search_docs", '{"q": "x"}')]
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_a_key_that_is_not_known_is_refused(bench: Any) -> None:
    bench.start()
    with pytest.raises(openai.AuthenticationError):
        bench.client("fl_nobody_nothing").chat.completions.create(model="m", messages=USER)
    assert bench.model.requests == []


def test_what_is_not_guarded_is_refused_with_the_reason(bench: Any) -> None:
    with bench.start().client() as client:
        with pytest.raises(openai.NotFoundError, match="send each of their lines") as caught:
            client.batches.create(completion_window="24h", endpoint="/v1/chat/completions", input_file_id="file-1")
        assert caught.value.code == "not_guarded"
        with pytest.raises(openai.NotFoundError, match="files are not guarded"):
            client.files.create(file=b"{}", purpose="batch")
        with pytest.raises(openai.NotFoundError, match="files are not guarded"):
            client.files.content("file-1")
    assert bench.model.asked == []
