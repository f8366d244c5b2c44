"""A text, prepared once for all detectors; what no detector asks for is never computed."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from fairlead.detectors.model import Span
from fairlead.detectors.normal import normalise
from fairlead.detectors.view import View
from fairlead.detectors.views import Views, views_of

if TYPE_CHECKING:
    from fairlead.detectors.ngrams import Grams

PART = 1 << 17
"""Characters of a reading whose features are in memory at once."""
OVERLAP = 1 << 12
"""Characters that one part shares with the next; more than any window of a head."""


class Text:
    """A text with its readings.

    Args:
        original: The text as it came.
    """

    # What is made at first use, None before: three texts a request, and functools.cached_property takes a lock each time.
    __slots__ = ("_decoded", "_grams", "_normalised", "original")

    def __init__(self, original: str) -> None:
        self.original = original
        self._normalised: View | None = None
        self._decoded: Views | None = None
        self._grams: tuple[tuple[View, Grams], ...] | None = None

    @property
    def normalised(self) -> View:
        """The text that a reader sees; for ASCII the original itself."""
        if self._normalised is None:
            self._normalised = normalise(self.original)
        return self._normalised

    @property
    def views(self) -> tuple[View, ...]:
        """Everything that the text says when it is decoded."""
        if self._decoded is None:
            self._decoded = views_of(self.original, self.normalised)
        return self._decoded.views

    @property
    def unread(self) -> bool:
        """True when somebody asked for the views and their budget ended before they did: something was not looked at."""
        return self._decoded is not None and self._decoded.exhausted

    @property
    def readings(self) -> tuple[View, ...]:
        """The normalised text, then its views: what a detector that reads should read."""
        return (self.normalised, *self.views)

    @property
    def grams(self) -> "Iterable[tuple[View, Grams]]":
        """The features of each reading that is not blank, which all trained heads share.

        A long reading comes in parts that overlap, one after the other and made anew for each head, so that the memory stays bounded.
        """
        if len(self.original) > PART:
            return self._parts()
        if self._grams is None:
            self._grams = tuple(self._parts())
        return self._grams

    def _parts(self) -> "Iterator[tuple[View, Grams]]":
        from fairlead.detectors.ngrams import grams_of  # noqa: PLC0415 - imports numpy, which only a policy with a head should pay

        for part in (part for reading in self.readings for part in _parts(reading) if part.text.strip()):
            yield part, grams_of(part.text)


def _parts(reading: View) -> Iterator[View]:
    size = len(reading.text)
    if size <= PART:
        yield reading
        return
    for start in range(0, size - OVERLAP, PART - OVERLAP):
        yield View(reading.kind, reading.text[start : start + PART], _moved(reading.span, start))


def _moved(span: Span, start: int) -> Span:
    return lambda first, last: span(first + start, last + start)


def prepare(text: str) -> Text:
    """Prepare a text for the detectors.

    Args:
        text: As it came.
    """
    return Text(text)
