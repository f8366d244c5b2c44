"""How often a head fires, with exact intervals, and how its raw values become scores."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fairlead.detectors.card import LADDER, Channel, Curve, OperatingPoint, Rate
from fairlead.detectors.families.heads import highest
from fairlead.detectors.text import prepare
from fairlead.statistics import clopper_pearson
from training.fit import Integers

Raw = npt.NDArray[np.float64]
Cuts = dict[float, float]
"""False-positive rate to the lowest raw value that keeps to it."""


def raw_of(texts: Sequence[str], model: Integers, width: int) -> Raw:
    """Return the raw value of the highest window of each text, in whichever way it is read."""
    best = [max(highest(grams, width, model.table).raw for _, grams in prepare(text).grams) for text in texts]
    return np.array(best) * model.unit + model.bias


def rate(k: int, n: int) -> Rate:
    """Return a rate with its two-sided 95% interval."""
    interval = clopper_pearson(k, n)
    return Rate(k=k, n=n, value=round(k / n, 6), low=round(interval.low, 6), high=round(interval.high, 6))


def allowed(n: int, max_fpr: float) -> int:
    """Return how many of ``n`` benign texts may fire so that the one-sided 95% upper bound keeps to a rate; -1 if none may."""
    k = -1
    while k + 1 < n and clopper_pearson(k + 1, n, sides="upper").high <= max_fpr:
        k += 1
    return k


def thresholds(benign: Raw) -> Cuts:
    """Return the lowest raw threshold for each rate of the ladder that the pool is large enough for."""
    ordered = np.sort(benign)[::-1]
    out: Cuts = {}
    for max_fpr, _ in LADDER:
        k = allowed(benign.size, max_fpr)
        if k >= 0:
            out[max_fpr] = float(ordered[k - 1] + ordered[k]) / 2 if k else float(ordered[0]) + 0.05
    return out


def curve(cuts: Cuts, unit: float = 1.0, bias: float = 0.0) -> Curve:
    """Return the way from raw values to scores: the ladder's rates get the ladder's scores.

    Args:
        cuts: Raw values of the rates.
        unit: What a step of a weight is worth.
        bias: What is added to the sum.
    """
    raw = [cuts[max_fpr] for max_fpr, _ in LADDER if max_fpr in cuts]
    scores = [score for max_fpr, score in LADDER if max_fpr in cuts]
    raw = [raw[0] - 4, *raw, raw[-1] + 4]
    rising = np.maximum.accumulate(np.array(raw) + np.arange(len(raw)) * 1e-6)
    return Curve(unit=unit, bias=bias, raw=tuple(float(value) for value in rising), scores=(0.0, *scores, 1.0))


def points(benign: Raw, by: Curve, channel: Channel) -> list[OperatingPoint]:
    """Return the operating points of a pool.

    Args:
        benign: Raw values of the pool.
        by: The way to scores.
        channel: Whose.
    """
    scores = np.interp(benign, by.raw, by.scores)
    out = []
    for max_fpr, score in LADDER:
        k = int((scores >= score).sum())
        if k <= allowed(benign.size, max_fpr):
            out.append(OperatingPoint(channel=channel, max_fpr=max_fpr, threshold=score, fpr=rate(k, benign.size)))
    return out
