"""The decision API: what it takes beside one text. That it decides as the other doors do is shown in ``tests/sdk``."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from gateway_bench import POLICY
from gateway_door import Door

CARD, SECRET = "4111 1111 1111 1111", "AKIA" + "IOSFODNN7EXAMPLQ"
SOURCE = "The council approved the budget of 1,200 euros on 5 March 2024. It did not raise taxes."
WRONG = "The council approved the budget of 1,200 euros [4]."
RULES = POLICY.replace("rules:\n", "rules:\n  - {id: grounded, at: output, hazard: ungrounded, threshold: 0.6, do: flag}\n")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with ExitStack() as stack:
        yield Door(stack, tmp_path_factory.mktemp("door")).start(RULES)


def ask(door: Door, status: int = 200, **body: Any) -> dict[str, Any]:
    answer = door.ask(body, path="/v1/guard/check")
    assert answer.status == status, answer.body
    found: dict[str, Any] = json.loads(answer.body)
    return found


def test_a_batch_is_as_many_exchanges_in_its_order(served: Door) -> None:
    texts = [f"card {CARD}", "hello", SECRET]
    results = ask(served, batch=[{"stage": "output", "text": text} for text in texts])["results"]
    assert [one["decision"]["action"] for one in results] == ["redact", "allow", "block"]
    assert results[0]["texts"] == {"/text": "card [PAYMENT_CARD]"}
    assert len({one["decision"]["exchange"] for one in results}) == 3
    for one in results:
        assert [kept.id for kept in served.decisions(one["decision"]["exchange"])] == [one["decision"]["id"]]


def test_an_answer_is_compared_with_its_sources_in_a_batch_too(served: Door) -> None:
    doubted = ask(served, stage="output", text=WRONG, sources=[SOURCE])["decision"]
    assert (doubted["action"], doubted["rule"]) == ("flag", "grounded")
    wanted = [{"stage": "output", "text": WRONG}, {"stage": "output", "text": WRONG, "sources": [SOURCE]}]
    assert [one["decision"].get("rule", "") for one in ask(served, batch=wanted)["results"]] == ["", "grounded"]


def test_a_request_alone_and_a_reply_alone_are_decided(served: Door) -> None:
    request = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}
    reply = {"choices": [{"index": 0, "message": {"role": "assistant", "content": f"card {CARD}"}}]}
    asked, answered = ask(served, request=request), ask(served, reply=reply)
    assert [one["stage"] for one in asked["decisions"]] == ["input"]
    assert (asked["request"], "reply" in asked) == (request, False)
    assert [one["stage"] for one in answered["decisions"]] == ["output"]
    assert answered["reply"]["choices"][0]["message"]["content"] == "card [PAYMENT_CARD]"


def test_a_reply_to_a_stopped_request_is_not_looked_at(served: Door) -> None:
    request = {"model": "m", "messages": [{"role": "user", "content": SECRET}]}
    answer = ask(served, request=request, reply={"choices": []})
    assert [one["action"] for one in answer["decisions"]] == ["block"]
    assert not {"request", "reply"} & answer.keys()


@pytest.mark.parametrize(
    "body",
    [
        {"batch": [{"stage": "output", "text": "x"}] * 257},
        {"batch": [{"stage": "nowhere", "text": SECRET}]},
        {"batch": [], "stage": "output"},
        {"request": {"model": "m"}},
        {"request": None},
        {"reply": {"id": SECRET}},
        {"api": SECRET, "request": {}},
        {"stage": "output", "sources": SECRET},
    ],
)
def test_another_shape_is_refused_without_its_content(served: Door, body: dict[str, Any]) -> None:
    answer = ask(served, 400, **body)
    assert answer["error"]["code"] == "invalid_input"
    assert SECRET not in json.dumps(answer)
