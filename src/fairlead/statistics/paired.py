"""Comparing two rates: the same cases twice (paired), or two groups of cases."""

import math
from typing import Literal

import msgspec

from fairlead.statistics.intervals import wilson
from fairlead.statistics.model import check_counts


class Difference(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The difference of two rates and where it can be."""

    value: float
    """First rate minus second."""
    low: float
    high: float
    confidence: float
    method: Literal["newcombe", "newcombe_paired"]


def mcnemar_exact(b: int, c: int, *, sides: Literal["two", "greater"] = "two") -> float:
    """Return the p value of McNemar's exact test on discordant pairs.

    Args:
        b: Pairs in which only the first has the property.
        c: Pairs in which only the second has it.
        sides: ``two``, or ``greater`` for the alternative that the first has it more often.

    Returns:
        The exact binomial p value; 1.0 without discordant pairs.

    Raises:
        InvalidCounts: A count is negative.
    """
    total = b + c
    if total == 0 and b == 0:
        return 1.0
    check_counts(b, total)
    if sides == "greater":
        return _at_most(c, total)
    return min(1.0, 2 * _at_most(min(b, c), total))


def _at_most(k: int, n: int) -> float:
    """Return P(X <= k) for X binomial with n trials at one half, as one exact division of whole numbers."""
    term = ways = 1
    for i in range(1, k + 1):
        term = term * (n - i + 1) // i
        ways += term
    return ways / (1 << n)


def newcombe(k1: int, n1: int, k2: int, n2: int, *, confidence: float = 0.95) -> Difference:
    """Return the interval for the difference of two independent rates (Newcombe 1998, hybrid score, method 10).

    Args:
        k1: Outcomes with the property in the first group.
        n1: Size of the first group.
        k2: Outcomes with the property in the second group.
        n2: Size of the second group.
        confidence: Two-sided level, strictly between 0 and 1.

    Raises:
        InvalidCounts: The counts or the level make no sense.
    """
    first, second = wilson(k1, n1, confidence=confidence), wilson(k2, n2, confidence=confidence)
    p1, p2 = k1 / n1, k2 / n2
    return Difference(
        value=p1 - p2,
        low=p1 - p2 - math.hypot(p1 - first.low, second.high - p2),
        high=p1 - p2 + math.hypot(first.high - p1, p2 - second.low),
        confidence=confidence,
        method="newcombe",
    )


def newcombe_paired(both: int, first_only: int, second_only: int, neither: int, *, confidence: float = 0.95) -> Difference:
    """Return the interval for the difference of two rates on the same cases (Newcombe 1998b, method 10).

    Args:
        both: Pairs in which both have the property.
        first_only: Pairs in which only the first has it.
        second_only: Pairs in which only the second has it.
        neither: Pairs in which none has it.
        confidence: Two-sided level, strictly between 0 and 1.

    Raises:
        InvalidCounts: The counts or the level make no sense.
    """
    n = both + first_only + second_only + neither
    for count in (both, first_only, second_only, neither):
        check_counts(count, n)
    k1, k2 = both + first_only, both + second_only
    first, second = wilson(k1, n, confidence=confidence), wilson(k2, n, confidence=confidence)
    phi = _correlation(both, first_only, second_only, neither)
    p1, p2 = k1 / n, k2 / n
    value = (first_only - second_only) / n
    return Difference(
        value=value,
        low=value - _correlated(p1 - first.low, second.high - p2, phi),
        high=value + _correlated(first.high - p1, p2 - second.low, phi),
        confidence=confidence,
        method="newcombe_paired",
    )


def _correlated(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))


def _correlation(both: int, first_only: int, second_only: int, neither: int) -> float:
    """Return phi with Newcombe's continuity correction of a positive numerator."""
    n = both + first_only + second_only + neither
    margins = (both + first_only) * (second_only + neither) * (both + second_only) * (first_only + neither)
    if margins == 0:
        return 0.0
    numerator: float = both * neither - first_only * second_only
    if numerator > 0:
        numerator = max(numerator - n / 2, 0.0)
    return numerator / math.sqrt(margins)
