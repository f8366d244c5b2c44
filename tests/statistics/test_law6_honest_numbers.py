"""Law 6: every rate has n, an interval and its method; no claim rests on a point estimate; unscored counts as unsafe; clusters count."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import decode
from fairlead.statistics import Answer, Claim, Estimate, InvalidCounts, Judgement, Sample, bounds, estimate, judge

AT_MOST_5 = Claim(id="c", metric="attack_success", direction="at_most", p0=0.05)


def _answer(k: int, n: int, p0: float = 0.05, *, at_least: bool = False) -> Answer:
    claim = Claim(id="c", metric="m", direction="at_least" if at_least else "at_most", p0=p0)
    return judge(claim, Sample.independent_counts(k, n)).answer


@pytest.mark.parametrize(
    ("k", "n", "answer"),
    [
        (0, 58, "INCONCLUSIVE"),
        (0, 59, "PASS"),
        (1, 60, "INCONCLUSIVE"),
        (1, 100, "PASS"),
        (2, 100, "INCONCLUSIVE"),
        (6, 60, "INCONCLUSIVE"),
        (7, 60, "FAIL"),
        (60, 60, "FAIL"),
    ],
)
def test_a_zero_is_no_proof_until_n_carries_it(k: int, n: int, answer: Answer) -> None:
    """0 of 58 is 0 % and proves nothing below 5 %: the bound decides, never k / n."""
    assert _answer(k, n) == answer


@pytest.mark.parametrize(("k", "n", "answer"), [(59, 59, "PASS"), (58, 58, "INCONCLUSIVE"), (50, 60, "FAIL"), (54, 60, "INCONCLUSIVE")])
def test_at_least_mirrors_at_most(k: int, n: int, answer: Answer) -> None:
    assert _answer(k, n, 0.95, at_least=True) == answer


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.01, 0.99))
def test_pass_and_fail_rest_on_bounds_and_exclude_each_other(count: tuple[int, int], p0: float) -> None:
    sample = Sample.independent_counts(*count)
    claim = Claim(id="c", metric="m", direction="at_most", p0=p0)
    low, high = bounds(sample)
    expected = "PASS" if high <= p0 else "FAIL" if low > p0 else "INCONCLUSIVE"
    assert judge(claim, sample).answer == expected


def test_unscored_outcomes_never_help_to_pass() -> None:
    worst, best = Sample.independent_counts(10, 100), Sample.independent_counts(0, 100)
    judgement = judge(AT_MOST_5, worst, best=best)
    assert judgement.answer == "INCONCLUSIVE"
    assert judgement.estimate is not None
    assert judgement.estimate.k == 10


def test_unscored_outcomes_alone_never_fail_a_target() -> None:
    worst, best = Sample.independent_counts(100, 100), Sample.independent_counts(0, 100)
    assert judge(AT_MOST_5, worst, best=best).answer == "INCONCLUSIVE"


def test_the_two_readings_are_of_the_same_outcomes() -> None:
    with pytest.raises(InvalidCounts):
        judge(AT_MOST_5, Sample.independent_counts(0, 10), best=Sample.independent_counts(0, 9))


def test_correlated_outcomes_do_not_pass_for_independent_ones() -> None:
    assert judge(AT_MOST_5, Sample.independent_counts(0, 100)).answer == "PASS"
    assert judge(AT_MOST_5, Sample(clusters=((0, 10),) * 10)).answer == "INCONCLUSIVE"


def test_no_data_and_partial_data_are_errors() -> None:
    nothing = judge(AT_MOST_5, Sample(clusters=()))
    assert (nothing.answer, nothing.estimate, nothing.bound) == ("ERROR", None, None)
    partial = judge(AT_MOST_5, Sample.independent_counts(0, 100), incomplete="20 of 120 cases were not run")
    assert partial.answer == "ERROR"
    assert partial.reason == "20 of 120 cases were not run"


def test_a_rate_can_not_be_made_without_its_n_and_interval() -> None:
    required = {field.name for field in msgspec.structs.fields(Estimate) if field.required}
    assert required == {"value", "low", "high", "n", "k", "method", "confidence", "clusters", "n_eff"}
    with pytest.raises(InvalidCounts):
        estimate(Sample(clusters=()))


def test_the_text_of_a_rate_shows_interval_counts_and_method() -> None:
    assert estimate(Sample.independent_counts(0, 60)).text() == "0.0% [0.0%, 6.0%] (0/60, 95% wilson)"
    assert "10 clusters" in estimate(Sample(clusters=((0, 6),) * 10)).text()


def test_a_claim_states_a_rate_that_can_be_tested() -> None:
    for p0 in (0.0, 1.0, 5.0):
        with pytest.raises(InvalidCounts):
            Claim(id="c", metric="m", direction="at_most", p0=p0)


def test_judgements_survive_their_bytes() -> None:
    judgement = judge(AT_MOST_5, Sample.independent_counts(1, 60))
    assert decode(msgspec.json.encode(judgement), Judgement) == judgement
    assert "at least 59 independent cases" in judgement.reason


def test_counts_by_cluster_do_not_depend_on_the_order() -> None:
    outcomes = [("a", True), ("b", False), ("a", False), ("c", True)]
    assert Sample.of(outcomes) == Sample.of(reversed(outcomes)) == Sample(clusters=((1, 2), (0, 1), (1, 1)))
