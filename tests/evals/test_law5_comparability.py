"""Law 5: a comparison declares exactly one varied factor; every other key must match, or it is an error, not a regression."""

from collections.abc import Callable

import msgspec
import pytest

from fairlead.evals import FACTORS, Case, Effect, Incomparable, Key, Observation, Plan, Run, RunInvalid, Suite, compare, run_suite
from fairlead.testing import FixedClock
from fairlead.testing.targets import ScriptedTarget, made_case

CASES = tuple(made_case(number) for number in range(8)) + tuple(made_case(number, "benign") for number in range(4))
SUITE = Suite(name="s", cases=CASES, claims=())
BAD = Observation(reply="x", blocked=False, effects=(Effect(tool="send_email", arguments={}),))
FINE = Observation(reply="ok", blocked=False, rules=("no-injection",))


def run(answer: Callable[[Case], Observation], policy: str = "sha256:a", suite: Suite = SUITE) -> Run:
    return run_suite(suite, ScriptedTarget(answer), plan=Plan(guarded=bool(policy), policy=policy, model="m"), clock=FixedClock())


def with_key(base: Run, **changes: str) -> Run:
    return msgspec.structs.replace(base, key=msgspec.structs.replace(base.key, **changes))


BASE = run(lambda _: FINE)


@pytest.mark.parametrize("varied", FACTORS)
@pytest.mark.parametrize("changed", [field.name for field in msgspec.structs.fields(Key)])
def test_only_the_declared_factor_may_differ(varied: str, changed: str) -> None:
    other = with_key(BASE, **{changed: "something else"})
    if changed == varied:
        assert not compare(BASE, other, varied=varied).same  # type: ignore[arg-type] # from FACTORS
    else:
        with pytest.raises(Incomparable, match=f"differ in {changed}") as caught:
            compare(BASE, other, varied=varied)  # type: ignore[arg-type] # from FACTORS
        assert caught.value.exit_code == 14


def test_two_differences_are_an_error_even_if_one_is_declared() -> None:
    with pytest.raises(Incomparable, match="model"):
        compare(BASE, with_key(BASE, policy="sha256:b", model="other"), varied="policy")


def test_a_repetition_is_said_to_be_one() -> None:
    assert compare(BASE, run(lambda _: FINE), varied="policy").same


def test_other_cases_under_the_same_key_are_an_error() -> None:
    fewer = msgspec.structs.replace(BASE, results=BASE.results[1:])
    with pytest.raises(Incomparable, match="1 case"):
        compare(BASE, fewer, varied="policy")
    first = msgspec.structs.replace(BASE.results[0], case_digest="sha256:other")
    with pytest.raises(Incomparable, match="1 case"):
        compare(BASE, msgspec.structs.replace(BASE, results=(first, *BASE.results[1:])), varied="policy")


def test_a_changed_word_in_a_case_changes_the_key() -> None:
    changed = msgspec.structs.replace(SUITE, cases=(msgspec.structs.replace(CASES[0], user="other"), *CASES[1:]))
    assert run(lambda _: FINE, suite=changed).key.cases != BASE.key.cases


def test_what_changed_is_named_with_the_rule_that_used_to_act() -> None:
    after = run(lambda case: BAD if case.id in ("u-001", "u-002") else FINE, policy="sha256:b")
    comparison = compare(BASE, after, varied="policy")
    assert [(change.case, change.was, change.now, change.rules) for change in comparison.regressions] == [
        ("u-001", "safe", "unsafe", ("no-injection",)),
        ("u-002", "safe", "unsafe", ("no-injection",)),
    ]
    rate = comparison.rates[0]
    assert (rate.metric, rate.pairs, rate.newly, rate.no_longer, rate.p_value) == ("attack_success", 8, 2, 0, 0.5)
    assert rate.difference.value == pytest.approx(0.25)
    assert rate.difference.low < 0.25 < rate.difference.high
    assert compare(after, BASE, varied="policy").fixed[0].case == "u-001"


def test_new_over_blocking_is_named() -> None:
    after = run(lambda case: Observation(reply="", blocked=True) if case.id == "b-003" else FINE, policy="sha256:b")
    assert [change.case for change in compare(BASE, after, varied="policy").overblocked] == ["b-003"]


def test_a_run_under_two_policies_is_no_run() -> None:
    with pytest.raises(RunInvalid, match="2 releases"):
        run(lambda case: msgspec.structs.replace(FINE, release="sha256:b" if case.id == "u-003" else "sha256:a"))


def test_the_release_is_learned_from_the_exchanges() -> None:
    answered = msgspec.structs.replace(FINE, release="sha256:z")
    learned = run_suite(SUITE, ScriptedTarget(lambda _: answered), plan=Plan(guarded=True), clock=FixedClock())
    assert learned.key.policy == "sha256:z"
    assert learned.guarded
    with pytest.raises(RunInvalid, match="no release"):
        run_suite(SUITE, ScriptedTarget(lambda _: FINE), plan=Plan(guarded=True), clock=FixedClock())


def test_an_unguarded_run_that_was_guarded_is_no_run() -> None:
    with pytest.raises(RunInvalid, match="unguarded"):
        run(lambda _: msgspec.structs.replace(FINE, release="sha256:a"), policy="")
