"""Folding: one character of the text to one plain character, or to none.

Only what is decided character by character belongs here, since streams use it too: a fold never looks at its neighbours, so no split
of a text changes it. What needs neighbours (compositions, mixed scripts) is in ``detectors.normal``.
"""

import unicodedata
from array import array
from bisect import bisect_right
from collections.abc import Mapping

INVISIBLE: tuple[tuple[int, int], ...] = (
    (0x00AD, 0x00AD),  # soft hyphen
    (0x034F, 0x034F),  # combining grapheme joiner
    (0x061C, 0x061C),  # Arabic letter mark
    (0x115F, 0x1160),  # Hangul fillers
    (0x17B4, 0x17B5),  # Khmer inherent vowels
    (0x180B, 0x180F),  # Mongolian selectors
    (0x200B, 0x200F),  # zero width, direction marks
    (0x202A, 0x202E),  # direction embedding and override
    (0x2060, 0x206F),  # word joiner, isolates, deprecated format characters
    (0x3164, 0x3164),  # Hangul filler
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFEFF, 0xFEFF),  # zero width no-break space
    (0xFFA0, 0xFFA0),  # half-width Hangul filler
    (0xFFF9, 0xFFFB),  # interlinear annotation
    (0x1D173, 0x1D17A),  # musical format characters
    (0xE0000, 0xE0FFF),  # tags, variation selectors, what Unicode keeps free for the like
)
"""Ranges of characters that show nothing (Unicode: default ignorable, format), first and last."""

_SPACES = (0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x2800, 0x3000)
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
_BLOCK = 4096
"""Characters of the original whose way back is worked out at once."""
_FEW = 64
"""Kinds of characters up to which they are replaced one kind after the other."""

Table = Mapping[str, str]
"""Character to what stands for it; the empty string for nothing."""


class Folded:
    """A text with characters replaced, and the way back, which is worked out only where somebody asks for it.

    Args:
        text: The new text.
        original: The text that it was made from; None when each character stands where it stood.
        forms: What replaced the characters of the original that were replaced.
    """

    __slots__ = ("_block", "_forms", "_offsets", "_original", "_starts", "text")

    def __init__(self, text: str, original: str | None = None, forms: Table | None = None) -> None:
        self.text = text
        self._original = original
        self._forms: Table = forms or {}
        self._starts: array[int] | None = None  # where each block of the original starts in the new text
        self._block = -1
        self._offsets: array[int] = array("q")

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return the original's span that stands for ``[start, end)``; ``end`` is greater than ``start``."""
        if self._original is None:
            return start, end
        return self._place(start), self._place(end - 1) + 1

    def place(self, position: int) -> int:
        """Return where the character at a position stands in the original; the original's length for the position after the last."""
        if self._original is None:
            return position
        return len(self._original) if position >= len(self.text) else self._place(position)

    def _place(self, position: int) -> int:
        if self._starts is None:
            self._starts = self._blocks()
        block = bisect_right(self._starts, position) - 1
        if block != self._block:
            self._block, self._offsets = block, self._offsets_of(block)
        return self._offsets[position - self._starts[block]]

    def _blocks(self) -> "array[int]":
        original = self._original or ""
        widths = [(character, len(form) - 1) for character, form in self._forms.items() if len(form) != 1]
        starts, size = array("q"), 0
        for begin in range(0, len(original), _BLOCK):
            starts.append(size)
            piece = original[begin : begin + _BLOCK]
            size += len(piece) + sum(more * piece.count(character) for character, more in widths)
        return starts

    def _offsets_of(self, block: int) -> "array[int]":
        original, forms, begin = self._original or "", self._forms, block * _BLOCK
        offsets = array("q")
        for index, character in enumerate(original[begin : begin + _BLOCK], begin):
            form = forms.get(character)
            if form is None or len(form) == 1:
                offsets.append(index)
            elif form:
                offsets.extend([index] * len(form))
        return offsets


def _table() -> dict[str, str]:
    table: dict[int, str] = dict.fromkeys(_SPACES, " ")
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
        table |= dict.fromkeys(range(first, last + 1), "")
    return {chr(code): form for code, form in table.items()}


_FOLD = _table()


def fold(text: str) -> Folded:
    """Return a text with every character folded; ASCII stays as it is, at no cost."""
    if text.isascii():
        return Folded(text)
    return replace(text, {character: _FOLD[character] for character in set(text) if character in _FOLD})


def replace(text: str, forms: Table) -> Folded:
    """Return a text with characters replaced, and the way back.

    Args:
        text: Any text.
        forms: What stands for each character that is replaced; each occurs in the text.
    """
    if not forms:
        return Folded(text)
    if len(forms) <= _FEW and not any(character in forms for form in forms.values() for character in form):
        replaced = text
        for character, form in forms.items():
            replaced = replaced.replace(character, form)
    else:
        # A table that knows every character of the text: one that is missing in it would cost an exception.
        table = {ord(character): forms.get(character, character) for character in set(text)}
        replaced = text.translate(table)
    straight = all(len(form) == 1 for form in forms.values())
    return Folded(replaced) if straight else Folded(replaced, text, forms)
