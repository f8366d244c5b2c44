"""A text, prepared once for all detectors; what no detector asks for is never computed."""

from functools import cached_property

from fairlead.detectors.fold import Folded, fold
from fairlead.detectors.normal import normalise
from fairlead.detectors.view import View
from fairlead.detectors.views import Views, views_of


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

    @cached_property
    def _decoded(self) -> Views:
        return views_of(self.original, self.normalised)


def prepare(text: str) -> Text:
    """Prepare a text for the detectors.

    Args:
        text: As it came.
    """
    return Text(text)
