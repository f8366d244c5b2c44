"""Normalisation: the text that a reader sees, with the way back to the text that came.

On top of the fold (``detectors.fold``): compatibility forms become plain ones, marks above Latin letters go (also a flood of them), and
look-alike letters of other scripts become Latin inside words that mix them with Latin, and everywhere in a Latin text.
"""

import re
import unicodedata
from functools import cache

from fairlead.detectors.fold import fold, replace
from fairlead.detectors.lookalikes import LOOK_ALIKES
from fairlead.detectors.view import View

_MARKS = ((0x0300, 0x036F), (0x0483, 0x0489), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F))
"""Combining marks that belong to no script or only decorate; first and last."""
_LONGEST_FORM = 4
"""Characters that stand for one at most: no text may grow by more (one Arabic ligature would by eighteen)."""
_FOREIGN_SHARE = 5
"""A text is Latin when it has so many Latin letters for each letter of another script that looks like no Latin one."""

_WORD = re.compile(r"\w+")
_OTHERS = re.compile(rf"[^\W\d_A-Za-z{''.join(LOOK_ALIKES)}]+")
"""Letters that are neither ASCII nor look like it."""
_PART = 1 << 20
"""Characters whose words are listed at once."""
_ASCII_LETTER = re.compile("[A-Za-z]")
_ASCII_LETTERS = re.compile("[A-Za-z]+")
_TO_LATIN = str.maketrans(LOOK_ALIKES)


def normalise(text: str) -> View:
    """Return the normalised text; ASCII is normal as it is, at no cost.

    Args:
        text: As it came.
    """
    folded = fold(text)
    if folded.text.isascii():
        return View("" if folded.text == text else "normalised", folded.text, folded.span)
    forms = {character: form for character in set(folded.text) if (form := _form(character)) != character}
    plain = replace(folded.text, forms)
    shown = _latin(plain.text)
    if shown == text:
        return View("", text, _itself)
    return View("normalised", shown, lambda start, end: folded.span(*plain.span(start, end)))


def _itself(start: int, end: int) -> tuple[int, int]:
    return start, end


@cache
def _form(character: str) -> str:
    if character.isascii():
        return character
    compatible = unicodedata.normalize("NFKC", character)
    bare = "".join(part for part in unicodedata.normalize("NFKD", compatible) if not _is_mark(part))
    form = bare if bare.isascii() else compatible
    return form if len(form) <= _LONGEST_FORM else character


def _is_mark(character: str) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in _MARKS)


def _latin(text: str) -> str:
    """Return a text of the same length with look-alikes made Latin where they stand for Latin letters."""
    if LOOK_ALIKES.keys().isdisjoint(set(text)):
        return text
    words = {word for word in _foreign_words(text) if word.translate(_TO_LATIN).isascii()}
    mixed = {word for word in words if _ASCII_LETTER.search(word)}
    if words != mixed and _count(_OTHERS, text) * _FOREIGN_SHARE <= _count(_ASCII_LETTERS, text):
        mixed = words
    if not mixed:
        return text
    latin = {word: word.translate(_TO_LATIN) for word in mixed}
    return _WORD.sub(lambda word: latin.get(word.group(), word.group()), text)


def _count(letters: re.Pattern[str], text: str) -> int:
    return len(text) - len(letters.sub("", text))


def _foreign_words(text: str) -> set[str]:
    found: set[str] = set()
    begin = 0
    while begin < len(text):
        end = begin + _PART
        if end < len(text):
            end = max(text.rfind(" ", begin, end), 0) or end
        found.update(word for word in set(_WORD.findall(text[begin:end])) if not word.isascii())
        begin = end + (text[end : end + 1] == " ")
    return found
