"""Trained heads: logistic regressions on hashed n-grams, small enough to ship and fast enough to be always on.

What is asked is scored as a whole; data by windows, so that a sentence is not lost in a long document. The highest window counts and is
the Hit's span. All heads share the features of a text.
"""

import io
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from fairlead.core import Origin
from fairlead.detectors.card import LADDER, Card, Channel, channel_of, model_file, read_card
from fairlead.detectors.errors import ModelDamaged
from fairlead.detectors.model import Hit, Runs
from fairlead.detectors.text import Text

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from fairlead.detectors.ngrams import Grams

SATURATION = 1500
"""Features, about 400 bytes of prose, beyond which a score is their mean: a text is not more of an attack because it is longer."""
FEW = 150
"""Features, about six words, up to which a score is their sum on one scale: a word or a title is no attack by three telling letters."""
FLOOR = LADDER[0][1]
"""Scores below are not reported."""


class Window(NamedTuple):
    """A piece of a text and its raw score."""

    start: int
    """In bytes of the text in UTF-8."""
    end: int
    raw: float


class Shape(NamedTuple):
    """What a head is, whatever its weights."""

    id: str
    """``name@version``; the digest of the weights is added to the version."""
    hazards: tuple[str, ...]
    """What it finds; it can't tell them apart, so it reports each."""
    windows: dict[Channel, int]
    """Bytes of a window: what is asked is read as a whole unless it is very long; in data an order is a few sentences among others."""


SHAPES: dict[str, Shape] = {
    "injection": Shape("injection@1", ("prompt_injection", "jailbreak"), {"asked": 3000, "data": 150}),
    "harm": Shape("harm@1", ("harmful_request",), {"asked": 3000, "data": 300}),
}


class HeadDetector:
    """A trained head. Its card and its weights are read and checked when it is made, so that a damaged one stops the start.

    Args:
        name: ``injection`` or ``harm``.

    Raises:
        ModelDamaged: Its card or its weights are missing or not what was shipped.
    """

    runs: Runs = "whole"

    def __init__(self, name: str) -> None:
        shape, self.hazards, self._windows = SHAPES[name]
        self.card: Card = read_card(shape)
        if not self.card.model or not self.card.curves:
            raise ModelDamaged("the card of a head names no weights", where=f"{name}.json", mend="install Fairlead again")
        # Other weights are another detector: a Release that was compiled with them has another id, and a Finding says whose it is.
        self.id = f"{shape}.{self.card.model.removeprefix('sha256:')[:8]}"
        self._file = f"{name}.npy"
        self._data = model_file(self._file, self.card.model)

    def detect(self, text: Text, origin: Origin) -> Sequence[Hit]:
        """Return one Hit per hazard for the reading with the highest score, if it is not a low one.

        Args:
            text: The prepared text.
            origin: Who wrote it. Data has weights of its own: an imperative there is an attack. What the application wrote is not scored.

        Raises:
            ModelDamaged: Its weights do not fit its card.
        """
        channel = channel_of(origin)
        if channel is None:
            return []
        best: Hit | None = None
        for view, grams in text.grams:
            window = highest(grams, self._windows[channel], self._weights[channel])
            score = score_of(window.raw, self.card, channel)
            if score >= FLOOR and (best is None or score > best.score):
                span = characters(view.text, window)
                best = Hit(*view.span(*span), "", "", round(score, 4), "" if view.kind == "normalised" else view.kind)
        return [] if best is None else [best._replace(hazard=hazard) for hazard in self.hazards]

    def window(self, grams: "Grams", channel: Channel) -> Window:
        """Return the window of a reading with the highest raw value, on the scale of the channel's curve.

        Args:
            grams: Features of the reading.
            channel: Which weights read it.
        """
        curve = self.card.curves[channel]
        window = highest(grams, self._windows[channel], self._weights[channel])
        return window._replace(raw=window.raw * curve.unit + curve.bias)

    @cached_property
    def _weights(self) -> "dict[Channel, npt.NDArray[np.int8]]":
        import numpy as np  # noqa: PLC0415 - costs 80 ms, which only a policy with a head should pay

        table = np.load(io.BytesIO(self._data), allow_pickle=False)
        if table.dtype != np.int8 or len(table) != len(self.card.curves):
            raise ModelDamaged("a file of a detector does not fit its card", where=self._file, mend="install Fairlead again")
        return dict(zip(sorted(self.card.curves), table, strict=True))


def injection() -> HeadDetector:
    """Return the head that sees injected instructions and jailbreak prompts."""
    return HeadDetector("injection")


def harm() -> HeadDetector:
    """Return the head that sees requests for help with harm."""
    return HeadDetector("harm")


def strength(counts: "npt.NDArray[np.int64]") -> "npt.NDArray[np.float64]":
    """Return what the sum of the weights of so many features is multiplied with: evidence grows by the sum, by the root, then no more."""
    import numpy as np  # noqa: PLC0415 - as above

    counts = np.maximum(counts, FEW)
    return np.where(counts <= SATURATION, counts**-0.5, SATURATION**0.5 / counts)


def highest(grams: "Grams", width: int, weights: "npt.NDArray[np.int8]") -> Window:
    """Return the window of a text with the highest raw score.

    Args:
        grams: Features of the text.
        width: Bytes of a window; windows overlap by half.
        weights: One per bucket.
    """
    import numpy as np  # noqa: PLC0415 - as above

    values = weights.take(grams.buckets)
    if grams.size <= width:
        count = max(values.size, FEW)
        share = count**-0.5 if count <= SATURATION else SATURATION**0.5 / count
        return Window(0, grams.size, int(np.add.reduce(values, dtype=np.int64)) * share)
    places = grams.places()
    sums = np.bincount(places, weights=values, minlength=grams.size).cumsum()
    counts = np.bincount(places, minlength=grams.size).cumsum()
    ends = np.append(np.arange(width, grams.size, width // 2), grams.size)
    before = np.maximum(ends - width, 0) - 1
    total = sums[ends - 1] - np.where(before < 0, 0.0, sums[before])
    number = counts[ends - 1] - np.where(before < 0, 0, counts[before])
    found = total * strength(number)
    best = int(found.argmax())
    return Window(int(before[best]) + 1, int(ends[best]), float(found[best]))


def score_of(raw: float, card: Card, channel: Channel) -> float:
    """Return the score, 0 to 1, of a raw value; see ``detectors.card``."""
    curve = card.curves[channel]
    value = raw * curve.unit + curve.bias
    above = bisect_right(curve.raw, value)
    if above in (0, len(curve.raw)):
        return curve.scores[max(0, above - 1)]
    low, high = curve.scores[above - 1 : above + 1]
    start, end = curve.raw[above - 1 : above + 1]
    return (high - low) / (end - start) * (value - start) + low


def characters(text: str, window: Window) -> tuple[int, int]:
    """Return a window in characters."""
    if text.isascii():
        return window.start, min(window.end, len(text))
    data = text.encode(errors="replace")
    start = len(data[: window.start].decode(errors="ignore"))
    return start, max(start + 1, len(data[: window.end].decode(errors="ignore")))
