"""Fits a calibration to reviewed labels, and measures it on labels that it was not fitted to.

A logistic regression on the head's raw value and the text's n-grams, as the most probable parameters under a Gaussian prior around the
uncalibrated head (Rasmussen and Williams 2006, algorithm 3.1: Newton in the space of the texts). With as few labels as these that takes
seconds. Near-duplicates and groups stay in one fold, and clusters are counted instead of texts, so that copies prove nothing.
"""

import base64
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fairlead.detectors.calibration import CalibratedPoint, ChannelCalibration, Comparison, Outcome
from fairlead.detectors.card import LADDER, Channel, Curve, Rate, channel_of
from fairlead.detectors.duplicates import clusters
from fairlead.detectors.errors import LabelsInvalid, NoOperatingPoint
from fairlead.detectors.families.heads import HeadDetector
from fairlead.detectors.labels import Label, Labels
from fairlead.detectors.ngrams import BUCKETS, Grams, grams_of
from fairlead.detectors.text import prepare
from fairlead.statistics import clopper_pearson, mcnemar_exact, newcombe_paired

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
FEW_UNSAFE = 10
"""Unsafe clusters that a channel needs at least."""
_FOLDS = 5
_SPREAD = 15.0
"""Prior variance of what the n-grams of an average text add to its raw value."""
_SLOPE, _BIAS = 0.25, 4.0
"""Prior variances of the slope, around 1, and of the bias, around 0."""
_SURE = 0.05
_CHUNK = 8192


class Values(NamedTuple):
    """Raw values of units: a cluster's benign texts are one, by the highest; its unsafe texts are one, by the lowest."""

    benign: Floats
    unsafe: Floats


def fit_channels(head: HeadDetector, labels: Labels, *, max_fpr: float) -> Outcome:
    """Do what :func:`fairlead.detectors.calibrate` promises."""
    channels: dict[Channel, ChannelCalibration] = {}
    left_out: dict[Channel, str] = {}
    held: dict[Channel, list[Label]] = {}
    for entry in labels.entries:
        channel = channel_of(entry.origin)
        if channel is not None:
            held.setdefault(channel, []).append(entry)
    for channel, entries in sorted(held.items()):
        samples = _Samples(head, channel, entries)
        reason = samples.too_few(max_fpr)
        if reason:
            left_out[channel] = reason
        else:
            channels[channel] = samples.calibrated(max_fpr)
    return Outcome(channels, left_out)


def least_benign(max_fpr: float) -> int:
    """Return how many benign clusters it takes to promise a false-positive rate when none of them fires."""
    return next(n for n in range(1, 10**6) if allowed(n, max_fpr) >= 0)


def allowed(n: int, max_fpr: float) -> int:
    """Return how many of ``n`` benign clusters may fire so that the one-sided 95% upper bound keeps to a rate; -1 if none may."""
    k = -1
    while k + 1 < n and clopper_pearson(k + 1, n, sides="upper").high <= max_fpr:
        k += 1
    return k


