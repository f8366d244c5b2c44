"""How many cases a claim needs, and how many failures it can carry, before anything is run."""

import math

from fairlead.statistics.errors import InvalidCounts
from fairlead.statistics.intervals import exact_upper
from fairlead.statistics.model import check_level


def zero_failure_cases(p0: float, *, alpha: float = 0.05) -> int:
    """Return how many independent cases without one failure it takes to claim a rate of at most ``p0``.

    The smallest n with ``(1 - p0)**n <= alpha``.

    Args:
        p0: Claimed rate, strictly between 0 and 1.
        alpha: One-sided error, strictly between 0 and 1.

    Raises:
        InvalidCounts: A level is not strictly between 0 and 1.
    """
    check_level(p0, "p0")
    check_level(alpha, "alpha")
    n = max(1, math.ceil(math.log(alpha) / math.log1p(-p0)) - 1)
    while n * math.log1p(-p0) > math.log(alpha):
        n += 1
    return n


def max_failures(n: int, p0: float, *, alpha: float = 0.05) -> int | None:
    """Return how many failures ``n`` independent cases may show while a rate of at most ``p0`` can still be claimed.

    Args:
        n: Number of cases, at least 1.
        p0: Claimed rate, strictly between 0 and 1.
        alpha: One-sided error, strictly between 0 and 1.

    Returns:
        The largest count; None when not even zero failures would do.

    Raises:
        InvalidCounts: ``n`` or a level makes no sense.
    """
    check_level(p0, "p0")
    check_level(alpha, "alpha")
    if n < 1:
        raise InvalidCounts(f"{n} is not a number of cases", mend="give at least one case")
    if exact_upper(0, n, alpha) > p0:
        return None
    low, high = 0, n
    while high - low > 1:
        middle = (low + high) // 2
        if exact_upper(middle, n, alpha) <= p0:
            low = middle
        else:
            high = middle
    return low
