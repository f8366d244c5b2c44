"""Interval bars: where a rate can be, where it is, and what was claimed, as coordinates of a small drawing."""

from typing import Literal

import msgspec

from fairlead.statistics import Judgement

WIDTH = 240.0
_AXES = ((0.0, 0.02), (0.0, 0.05), (0.0, 0.1), (0.9, 1.0), (0.0, 0.2), (0.8, 1.0), (0.0, 0.5), (0.5, 1.0), (0.0, 1.0))
"""From narrow to wide; the narrowest that holds interval and claim is taken."""


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One drawing; lengths are in units of a drawing that is 240 wide."""

    text: str
    """The same in words, for who does not see it."""
    left: str
    right: str
    """Ends of the axis."""
    low: float
    width: float
    value: float
    claim: float
    allowed_from: float
    allowed_width: float
    """The side of the claim on which the rate may be."""
    tone: Literal["good", "bad", "open"]


def bar(judgement: Judgement) -> Bar | None:
    """Return the drawing of a judged claim; None when nothing was counted."""
    measured, claim = judgement.estimate, judgement.claim
    if measured is None:
        return None
    start, end = next(axis for axis in _AXES if axis[0] <= min(measured.low, claim.p0) and max(measured.high, claim.p0) <= axis[1])

    def at(rate: float) -> float:
        return round((rate - start) / (end - start) * WIDTH, 2)

    at_most = claim.direction == "at_most"
    sign = "at most" if at_most else "at least"
    tones: dict[str, Literal["good", "bad", "open"]] = {"PASS": "good", "FAIL": "bad"}
    return Bar(
        text=f"{measured.text()}; claimed: {sign} {claim.p0:.1%}",
        left=f"{start:.0%}",
        right=f"{end:.0%}",
        low=at(measured.low),
        width=round(max(2.0, at(measured.high) - at(measured.low)), 2),
        value=at(measured.value),
        claim=at(claim.p0),
        allowed_from=0.0 if at_most else at(claim.p0),
        allowed_width=at(claim.p0) if at_most else round(WIDTH - at(claim.p0), 2),
        tone=tones.get(judgement.answer, "open"),
    )
