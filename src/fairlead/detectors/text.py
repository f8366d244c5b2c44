"""A text, prepared once for all detectors; what no detector asks for is never computed."""

from functools import cached_property

from fairlead.detectors.normal import normalise
from fairlead.detectors.views import View, Views, tags_of, views_of


class Text:
    """A text with its readings.

    Args:
        original: The text as it came.
    """

    def __init__(self, original: str) -> None:
        self.original = original

    @cached_property
    def normalised(self) -> View:
        """The text that a reader sees; for ASCII the original itself."""
        plain = normalise(self.original)
        return View("" if plain.text == self.original else "normalised", plain.text, plain.span)

    @property
    def views(self) -> tuple[View, ...]:
        """Everything that the text says when it is decoded."""
        return self._decoded.views

    @property
    def exhausted(self) -> bool:
        """True when the budget for views ended before the views did."""
        return self._decoded.exhausted

    @property
    def readings(self) -> tuple[View, ...]:
        """The normalised text, then its views: what a detector that reads should read."""
        return (self.normalised, *self.views)

    @cached_property
    def _decoded(self) -> Views:
        decoded = views_of(self.normalised)
        hidden = None if self.original.isascii() else tags_of(self.original)
        return decoded if hidden is None else Views((hidden, *decoded.views), decoded.exhausted)


def prepare(text: str) -> Text:
    """Prepare a text for the detectors.

    Args:
        text: As it came.
    """
    return Text(text)
