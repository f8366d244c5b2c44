"""A calibrated head: the shipped weights stay, and what a deployer's labels say is added to them.

The raw value of a text becomes ``slope * raw of the head + bias + sum of weights of its n-grams / square root of how many``; the curve and
the operating points come from the labels too.
"""

import base64
import binascii
import math
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from fairlead.core import Origin
from fairlead.detectors.calibration import Calibration, ChannelCalibration, Outcome
from fairlead.detectors.card import Card, Channel, Measurement, OperatingPoint, channel_of
from fairlead.detectors.errors import CalibrationInvalid
from fairlead.detectors.families.heads import FLOOR, HeadDetector, Window, characters
from fairlead.detectors.labels import Labels
from fairlead.detectors.model import Hit, Runs
from fairlead.detectors.text import Text

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from fairlead.detectors.ngrams import Grams

_BUCKETS = 1 << 18
"""As in ``detectors.ngrams``, which imports numpy."""
OWN = "own labels"
"""Source that the card names for rates that were measured on the deployer's labels."""


class CalibratedHead:
    """A head with a calibration; it has the head's name, another version, and a card of its own.

    Args:
        head: The head as it was shipped.
        calibration: What labels gave.

    Raises:
        CalibrationInvalid: It was fitted to another version of the head, or its numbers don't fit together.
    """

    runs: Runs = "whole"

    def __init__(self, head: HeadDetector, calibration: Calibration) -> None:
        if calibration.head != head.id:
            what = f"the calibration was fitted to {calibration.head}, and {head.id} is installed"
            raise CalibrationInvalid(what, where=calibration.name, mend="calibrate again, or run `fairlead calibrate revert`")
        self._head = head
        self._channels = calibration.channels
        self._tables = {channel: table_of(fit) for channel, fit in calibration.channels.items()}
        self.hazards = head.hazards
        self.id = f"{head.id}+{calibration.digest.removeprefix('sha256:')[:8]}"
        self.card = _card(head.card, calibration)

    def detect(self, text: Text, origin: Origin) -> Sequence[Hit]:
        """Return one Hit per hazard for the reading with the highest score, if it is not a low one.

        Args:
            text: The prepared text.
            origin: Who wrote it; a channel that was not calibrated is read as the shipped head reads it.
        """
        channel = channel_of(origin)
        if channel is None or channel not in self._channels:
            return self._head.detect(text, origin)
        best: Hit | None = None
        for view, grams in text.grams:
            window = self.window(grams, channel)
            score = self._score(window.raw, channel)
            if score >= FLOOR and (best is None or score > best.score):
                span = characters(view.text, window)
                best = Hit(*view.span(*span), "", "", round(score, 4), "" if view.kind == "normalised" else view.kind)
        return [] if best is None else [best._replace(hazard=hazard) for hazard in self.hazards]

    def window(self, grams: "Grams", channel: Channel) -> Window:
        """Return the head's highest window of a reading, with the calibrated raw value of the whole of it."""
        fit = self._channels[channel]
        window = self._head.window(grams, channel)
        return window._replace(raw=fit.slope * window.raw + fit.bias + fit.unit * evidence(grams, self._steps[channel]))

    @cached_property
    def _steps(self) -> "dict[Channel, npt.NDArray[np.int8]]":
        import numpy as np  # noqa: PLC0415 - costs 80 ms, which only a policy with a head should pay

        return {channel: np.frombuffer(table, dtype=np.int8) for channel, table in self._tables.items()}

    def _score(self, raw: float, channel: Channel) -> float:
        import numpy as np  # noqa: PLC0415 - as above

        curve = self._channels[channel].curve
        return float(np.interp(raw, curve.raw, curve.scores))


def calibrate(head: HeadDetector, labels: Labels, *, max_fpr: float) -> Outcome:
    """Fit and measure each channel that has labels enough; takes seconds.

    Args:
        head: The head as it was shipped.
        labels: Reviewed texts.
        max_fpr: False-positive rate at which it is compared with the uncalibrated head.
    """
    from fairlead.detectors.calibrator import fit_channels  # noqa: PLC0415 - imports numpy

    return fit_channels(head, labels, max_fpr=max_fpr)


def evidence(grams: "Grams", steps: "npt.NDArray[np.int8]") -> float:
    """Return the sum of the weights of a reading's n-grams, divided by the square root of how many there are.

    Args:
        grams: Features of the reading.
        steps: One weight per bucket.
    """
    total = float(steps.take(grams.buckets).sum(dtype="int64"))
    return total / math.sqrt(max(grams.buckets.size, 1))


def table_of(fit: ChannelCalibration) -> bytes:
    """Return the weights of a channel, one byte each.

    Raises:
        CalibrationInvalid: They are not base64, not as many as there are buckets, or the curve does not rise.
    """
    try:
        table = base64.b64decode(fit.weights, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _unfit() from error
    curve = fit.curve
    rising = all(low < high for low, high in zip(curve.raw, curve.raw[1:], strict=False))
    if len(table) != _BUCKETS or len(curve.raw) != len(curve.scores) or len(curve.raw) < 2 or not rising:
        raise _unfit()
    return table


def _unfit() -> CalibrationInvalid:
    return CalibrationInvalid("the numbers of a calibration don't fit together", mend="calibrate again, or run `fairlead calibrate revert`")


def _card(card: Card, calibration: Calibration) -> Card:
    """Return the head's card with what the labels say of each calibrated channel in place of what it said."""
    channels = calibration.channels
    counted = "; ".join(f"{name}: {fit.unsafe} unsafe, {fit.benign} benign" for name, fit in sorted(channels.items()))
    points = [point for point in card.points if point.channel not in channels]
    left_out = [entry for entry in card.left_out if entry.channel not in channels]
    for channel, fit in sorted(channels.items()):
        for at in fit.points:
            points.append(OperatingPoint(channel=channel, max_fpr=at.max_fpr, threshold=at.threshold, fpr=at.fpr))
            left_out.append(Measurement(source=OWN, channel=channel, kind="recall", max_fpr=at.max_fpr, rate=at.recall))
            left_out.append(Measurement(source=OWN, channel=channel, kind="fpr", max_fpr=at.max_fpr, rate=at.fpr))
    return msgspec.structs.replace(
        card,
        method=f"{card.method} Calibrated on own labels ({counted}); rates of calibrated channels are of clusters outside the fold.",
        curves={**card.curves, **{channel: fit.curve for channel, fit in channels.items()}},
        points=tuple(points),
        left_out=tuple(left_out),
    )
