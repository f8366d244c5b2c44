"""Server-sent events: bytes split anywhere give the same events."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import InvalidInput
from fairlead.wire import ChatCompletions, Chunk, Event, EventReader, Made, encode_event


def read(data: bytes) -> Chunk:
    return ChatCompletions().codec(Made("x_1", "m")).read(Event(data))


LINES = st.sampled_from(["data: a", "data: b", "data:c", "data: äöü😀", ": keep-alive", "event: delta", "id: 1", "data", ""])


@given(st.lists(LINES, max_size=12), st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(1, 5)))
def test_a_split_anywhere_changes_nothing(lines: list[str], newline: str, sizes: list[int]) -> None:
    data = "".join(line + newline for line in lines).encode()
    whole = EventReader()
    expected = whole.feed(data) + whole.close()
    reader, got, position = EventReader(), [], 0
    for size in sizes:
        got += reader.feed(data[position : position + size])
        position += size
    got += reader.feed(data[position:]) + reader.close()
    assert got == expected


def test_an_event_of_several_lines_is_joined() -> None:
    assert EventReader().feed(b"event: x\ndata: 1\ndata: 2\n\n") == [Event(b"1\n2", "x")]


def test_encoding_and_reading_are_inverse() -> None:
    assert EventReader().feed(encode_event(b'{"a":1}')) == [Event(b'{"a":1}')]


def chunk(**extra: object) -> bytes:
    base = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": {"content": "hi"}}]}
    return json.dumps(base | extra).encode()


@pytest.mark.parametrize(
    "extra",
    [
        {"odd": "a sentence here"},
        {"id": "a sentence here"},
        {"usage": {"x": "a sentence here"}},
        {"choices": [{"index": 0, "delta": {"content": "x", "odd": "a sentence here"}}]},
        {"choices": [{"index": 0, "delta": {}, "odd": "a sentence here"}]},
        {"choices": [{"index": 0, "delta": {}, "logprobs": {"content": [{"token": "x", "odd": "a sentence here"}]}}]},
    ],
)
def test_a_sentence_in_an_unknown_place_of_a_chunk_is_unknown(extra: dict[str, object]) -> None:
    assert "a sentence here" in {segment.text for segment in read(chunk(**extra)).unknown}


def test_a_plain_chunk_gives_its_delta_and_nothing_unknown() -> None:
    found = read(chunk())
    assert found.deltas[0].texts == (("content", "hi"),)
    assert found.unknown == ()


@pytest.mark.parametrize("data", [b"", b"nonsense", b"[]", b'{"choices": 1}', b'{"choices": [1]}'])
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        read(data)
