"""Streams as servers really send them: split anywhere, interleaved, with escapes, comments and clients that leave."""

import itertools
import json
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest
from gateway_bench import POLICY
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fairlead.core import Decision
from fairlead.testing import PacedModel, ScriptedModel, serving
from fairlead.testing.paced import Gate

CARD = "4111 1111 1111 1111"
SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"
DONE = b"data: [DONE]\n\n"
chunk = ScriptedModel.chunk


def said(*texts: str, choice: int = 0, channel: str = "content") -> bytes:
    """A whole stream of one choice."""
    return b"".join([*(chunk({channel: text}, choice) for text in texts), chunk({}, choice, "stop"), DONE])


RICH = (
    b": keep-alive\n\n"
    + chunk({"role": "assistant", "content": ""})
    + chunk({"content": "Zürich 😀 "})
    + b": ping\r\n\r\n"
    + chunk({"content": "card 4111 1111"})
    + chunk({"content": " 1111 1111, mail bob.sm"}).replace(b"\n\n", b"\r\n\r\n")
    + chunk({"content": "ith@example.org — fin"})
    + chunk({}, finish="stop")
    + DONE
)
RICH_TEXT = "Zürich 😀 card [PAYMENT_CARD], mail [EMAIL] — fin"


def test_a_stream_split_at_any_byte_gives_the_same_text(quick_door: Any) -> None:
    for place in range(len(RICH) + 1):
        answer = quick_door.stream([piece for piece in (RICH[:place], RICH[place:]) if piece])
        assert answer.text() == RICH_TEXT, place
        assert answer.body.endswith(DONE), place


def test_a_stream_of_single_bytes_gives_the_same_text(quick_door: Any) -> None:
    assert quick_door.stream([bytes([byte]) for byte in RICH]).text() == RICH_TEXT


TEXTS = st.lists(st.sampled_from([*"ab 4-@.é😀", CARD, "1111", "bob@example.org", SECRET[:7], SECRET, "\\u0041", '"\\']), max_size=12)


@settings(max_examples=150)
@given(texts=TEXTS, cuts=st.lists(st.integers(0, 4000), max_size=12), ends=st.sampled_from([b"\n\n", b"\r\n\r\n", b"\r\r"]))
@example(texts=["😀"], cuts=list(range(200)), ends=b"\r\r")
def test_any_split_of_an_upstreams_bytes_gives_the_client_the_same_text(
    quick_door: Any, texts: list[str], cuts: list[int], ends: bytes
) -> None:
    wire = said(*texts).replace(b"\n\n", ends)
    places = sorted({0, len(wire), *(cut for cut in cuts if cut < len(wire))})
    whole, split = quick_door.stream([wire]), quick_door.stream([wire[a:b] for a, b in itertools.pairwise(places)])
    assert (split.text(), split.finishes()) == (whole.text(), whole.finishes())
    # Neither does it matter where the model put its chunks.
    one = quick_door.stream([said("".join(texts))])
    assert (one.text(), one.finishes()) == (whole.text(), whole.finishes())


@pytest.mark.parametrize("texts", [["my card ", CARD], ["mail a@b.example.org"], [f"key {SECRET} end"], ["plain"]])
def test_every_split_of_a_stream_releases_what_the_whole_text_gives(open_door: Any, texts: list[str]) -> None:
    joined = "".join(texts)
    body = {"choices": [{"index": 0, "message": {"role": "assistant", "content": joined}, "finish_reason": "stop"}]}
    message = json.loads(open_door.whole(body).body)["choices"][0]
    streamed = open_door.stream([said(*joined)])
    assert streamed.finishes() == {0: message["finish_reason"]}
    expected = joined.partition(SECRET)[0] if SECRET in joined else message["message"]["content"]
    assert streamed.text() == expected


def test_interleaved_choices_are_guarded_apart(open_door: Any) -> None:
    first, second = f"one {CARD} end", f"two {SECRET} end"
    parts = [
        chunk({"content": piece}, index) for pair in zip(first, second.ljust(len(first)), strict=False) for index, piece in enumerate(pair)
    ]
    answer = open_door.stream([*parts, chunk({}, 0, "stop"), chunk({}, 1, "stop"), DONE], n=2)
    assert answer.text(0) == "one [PAYMENT_CARD] end"
    assert answer.text(1) == "two "
    assert answer.finishes() == {0: "stop", 1: "content_filter"}