class _Samples:
    """The labelled texts of one channel: features, folds, and what comes of them."""

    def __init__(self, head: HeadDetector, channel: Channel, entries: Sequence[Label]) -> None:
        self._card, self._channel = head.card, channel
        self._unsafe = np.array([entry.unsafe for entry in entries])
        self._clusters = np.array(clusters([entry.text for entry in entries], [entry.group for entry in entries]))
        readings = [(owner, grams) for owner, entry in enumerate(entries) for grams in _readings(entry.text)]
        self._owners = np.array([owner for owner, _ in readings])
        # The text itself is learned from; what its decoded views say is only scored, as in use.
        self._first = np.flatnonzero(np.diff(self._owners, prepend=-1))
        self._raw = np.array([head.window(grams, channel).raw for _, grams in readings])
        self._grams = _Grams([grams for _, grams in readings])

    def too_few(self, max_fpr: float) -> str:
        """Return why a channel can't be calibrated; empty when it can."""
        units = self._units(self._values(self._raw))
        needed = least_benign(max_fpr)
        if units.benign.size < needed:
            return f"{units.benign.size} benign clusters; {max_fpr:.2%} takes {needed}"
        return "" if units.unsafe.size >= FEW_UNSAFE else f"{units.unsafe.size} unsafe clusters; it takes {FEW_UNSAFE}"

    def calibrated(self, max_fpr: float) -> ChannelCalibration:
        """Return the calibration of all labels, with rates of labels outside the fold."""
        kernel = _SPREAD * self._grams.kernel() + _SLOPE * np.outer(self._raw, self._raw) + _BIAS
        everything = np.arange(self._unsafe.size)
        outside = np.empty(self._unsafe.size)
        folds = self._folds()
        for fold in range(_FOLDS):
            alphas = self._fit(kernel, everything[folds != fold])
            values = self._values(self._raw + kernel[:, self._first[folds != fold]] @ alphas)
            outside[folds == fold] = values[folds == fold]
        alphas = self._fit(kernel, everything)
        weights = _SPREAD * self._grams.weights(self._first, alphas)
        unit = max(float(np.abs(weights).max()) / 127, 1e-9)
        steps = np.clip(np.rint(weights / unit), -127, 127).astype(np.int8)
        new, old = self._units(outside), self._units(self._values(self._raw))
        curve = curve_of(new.benign)
        return ChannelCalibration(
            unsafe=int(self._unsafe.sum()),
            benign=int((~self._unsafe).sum()),
            unsafe_clusters=new.unsafe.size,
            benign_clusters=new.benign.size,
            slope=float(1 + _SLOPE * alphas @ self._raw[self._first]),
            bias=float(_BIAS * alphas.sum()),
            unit=unit,
            weights=base64.b64encode(steps.tobytes()).decode(),
            curve=curve,
            points=tuple(_points(new, curve)),
            comparison=compare(new, old, max_fpr=max_fpr, shipped=self._shipped(max_fpr)),
        )

    def _fit(self, kernel: Floats, chosen: Indices) -> Floats:
        rows = self._first[chosen]
        return most_probable(kernel[np.ix_(rows, rows)], self._raw[rows], self._unsafe[chosen])

    def _values(self, raw: Floats) -> Floats:
        """Return the value of each text: of its highest reading."""
        return np.asarray(np.maximum.reduceat(raw, self._first))

    def _units(self, values: Floats) -> Values:
        best: dict[tuple[bool, int], float] = {}
        for unsafe, cluster, value in zip(self._unsafe, self._clusters, values, strict=True):
            key = (bool(unsafe), int(cluster))
            chosen = min if unsafe else max
            best[key] = float(chosen(best.get(key, value), value))
        split = [[value for (is_unsafe, _), value in best.items() if is_unsafe == side] for side in (False, True)]
        return Values(np.array(split[0]), np.array(split[1]))

    def _folds(self) -> Indices:
        """Return the fold of each text: whole clusters, spread so that each fold gets its share of both sides."""
        members: dict[int, list[int]] = {}
        for at, cluster in enumerate(self._clusters):
            members.setdefault(int(cluster), []).append(at)
        filled = np.zeros((_FOLDS, 2))
        totals = np.array([max(1, (~self._unsafe).sum()), max(1, self._unsafe.sum())])
        folds = np.zeros(self._unsafe.size, dtype=np.int64)
        for cluster in sorted(members, key=lambda name: (-len(members[name]), name)):
            sides = np.bincount(self._unsafe[members[cluster]].astype(np.int64), minlength=2) / totals
            fold = int((filled @ sides).argmin())
            filled[fold] += sides
            folds[members[cluster]] = fold
        return folds

    def _shipped(self, max_fpr: float) -> float:
        """Return the raw value that the shipped card fires from at a false-positive rate; infinity where it promises none."""
        try:
            threshold = self._card.threshold(max_fpr)
        except NoOperatingPoint:
            return float("inf")
        curve = self._card.curves[self._channel]
        return float(np.interp(threshold, curve.scores, curve.raw))


class _Grams:
    """N-grams of texts, each weighed by how rare it is among them."""

    def __init__(self, readings: Sequence[Grams]) -> None:
        parts = [np.unique(grams.buckets, return_counts=True) for grams in readings]
        self._count = len(parts)
        self._buckets = np.concatenate([buckets for buckets, _ in parts]).astype(np.int64)
        self._rows = np.repeat(np.arange(self._count), [buckets.size for buckets, _ in parts])
        values = np.concatenate([counts / max(counts.sum(), 1) ** 0.5 for _, counts in parts])
        having = np.bincount(self._buckets, minlength=BUCKETS)
        self._rarity = np.log((self._count + 1) / (having + 1))
        self._values = values * self._rarity[self._buckets]
        self._scale = self._count / max(float((self._values**2).sum()), 1e-12)

    def kernel(self) -> Floats:
        """Return the inner products of all pairs of texts, one on average with itself."""
        order = np.argsort(self._buckets, kind="stable")
        _, columns = np.unique(self._buckets[order], return_inverse=True)
        rows, values = self._rows[order], self._values[order]
        total = np.zeros((self._count, self._count))
        edges = np.searchsorted(columns, np.arange(0, int(columns[-1]) + 1 + _CHUNK, _CHUNK))
        for number, (start, end) in enumerate(pairwise(edges)):
            dense = np.zeros((self._count, _CHUNK), dtype=np.float32)
            dense[rows[start:end], columns[start:end] - number * _CHUNK] = values[start:end]
            total += dense @ dense.T
        return total * self._scale

    def weights(self, rows: Indices, alphas: Floats) -> Floats:
        """Return one weight per bucket: what texts with these multipliers add up to."""
        by_row = np.zeros(self._count)
        by_row[rows] = alphas
        added = np.bincount(self._buckets, weights=by_row[self._rows] * self._values, minlength=BUCKETS)
        return np.asarray(added * self._rarity * self._scale)


