"""Decoders of what no reader sees: texts in tag characters, in variation selectors, in zero-width bits."""

import re
from array import array
from collections.abc import Iterator

from fairlead.detectors.decoders.chunks import readable
from fairlead.detectors.view import Rewriting, View

_TAGS = re.compile("[\U000e0020-\U000e007e]+")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{4,}+")
_BITS = re.compile("[\u200b\u200c\u200d\u2060\ufeff]{32,}+")
_FROM_TAG = {code: code - 0xE0000 for code in range(0xE0020, 0xE007F)}
"""Tag characters to ASCII."""


def hidden_of(parent: View) -> Iterator[View]:
    """Yield what a text says in characters that show nothing.

    Args:
        parent: As it came; normalisation removes them.
    """
    if parent.text.isascii():
        return
    yield from _tags(parent)
    for kind, expression, decode in (("selectors", _SELECTORS, _selectors), ("zero-width", _BITS, _bits)):
        out, reached = Rewriting(parent.text), 0
        for match in expression.finditer(parent.text):
            if decoded := decode(match.group()):
                out.replace(reached, match.start(), "\n" if out.changed else "")
                out.replace(match.start(), match.end(), decoded)
                reached = match.end()
        if out.changed:
            out.replace(reached, len(parent.text), "")
            yield out.view(parent, kind)


def _tags(parent: View) -> Iterator[View]:
    """Yield all tags of a text in one piece, wherever they stand."""
    places, pieces = array("q"), []
    for match in _TAGS.finditer(parent.text):
        places.extend(range(match.start(), match.end()))
        pieces.append(match.group().translate(_FROM_TAG))
    if pieces:
        yield View(parent.then("tags"), "".join(pieces), lambda start, end: parent.span(places[start], places[end - 1] + 1))


def _selectors(run: str) -> str:
    return readable(bytes(code - 0xFE00 if code < 0xFE10 else code - 0xE0100 + 16 for code in map(ord, run)))


def _bits(run: str) -> str:
    kinds = sorted(set(run))
    if len(kinds) != 2:
        return ""
    for zero in (0, 1):
        digits = run.replace(kinds[zero], "0").replace(kinds[1 - zero], "1")
        size = len(digits) // 8
        if decoded := readable(int(digits[: 8 * size], 2).to_bytes(size, "big")):
            return decoded
    return ""