def test_a_match_does_not_reach_from_one_choice_into_another(open_door: Any) -> None:
    parts = [chunk({"content": CARD[:10]}, 0), chunk({"content": CARD[10:]}, 1), chunk({}, 0, "stop"), chunk({}, 1, "stop"), DONE]
    answer = open_door.stream(parts, n=2)
    assert (answer.text(0), answer.text(1)) == (CARD[:10], CARD[10:])


@pytest.mark.parametrize("channel", ["reasoning_content", "reasoning", "refusal"])
def test_every_channel_is_guarded_on_its_own(open_door: Any, channel: str) -> None:
    parts = [chunk({channel: CARD[:8]}), chunk({"content": "fine "}), chunk({channel: f"{CARD[8:]} thought"}), chunk({"content": "day"})]
    answer = open_door.stream([*parts, chunk({}, finish="stop"), DONE])
    assert answer.text(channel=channel) == "[PAYMENT_CARD] thought"
    assert answer.text() == "fine day"


def test_a_secret_in_the_reasoning_ends_the_choice(open_door: Any) -> None:
    parts = [chunk({"reasoning_content": f"use {SECRET} now"}), chunk({"content": "here you are"}), chunk({}, finish="stop"), DONE]
    answer = open_door.stream(parts)
    assert answer.finishes() == {0: "content_filter"}
    assert answer.text(channel="reasoning_content") == "use "
    assert answer.text() == ""


def test_the_usage_that_follows_the_last_choice_arrives(open_door: Any) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    last = (
        b"data: "
        + json.dumps({"id": "r", "object": "chat.completion.chunk", "model": "m", "choices": [], "usage": usage}).encode()
        + b"\n\n"
    )
    answer = open_door.stream([chunk({"content": "x"}), chunk({}, finish="stop"), last, DONE])
    assert answer.chunks[-1]["usage"] == usage
    assert answer.body.endswith(DONE)


def calls(*argument_pieces: str) -> list[bytes]:
    head = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "search_docs", "arguments": ""}}
    deltas = [{"index": 0, "function": {"arguments": piece}} for piece in argument_pieces]
    return [chunk({"tool_calls": [made]}) for made in (head, *deltas)] + [chunk({}, finish="tool_calls"), DONE]


def made_calls(answer: Any) -> list[Any]:
    return [made for one in answer.chunks for choice in one["choices"] for made in choice["delta"].get("tool_calls", [])]


def test_arguments_with_escapes_arrive_whole_however_they_were_cut(quick_door: Any) -> None:
    arguments = json.dumps({"q": 'a "quoted" \\ line\n😀 é'})
    for place in range(len(arguments)):
        [made] = made_calls(quick_door.stream(calls(arguments[:place], arguments[place:])))
        assert made["function"] == {"name": "search_docs", "arguments": arguments}


ESCAPED = ["".join(f"\\u{ord(letter):04x}" for letter in SECRET), SECRET.replace("A", "\\u0041"), f"\\u0041{SECRET[1:]}"]


@pytest.mark.parametrize("hidden", ESCAPED)
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_secret_that_escapes_hide_is_found_in_a_call(open_door: Any, hidden: str, size: int) -> None:
    arguments = f'{{"q": "{hidden}"}}'
    assert json.loads(arguments) == {"q": SECRET}
    answer = open_door.stream(calls(*(arguments[i : i + size] for i in range(0, len(arguments), size))))
    assert made_calls(answer) == []
    assert hidden.encode() not in answer.body
    assert "stopped by the policy" in answer.text()


def test_an_escape_inside_a_match_hides_nothing(open_door: Any) -> None:
    """A slash may be written with a backslash in JSON: what the tool reads is what is looked at."""
    hook = "hooks.slack.com/services/" + "T0000000/B0000000/" + "x" * 24
    answer = open_door.stream(calls('{"q": "', hook.replace("/", "\\/"), ' "}'))
    assert made_calls(answer) == []


def test_an_old_style_function_call_is_unknown_in_a_stream_and_not_dropped_in_silence(open_door: Any) -> None:
    answer = open_door.stream([chunk({"function_call": {"name": "f", "arguments": "{}"}}), chunk({}, finish="function_call"), DONE])
    assert answer.finishes() == {0: "content_filter"}