def most_probable(kernel: Floats, mean: Floats, unsafe: npt.NDArray[np.bool_]) -> Floats:
    """Return the multipliers of the texts at the mode of the posterior; Newton's method, a step halved until it does not make it worse.

    Args:
        kernel: Prior covariance of the texts' raw values.
        mean: Their prior means.
        unsafe: Their labels.
    """
    sign = np.where(unsafe, 1.0, -1.0)
    alphas = np.zeros(mean.size)

    def posterior(at: Floats) -> tuple[float, Floats]:
        added = kernel @ at
        return float(-np.logaddexp(0, -sign * (mean + added)).sum() - at @ added / 2), mean + added

    best, raw = posterior(alphas)
    for _ in range(50):
        share = (1 + np.tanh(raw / 2)) / 2
        curvature = np.maximum(share * (1 - share), 1e-8)
        right = curvature * (raw - mean) + unsafe - share
        root = np.sqrt(curvature)
        system = np.eye(mean.size) + root[:, None] * kernel * root
        step = right - root * np.linalg.solve(system, root * (kernel @ right)) - alphas
        size = 1.0
        while (tried := posterior(alphas + size * step))[0] < best and size > 1e-4:
            size /= 2
        gained = tried[0] - best
        if gained <= 0:
            break
        alphas, best, raw = alphas + size * step, *tried
        if gained < 1e-9:
            break
    return alphas


def cut(benign: Floats, max_fpr: float) -> float | None:
    """Return the lowest threshold that keeps to a rate on benign units; None if there are too few.

    The threshold is an order statistic, so the bound is exact although the same units chose it.
    """
    k = allowed(benign.size, max_fpr)
    if k < 0:
        return None
    ordered = np.sort(benign)[::-1]
    above, below = float(ordered[k - 1] if k else ordered[0] + 0.1), float(ordered[k])
    between = (above + below) / 2
    return between if between > below else float(np.nextafter(below, np.inf))


def curve_of(benign: Floats) -> Curve:
    """Return the way from raw values to scores: the ladder's rates get the ladder's scores, as far as the units can promise them."""
    cuts = [(found, score) for max_fpr, score in LADDER if (found := cut(benign, max_fpr)) is not None]
    raw = np.array([cuts[0][0] - 4, *(found for found, _ in cuts), cuts[-1][0] + 4])
    rising = np.maximum.accumulate(raw) + np.arange(raw.size) * 1e-9
    return Curve(unit=1.0, bias=0.0, raw=tuple(map(float, rising)), scores=(0.0, *(score for _, score in cuts), 1.0))


def compare(new: Values, old: Values, *, max_fpr: float, shipped: float) -> Comparison:
    """Compare two heads on the same units, each at the lowest threshold that keeps to a rate on the benign ones.

    Args:
        new: Of the calibrated head, outside the fold.
        old: Of the uncalibrated head.
        max_fpr: The rate; there must be benign units enough.
        shipped: Raw value from which the uncalibrated head fires as it was shipped.
    """
    at_new, at_old = cut(new.benign, max_fpr), cut(old.benign, max_fpr)
    if at_new is None or at_old is None:
        raise LabelsInvalid(f"too few benign texts for {max_fpr:.2%}", mend=f"review {least_benign(max_fpr)} or more")
    finds, found = new.unsafe >= at_new, old.unsafe >= at_old
    both, gained, lost = (int(part.sum()) for part in (finds & found, finds & ~found, ~finds & found))
    neither = new.unsafe.size - both - gained - lost
    p = mcnemar_exact(gained, lost, sides="greater")
    difference = newcombe_paired(both, gained, lost, neither)
    return Comparison(
        max_fpr=max_fpr,
        both=both,
        only_calibrated=gained,
        only_uncalibrated=lost,
        neither=neither,
        p=p,
        difference=difference,
        shipped_fpr=_rate(old.benign >= shipped),
        shipped_recall=_rate(old.unsafe >= shipped),
        answer="PASS" if p <= _SURE else "FAIL" if difference.high < 0 else "INCONCLUSIVE",
    )


def _points(values: Values, curve: Curve) -> Iterator[CalibratedPoint]:
    scores = {side: np.interp(getattr(values, side), curve.raw, curve.scores) for side in ("benign", "unsafe")}
    for max_fpr, score in LADDER:
        if score in curve.scores:
            fired, found = _rate(scores["benign"] >= score), _rate(scores["unsafe"] >= score)
            yield CalibratedPoint(max_fpr=max_fpr, threshold=score, fpr=fired, recall=found)


def _rate(hits: npt.NDArray[np.bool_]) -> Rate:
    k, n = int(hits.sum()), hits.size
    interval = clopper_pearson(k, n)
    return Rate(k=k, n=n, value=round(k / n, 6), low=round(interval.low, 6), high=round(interval.high, 6))


def _readings(text: str) -> list[Grams]:
    """Return the features of what is read of a text, never nothing."""
    return [grams for _, grams in prepare(text).grams] or [grams_of(text)]
