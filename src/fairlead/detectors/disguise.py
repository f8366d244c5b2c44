"""Disguises of names and descriptions that a person has reviewed: characters that show nothing, and letters that look like others."""

import re
import unicodedata

from fairlead.detectors.fold import INVISIBLE
from fairlead.detectors.lookalikes import LOOK_ALIKES

_NOTHING = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f" + "".join(f"{chr(low)}-{chr(high)}" for low, high in INVISIBLE) + "]")
_EMOJI = re.compile("(?<=[\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff])\ufe0f")
"""The one invisible character that is in everyday use: it gives the sign before it its colours."""
_BETWEEN = re.compile(r"[\W_]+")
_LETTERS = str.maketrans(LOOK_ALIKES)
_TWINS = str.maketrans("01i", "oll")


def shows_all(text: str) -> bool:
    """Tell whether a reader sees every character: no tags, zero-width or direction marks, control characters or the like."""
    return (text.isascii() and text.isprintable()) or _NOTHING.search(_EMOJI.sub("", text)) is None


def skeleton(name: str) -> str:
    """Return what a name looks like: two names with the same skeleton can be taken for each other.

    Case, separators and look-alike letters fall together, as do 0 and o, 1, i and l.
    """
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).translate(_LETTERS))
    return _BETWEEN.sub("", plain.casefold().translate(_TWINS))
