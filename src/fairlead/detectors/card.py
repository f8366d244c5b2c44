"""Operating-point cards: what a detector was made from, and how often it is wrong on texts that it was not made from.

Cards are written by ``make train`` and shipped beside the models. Their scores mean the same in each: a threshold of 0.8 is one that at
most 1% of the benign pool reaches, by the upper end of an exact interval, in every channel.
"""

from importlib import resources
from typing import Literal

import msgspec

from fairlead.core import UNTRUSTED, Origin, digest_bytes
from fairlead.detectors.errors import ModelDamaged, NoOperatingPoint

Channel = Literal["asked", "data"]
"""What a text is to the model: what somebody asks of it, or data that it works on."""

LADDER: tuple[tuple[float, float], ...] = (
    (0.05, 0.5),
    (0.02, 0.7),
    (0.01, 0.8),
    (0.005, 0.9),
    (0.0025, 0.94),
    (0.001, 0.97),
)
"""False-positive rate that is promised, and the score that stands for it."""


class DataSource(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Public data that a detector was made from, or only measured on."""

    name: str
    repository: str
    commit: str
    licence: str
    use: Literal["training", "measuring"]
    digests: dict[str, str]
    """File name to the digest of its bytes."""


class Rate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A share of texts with its exact 95% interval (Clopper and Pearson)."""

    k: int
    n: int
    value: float
    low: float
    high: float


class OperatingPoint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A threshold and the false-positive rate that it keeps."""

    channel: Channel
    max_fpr: float
    """The promise: the one-sided 95% upper bound of the rate on the benign pool is at most this."""
    threshold: float
    fpr: Rate


class Measurement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a detector does on a source that it knows nothing of: the rates to quote for texts of another kind."""

    source: str
    channel: Channel
    kind: Literal["recall", "fpr"]
    """Recall in data is of attacks that stand inside a benign document."""
    max_fpr: float = 0.0
    """The operating point; 0 where a fixed threshold was measured."""
    threshold: float = 0.0
    """The fixed threshold; 0 where an operating point was measured."""
    rate: Rate


class Curve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a channel's raw sums become scores."""

    unit: float
    """What one step of an int8 weight is worth."""
    bias: float
    raw: tuple[float, ...]
    """Raw values that stand for the scores, both rising."""
    scores: tuple[float, ...]


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known about a detector."""

    detector: str
    """``name@version``."""
    method: str
    limits: str
    """What it can't do, in words."""
    model: str = ""
    """Digest of its weights; empty for rules."""
    curves: dict[Channel, Curve] = {}
    points: tuple[OperatingPoint, ...] = ()
    pool: dict[str, int] = {}
    """Benign texts that the points were measured on, by channel and source; none was trained on."""
    pools: dict[Channel, str] = {}
    """Digest of each channel's pool, of its texts in their order; frozen before the weights were made."""
    left_out: tuple[Measurement, ...] = ()
    """By models that were made without the source and without near-duplicates of its texts in other sources."""
    grouped: tuple[Measurement, ...] = ()
    """By models that were made without a fifth of the source's clusters of near-duplicates: for texts of the same kind."""
    outside: tuple[Measurement, ...] = ()
    """By the shipped model on sources that are for measuring only."""
    sources: tuple[DataSource, ...] = ()

    def threshold(self, max_fpr: float) -> float:
        """Return the lowest threshold that promises a false-positive rate in every channel.

        Args:
            max_fpr: Rate, 0 to 1.

        Raises:
            NoOperatingPoint: The benign pool was too small, or the detector too coarse, to promise so low a rate.
        """
        channels = {point.channel for point in self.points}
        by_rate: dict[float, list[OperatingPoint]] = {}
        for point in self.points:
            by_rate.setdefault(point.max_fpr, []).append(point)
        kept = [rate for rate, points in by_rate.items() if rate <= max_fpr and {point.channel for point in points} == channels]
        if not kept:
            lowest = min((rate for rate, points in by_rate.items() if len(points) == len(channels)), default=0.0)
            raise NoOperatingPoint(
                f"the card of {self.detector} can't promise a false-positive rate of {max_fpr:.3%}",
                where=self.detector,
                mend=f"ask for {lowest:.2%} or more, or state a threshold" if lowest else "state a threshold",
            )
        return max(point.threshold for point in by_rate[max(kept)])


def read_card(detector_id: str) -> Card:
    """Return the card that is shipped for a built-in detector.

    Args:
        detector_id: ``name@version``.

    Raises:
        ModelDamaged: It is missing, not readable, or of another version.
    """
    name = f"{detector_id.partition('@')[0]}.json"
    try:
        found = msgspec.json.decode(model_file(name), type=Card)
    except msgspec.DecodeError as error:
        raise _damaged(name) from error
    if found.detector != detector_id:
        raise _damaged(name)
    return found


def model_file(name: str, expected: str = "") -> bytes:
    """Return a file that is shipped beside the detectors.

    Args:
        name: File name.
        expected: Its digest; not checked when empty.

    Raises:
        ModelDamaged: It is missing, or not what its card says.
    """
    try:
        data = resources.files("fairlead.detectors").joinpath("data", name).read_bytes()
    except OSError as error:
        raise _damaged(name) from error
    if expected and digest_bytes(data) != expected:
        raise _damaged(name)
    return data


def channel_of(origin: Origin) -> Channel | None:
    """Return what a text of this origin is to the model; None for the application's own, which is not scored."""
    if origin in ("system", "developer"):
        return None
    return "data" if origin in UNTRUSTED else "asked"


def _damaged(name: str) -> ModelDamaged:
    return ModelDamaged("a file of a detector is missing or damaged", where=name, mend="install Fairlead again")
