"""Rates of correlated outcomes: twenty rewritings of one idea are not twenty ideas.

The design effect is the ratio of the cluster-robust variance of the mean (Miller 2024, arXiv:2411.00640, with the factor C/(C-1)) to the
variance under independence. Intervals are then taken at the effective n: Wilson with a t quantile of C-1 degrees of freedom for display,
and Clopper-Pearson in the manner of Korn and Graubard (1998) for claims. Two edges are decided on the safe side:

- With no outcome (or only outcomes) of the property the correlation can't be seen, so it is taken as total:
  n_eff is the number of clusters.
- Seeing some outcomes never gives a tighter bound than seeing none would have given.
"""

import math

from fairlead.statistics.errors import InvalidCounts
from fairlead.statistics.intervals import exact_lower, exact_upper, score_limits, wilson
from fairlead.statistics.model import Estimate, Sample, check_level
from fairlead.statistics.special import t_quantile


def effective_n(sample: Sample) -> float:
    """Return how many independent outcomes would say as much as this sample.

    Args:
        sample: Outcomes by cluster; at least one.

    Returns:
        At least 1 and at most ``sample.n``.

    Raises:
        InvalidCounts: The sample is empty.
    """
    _refuse_empty(sample)
    count = len(sample.clusters)
    if sample.independent:
        return float(sample.n)
    if count == 1 or sample.k in (0, sample.n):
        return float(count)
    rate = sample.k / sample.n
    squares = math.fsum((k - n * rate) ** 2 for k, n in sample.clusters)
    variance = count / (count - 1) * squares / sample.n**2
    independent = rate * (1 - rate) / sample.n
    return max(1.0, min(float(sample.n), sample.n * independent / variance)) if variance > 0 else float(sample.n)


def estimate(sample: Sample, *, confidence: float = 0.95) -> Estimate:
    """Return the rate of a sample with its two-sided interval.

    Args:
        sample: Outcomes by cluster; at least one.
        confidence: Two-sided level, strictly between 0 and 1.

    Returns:
        Wilson's interval, at the effective n when outcomes are clustered.

    Raises:
        InvalidCounts: The sample is empty, or the level makes no sense.
    """
    _refuse_empty(sample)
    check_level(confidence, "confidence")
    if sample.independent:
        interval = wilson(sample.k, sample.n, confidence=confidence)
        low, high = interval.low, interval.high
    else:
        low, high = _clustered_limits(sample, confidence)
    return Estimate(
        value=sample.k / sample.n,
        low=low,
        high=high,
        n=sample.n,
        k=sample.k,
        method="wilson" if sample.independent else "wilson_clustered",
        confidence=confidence,
        clusters=len(sample.clusters),
        n_eff=effective_n(sample),
    )


def _clustered_limits(sample: Sample, confidence: float) -> tuple[float, float]:
    count = len(sample.clusters)
    if count == 1:
        return 0.0, 1.0
    critical = t_quantile((1 + confidence) / 2, count - 1)
    low, high = score_limits(sample.k / sample.n, effective_n(sample), critical)
    low_if_all, _ = score_limits(1.0, count, critical)
    _, high_if_none = score_limits(0.0, count, critical)
    return (0.0 if sample.k == 0 else min(low, low_if_all)), (1.0 if sample.k == sample.n else max(high, high_if_none))


def bounds(sample: Sample, *, alpha: float = 0.05) -> tuple[float, float]:
    """Return the one-sided lower and the one-sided upper bound, each with the whole error ``alpha``.

    Args:
        sample: Outcomes by cluster; at least one.
        alpha: Error of each bound, strictly between 0 and 1.

    Raises:
        InvalidCounts: The sample is empty, or alpha makes no sense.
    """
    _refuse_empty(sample)
    check_level(alpha, "alpha")
    if sample.independent:
        return exact_lower(sample.k, sample.n, alpha), exact_upper(sample.k, sample.n, alpha)
    count = len(sample.clusters)
    n = _korn_graubard_n(sample, alpha)
    k = sample.k / sample.n * n
    low = 0.0 if sample.k == 0 else min(exact_lower(k, n, alpha), exact_lower(count, count, alpha))
    high = 1.0 if sample.k == sample.n else max(exact_upper(k, n, alpha), exact_upper(0, count, alpha))
    return low, high


def _korn_graubard_n(sample: Sample, alpha: float) -> float:
    count = len(sample.clusters)
    n = effective_n(sample)
    if count == 1 or sample.k in (0, sample.n):
        return n
    ratio = t_quantile(1 - alpha, sample.n - 1) / t_quantile(1 - alpha, count - 1)
    return max(1.0, n * ratio * ratio)


def _refuse_empty(sample: Sample) -> None:
    if not sample.clusters:
        raise InvalidCounts("there is no outcome to count", mend="give at least one outcome")
