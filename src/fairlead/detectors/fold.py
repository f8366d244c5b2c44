"""Folding: one character of the text to one plain character, or to none.

Only what is decided character by character belongs here, since streams use it too: a fold never looks at its neighbours, so no split
of a text changes it. What needs neighbours (compositions, mixed scripts) is in ``detectors.normal``.
"""

import re
import unicodedata
from array import array
from collections.abc import Mapping
from typing import NamedTuple

INVISIBLE: tuple[tuple[int, int], ...] = (
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x180B, 0x180E),  # Mongolian selectors
    (0x200B, 0x200F),  # zero width, direction marks
    (0x202A, 0x202E),  # direction embedding and override
    (0x2060, 0x206F),  # word joiner, isolates, deprecated format characters
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # zero width no-break space
    (0xE0000, 0xE007F),  # tags
    (0xE0100, 0xE01EF),  # variation selectors, supplement
)
"""Ranges of characters that show nothing (Unicode: default ignorable), first and last."""

_SPACES = (0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_DASHES = (*range(0x2010, 0x2016), 0x2043, 0x2212, 0xFE58, 0xFE63)
_QUOTES = {0x2018: "'", 0x2019: "'", 0x201B: "'", 0x2032: "'", 0x201C: '"', 0x201D: '"', 0x201F: '"', 0x2033: '"'}
_DIGIT_ZEROS = (
    *(0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0E50, 0x0ED0, 0x0F20, 0x1040),
    *(0x17E0, 0x1810, 0xA620, 0xA8D0, 0xFF10),
)
"""First of ten decimal digits in a row, by script."""
_COMPATIBLE = (range(0x2460, 0x2500), range(0xFF01, 0xFF5F), range(0x1D400, 0x1D800))
"""Enclosed, full-width and mathematical letters and digits."""
_SURROGATES = range(0xD800, 0xE000)
_REPLACEMENT = "\ufffd"


class Folded(NamedTuple):
    """A folded text and the way back."""

    text: str
    offsets: "array[int] | None"
    """For each character, its place in the original, and the original's length at the end; None when places are the same."""

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the original's span that stands for ``[start, end)``; ``end`` is greater than ``start``."""
        if self.offsets is None:
            return start, end
        return self.offsets[start], self.offsets[end - 1] + 1

    def place(self, position: int) -> int:
        """Return where the character at a position stands in the original; the original's length for the position after the last."""
        return position if self.offsets is None else self.offsets[position]


def _table() -> dict[int, str | None]:
    table: dict[int, str | None] = dict.fromkeys(_SPACES, " ")
    table |= dict.fromkeys(_DASHES, "-")
    table |= _QUOTES
    table |= dict.fromkeys(_SURROGATES, _REPLACEMENT)
    for zero in _DIGIT_ZEROS:
        table |= {zero + digit: str(digit) for digit in range(10)}
    for block in _COMPATIBLE:
        for code in block:
            plain = unicodedata.normalize("NFKC", chr(code))
            if len(plain) == 1 and plain.isascii():
                table[code] = plain
    for first, last in INVISIBLE:
        table |= dict.fromkeys(range(first, last + 1))
    return table


_FOLD = _table()
_FOREIGN = re.compile(r"[^\x00-\x7f]+")


def fold(text: str) -> Folded:
    """Return a text with every character folded; ASCII stays as it is, at no cost."""
    return replace(text, _FOLD)


def replace(text: str, table: Mapping[int, str | None]) -> Folded:
    """Return a text with its foreign characters replaced, and the way back.

    Args:
        text: Any text; its ASCII characters stay.
        table: Code point to what stands for it, as for ``str.translate``.
    """
    if text.isascii():
        return Folded(text, None)
    replaced = _FOREIGN.sub(lambda run: run.group().translate(table), text)
    offsets = array("q")
    position, straight = 0, True
    for run in _FOREIGN.finditer(text):
        offsets.extend(range(position, run.start()))
        position = run.end()
        for index, character in enumerate(run.group(), run.start()):
            form = table.get(ord(character), character)
            width = 0 if form is None else len(form)
            straight = straight and width == 1
            offsets.extend([index] * width)
    if straight:
        return Folded(replaced, None)
    offsets.extend(range(position, len(text) + 1))
    return Folded(replaced, offsets)
