"""scipy and statsmodels as oracles, and properties that hold for every count."""

import math
import random

import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from fairlead.statistics import (
    Sample,
    beta_cdf,
    beta_quantile,
    bounds,
    clopper_pearson,
    effective_n,
    estimate,
    jeffreys,
    mcnemar_exact,
    newcombe,
    newcombe_paired,
    t_quantile,
    wilson,
)

counts = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
levels = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99, 0.999])
samples = st.lists(st.integers(1, 12).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1, max_size=25).map(
    lambda clusters: Sample(clusters=tuple(clusters))
)


@given(st.floats(1e-6, 1 - 1e-6), st.floats(0.2, 3000), st.floats(0.2, 3000))
def test_beta_cdf_as_scipy(x: float, a: float, b: float) -> None:
    assert beta_cdf(x, a, b) == pytest.approx(float(scipy.stats.beta.cdf(x, a, b)), rel=1e-8, abs=1e-12)


@given(st.floats(1e-4, 1 - 1e-4), st.floats(0.5, 500), st.floats(0.5, 500))
def test_beta_quantile_inverts_the_cdf(p: float, a: float, b: float) -> None:
    assert beta_cdf(beta_quantile(p, a, b), a, b) == pytest.approx(p, rel=1e-7)


@given(st.floats(1e-4, 1 - 1e-4).filter(lambda p: abs(p - 0.5) > 1e-3), st.integers(1, 400))
def test_t_quantile_as_scipy(p: float, df: int) -> None:
    assert t_quantile(p, df) == pytest.approx(float(scipy.stats.t.ppf(p, df)), rel=1e-7)


@given(counts, levels)
def test_intervals_as_statsmodels(count: tuple[int, int], confidence: float) -> None:
    k, n = count
    for ours, method in ((wilson, "wilson"), (clopper_pearson, "beta")):
        low, high = proportion_confint(k, n, alpha=1 - confidence, method=method)
        interval = ours(k, n, confidence=confidence)
        assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-7, abs=1e-12)
    if 0 < k < n:
        low, high = proportion_confint(k, n, alpha=1 - confidence, method="jeffreys")
        interval = jeffreys(k, n, confidence=confidence)
        assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-7, abs=1e-12)


@given(counts, levels)
def test_intervals_mirror_when_success_and_failure_are_swapped(count: tuple[int, int], confidence: float) -> None:
    k, n = count
    for method in (wilson, clopper_pearson, jeffreys):
        one, other = method(k, n, confidence=confidence), method(n - k, n, confidence=confidence)
        assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low), abs=1e-12)


@given(counts, levels)
def test_no_interval_has_zero_width(count: tuple[int, int], confidence: float) -> None:
    k, n = count
    for method in (wilson, clopper_pearson):
        interval = method(k, n, confidence=confidence)
        assert 0 <= interval.low <= k / n <= interval.high <= 1
        assert interval.high - interval.low > 0


def _coverage(n: int, p: float, confidence: float) -> float:
    covered = 0.0
    for k in range(n + 1):
        interval = clopper_pearson(k, n, confidence=confidence)
        if interval.low <= p <= interval.high:
            covered += math.comb(n, k) * p**k * (1 - p) ** (n - k)
    return covered


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.floats(0.001, 0.999), st.sampled_from([0.8, 0.95, 0.99]))
def test_clopper_pearson_covers_at_least_its_level_by_exact_sums(n: int, p: float, confidence: float) -> None:
    assert _coverage(n, p, confidence) >= confidence - 1e-9


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 60), st.floats(0.001, 0.999))
def test_one_sided_bound_is_below_the_truth_at_most_five_in_a_hundred_times(n: int, p: float) -> None:
    missed = sum(math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1) if clopper_pearson(k, n, sides="upper").high < p - 1e-12)
    assert missed <= 0.05 + 1e-9


@given(st.integers(0, 120), st.integers(0, 120))
def test_mcnemar_is_symmetric_and_as_statsmodels(b: int, c: int) -> None:
    assert mcnemar_exact(b, c) == mcnemar_exact(c, b)
    if b + c:
        assert mcnemar_exact(b, c) == pytest.approx(float(mcnemar([[5, b], [c, 7]], exact=True).pvalue), rel=1e-9)
        expected = float(scipy.stats.binom.sf(b - 1, b + c, 0.5))
        assert mcnemar_exact(b, c, sides="greater") == pytest.approx(expected, rel=1e-9)


