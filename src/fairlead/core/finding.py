"""Finding and Coverage: what a Detector saw, and what was looked at at all."""

from typing import Literal

import msgspec

Status = Literal["ran", "skipped", "errored", "timed_out"]
"""Four different things; a failure is never a pass."""


class Finding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One thing that one Detector saw in one Segment."""

    hazard: str
    """Id in the taxonomy, such as ``pii``, ``secret``, ``prompt_injection``."""
    score: float
    """0 to 1; validated patterns give 1.0, heads their calibrated score."""
    span: tuple[int, int]
    """Start and end in characters (code points) of the original text."""
    path: str
    """The Segment's path."""
    detector: str
    """``name@version``."""
    entity: str = ""
    """What it is, within the hazard: ``payment_card``, ``aws_access_key``; empty for heads."""
    late: bool = False
    """True when it was seen only after (part of) the text had been released."""
    view: str = ""
    """The decode view that it was seen in, such as ``base64``; empty for the text as it came."""


class Coverage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What happened to one Segment: which Detectors have which status on it."""

    path: str
    """The Segment's path."""
    chars: int
    """Length of its text in characters."""
    status: Status
    """What the Detectors below did."""
    detectors: tuple[str, ...]
    """``name@version`` of each Detector with that status on this Segment."""
    reason: str = ""
    """Why it was skipped, errored or timed out."""
