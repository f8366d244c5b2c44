"""Streams of Anthropic Messages: cut anywhere, broken anywhere, and the same as the whole answer (law 2)."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from gateway_bench import POLICY
from gateway_door import Answer, Door
from hypothesis import given, settings
from hypothesis import strategies as st
from messages_wire import JsonObject, call, events_of, left, put_together, reply, streamed, wire

CARD = "4111 1111 1111 1111"
SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"
ASKED = {"model": "claude-x", "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]}
ANTHROPIC = POLICY.replace("provider: openai", "provider: anthropic") + "  - {tool: web_search, allow: true}\n"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One door to an Anthropic upstream for all tests of the module."""
    with ExitStack() as stack:
        yield Door(stack, tmp_path_factory.mktemp("messages")).start(ANTHROPIC.replace("audit: strict", "audit: relaxed"))


def ask(desk: Door, pieces: list[bytes], **extra: Any) -> Answer:
    desk.upstream.script.clear()
    desk.upstream.script.append(pieces)
    return desk.ask({**ASKED, "stream": True, **extra}, path="/v1/messages")


def whole(desk: Door, message: JsonObject) -> JsonObject:
    desk.upstream.script.clear()
    desk.upstream.script.append([json.dumps(message).encode()])
    answer = desk.ask(ASKED, path="/v1/messages")
    assert answer.status == 200
    return json.loads(answer.body)  # type: ignore[no-any-return] # an object


def thinking(text: str) -> JsonObject:
    return {"type": "thinking", "thinking": text, "signature": "EqQBCgIYAhIk"}


def shown(message: JsonObject) -> list[tuple[str, str]]:
    """What a client shows of an answer: the kind of each block and what it says."""
    return [(block["type"], block.get("text", block.get("thinking", json.dumps(block.get("input"))))) for block in message["content"]]


RICH = reply(
    thinking(f"the card {CARD} é"),
    f"Zürich 😀 card {CARD}, mail bob.smith@example.org — fin",
    call("search_docs", {"q": 'a "b" \\ 😀 \n'}),
    call("wipe", {}, "toolu_2"),
    stop="tool_use",
)
RICH_SHOWN = [
    ("thinking", "the card [PAYMENT_CARD] é"),
    ("text", "Zürich 😀 card [PAYMENT_CARD], mail [EMAIL] — fin"),
    ("tool_use", json.dumps({"q": 'a "b" \\ 😀 \n'})),
    ("text", "This action was stopped by the policy (rule tools.unlisted): the policy lists no such tool."),
]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_stream_tells_what_the_whole_answer_does(desk: Door, size: int) -> None:
    expected = whole(desk, RICH)
    got = put_together(ask(desk, streamed(RICH, size)).body)
    assert shown(got)[:3] == shown(expected)[:3] == RICH_SHOWN[:3]
    assert shown(got)[3] == shown(expected)[3]
    assert "stopped by the policy" in shown(got)[3][1]
    assert got == {**expected, "usage": got["usage"]}


def test_a_stream_cut_at_any_byte_tells_the_same(desk: Door) -> None:
    message = reply(f"é😀 card {CARD}", call("search_docs", {"q": "é"}), stop="tool_use")
    data = b": keep-alive\n\n" + b"".join(streamed(message, 12)).replace(b"\n\n", b"\r\n\r\n", 4)
    expected = put_together(ask(desk, [data]).body)
    for place in range(0, len(data), 11):
        assert put_together(ask(desk, [data[:place], data[place:]]).body) == expected, place
    assert put_together(ask(desk, [bytes([byte]) for byte in data]).body) == expected


PIECES = st.lists(st.sampled_from([*"ab 4-@.é😀", CARD, "1111", "bob@example.org", SECRET[:7], SECRET, "\\u0041", '"\\']), max_size=8)
TEXTS = PIECES.map("".join)
BLOCKS = st.one_of(
    TEXTS.map(lambda text: {"type": "text", "text": text}),
    TEXTS.map(thinking),
    TEXTS.map(lambda text: call("search_docs", {"q": text})),
    TEXTS.map(lambda text: {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": text}}),
    TEXTS.map(lambda text: {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"title": text, "url": "x"}]}),
    TEXTS.map(lambda text: {"type": "text", "text": "as read", "citations": [{"type": "char_location", "cited_text": text}]}),
)


@settings(max_examples=50, deadline=None)
@given(blocks=st.lists(BLOCKS, max_size=4), size=st.integers(1, 9), cuts=st.lists(st.integers(0, 4000), max_size=12))
def test_any_cut_of_any_answer_gives_the_client_the_same(desk: Door, blocks: list[JsonObject], size: int, cuts: list[int]) -> None:
    message = reply(*blocks)
    data = b"".join(streamed(message, size))
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    once, cut = (
        ask(desk, pieces).body for pieces in ([b"".join(streamed(message, 1000))], [data[a:b] for a, b in itertools.pairwise(places)])
    )
    assert put_together(cut) == put_together(once)
    expected, got = whole(desk, message), put_together(cut)
    if expected["id"] == message["id"]:
        assert got["content"] == expected["content"]
    assert got["stop_reason"] == expected["stop_reason"]


