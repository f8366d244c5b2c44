"""What a remote detector is to the guard, and what it says."""

from collections.abc import Iterable, Mapping

import msgspec

from fairlead.detectors.errors import NoOperatingPoint
from fairlead.detectors.model import Hit
from fairlead.detectors.remote.kinds import KindName

FLOOR = 0.05
"""Least score that is recorded: what is below says nothing, and would fill every record."""


class Point(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A threshold that the operator measured, and the false-positive rate that it kept."""

    max_fpr: float
    threshold: float
    on: str
    """What it was measured on, in words."""


class Remote(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A detector outside the process, as a policy declares it."""

    id: str
    """``name@kind``."""
    kind: KindName
    labels: Mapping[str, str]
    """Label of the model or service to the hazard that it stands for."""
    model: str = ""
    base_url: str = ""
    key: str = ""
    """Reference to a secret, ``env:NAME``."""
    timeout_ms: int = 2000
    window: int = 0
    """Characters that are sent in one piece."""
    download: bool = False
    """Whether a model may be fetched; otherwise only what is on this machine is loaded."""
    points: tuple[Point, ...] = ()
    card: str = ""
    """Digest of the card that the points are from, for a model that ships with one."""

    @property
    def hazards(self) -> tuple[str, ...]:
        """Hazards that it can find."""
        return tuple(dict.fromkeys(self.labels.values()))

    def threshold(self, max_fpr: float) -> float:
        """Return the threshold that keeps to a false-positive rate.

        Args:
            max_fpr: Rate, 0 to 1.

        Raises:
            NoOperatingPoint: The policy states no such point.
        """
        kept = [point for point in self.points if point.max_fpr <= max_fpr]
        if not kept:
            mend = "state a threshold in the rule, or measure it and add a point to the detector"
            raise NoOperatingPoint(f"{self.id} has no operating point at {max_fpr:g}", where=self.id, mend=mend)
        return max(kept, key=lambda point: point.max_fpr).threshold


class Seen(msgspec.Struct, frozen=True):
    """What a remote detector said of one text."""

    hits: tuple[Hit, ...]
    unknown: bool = False
    """True when the answer held a label that nobody has mapped: the policy's ``unknown`` says what that means."""


def best_hits(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Return the highest hit of each hazard, from :data:`FLOOR` on."""
    best: dict[str, Hit] = {}
    for hit in hits:
        if hit.score >= FLOOR and (hit.hazard not in best or hit.score > best[hit.hazard].score):
            best[hit.hazard] = hit
    return tuple(best.values())
