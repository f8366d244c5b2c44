"""Calibration: what a deployer's own reviewed texts say of a head, in numbers and digests; it holds no text."""

from typing import Literal, NamedTuple

import msgspec

from fairlead.core import digest
from fairlead.detectors.card import Channel, Curve, Rate
from fairlead.statistics import Difference


class CalibratedPoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A threshold that labels outside the fold were measured at; clusters are counted, not texts."""

    max_fpr: float
    """The promise: the one-sided 95% upper bound of the rate on the benign clusters is at most this."""
    threshold: float
    fpr: Rate
    recall: Rate


class Comparison(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The calibrated head beside the uncalibrated one on the same unsafe clusters, both held to the same benign ones."""

    max_fpr: float
    """False-positive rate that both are held to: at most as many benign clusters fire as its exact bound allows."""
    both: int
    """Unsafe clusters that both find."""
    only_calibrated: int
    only_uncalibrated: int
    neither: int
    p: float
    """McNemar's exact test, one-sided: that the calibrated head finds more."""
    difference: Difference
    """Of the two recalls, calibrated minus uncalibrated (Newcombe, paired)."""
    shipped_fpr: Rate
    """What the uncalibrated head does on the benign clusters at the threshold that it ships for ``max_fpr``."""
    shipped_recall: Rate
    answer: Literal["PASS", "FAIL", "INCONCLUSIVE"]
    """PASS: better, p at most 0.05. FAIL: worse, the whole interval is below zero."""


class ChannelCalibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What labels of one channel gave."""

    unsafe: int
    """Labelled texts."""
    benign: int
    unsafe_clusters: int
    benign_clusters: int
    slope: float
    bias: float
    unit: float
    """What one step of a weight is worth."""
    weights: str
    """One int8 for each hash bucket, base64."""
    curve: Curve
    points: tuple[CalibratedPoint, ...]
    comparison: Comparison


class Calibration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is signed and written; its digest is part of the calibrated detector's id, and so of every Release that uses it."""

    format: Literal[1] = 1
    head: str
    """Id of the head that it was fitted to; it fits no other."""
    labels: str
    """Digest of the file of labels."""
    channels: dict[Channel, ChannelCalibration]
    unproven: bool = False
    """True when somebody put it in force although the comparison did not show that it is better."""
    before: str = ""
    """Digest of the calibration that was in force before; empty for the uncalibrated head."""
    by: str
    at_us: int

    @property
    def digest(self) -> str:
        """The digest of the canonical form."""
        return digest(self)

    @property
    def name(self) -> str:
        """The head's name without its version."""
        return self.head.partition("@")[0]


class Outcome(NamedTuple):
    """What labels gave for each channel, and why a channel was left out."""

    channels: dict[Channel, ChannelCalibration]
    left_out: dict[Channel, str]
