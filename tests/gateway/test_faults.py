"""Faults: nothing fails open, nothing leaks into an error, every end is recorded."""

import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from gateway_bench import POLICY

ANSWER = '{"choices": [{"index": 0, "message": {"role": "assistant", "content": "x", "annotations": DEEP}, "finish_reason": "stop"}]}'
SENTENCE = "the quarterly figures are secret"


def post(bench: Any, **extra: Any) -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": SENTENCE}], **extra}
    return httpx.post(f"{bench.url}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {bench.token}"}, timeout=20)


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
def test_an_upstream_error_is_told_by_its_status_and_not_by_its_text(bench: Any, status: int) -> None:
    bench.start().model.sends([f'{{"error": "{SENTENCE}"}}'.encode()], status=status)
    answer = post(bench)
    assert answer.status_code in (400, 429, 502)
    assert SENTENCE not in answer.text
    assert answer.headers["x-fairlead-exchange"].startswith("x_")
    assert [decision.stage for decision in bench.decisions()] == ["input"]


@pytest.mark.parametrize("garbage", [b"", b"<html>", b'{"choices": 1}', b"[]", b"\xff\xfe"])
def test_garbage_from_the_upstream_is_its_fault(bench: Any, garbage: bytes) -> None:
    bench.start().model.sends([garbage])
    assert post(bench).status_code == 502


@pytest.mark.parametrize("parts", [[b"data: nonsense\n\n"], [b'data: {"choices": 1}\n\n']])
def test_garbage_in_a_stream_ends_it_without_an_end_marker_and_reads_interrupted(bench: Any, parts: Sequence[bytes]) -> None:
    bench.start().model.sends(parts, content_type=b"text/event-stream")
    answer = post(bench, stream=True)
    assert "[DONE]" not in answer.text
    assert bench.decisions()[-1].state == "interrupted"


def test_a_stream_that_forgets_its_end_marker_is_ended_and_nothing_held_is_lost(bench: Any) -> None:
    bench.start().model.streams("write to bob", done=False)
    answer = post(bench, stream=True)
    assert "bob" in answer.text
    assert answer.text.rstrip().endswith("[DONE]")


def test_an_upstream_that_is_not_there_gives_502_and_the_request_is_recorded(bench: Any) -> None:
    bench.upstream = "http://127.0.0.1:9"
    bench.start()
    assert post(bench).status_code == 502
    assert [decision.stage for decision in bench.decisions()] == ["input"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"messages": []}', b"\xff", b"[" * 100_000])
def test_a_bad_request_is_refused_with_the_api_s_error_shape(bench: Any, body: bytes) -> None:
    bench.start()
    answer = httpx.post(f"{bench.url}/v1/chat/completions", content=body, headers={"authorization": f"Bearer {bench.token}"})
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("depth", [300, 900, 950, 980, 1000, 5000])
def test_no_depth_of_nesting_breaks_the_gateway(door: Any, depth: int) -> None:
    door.start()
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
    for left, right in (('{"a":', "}"), ("[", "]")):
        deep = left * depth + '"x"' + right * depth
        request = json.dumps({**body, "metadata": "DEEP"}).replace('"DEEP"', deep).encode()
        check = ('{"stage": "tool_call", "tool_call": {"name": "search_docs", "arguments": ' + deep + "}}").encode()
        door.upstream.script.append([ANSWER.replace("DEEP", deep).encode()])
        assert door.ask(body).status in (200, 502)
        door.upstream.script.append([ANSWER.replace("DEEP", '"x"').encode()])
        assert door.ask(None, raw=request).status in (200, 400)
        door.upstream.script.clear()
        assert door.ask(None, raw=check, path="/v1/guard/check").status in (200, 400)


def test_a_rate_limit_says_when_to_come_back(bench: Any) -> None:
    bench.start(POLICY + "limits: {requests_per_minute: 1}\n").model.says("ok")
    assert post(bench).status_code == 200
    answer = post(bench)
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert bench.decisions()[-1].rule == "limit:requests_per_minute"


def test_no_prompt_is_found_in_the_journal_by_default(bench: Any) -> None:
    bench.start().model.says(SENTENCE)
    post(bench)
    assert SENTENCE.encode() not in bench.journal_bytes()
