"""Ranks for quantile intervals against tables and the binomial distribution itself."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from fairlead.governance.quantiles import quantile_ranks


@pytest.mark.parametrize(
    ("n", "low", "high"),
    # Conover, Practical Nonparametric Statistics: the 95% interval of the median from order statistics (from 1 there, from 0 here).
    [(5, None, None), (6, 0, 5), (8, 0, 7), (9, 1, 7), (12, 2, 9), (15, 3, 11), (20, 5, 14), (25, 7, 17)],
)
def test_the_median_has_the_tabled_ranks(n: int, low: int | None, high: int | None) -> None:
    ranks = quantile_ranks(n, 0.5)
    assert (ranks.low, ranks.high) == (low, high)


def test_one_value_has_no_interval() -> None:
    assert quantile_ranks(1, 0.5) == (None, 0, None)


def test_p95_needs_72_values_for_an_upper_end() -> None:
    """0.95 ** 71 is above 2.5%, 0.95 ** 72 below it."""
    assert quantile_ranks(71, 0.95).high is None
    assert quantile_ranks(72, 0.95).high == 71


@settings(max_examples=80, deadline=None)
@given(st.integers(1, 3000), st.floats(0.05, 0.99))
def test_each_side_errs_at_most_half_and_is_as_tight_as_that_allows(n: int, q: float) -> None:
    ranks = quantile_ranks(n, q)
    count = stats.binom(n, q)
    if ranks.low is not None:
        assert count.cdf(ranks.low) <= 0.025 + 1e-9
    assert count.cdf(0 if ranks.low is None else ranks.low + 1) > 0.025 - 1e-9
    if ranks.high is not None:
        assert count.sf(ranks.high) <= 0.025 + 1e-9
        assert ranks.high == 0 or count.sf(ranks.high - 1) > 0.025 - 1e-9
    else:
        assert count.sf(n - 1) > 0.025 - 1e-9
    assert (ranks.low or 0) <= ranks.value <= (n - 1 if ranks.high is None else ranks.high)
