"""A text, prepared once for all detectors; what no detector asks for is never computed."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from fairlead.detectors.fold import Folded, fold
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

    def __init__(self, original: str) -> None:
        self.original = original

    @cached_property
    def folded(self) -> Folded:
        """The text folded character by character, as streams see it; for ASCII the original itself."""
        return fold(self.original)

    @cached_property
    def normalised(self) -> View:
        """The text that a reader sees; for ASCII the original itself."""
        return normalise(self.original)

    @property
    def views(self) -> tuple[View, ...]:
        """Everything that the text says when it is decoded."""
        return self._decoded.views

    @property
    def exhausted(self) -> bool:
        """True when the budget for views ended before the views did: something was not looked at."""
        return self._decoded.exhausted

    @property
    def unread(self) -> bool:
        """True when somebody asked for the views and something was not looked at."""
        return "_decoded" in self.__dict__ and self.exhausted

    @property
    def readings(self) -> tuple[View, ...]:
        """The normalised text, then its views: what a detector that reads should read."""
        return (self.normalised, *self.views)

    @property
    def grams(self) -> "Iterable[tuple[View, Grams]]":
        """The features of each reading that is not blank, which all trained heads share.

        A long reading comes in parts that overlap, one after the other and made anew for each head, so that the memory stays bounded.
        """
        return self._short if len(self.original) <= PART else self._long()

    @cached_property
    def _short(self) -> "tuple[tuple[View, Grams], ...]":
        return tuple(self._long())

    def _long(self) -> "Iterator[tuple[View, Grams]]":
        from fairlead.detectors.ngrams import grams_of  # noqa: PLC0415 - imports numpy, which only a policy with a head should pay

        for part in (part for reading in self.readings for part in _parts(reading) if part.text.strip()):
            yield part, grams_of(part.text)

    @cached_property
    def _decoded(self) -> Views:
        return views_of(self.original, self.normalised)


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
