"""A rule that names a remote detector, from the policy file to what SDK and gateway do, with a real server on the other side."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fairlead import Guard
from fairlead.config import Settings, load_settings
from fairlead.core import Problems
from fairlead.detectors import Registry
from fairlead.gateway import Gateway
from fairlead.guard import UNKNOWN_LABEL, GuardUnavailable
from fairlead.identity import ApiKey, publish_keys
from fairlead.policy import compile_release, load_policy
from fairlead.testing import serving
from fairlead.testing.detector_server import DetectorServer, chat_answer
from fairlead.wiring.data_plane import build_data_plane

TIMEOUT_MS = 150
POLICY = """\
fairlead: 1
system: assistant
owner: platform
tier: high
{top}
upstream: {{default: {{provider: openai, base_url: "{url}"}}}}
detectors:
  llama-guard: {{kind: llama-guard-3, base_url: "{url}", model: guard-8b, timeout_ms: {timeout},
    points: [{{max_fpr: 1%, threshold: 0.6, on: a test}}]}}
rules:
  - {{id: no-secrets, at: [input, output], entity: secret, do: block}}
  - {{id: no-violence, at: [input, output], hazard: violent_crimes, detector: [llama-guard], max_fpr: 1%, do: block}}
  - {{id: no-harm, at: [input, output], hazard: harmful_request, detector: [llama-guard], threshold: 0.9, do: flag}}
