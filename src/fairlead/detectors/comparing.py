"""Detectors that compare a text with others."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from fairlead.core import Origin
from fairlead.detectors.model import Hit
from fairlead.detectors.text import Text


@runtime_checkable
class Comparing(Protocol):
    """What a Detector can do besides: compare a text with its sources. The guard asks this instead of ``detect``."""

    def detect_with(self, text: Text, origin: Origin, sources: Sequence[str]) -> Sequence[Hit]:
        """Return what it sees.

        Args:
            text: The prepared text.
            origin: Who wrote it.
            sources: Texts that it may rest on.
        """
        ...
