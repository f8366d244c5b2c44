"""Normalisation: the text that a reader sees, with the way back to the text that came.

On top of the fold (``detectors.fold``): compatibility forms become plain ones, marks above Latin letters go (also a flood of them), and
look-alike letters of other scripts become Latin inside words of a Latin text.
"""

import re
import unicodedata
from array import array

from fairlead.detectors.fold import Folded, fold, replace

_WORD = re.compile(r"\w+")
_MARKS = ((0x0300, 0x036F), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F))
"""Combining marks that belong to no script; first and last."""

_LOOK_ALIKES = str.maketrans(
    "аеорсухіјѕһԁԛԝЅІЈАВЕКМНОРСТХУαβγεηικνορτυχωΑΒΕΖΗΙΚΜΝΟΡΤΥΧɑɡıɩʀꜱᴀᴄᴅᴇᴊᴋᴍɴᴏᴘᴛᴜᴠᴡᴢ",
    "aeopcyxijshdqwSIJABEKMHOPCTXYabyenikvoptuxwABEZHIKMNOPTYXagiirsacdejkmnoptuvwz",
)
_LOOK_ALIKE = re.compile(f"[{''.join(map(chr, _LOOK_ALIKES))}]")
"""Cyrillic, Greek and phonetic letters that look Latin (a small part of Unicode TR 39)."""


def normalise(text: str) -> Folded:
    """Return the normalised text; ASCII is normal as it is, at no cost."""
    folded = fold(text)
    if folded.text.isascii():
        return folded
    forms = {ord(character): _form(character) for character in set(folded.text) if not character.isascii()}
    plain = replace(folded.text, forms)
    latin = _latin(plain.text)
    if plain.offsets is None:
        return Folded(latin, folded.offsets)
    if folded.offsets is None:
        return Folded(latin, plain.offsets)
    return Folded(latin, array("q", map(folded.offsets.__getitem__, plain.offsets)))


def _form(character: str) -> str:
    return _FORMS.get(character) or _compute(character)


def _compute(character: str) -> str:
    compatible = unicodedata.normalize("NFKC", character)
    bare = "".join(part for part in unicodedata.normalize("NFKD", compatible) if not _is_mark(part))
    return bare if bare.isascii() else compatible


def _is_mark(character: str) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in _MARKS)


def _latin(text: str) -> str:
    """Return a text of the same length with look-alikes made Latin, where Latin letters prevail."""
    if _LOOK_ALIKE.search(text) is None:
        return text
    letters = sum(character.isalpha() for character in text)
    ascii_letters = sum(character.isalpha() and character.isascii() for character in text)
    if 2 * ascii_letters < letters:
        return text
    return _WORD.sub(lambda word: _word(word.group()), text)


def _word(word: str) -> str:
    if word.isascii():
        return word
    latin = word.translate(_LOOK_ALIKES)
    return latin if latin.isascii() else word


_FORMS = {chr(code): _compute(chr(code)) for code in (*range(0x80, 0x250), *range(0x1E00, 0x1F00))}
"""Forms of the Latin letters, ready made."""