def test_a_secret_ends_the_stream_after_the_clean_prefix(desk: Door) -> None:
    answer = ask(desk, streamed(reply("first", f"the key is {SECRET} and more", "last"), 1))
    message = put_together(answer.body)
    assert shown(message) == [("text", "first"), ("text", "the key is ")]
    assert message["stop_reason"] == "refusal"
    assert [event["type"] for event in left(answer.body)][-3:] == ["content_block_stop", "message_delta", "message_stop"]


def test_a_thought_that_was_edited_loses_its_signature(desk: Door) -> None:
    edited, kept = thinking(f"card {CARD}"), thinking("nothing to hide")
    message = put_together(ask(desk, streamed(reply(edited, kept, "x"))).body)
    assert message["content"][0] == {"type": "thinking", "thinking": "card [PAYMENT_CARD]", "signature": ""}
    assert message["content"][1] == kept
    assert whole(desk, reply(edited, kept, "x"))["content"] == message["content"]


def test_what_a_denied_tool_of_the_provider_gave_does_not_leave(desk: Door) -> None:
    used = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "bash_code_execution", "input": {"command": "ls"}}
    given_ = {"type": "bash_code_execution_tool_result", "tool_use_id": "srvtoolu_1", "content": {"stdout": "a file"}}
    other = {**given_, "tool_use_id": "srvtoolu_2"}
    message = reply(used, given_, other, "done")
    for got in (put_together(ask(desk, streamed(message)).body), whole(desk, message)):
        assert [block["type"] for block in got["content"]] == ["text", "bash_code_execution_tool_result", "text"]
        assert "stopped by the policy" in got["content"][0]["text"]
        assert got["content"][1] == other
        assert got["stop_reason"] == "refusal"


def test_what_can_t_be_cut_out_ends_the_answer(desk: Door) -> None:
    """A key can't be rewritten without changing what the object says."""
    given_ = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{f"card {CARD}": "x"}]}
    message = reply(given_, "done")
    got = put_together(ask(desk, streamed(message)).body)
    assert (shown(got), got["stop_reason"]) == ([("text", "done")], "refusal")
    assert whole(desk, message)["stop_reason"] == "refusal"


def test_a_tool_without_parameters_is_called_with_an_empty_object(desk: Door) -> None:
    events = events_of(reply(call("search_docs", {}), stop="tool_use"))
    bare = [event for event in events if event["type"] != "content_block_delta"]
    for sent in (events, bare):
        [block] = put_together(ask(desk, wire(sent)).body)["content"]
        assert block == call("search_docs", {})


def test_arguments_that_begin_with_their_block_are_judged(desk: Door) -> None:
    start = {"type": "content_block_start", "index": 0, "content_block": call("search_docs", {"q": SECRET})}
    events = events_of(reply(call("search_docs", {}), stop="tool_use"))
    with_start = [start if event["type"] == "content_block_start" else event for event in events]
    for sent in (with_start, [event for event in with_start if event["type"] != "content_block_delta"]):
        body = ask(desk, wire(sent)).body
        assert SECRET.encode() not in body
        assert "stopped by the policy" in put_together(body)["content"][0]["text"]


def test_blocks_that_run_side_by_side_are_guarded_apart(desk: Door) -> None:
    first, second = (events_of(reply(text), 1) for text in (f"one {CARD} end", "two is fine, it is"))
    second = [{**event, "index": 1} if "index" in event else event for event in second]
    mixed = [event for pair in itertools.zip_longest(first[2:-2], second[2:-2]) for event in pair if event is not None]
    message = put_together(ask(desk, wire([*first[:2], *mixed, *first[-2:]])).body)
    assert sorted(text for _, text in shown(message)) == ["one [PAYMENT_CARD] end", "two is fine, it is"]


def test_a_block_that_is_not_stopped_ends_with_its_message(desk: Door) -> None:
    message = reply("hello", call("search_docs", {"q": "x"}), stop="tool_use")
    events = [event for event in events_of(message) if event["type"] != "content_block_stop"]
    answer = ask(desk, wire(events))
    assert put_together(answer.body)["content"] == message["content"]
    assert sum(event["type"] == "content_block_stop" for event in left(answer.body)) == 2


def test_an_unknown_event_or_block_follows_the_policy(desk: Door, tmp_path: Any) -> None:
    events = events_of(reply("hello", {"type": "hologram", "light": "some text"}, "bye"))
    odd = [*events[:3], {"type": "brand_new", "note": "some text"}, *events[3:]]
    for sent in (events, odd):
        assert put_together(ask(desk, wire(sent)).body)["stop_reason"] == "refusal"
    with ExitStack() as stack:
        lenient = Door(stack, tmp_path).start(ANTHROPIC.replace("unknown: block", "unknown: allow"))
        for sent in (events, odd):
            answer = ask(lenient, wire(sent))
            assert shown(put_together(answer.body)) == [("text", "hello"), ("text", "bye")]
            assert b"some text" not in answer.body
        skipped = {entry.path for found in lenient.decisions() for entry in found.coverage if entry.status == "skipped"}
        assert skipped == {"/content_block/type", "/content_block/light", "/type", "/note"}