@given(counts, counts)
def test_newcombe_as_statsmodels(one: tuple[int, int], other: tuple[int, int]) -> None:
    difference = newcombe(*one, *other)
    low, high = confint_proportions_2indep(*one, *other, method="newcomb", compare="diff")
    assert (difference.low, difference.high) == pytest.approx((low, high), abs=1e-9)


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40).filter(bool))
def test_paired_difference_contains_its_value_and_changes_sign_with_the_order(both: int, b: int, c: int, neither: int) -> None:
    one, other = newcombe_paired(both, b, c, neither), newcombe_paired(both, c, b, neither)
    assert -1 - 1e-12 <= one.low <= one.value <= one.high <= 1 + 1e-12
    assert (one.value, one.low, one.high) == pytest.approx((-other.value, -other.high, -other.low), abs=1e-12)


@pytest.mark.parametrize(("p10", "p01", "p11"), [(0.1, 0.05, 0.3), (0.02, 0.2, 0.4), (0.25, 0.25, 0.25)])
def test_paired_difference_covers_about_its_level_by_exact_sums(p10: float, p01: float, p11: float) -> None:
    n, covered, p00 = 16, 0.0, 1 - p10 - p01 - p11
    for b in range(n + 1):
        for c in range(n + 1 - b):
            for a in range(n + 1 - b - c):
                d = n - a - b - c
                ways = math.factorial(n) / (math.factorial(a) * math.factorial(b) * math.factorial(c) * math.factorial(d))
                interval = newcombe_paired(a, b, c, d)
                if interval.low <= p10 - p01 <= interval.high:
                    covered += ways * p11**a * p10**b * p01**c * p00**d
    assert 0.93 <= covered <= 1.0


@given(samples)
def test_clusters_never_make_a_sample_larger_than_it_is(sample: Sample) -> None:
    rate = estimate(sample)
    assert 1 <= effective_n(sample) <= sample.n
    assert 0 <= rate.low <= rate.value <= rate.high <= 1
    assert rate.clusters == len(sample.clusters)
    assert rate.high > rate.low


@given(samples)
def test_seeing_failures_never_gives_a_tighter_bound_than_seeing_none(sample: Sample) -> None:
    none = Sample(clusters=tuple((0, n) for _, n in sample.clusters))
    assert bounds(sample)[1] >= bounds(none)[1]
    assert estimate(sample).high >= estimate(none).high - 1e-12


@given(counts)
def test_independent_outcomes_get_the_plain_intervals(count: tuple[int, int]) -> None:
    k, n = count
    sample = Sample.independent_counts(k, n)
    assert effective_n(sample) == n
    assert (estimate(sample).low, estimate(sample).high) == (wilson(k, n).low, wilson(k, n).high)
    one_sided = (clopper_pearson(k, n, sides="lower").low, clopper_pearson(k, n, sides="upper").high)
    assert bounds(sample) == pytest.approx(one_sided, rel=1e-12)


def test_rewritings_of_one_idea_count_as_one_idea() -> None:
    sample = Sample(clusters=((0, 20),) * 10)
    assert effective_n(sample) == 10
    assert bounds(sample)[1] == pytest.approx(1 - 0.05 ** (1 / 10))
    total_correlation = Sample(clusters=((20, 20), (0, 20)) * 10)
    assert effective_n(total_correlation) == pytest.approx(19.0, rel=1e-9)


def test_one_cluster_says_nothing() -> None:
    rate = estimate(Sample(clusters=((3, 20),)))
    assert (rate.low, rate.high, rate.n_eff) == (0.0, 1.0, 1.0)


def test_clustered_interval_covers_where_the_naive_one_does_not() -> None:
    """50 seeds, 20 rewritings each, p = .1, intra-class correlation .3: naive Wilson covers about half of the time."""
    random_source = random.Random(7)
    naive = clustered = upper = 0
    rounds = 300
    shape = 1 / 0.3 - 1
    for _ in range(rounds):
        rates = [random_source.betavariate(0.1 * shape, 0.9 * shape) for _ in range(50)]
        sample = Sample(clusters=tuple((sum(random_source.random() < rate for _ in range(20)), 20) for rate in rates))
        plain, grouped = wilson(sample.k, sample.n), estimate(sample)
        naive += plain.low <= 0.1 <= plain.high
        clustered += grouped.low <= 0.1 <= grouped.high
        upper += bounds(sample)[1] >= 0.1
    assert naive / rounds < 0.65
    assert clustered / rounds > 0.9
    assert upper / rounds > 0.9
