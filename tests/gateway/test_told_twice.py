"""What tells a text a second time, or carries one beside it, is looked at too: log probabilities, ids, reasons of an end."""

import json
from typing import Any

import pytest

from fairlead.testing import ScriptedModel

DONE = b"data: [DONE]\n\n"
PIECES = ("my card ", "4111 11", "11 1111", " 1111", ", bye")
SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"
chunk = ScriptedModel.chunk


def entry(token: str, *others: str) -> dict[str, Any]:
    rest = [{"token": other, "logprob": -2.0, "bytes": list(other.encode())} for other in others]
    return {"token": token, "logprob": -0.5, "bytes": list(token.encode()), "top_logprobs": rest}


def event(text: str, *entries: dict[str, Any], finish: str | None = None) -> bytes:
    delta = {"content": text} if text else {}
    choice = {"index": 0, "delta": delta, "logprobs": {"content": list(entries)} if entries else None, "finish_reason": finish}
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps(body).encode() + b"\n\n"


def told(body: bytes) -> str:
    """All that log probabilities tell in a stream, as text and as bytes."""
    texts: list[str] = []
    for line in body.split(b"\n\n"):
        if not line.startswith(b"data: {"):
            continue
        for choice in json.loads(line[6:])["choices"]:
            for one in (choice.get("logprobs") or {}).get("content") or ():
                texts += [one["token"], bytes(one["bytes"]).decode(), *(other["token"] for other in one["top_logprobs"])]
    return "".join(texts)


def test_log_probabilities_of_an_edited_stream_tell_nothing(open_door: Any) -> None:
    answer = open_door.stream([*(event(piece, entry(piece, "x")) for piece in PIECES), event("", finish="stop"), DONE])
    assert answer.text() == "my card [PAYMENT_CARD], bye"
    assert "11" not in told(answer.body)
    assert b"49, 49" not in answer.body
    assert b"49,49" not in answer.body


def test_log_probabilities_that_tell_another_text_than_the_stream_are_looked_at(open_door: Any) -> None:
    answer = open_door.stream([event("hello", *(entry("x", piece) for piece in PIECES)), event("", finish="stop"), DONE])
    assert "11" not in told(answer.body)


def test_log_probabilities_of_a_clean_stream_pass(open_door: Any) -> None:
    answer = open_door.stream([event("hel", entry("hel", "ho")), event("lo", entry("lo")), event("", finish="stop"), DONE])
    assert answer.text() == "hello"
    assert told(answer.body) == "helhelhololo"


@pytest.mark.parametrize("where", ["id", "type"])
def test_a_secret_beside_a_streamed_call_does_not_leave(open_door: Any, where: str) -> None:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "search_docs", "arguments": "{}"}} | {where: f"x {SECRET}"}
    answer = open_door.stream([chunk({"tool_calls": [call]}), chunk({}, finish="tool_calls"), DONE])
    assert SECRET.encode() not in answer.body


def test_a_secret_as_the_reason_of_an_end_does_not_leave(open_door: Any) -> None:
    answer = open_door.stream([chunk({"content": "hello"}), chunk({}, finish=f"x {SECRET}"), DONE])
    assert SECRET.encode() not in answer.body


def test_text_after_the_end_of_its_choice_does_not_leave_unseen(open_door: Any) -> None:
    answer = open_door.stream([chunk({"content": "hello"}), chunk({}, finish="stop"), chunk({"content": f" {SECRET}"}), DONE])
    assert SECRET.encode() not in answer.body