GARBAGE = [
    b"data: {\n\n",
    b"data: []\n\n",
    b'data: {"index": 0}\n\n',
    b'data: {"type": ["text"]}\n\n',
    b'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "the model said hello"}}\n\n',
    *wire([{"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "x"}}]),
    *wire([{"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "x"}}]),
    *wire([{"type": "content_block_start", "index": True, "content_block": {"type": "text", "text": "x"}}]),
    *wire([{"type": "content_block_start", "index": -1, "content_block": {"type": "text", "text": "x"}}]),
    *wire([{"type": "content_block_start", "index": 1.0, "content_block": {"type": "text", "text": "x"}}]),
    *wire([{"type": "content_block_start", "index": 5, "content_block": "text"}]),
    *wire([{"type": "content_block_stop", "index": 9}]),
    *wire([{"type": "message_stop"}]),
    *wire(events_of(reply())[:1]),
    b"data: \xc3\n\n",
]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_ends_a_stream_with_an_error_and_keeps_what_was_good(desk: Door, garbage: bytes) -> None:
    before = wire([event for event in events_of(reply("one two "))[:-2] if event["type"] != "content_block_stop"])
    for pieces in ([*before, garbage], [b"".join(before) + garbage], [bytes([byte]) for byte in b"".join(before) + garbage]):
        answer = ask(desk, pieces)
        events = left(answer.body)
        assert "".join(event["delta"]["text"] for event in events if event["type"] == "content_block_delta") == "one two "
        assert events[-1] == {
            "type": "error",
            "error": {"type": "api_error", "message": "the model's server broke off or sent garbage", "code": "upstream_unavailable"},
        }


def test_a_stream_that_broke_off_is_recorded_so(door: Door) -> None:
    door.start(ANTHROPIC)
    answer = ask(door, streamed(reply("one two"))[:4])
    states = [(found.stage, found.state) for found in door.decisions(answer.headers["x-fairlead-exchange"])]
    assert states == [("input", "final"), ("output", "open"), ("output", "interrupted")]


def test_a_stream_that_ends_early_is_no_answer(desk: Door) -> None:
    events = streamed(reply("one two", call("search_docs", {"q": "x"})))
    for place in range(len(events)):
        answer = ask(desk, events[:place])
        assert left(answer.body)[-1]["type"] == "error", place
        assert b"message_stop" not in answer.body


def test_a_count_of_tokens_is_guarded_at_input(desk: Door) -> None:
    desk.upstream.script.append([b'{"input_tokens": 9}'])
    assert json.loads(desk.ask({**ASKED, "stream": True}, path="/v1/messages/count_tokens").body) == {"input_tokens": 9}
    answer = desk.ask({**ASKED, "system": f"the key {SECRET}"}, path="/v1/messages/count_tokens")
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (400, "content_filter")


STARTS: dict[str, JsonObject] = {
    "text": {"type": "text", "text": ""},
    "thinking": {"type": "thinking", "thinking": "", "signature": ""},
    "tool_use": call("search_docs", {}),
    "server_tool_use": {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
    "redacted_thinking": {"type": "redacted_thinking", "data": ""},
    "web_search_tool_result": {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []},
    "hologram": {"type": "hologram"},
}
FIELDS = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
    "citations_delta": "citation",
    "odd_delta": "odd",
}
SHAPES: tuple[Callable[[str], Any], ...] = (str, lambda text: [text], lambda text: {"cited_text": text})


@pytest.mark.slow
@pytest.mark.parametrize("kind", STARTS)
@pytest.mark.parametrize("unknown", ["block", "scan"])
def test_no_delta_of_any_block_lets_a_secret_through_wherever_it_is_cut(tmp_path: Any, kind: str, unknown: str) -> None:
    head, *_, ending, stop = events_of(reply())
    start = {"type": "content_block_start", "index": 0, "content_block": STARTS[kind]}
    with ExitStack() as stack:
        policy = ANTHROPIC.replace("audit: strict", "audit: relaxed").replace("unknown: block", f"unknown: {unknown}")
        here = Door(stack, tmp_path).start(policy)
        for (type_, field), cut, shape in itertools.product(FIELDS.items(), range(len(SECRET) + 1), SHAPES):
            pieces = [shape(f"x {SECRET[:cut]}"), shape(f"{SECRET[cut:]} y")]
            deltas = [{"type": "content_block_delta", "index": 0, "delta": {"type": type_, field: piece}} for piece in pieces]
            body = ask(here, wire([head, start, *deltas, {"type": "content_block_stop", "index": 0}, ending, stop])).body
            told = "".join(text for event in left(body) for text in event.get("delta", {}).values() if isinstance(text, str))
            assert SECRET not in told.replace(type_, "").replace("text_delta", ""), (type_, cut)
            assert SECRET.encode() not in body, (type_, cut)
