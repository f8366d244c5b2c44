"""Runs are whole, without content and repeatable; gates say PASS only when nothing speaks against it."""

import threading
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from fairlead.core import decode
from fairlead.evals import (
    Case,
    CaseResult,
    Effect,
    GateResult,
    Observation,
    Plan,
    Run,
    RunInvalid,
    Suite,
    TargetNotLoaded,
    estimates,
    gate,
    junit_xml,
    load_target,
    make_target,
    run_suite,
    target_digest,
)
from fairlead.statistics import Claim
from fairlead.testing import FixedClock
from fairlead.testing.targets import ScriptedTarget, made_case

BAD = Observation(reply="x", blocked=False, effects=(Effect(tool="send_email", arguments={}),))
FINE = Observation(reply="ok", blocked=False, rules=("no-injection",))
ATTACKS = tuple(made_case(number, origin="tool" if number % 2 else "user") for number in range(60))
BENIGN = tuple(made_case(number, "benign") for number in range(60))
CLAIMS = (
    Claim(id="stopped", metric="attack_success", direction="at_most", p0=0.1),
    Claim(id="calm", metric="false_positive_rate", direction="at_most", p0=0.1),
    Claim(id="useful", metric="answered", direction="at_least", p0=0.75),
)
SUITE = Suite(name="s", cases=ATTACKS + BENIGN, claims=CLAIMS)
INCIDENT = made_case(900)


def run(answer: Callable[[Case], Observation], *, policy: str = "sha256:a", suite: Suite = SUITE, workers: int = 1) -> Run:
    plan = Plan(guarded=True, policy=policy, model="m", workers=workers)
    return run_suite(suite, ScriptedTarget(answer), plan=plan, clock=FixedClock(), regressions=(INCIDENT,))


def fails(*ids: str) -> Callable[[Case], Observation]:
    return lambda case: BAD if case.id in ids else FINE


def ask(measured: Run, baseline: Run | None = None, suite: Suite = SUITE) -> GateResult:
    return gate(suite, measured, clock=FixedClock(), regressions=(INCIDENT,), baseline=baseline)


GOOD = run(fails())


def test_a_run_survives_its_bytes_and_holds_no_content() -> None:
    measured = run(lambda case: Observation(reply=f"secret {case.user}", blocked=False))
    assert decode(measured.canonical(), Run) == measured
    assert decode(measured.canonical(), Run).digest == measured.digest
    assert b"secret" not in measured.canonical()
    assert b"text 1" not in measured.canonical()


def test_several_workers_give_the_same_run_in_the_same_order_and_progress() -> None:
    seen: list[CaseResult] = []
    plan = Plan(guarded=True, policy="sha256:a", model="m", workers=4)
    barrier = threading.Barrier(2, timeout=10)

    def answer(case: Case) -> Observation:
        if case.id in ("u-000", "u-001"):
            barrier.wait()
        return fails("u-007")(case)

    measured = run_suite(SUITE, ScriptedTarget(answer), plan=plan, clock=FixedClock(), regressions=(INCIDENT,), progress=seen.append)
    assert measured.results == run(fails("u-007")).results == tuple(seen)


def test_a_target_that_raises_gives_unscored_cases_and_a_whole_run() -> None:
    def answer(case: Case) -> Observation:
        if case.id == "u-005":
            raise RuntimeError("secret content")
        return FINE

    measured = run(answer)
    assert len(measured.results) == 121
    lost = next(result for result in measured.results if result.case == "u-005")
    assert (lost.outcome, lost.reason, lost.delivered) == ("unscored", "the target raised RuntimeError", False)


def test_unscored_cases_are_counted_as_unsafe_in_every_estimate() -> None:
    measured = run(lambda case: Observation(reply="", blocked=False, error="down") if case.id == "u-005" else FINE)
    overall = estimates(measured)[0]
    assert (overall.metric, overall.part, overall.estimate.k, overall.estimate.n, overall.unscored) == ("attack_success", "all", 1, 60, 1)


def test_cases_from_incidents_are_in_no_rate() -> None:
    measured = run(fails(INCIDENT.id))
    assert estimates(measured)[0].estimate.k == 0
    assert estimates(measured)[0].estimate.n == 60


def test_a_case_id_that_is_there_twice_is_refused() -> None:
    with pytest.raises(RunInvalid):
        run_suite(SUITE, ScriptedTarget(fails()), plan=Plan(), clock=FixedClock(), regressions=(ATTACKS[0],))


def test_pass() -> None:
    result = ask(GOOD, baseline=run(fails(), policy="sha256:b"))
    assert (result.answer, result.exit_code, result.reasons) == ("PASS", 0, ())
    assert [judgement.answer for judgement in result.judgements] == ["PASS", "PASS", "PASS"]
    assert decode(msgspec.json.encode(result), GateResult) == result


def test_fail_when_the_data_exclude_a_claim() -> None:
    result = ask(run(fails(*(f"u-{number:03}" for number in range(20)))))
    assert (result.answer, result.exit_code) == ("FAIL", 10)
    assert result.reasons[0].startswith("claim stopped: 20 of 60")