"""
AWS = "AKIAIOSFODNN7EXAMPLE"


def answer(_path: str, asked: Any) -> tuple[int, Any]:
    """Play the guard model, and the model that is guarded."""
    text = asked["messages"][-1]["content"]
    if asked["model"] != "guard-8b":
        return 200, {**chat_answer("a quiet day" if "hello" in text else "we fight at dawn"), "model": "m"}
    if "fight" in text:
        return 200, chat_answer("unsafe\nS1", 0.8)
    return (500, {}) if "fail" in text else (200, chat_answer("unsafe\nS99", 0.3) if "odd" in text else chat_answer("safe", 0.01))


SERVER = DetectorServer(answer)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(SERVER) as base:
        yield base


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    SERVER.asked, SERVER.delay_s = [], 0.0
    return load_settings({"FAIRLEAD_DATA": str(tmp_path / "data"), "FAIRLEAD_CONFIG": str(tmp_path / "config")})


def policy_file(settings: Settings, url: str, top: str = "", timeout: int = TIMEOUT_MS * 20) -> Path:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    path = settings.data_dir.parent / "fairlead.yaml"
    path.write_text(POLICY.format(url=url, top=top, timeout=timeout), encoding="utf-8")
    return path


def test_the_sdk_blocks_by_what_a_remote_detector_says_and_records_that_it_ran(settings: Settings, url: str) -> None:
    with Guard.load(policy_file(settings, url), settings=settings) as guard:
        blocked, passed = guard.check("let us fight"), guard.check("let us talk")
    assert (blocked.action, blocked.rule) == ("block", "no-violence")
    assert {(finding.hazard, finding.detector) for finding in blocked.findings} == {
        ("harmful_request", "llama-guard@llama-guard-3"),
        ("violent_crimes", "llama-guard@llama-guard-3"),
    }
    assert passed.action == "allow"
    assert ("ran", ("llama-guard@llama-guard-3",)) in [(entry.status, entry.detectors) for entry in passed.coverage]


def test_what_is_stopped_already_is_not_sent_out(settings: Settings, url: str) -> None:
    with Guard.load(policy_file(settings, url), settings=settings) as guard:
        decision = guard.check(f"the key is {AWS}")
    assert decision.rule == "no-secrets"
    assert SERVER.asked == []
    assert "stopped before it was asked" in [entry.reason for entry in decision.coverage]


@pytest.mark.parametrize(("text", "status"), [("fail", "errored"), ("slow", "timed_out")])
def test_a_failure_stops_a_fail_closed_policy_and_is_recorded_by_an_open_one(settings: Settings, url: str, text: str, status: str) -> None:
    SERVER.delay_s = 0.5 if text == "slow" else 0.0
    timeout = TIMEOUT_MS if text == "slow" else TIMEOUT_MS * 20
    with Guard.load(policy_file(settings, url, timeout=timeout), settings=settings) as guard, pytest.raises(GuardUnavailable):
        guard.check(text)
    with Guard.load(policy_file(settings, url, "on_error: open", timeout), settings=settings) as guard:
        decision = guard.check(text)
    assert (decision.action, decision.state) == ("allow", "bypassed")
    assert status in [entry.status for entry in decision.coverage]


@pytest.mark.parametrize(("unknown", "status"), [("block", "errored"), ("allow", "ran")])
def test_a_label_that_nobody_mapped_follows_the_policy_s_unknown(settings: Settings, url: str, unknown: str, status: str) -> None:
    with Guard.load(policy_file(settings, url, f"unknown: {unknown}\non_error: open"), settings=settings) as guard:
        decision = guard.check("odd")
    (entry,) = [entry for entry in decision.coverage if entry.reason == UNKNOWN_LABEL]
    assert entry.status == status
    assert (decision.state == "bypassed") is (unknown == "block")


def test_a_stream_is_looked_at_late_and_flagged(settings: Settings, url: str) -> None:
    with Guard.load(policy_file(settings, url), settings=settings) as guard:
        stream = guard.stream()
        released = stream.feed("let us fi") + stream.feed("ght") + stream.close()
    assert released == "let us fight"
    assert stream.decision is not None
    assert (stream.decision.verdict, stream.decision.action, stream.decision.rule) == ("block", "flag", "no-violence")
    assert all(finding.late for finding in stream.decision.findings)


def test_the_gateway_asks_for_requests_and_answers_alike(settings: Settings, url: str) -> None:
    key, token = ApiKey.issue(tenant="t1", name="tests", scopes=("chat", "check"))
    publish_keys(settings.data_dir / "keys.json", (key,))
    plane = build_data_plane(settings, policy_file(settings, url), "worker-0")
    with serving(Gateway(plane), lifespan=True) as door, httpx.Client(headers={"authorization": f"Bearer {token}"}, timeout=20) as client:
        said = [
            client.post(f"{door}/v1/chat/completions", json={"model": "m", "messages": [{"role": "user", "content": text}]})
            for text in ("hello", "let us fight", "what now?", "fail")
        ]
        checked = client.post(f"{door}/v1/guard/check", json={"stage": "input", "text": "let us fight"}).json()
    assert [answer.status_code for answer in said] == [200, 400, 200, 503]
    assert said[0].json()["choices"][0]["message"]["content"] == "a quiet day"
    assert said[1].json()["error"]["code"] == "content_filter"
    assert said[2].json()["choices"][0]["finish_reason"] == "content_filter"
    assert said[3].json()["error"]["code"] == "guard_unavailable"
    assert checked["decision"]["rule"] == "no-violence"


def problems(text: str) -> list[str]:
    with pytest.raises(Problems) as wrong:
        compile_release(load_policy("p.yaml", text, Registry([])), Registry([]))
    return [f"{problem.where} {problem.what}" for problem in wrong.value.problems]


def test_what_is_wrong_with_the_section_is_told_with_its_line() -> None:
    text = POLICY.format(url="http://127.0.0.1:1", top="", timeout=100)
    assert problems(text.replace("max_fpr: 1%, do", "max_fpr: 0.1%, do"))[0].startswith("p.yaml:12 the rule 'no-violence' can't have")
    assert problems(text.replace("kind: llama-guard-3", "kind: llama-guard"))[0].startswith("p.yaml:8 detectors.llama-guard.kind")
    assert problems(text.replace(", model: guard-8b", ""))[0] == "p.yaml:8 detectors.llama-guard: 'llama-guard-3' needs a model"
    assert "there is no hazard 'vilence'" in problems(text.replace("model: guard-8b", "model: m, labels: {S1: vilence}"))[0]
    assert problems(text.replace("[llama-guard], max", "[other], max")) == ["p.yaml:12 there is no detector 'other'"]
