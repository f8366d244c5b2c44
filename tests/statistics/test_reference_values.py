"""Published values: R's binom.confint and PropCIs as kept in statsmodels' tests, Newcombe 1998, Fagerland 2015, R's mcnemar."""

import math

import pytest

from fairlead.statistics import (
    InvalidCounts,
    clopper_pearson,
    jeffreys,
    max_failures,
    mcnemar_exact,
    newcombe,
    t_quantile,
    wilson,
    zero_failure_cases,
)

R_BINOM = [
    # k, n, wilson low, wilson high, exact low, exact high
    (4, 20, 0.0806576625797981, 0.4160174322518935, 0.05733399705003284, 0.436614002996668),
    (18, 20, 0.6989663547715128, 0.972133518786232, 0.6830172859809176, 0.9876514728297052),
    (4, 200, 0.00780442641634947, 0.05028708690582643, 0.005475565879556443, 0.05041360908989634),
    (190, 200, 0.910421851861224, 0.972617354399236, 0.9099724622986486, 0.975765834527891),
]
R_BINOM_SHORT = [
    (1, 30, 0.00590859, 0.16670391, 0.0008435709, 0.17216946),
    (29, 30, 0.8332961, 0.9940914, 0.8278305, 0.9991564),
    (0, 30, 0.0, 0.11351339, 0.0, 0.11570331),
    (30, 30, 0.8864866, 1.0, 0.8842967, 1.0),
    (0, 100, 0.0, 0.03699350, 0.0, 0.03621669),
    (1, 100, 0.00176743, 0.05448620, 0.00025315, 0.05445939),
    (3, 300, 0.00340662, 0.02898349, 0.00206701, 0.02894451),
]


@pytest.mark.parametrize(("k", "n", "w_low", "w_high", "e_low", "e_high"), R_BINOM)
def test_r_binom_confint_to_nine_digits(k: int, n: int, w_low: float, w_high: float, e_low: float, e_high: float) -> None:
    score, exact = wilson(k, n), clopper_pearson(k, n)
    assert (score.low, score.high) == pytest.approx((w_low, w_high), rel=1e-9)
    assert (exact.low, exact.high) == pytest.approx((e_low, e_high), rel=1e-9)


@pytest.mark.parametrize(("k", "n", "w_low", "w_high", "e_low", "e_high"), R_BINOM_SHORT)
def test_r_binom_confint_as_printed(k: int, n: int, w_low: float, w_high: float, e_low: float, e_high: float) -> None:
    score, exact = wilson(k, n), clopper_pearson(k, n)
    assert (score.low, score.high) == pytest.approx((w_low, w_high), abs=6e-8)
    assert (exact.low, exact.high) == pytest.approx((e_low, e_high), abs=6e-8)


def test_wilson_19_of_38() -> None:
    interval = wilson(19, 38)
    assert (interval.low, interval.high) == pytest.approx((0.348499283643951, 0.651500716356049), rel=1e-12)


@pytest.mark.parametrize(
    ("k", "n", "upper"), [(0, 100, 0.02951305), (0, 1000, 0.00299125), (1, 1000, 0.00473499), (0, 60, 1 - 0.05 ** (1 / 60))]
)
def test_one_sided_upper_bounds(k: int, n: int, upper: float) -> None:
    interval = clopper_pearson(k, n, sides="upper")
    assert interval.low == 0.0
    assert interval.high == pytest.approx(upper, abs=6e-9)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(4, 20, 0.07152005, 0.40822576), (18, 20, 0.71614674, 0.97862751), (4, 200, 0.0067876, 0.04684657)],
)
def test_jeffreys_as_r_bayes(k: int, n: int, low: float, high: float) -> None:
    interval = jeffreys(k, n)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=6e-8)


def test_jeffreys_touches_the_ends() -> None:
    assert jeffreys(0, 30).low == 0.0
    assert jeffreys(30, 30).high == 1.0


def test_newcombe_7_of_34_against_1_of_34() -> None:
    difference = newcombe(7, 34, 1, 34)
    assert (difference.low, difference.high) == pytest.approx((0.01892144, 0.34036869), abs=6e-9)


def test_newcombe_1998_56_of_70_against_48_of_80() -> None:
    difference = newcombe(56, 70, 48, 80)
    assert (difference.low, difference.high) == pytest.approx((0.0524314724, 0.3338726540), abs=6e-11)


@pytest.mark.parametrize(
    ("b", "c", "p", "tolerance"),
    [
        (121, 59, 4.4344492637551645e-06, 1e-18),
        (70, 59, 0.378688, 6e-7),
        (80, 59, 0.089452, 6e-7),
        (30, 60, 0.00206, 6e-6),
        (10, 30, 0.002221, 6e-7),
        (10, 10, 1.0, 0),
        (15, 19, 0.60759136127308, 1e-12),
        (0, 0, 1.0, 0),
        (0, 5, 0.0625, 0),
    ],
)
def test_mcnemar_exact(b: int, c: int, p: float, tolerance: float) -> None:
    assert mcnemar_exact(b, c) == pytest.approx(p, abs=tolerance, rel=0)


@pytest.mark.parametrize(
    ("df", "value"),
    [(1, 12.706204736432095), (2, 4.302652729911275), (4, 2.7764451051977987), (9, 2.2621571627409915), (30, 2.0422724563012373)],
)
def test_t_quantile(df: int, value: float) -> None:
    assert t_quantile(0.975, df) == pytest.approx(value, rel=1e-10)
    assert t_quantile(0.025, df) == pytest.approx(-value, rel=1e-10)
    assert t_quantile(0.5, df) == 0.0


@pytest.mark.parametrize(
    ("p0", "n95", "n99"),
    [
        (0.10, 29, 44),
        (0.05, 59, 90),
        (0.03, 99, 152),
        (0.02, 149, 228),
        (0.01, 299, 459),
        (0.005, 598, 919),
        (0.001, 2995, 4603),
    ],
)
def test_zero_failure_plan(p0: float, n95: int, n99: int) -> None:
    assert (zero_failure_cases(p0), zero_failure_cases(p0, alpha=0.01)) == (n95, n99)


@pytest.mark.parametrize(
    ("p0", "n", "failures"),
    [
        (0.01, 300, 0),
        (0.01, 500, 1),
        (0.01, 1000, 4),
        (0.01, 2000, 12),
        (0.01, 5000, 38),
        (0.02, 200, 0),
        (0.02, 300, 1),
        (0.02, 500, 4),
        (0.02, 1000, 12),
        (0.05, 100, 1),
        (0.05, 200, 4),
        (0.05, 300, 8),
        (0.05, 500, 16),
        (0.05, 1000, 38),
        (0.01, 298, None),
    ],
)
def test_max_failures_plan(p0: float, n: int, failures: int | None) -> None:
    assert max_failures(n, p0) == failures


@pytest.mark.parametrize(("k", "n"), [(1, 0), (-1, 5), (6, 5), (0, 0)])
def test_counts_that_are_none_are_refused(k: int, n: int) -> None:
    for interval in (wilson, clopper_pearson, jeffreys):
        with pytest.raises(InvalidCounts):
            interval(k, n)


@pytest.mark.parametrize("level", [0.0, 1.0, -0.1, 95.0, math.nan])
def test_levels_that_are_none_are_refused(level: float) -> None:
    with pytest.raises(InvalidCounts):
        wilson(1, 2, confidence=level)
    with pytest.raises(InvalidCounts):
        zero_failure_cases(0.05, alpha=level)
