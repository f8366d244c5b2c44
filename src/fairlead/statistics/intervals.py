"""Intervals for one proportion.

Wilson (1927) is for display: its coverage is near the nominal level on average. Clopper and Pearson (1934) is for claims: its coverage
is never below the nominal level. Neither has zero width at k = 0 or k = n.
"""

import math

from fairlead.statistics.model import Interval, Sides, check_counts, check_level
from fairlead.statistics.special import beta_quantile, normal_quantile


def wilson(k: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Return the Wilson score interval.

    Args:
        k: Outcomes with the property.
        n: All outcomes.
        confidence: Two-sided level, strictly between 0 and 1.

    Raises:
        InvalidCounts: The counts or the level make no sense.
    """
    check_counts(k, n)
    check_level(confidence, "confidence")
    low, high = score_limits(k / n, n, normal_quantile((1 + confidence) / 2))
    return Interval(low=0.0 if k == 0 else low, high=1.0 if k == n else high, confidence=confidence, method="wilson")


def score_limits(p: float, n: float, critical: float) -> tuple[float, float]:
    """Return Wilson's limits for an observed rate and a critical value, clipped to [0, 1].

    Args:
        p: Observed rate.
        n: Number of outcomes; an effective number need not be whole.
        critical: Standard normal or t quantile.
    """
    square = critical * critical
    centre = p + square / (2 * n)
    half = critical * math.sqrt(p * (1 - p) / n + square / (4 * n * n))
    scale = 1 + square / n
    return max(0.0, (centre - half) / scale), min(1.0, (centre + half) / scale)


def clopper_pearson(k: int, n: int, *, confidence: float = 0.95, sides: Sides = "two") -> Interval:
    """Return the exact interval of Clopper and Pearson.

    Args:
        k: Outcomes with the property.
        n: All outcomes.
        confidence: Level, strictly between 0 and 1.
        sides: ``two``, or ``upper`` / ``lower`` to spend all of the error on that bound.

    Raises:
        InvalidCounts: The counts or the level make no sense.
    """
    check_counts(k, n)
    check_level(confidence, "confidence")
    tail = (1 - confidence) / 2 if sides == "two" else 1 - confidence
    return Interval(
        low=0.0 if sides == "upper" else exact_lower(k, n, tail),
        high=1.0 if sides == "lower" else exact_upper(k, n, tail),
        confidence=confidence,
        method="clopper_pearson",
        sides=sides,
    )


def exact_lower(k: float, n: float, tail: float) -> float:
    """Return the rate below which ``k`` or more of ``n`` has at most the probability ``tail``; real counts are allowed."""
    return 0.0 if k <= 0 else beta_quantile(tail, k, n - k + 1)


def exact_upper(k: float, n: float, tail: float) -> float:
    """Return the rate above which ``k`` or fewer of ``n`` has at most the probability ``tail``; real counts are allowed."""
    return 1.0 - exact_lower(n - k, n, tail)


def jeffreys(k: int, n: int, *, confidence: float = 0.95) -> Interval:
    """Return the equal-tailed Jeffreys interval, with the ends of Brown, Cai and DasGupta (2001) at k = 0 and k = n.

    Args:
        k: Outcomes with the property.
        n: All outcomes.
        confidence: Two-sided level, strictly between 0 and 1.

    Raises:
        InvalidCounts: The counts or the level make no sense.
    """
    check_counts(k, n)
    check_level(confidence, "confidence")
    tail = (1 - confidence) / 2
    return Interval(
        low=0.0 if k == 0 else beta_quantile(tail, k + 0.5, n - k + 0.5),
        high=1.0 if k == n else 1.0 - beta_quantile(tail, n - k + 0.5, k + 0.5),
        confidence=confidence,
        method="jeffreys",
    )
