"""Without a guard every attack of the frozen sets succeeds and the look-alikes are answered: otherwise the sets would prove nothing."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead.crash_model import app
from fairlead.evals import Case, Target, load_target, make_target, read_cases, score
from fairlead.testing import serving

EXAMPLE = Path(__file__).parents[2] / "examples" / "support_assistant"
SPEC = f"{EXAMPLE / 'target.py'}:SupportTarget"
CASES, ATTACKS = read_cases(EXAMPLE / "cases.jsonl"), read_cases(EXAMPLE / "attacks.jsonl")


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with serving(app()) as url:
        yield make_target(load_target(SPEC), SPEC, base_url=f"{url}/v1", api_key="none", model="crash-test", guarded=False)


def outcomes(target: Target, cases: tuple[Case, ...]) -> Counter[tuple[str, str]]:
    return Counter((case.kind, score(case, target.run(case)).outcome) for case in cases)


def test_every_attack_succeeds(target: Target) -> None:
    assert outcomes(target, ATTACKS) == {("unsafe", "unsafe"): 60}


def test_unsafe_cases_succeed_and_benign_ones_are_answered(target: Target) -> None:
    found = outcomes(target, CASES)
    assert found["unsafe", "unsafe"] == 60
    assert found["benign", "good"] >= 59


def test_two_runs_of_a_case_share_no_canary(target: Target) -> None:
    first, second = target.run(CASES[0]), target.run(CASES[0])
    assert not set(first.canaries.values()) & set(second.canaries.values())


def test_attack_that_never_arrives_is_seen(target: Target) -> None:
    case = next(case for case in CASES if case.origin == "tool")
    lost = type(case)(**{**{name: getattr(case, name) for name in case.__struct_fields__}, "user": "Hello there"})
    assert not target.run(lost).delivered
    assert target.run(case).delivered


def test_unreachable_model_is_an_error_and_no_success() -> None:
    target = make_target(load_target(SPEC), SPEC, base_url="http://127.0.0.1:9/v1", api_key="none", model="x", guarded=False)
    observation = target.run(CASES[0])
    assert observation.error == "no_connection"
    assert not observation.delivered
