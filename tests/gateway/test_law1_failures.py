"""Law 1: a detector that fails is never a pass, seen from a client of the gateway."""

import json
from typing import Any

import pytest
from gateway_bench import POLICY

from fairlead.detectors import Registry
from fairlead.testing import ScriptedModel
from fairlead.testing.guards import FailingDetector

RULE = "  - {id: no-injection, at: [AT], hazard: prompt_injection, threshold: 0.5, do: block}\n"
CARD = "4111 1111 1111 1111"
WHOLE = {"choices": [{"index": 0, "message": {"role": "assistant", "content": f"card {CARD}"}, "finish_reason": "stop"}]}
chunk = ScriptedModel.chunk
STREAM = [chunk({"content": f"card {CARD} "}), chunk({}, finish="stop"), b"data: [DONE]\n\n"]


@pytest.fixture
def broken(door: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A door in an installation whose only head raises on every text."""
    monkeypatch.setattr(Registry, "load", lambda: Registry([FailingDetector()]))
    return door


def policy(stage: str, settings: str = "") -> str:
    return POLICY.replace("rules:\n", settings + "rules:\n" + RULE.replace("AT", stage))


def test_a_request_that_could_not_be_checked_does_not_reach_the_model(broken: Any) -> None:
    broken.start(policy("input"))
    answer = broken.whole(WHOLE)
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (503, "guard_unavailable")
    assert broken.upstream.requests == []
    [decision] = broken.decisions(answer.headers["x-fairlead-exchange"])
    assert (decision.action, decision.rule) == ("block", "guard:failed")
    assert {entry.status for entry in decision.coverage} == {"ran", "errored"}


def test_an_answer_that_could_not_be_checked_does_not_leave(broken: Any) -> None:
    broken.start(policy("output"))
    answer = broken.whole(WHOLE)
    assert answer.status == 503
    assert b"card" not in answer.body


def test_a_stream_that_could_not_be_checked_to_its_end_has_no_end_marker(broken: Any) -> None:
    broken.start(policy("output"))
    answer = broken.stream(STREAM)
    assert b"guard_unavailable" in answer.body
    assert b"[DONE]" not in answer.body
    assert broken.decisions()[-1].rule == "guard:failed"


def test_under_a_policy_that_fails_open_everything_passes_and_is_recorded_as_bypassed(broken: Any) -> None:
    broken.start(policy("input, output", "on_error: open\n"))
    whole, stream = broken.whole(WHOLE), broken.stream(STREAM)
    assert json.loads(whole.body)["choices"][0]["message"]["content"] == "card [PAYMENT_CARD]", "what others saw is enforced"
    assert stream.text() == "card [PAYMENT_CARD] "
    for answer in (whole, stream):
        states = [decision.state for decision in broken.decisions(answer.headers["x-fairlead-exchange"]) if decision.state != "open"]
        assert states == ["bypassed", "bypassed"]
    assert b'fairlead_bypasses_total{stage="input"' in broken.get("/metrics").body


def test_shadow_passes_everything_as_it_came(broken: Any) -> None:
    broken.start(policy("input, output", "mode: shadow\n"))
    whole = broken.whole({**WHOLE, "new": "a field that nobody knows"})
    assert json.loads(whole.body)["choices"][0]["message"]["content"] == f"card {CARD}"
    assert broken.stream(STREAM).text() == f"card {CARD} "
