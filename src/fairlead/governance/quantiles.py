"""Quantiles with distribution-free intervals: ranks of the ordered sample, from the binomial distribution.

The q-quantile lies between the l-th and the u-th smallest of n values with the probability that a binomial count (n, q) is at least l and
less than u (Hahn and Meeker, Statistical Intervals, section 5.2). Nothing is assumed of the distribution but that it is continuous.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from fairlead.statistics import beta_cdf


class Ranks(NamedTuple):
    """Places in the ordered sample, from 0."""

    low: int | None
    """None: the sample is too small to give a lower end."""
    value: int
    high: int | None
    """None: the sample is too small to give an upper end."""


def quantile_ranks(n: int, q: float, *, confidence: float = 0.95) -> Ranks:
    """Return where a quantile and the ends of its interval stand in the ordered sample.

    Args:
        n: Size of the sample, at least 1.
        q: Which quantile, strictly between 0 and 1.
        confidence: Two-sided level; each side gets half of the error.
    """
    tail = (1 - confidence) / 2
    value = min(n - 1, max(0, math.ceil(q * n) - 1))
    low = _last(n, lambda rank: _at_most(rank, n, q) <= tail)
    high = _last(n, lambda rank: 1 - _at_most(rank, n, q) > tail)
    return Ranks(low, value, _after(high, n))


def _at_most(count: int, n: int, q: float) -> float:
    """Return the probability that at most ``count`` of ``n`` values lie below the quantile."""
    return 1.0 if count >= n else 1 - beta_cdf(q, count + 1, n - count)


def _last(n: int, holds: Callable[[int], bool]) -> int | None:
    """Return the last rank for which a condition holds that holds up to some rank and not after it."""
    low, high = -1, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low if low >= 0 else None


def _after(rank: int | None, n: int) -> int | None:
    following = 0 if rank is None else rank + 1
    return following if following < n else None
