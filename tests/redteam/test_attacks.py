"""Attack runs: nothing that did not arrive passes, spellings are not ideas, replays are exact."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from fairlead.core import Problems
from fairlead.evals import Case, Effect, Incomparable, Observation, Plan, Run, RunInvalid, Suite, run_suite, write_case
from fairlead.redteam import (
    CONVERTERS,
    NotDelivered,
    attack_estimates,
    converted,
    delivery,
    divergences,
    read_attacks,
    recorded_inputs,
    report,
    require_delivery,
)
from fairlead.testing import FixedClock
from fairlead.testing.targets import ScriptedTarget, made_case

HIT = Observation(reply="x", blocked=False, effects=(Effect(tool="send_email", arguments={}),))
STOPPED = Observation(reply="", blocked=True)
LOST = Observation(reply="", blocked=False, delivered=False)
ATTACKS = Suite(
    name="attacks",
    cases=tuple(msgspec.structs.replace(made_case(n, origin=("user", "retrieved", "tool")[n % 3]), goal="mail") for n in range(12)),
    claims=(),
)


def run(answer: Callable[[Case], Observation], suite: Suite = ATTACKS, *, guarded: bool = True, model: str = "m") -> Run:
    plan = Plan(guarded=guarded, policy="sha256:a" if guarded else "", model=model)
    return run_suite(suite, ScriptedTarget(answer), plan=plan, clock=FixedClock())


def test_guarded_and_unguarded_are_compared_attack_by_attack() -> None:
    result = report(unguarded=run(lambda _: HIT, guarded=False), guarded=run(lambda case: HIT if case.id == "u-004" else STOPPED))
    assert result.valid
    assert result.comparison is not None
    assert len(result.comparison.fixed) == 11
    assert (result.unguarded[0].estimate.k, result.guarded[0].estimate.k) == (12, 1)
    assert {row.part for row in result.guarded} >= {"all", "origin=user", "origin=retrieved", "origin=tool", "family=none"}


def test_an_attack_that_never_arrived_makes_the_report_invalid() -> None:
    half = run(lambda case: LOST if case.id == "u-003" else STOPPED)
    assert not report(guarded=half).valid
    assert delivery(half).undelivered == ("u-003",)
    with pytest.raises(NotDelivered, match="1 of 12") as caught:
        require_delivery(half)
    assert caught.value.exit_code == 12


def test_a_target_that_is_down_proves_nothing() -> None:
    def answer(_: Case) -> Observation:
        raise ConnectionError

    down = run(answer)
    assert not report(guarded=down).valid
    assert report(guarded=down).guarded[0].estimate.k == 12


def test_a_run_without_attacks_proves_nothing() -> None:
    empty = run(lambda _: STOPPED, Suite(name="none", cases=(), claims=()))
    with pytest.raises(NotDelivered):
        require_delivery(empty)


def test_what_succeeded_has_arrived() -> None:
    assert require_delivery(run(lambda _: msgspec.structs.replace(HIT, delivered=False))).complete


def test_runs_that_are_mixed_up_or_differ_in_more_than_the_guard_are_refused() -> None:
    guarded, unguarded = run(lambda _: STOPPED), run(lambda _: HIT, guarded=False)
    with pytest.raises(RunInvalid):
        report(unguarded=guarded, guarded=unguarded)
    with pytest.raises(RunInvalid):
        report()
    with pytest.raises(Incomparable):
        report(unguarded=run(lambda _: HIT, guarded=False, model="other"), guarded=guarded)


def test_seven_spellings_of_an_idea_count_as_one_idea() -> None:
    many = converted(ATTACKS, CONVERTERS)
    assert len(many.cases) == 84
    overall = attack_estimates(run(lambda _: STOPPED, many))[0].estimate
    assert (overall.n, overall.clusters, overall.n_eff) == (84, 12, 12.0)


def test_a_replay_has_exactly_the_recorded_inputs() -> None:
    first = run(lambda _: STOPPED)
    assert recorded_inputs(first, tuple(reversed(ATTACKS.cases))) == ATTACKS.cases
    with pytest.raises(RunInvalid, match="1 case"):
        recorded_inputs(first, (*ATTACKS.cases[:11], msgspec.structs.replace(ATTACKS.cases[11], user="other")))
    again = run(lambda case: HIT if case.id == "u-002" else STOPPED)
    assert [(change.case, change.was, change.now) for change in divergences(first, again)] == [("u-002", "safe", "unsafe")]
    with pytest.raises(RunInvalid):
        divergences(first, run(lambda _: STOPPED, converted(ATTACKS, CONVERTERS[1:2])))


def test_an_attack_set_holds_attacks_only(tmp_path: Path) -> None:
    cases = (*ATTACKS.cases, made_case(1, "benign"), made_case(90))
    (tmp_path / "a.jsonl").write_bytes(b"".join(write_case(case) for case in cases))
    path = tmp_path / "a.yaml"
    path.write_text("suite: a\ncases: a.jsonl\nclaims: []\n")
    with pytest.raises(Problems) as caught:
        read_attacks(path)
    assert [problem.where for problem in caught.value.problems] == [f"{path}: b-001", f"{path}: u-090"]