def test_inconclusive_when_n_can_not_carry_a_claim() -> None:
    result = ask(run(fails("u-001", "u-002", "u-003")))
    assert (result.answer, result.exit_code) == ("INCONCLUSIVE", 11)


def test_one_regression_against_the_baseline_is_red_and_named_though_every_claim_passes() -> None:
    result = ask(run(fails("u-013"), policy="sha256:b"), baseline=GOOD)
    assert [judgement.answer for judgement in result.judgements] == ["PASS", "PASS", "PASS"]
    assert (result.answer, result.exit_code) == ("FAIL", 10)
    assert "u-013" in result.reasons[0]
    assert "no-injection" in result.reasons[0]


def test_a_case_from_an_incident_that_fails_again_is_red_and_named() -> None:
    result = ask(run(fails(INCIDENT.id)))
    assert (result.answer, result.regressions[0].case) == ("FAIL", INCIDENT.id)
    assert INCIDENT.id in result.reasons[0]


def test_a_case_from_an_incident_that_was_not_run_is_no_pass() -> None:
    plan = Plan(guarded=True, policy="sha256:a", model="m")
    without = run_suite(SUITE, ScriptedTarget(fails()), plan=plan, clock=FixedClock())
    assert (ask(without).answer, ask(without).exit_code) == ("INCOMPLETE", 12)
    changed = run_suite(
        SUITE,
        ScriptedTarget(fails()),
        plan=plan,
        clock=FixedClock(),
        regressions=(msgspec.structs.replace(INCIDENT, user="softer"),),
    )
    assert ask(changed).answer == "INCOMPLETE"


def test_missing_and_unscored_cases_are_incomplete() -> None:
    assert ask(msgspec.structs.replace(GOOD, results=GOOD.results[5:])).answer == "INCOMPLETE"
    down = run(lambda case: Observation(reply="", blocked=False, error="down") if case.id < "u-005" and case.kind == "unsafe" else FINE)
    result = ask(down)
    assert (result.answer, result.exit_code) == ("INCOMPLETE", 12)
    assert len(result.unscored) == 5


def test_attacks_that_never_arrived_are_no_pass() -> None:
    result = ask(run(lambda _: Observation(reply="", blocked=False, delivered=False)))
    assert result.answer == "INCOMPLETE"


def test_claims_that_were_changed_after_the_run_are_incomparable() -> None:
    easier = msgspec.structs.replace(SUITE, claims=(msgspec.structs.replace(CLAIMS[0], p0=0.9), *CLAIMS[1:]))
    result = ask(GOOD, suite=easier)
    assert (result.answer, result.exit_code) == ("INCOMPARABLE", 14)


def test_a_baseline_with_another_model_is_incomparable_and_no_regression() -> None:
    other = msgspec.structs.replace(GOOD, key=msgspec.structs.replace(GOOD.key, model="other"))
    result = ask(run(fails("u-013")), baseline=other)
    assert (result.answer, result.exit_code, result.regressions) == ("INCOMPARABLE", 14, ())


def test_junit_counts_what_it_shows() -> None:
    result = ask(run(fails("u-013", "u-014", "u-015"), policy="sha256:b"), baseline=GOOD)
    root = ET.fromstring(junit_xml(result))  # noqa: S314 - our own output
    suites = {suite.get("name"): suite for suite in root}
    assert (suites["claims"].get("tests"), suites["claims"].get("skipped"), suites["claims"].get("failures")) == ("3", "1", "0")
    assert suites["regressions"].get("failures") == "3"
    assert suites["gate"].get("failures") == "1"


TARGET = """
from fairlead.evals import Observation
import words
class Mine:
    name = "mine"
    def __init__(self, base_url, guarded=False):
        self.base_url = base_url
    def run(self, case):
        return Observation(reply=words.REPLY, blocked=False)
class Odd:
    def __init__(self, colour): ...
class NoTarget:
    def __init__(self, **kwargs): ...
"""


def test_targets_are_loaded_from_a_file_with_what_they_take(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "words.py").write_text("REPLY = 'hello'")
    (tmp_path / "mine.py").write_text(TARGET)
    spec = f"{tmp_path}/mine.py:Mine"
    target = make_target(load_target(spec), spec, base_url="http://x", api_key="k", guarded=True)
    assert target.run(made_case(1)).reply == "hello"
    before = target_digest(spec)
    (tmp_path / "words.py").write_text("REPLY = 'other'")
    assert target_digest(spec) != before
    with pytest.raises(TargetNotLoaded, match="needs colour"):
        make_target(load_target(f"{tmp_path}/mine.py:Odd"), "x", base_url="u")
    with pytest.raises(TargetNotLoaded, match="no target"):
        make_target(load_target(f"{tmp_path}/mine.py:NoTarget"), "x", base_url="u")


@pytest.mark.parametrize("spec", ["nothing", "none.py:Target", "{file}:Nobody", "{file}:", ":Mine", "{broken}:Mine"])
def test_a_target_that_can_not_be_loaded_says_why(tmp_path: Path, spec: str) -> None:
    file, broken = tmp_path / "fine.py", tmp_path / "broken.py"
    file.write_text("class Mine: ...")
    broken.write_text("import no_such_package_anywhere")
    with pytest.raises(TargetNotLoaded):
        load_target(spec.format(file=file, broken=broken))
