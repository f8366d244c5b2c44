"""Law 1: no text-bearing field reaches its destination without a Decision that names what ran on it."""

import json
from typing import Any

import httpx
import pytest
from gateway_bench import POLICY

CANARY = "AKIA" + "IOSFODNN7EXAMPLQ"
"""A secret: the policy blocks it wherever it is seen, so a field that passes it was not seen."""


def post(bench: Any, body: dict[str, Any]) -> httpx.Response:
    return httpx.post(f"{bench.url}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {bench.token}"}, timeout=20)


def request(**extra: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "hello"}], **extra}


REQUESTS = [
    request(messages=[{"role": "system", "content": CANARY}]),
    request(messages=[{"role": "developer", "content": CANARY}]),
    request(messages=[{"role": "user", "content": CANARY}]),
    request(messages=[{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": CANARY}]}]),
    request(messages=[{"role": "user", "content": "x", "name": f"{CANARY} x"}]),
    request(messages=[{"role": "assistant", "content": None, "refusal": CANARY}]),
    request(messages=[{"role": "assistant", "reasoning_content": CANARY}]),
    request(messages=[{"role": "user", "content": "x"}, {"role": "user", "content": "y", "new": {"deep": [CANARY]}}]),
    request(new_field=CANARY),
    request(metadata={"a": f"the key {CANARY}"}),
    request(stop=[f"the key {CANARY}"]),
    request(user=f"the key {CANARY}"),
]


@pytest.mark.parametrize("body", REQUESTS)
@pytest.mark.parametrize("unknown", ["block", "scan"])
def test_a_canary_in_any_field_of_a_request_stays_here(bench: Any, body: dict[str, Any], unknown: str) -> None:
    bench.start(POLICY.replace("unknown: block", f"unknown: {unknown}"))
    answer = post(bench, body)
    assert answer.status_code == 400
    assert bench.model.requests == []
    assert CANARY not in answer.text


def test_an_unknown_field_that_the_policy_allows_is_counted_as_skipped(bench: Any) -> None:
    bench.start(POLICY.replace("unknown: block", "unknown: allow")).model.says("ok")
    assert post(bench, request(new_field="something new")).status_code == 200
    skipped = [entry for decision in bench.decisions() for entry in decision.coverage if entry.status == "skipped"]
    assert [(entry.path, entry.detectors) for entry in skipped] == [("/new_field", ())]


def response(**message: Any) -> dict[str, Any]:
    return {
        "id": "r",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }


RESPONSES = [
    response(role="assistant", content=CANARY),
    response(role="assistant", content=None, refusal=CANARY),
    response(role="assistant", content="x", reasoning_content=CANARY),
    response(role="assistant", content="x", reasoning=CANARY),
    response(role="assistant", content="x", annotations=[{"url_citation": {"title": CANARY}}]),
    response(
        role="assistant", content="x", tool_calls=[{"id": "c", "function": {"name": "search_docs", "arguments": json.dumps({"q": CANARY})}}]
    ),
    response(role="assistant", content="x", function_call={"name": "search_docs", "arguments": json.dumps({"q": CANARY})}),
    response(role="assistant", content="x", tool_calls=[{"id": "c", "custom": {"name": "search_docs", "input": CANARY}}]),
    response(role="assistant", content="x", tool_calls=[{"id": "c", "strange": {"input": f"the {CANARY}"}}]),
    response(role="assistant", content="x", audio={"transcript": CANARY}),
    response(role="assistant", content="x", new=f"the {CANARY}"),
    response(role="assistant", content="x") | {"new": f"the {CANARY}"},
    response(role="assistant", content="x") | {"system_fingerprint": f"the {CANARY}"},
    {"choices": [response(content="x")["choices"][0], {"index": 1, "message": {"content": CANARY}, "finish_reason": "stop"}]},
]


@pytest.mark.parametrize("body", RESPONSES)
def test_a_canary_in_any_field_of_a_response_stays_here(bench: Any, body: dict[str, Any]) -> None:
    bench.start().model.sends([json.dumps(body).encode()])
    assert CANARY not in post(bench, request()).text


DELTAS = [
    {"content": CANARY},
    {"refusal": CANARY},
    {"reasoning_content": CANARY},
    {"new": f"the {CANARY}"},
    {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "search_docs", "arguments": json.dumps({"q": CANARY})}}]},
    {"tool_calls": [{"index": 0, "id": "c", "custom": {"name": "search_docs", "input": CANARY}}]},
    {"function_call": {"name": "search_docs", "arguments": CANARY}},
]


@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("choice", [0, 1])
def test_a_canary_in_any_field_of_a_stream_stays_here(bench: Any, delta: dict[str, Any], choice: int) -> None:
    model = bench.start().model
    model.sends([model.chunk(delta, choice), model.chunk({}, choice, "stop"), b"data: [DONE]\n\n"], content_type=b"text/event-stream")
    assert CANARY not in post(bench, request(stream=True)).text


@pytest.mark.parametrize("field", ["new", "system_fingerprint", "service_tier", "usage"])
def test_a_canary_beside_the_choices_of_a_stream_stays_here(bench: Any, field: str) -> None:
    model = bench.start().model
    value: Any = {"x": f"the {CANARY}"} if field == "usage" else f"the {CANARY}"
    model.sends([model.chunk({"content": "x"}, **{field: value}), b"data: [DONE]\n\n"], content_type=b"text/event-stream")
    assert CANARY not in post(bench, request(stream=True)).text


def test_every_segment_of_an_exchange_has_coverage_that_names_its_detectors(bench: Any) -> None:
    bench.start().model.says("one", "two")
    messages = [{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello"}]
    assert post(bench, request(messages=messages, n=2)).status_code == 200
    covered = {(decision.stage, entry.path): entry for decision in bench.decisions() for entry in decision.coverage}
    for place in (("input", "/messages/0/content"), ("input", "/messages/1/content"), ("output", "/choices/0/message/content")):
        assert covered[place].status == "ran"
        assert covered[place].detectors
    assert ("output", "/choices/1/message/content") in covered