@pytest.mark.parametrize("delta", [{"content": [{"type": "text", "text": "x"}]}, {"tool_calls": {"0": "x"}}, "text"])
def test_a_delta_of_an_unknown_shape_follows_the_rule_for_unknowns(open_door: Any, delta: Any) -> None:
    answer = open_door.stream([chunk(delta), chunk({}, finish="stop"), DONE])
    assert answer.finishes() == {0: "content_filter"}


def records(found: Sequence[Decision]) -> list[tuple[str, str, str, str]]:
    last = {decision.id: decision for decision in found}
    return [(decision.stage, decision.action, decision.rule, decision.state) for decision in last.values()]


def test_a_stream_that_was_stopped_over_an_unknown_field_says_so_in_its_records(open_door: Any) -> None:
    answer = open_door.stream([chunk({"content": "x"}), chunk({"new": "some text"}), DONE])
    found = records(open_door.decisions(answer.headers["x-fairlead-exchange"]))
    assert ("output", "block", "unknown", "final") in found


def test_an_unknown_field_that_the_policy_allows_is_counted_as_skipped_in_a_stream_and_does_not_leave(door: Any) -> None:
    door.start(POLICY.replace("unknown: block", "unknown: allow"))
    answer = door.stream([chunk({"content": "x"}, new="first"), chunk({}, finish="stop", new="second"), DONE])
    assert answer.text() == "x"
    assert b"first" not in answer.body
    skipped = [entry for decision in door.decisions() for entry in decision.coverage if entry.status == "skipped"]
    assert [(entry.path, entry.chars) for entry in skipped] == [("/new", 11)]


@pytest.mark.parametrize("silent", [True, False])
def test_a_client_that_leaves_ends_the_upstream_and_is_recorded(bench: Any, silent: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Also while the model is silent: nobody would read what it is about to say."""
    model, gate = PacedModel(), Gate()
    steps: list[bytes | Gate] = [chunk({"content": "first "})]
    steps += [gate] if silent else [step for _ in range(5000) for step in (chunk({"content": "word " * 50}),)]
    model.streams(*steps, gate)
    with serving(model) as upstream:
        bench.upstream = upstream
        bench.start()
        headers = {"authorization": f"Bearer {bench.token}"}
        body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "stream": True}
        with httpx.stream("POST", f"{bench.url}/v1/chat/completions", json=body, headers=headers, timeout=20) as answer:
            next(answer.iter_bytes())
        model.left.result(timeout=10)
    bench.stop()
    assert bench.decisions()[-1].state == "interrupted"


def test_an_end_before_its_time_is_told_and_not_taken_for_the_end(open_door: Any) -> None:
    answer = open_door.stream([chunk({"content": "x"}), b'data: {"error": {"message": "overloaded"}}\n\n'])
    assert DONE not in answer.body
    assert b"upstream_unavailable" in answer.body
    assert open_door.decisions(answer.headers["x-fairlead-exchange"])[-1].state == "interrupted"


@pytest.mark.parametrize("garbage", [b"data: {\n\n", b'data: {"error": "overloaded"}\n\n', b"data: []\n\n"])
def test_what_came_before_garbage_is_released_however_it_was_split(open_door: Any, garbage: bytes) -> None:
    wire = chunk({"content": "one "}) + chunk({"content": "two "}) + garbage
    for pieces in ([wire], [bytes([byte]) for byte in wire]):
        answer = open_door.stream(pieces)
        assert "".join(found["choices"][0]["delta"]["content"] for found in answer.chunks if "choices" in found) == "one two "
        assert answer.chunks[-1]["error"]["code"] == "upstream_unavailable"


@pytest.mark.parametrize("answer", [b'{"error": {"message": "no streams here"}}', b"", b": only a comment\n\n"])
def test_an_upstream_that_does_not_stream_is_told_and_not_taken_for_an_empty_answer(open_door: Any, answer: bytes) -> None:
    told = open_door.stream([answer])
    assert b"upstream_unavailable" in told.body
    assert DONE not in told.body


def test_what_a_stream_holds_at_its_end_is_released(open_door: Any, call: Callable[..., Any]) -> None:  # noqa: ARG001 - one fixture for all
    answer = open_door.stream([chunk({"content": "AKIA"}), chunk({"content": "IOS"}), chunk({}, finish="length"), DONE])
    assert answer.text() == "AKIAIOS"
    assert answer.finishes() == {0: "length"}
