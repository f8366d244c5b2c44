"""Decoders in place: URL and HTML and string escapes, each replaced by what it stands for, in the text around it."""

import html
import re
from collections.abc import Iterator

from fairlead.detectors.view import WHOLE, Rewriting, Spot, View

CONTEXT = 256
"""Characters of the text around a decoded piece that belong to the view; what is farther away is read elsewhere."""

_CODED = re.compile(
    r"(?P<url>(?:%[0-7][0-9a-fA-F])++)|(?P<wide>(?:%[89a-fA-F][0-9a-fA-F])++)"
    r"|(?P<unit>(?:\\u[0-9a-fA-F]{4})++)|(?P<byte>(?:\\x[0-9a-fA-F]{2})++)|(?P<octal>(?:\\[0-3][0-7]{2})++)"
    r"|\\(?P<brace>u\{[0-9a-fA-F]{1,6}\}|U[0-9a-fA-F]{8})|\\(?P<plain>[nrt\"'/\\])"
    r"|&(?P<html>#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[A-Za-z][A-Za-z0-9]{1,31};)",
    re.ASCII,
)
_KINDS = {"wide": "url", "unit": "escape", "byte": "escape", "octal": "escape", "brace": "escape", "plain": "backslash"}
_PLAIN = {"n": "\n", "r": "\r", "t": "\t"}


def inplace_of(parent: View) -> Iterator[View]:
    """Yield the text around URL, HTML and string escapes with all of them replaced."""
    text = parent.text
    out = Rewriting(text)
    kinds: dict[str, None] = {}
    reached = -2 * CONTEXT
    for match in _CODED.finditer(text):
        spot = _spot(match)
        if spot is None:
            continue
        if match.start() - reached > 2 * CONTEXT and match.start() > CONTEXT:
            out.replace(max(0, reached + CONTEXT), match.start() - CONTEXT, "\n" if out.changed else "")
        out.replace(*spot)
        name = str(match.lastgroup)
        kinds[_KINDS.get(name, name)] = None
        reached = match.end()
    if kinds:
        if reached + CONTEXT < len(text):
            out.replace(reached + CONTEXT, len(text), "")
        yield out.view(parent, "+".join(kinds))


def _spot(match: "re.Match[str]") -> Spot | None:
    """Return what a piece stands for; None when it stands for itself."""
    kind, piece = str(match.lastgroup), match.group()
    begin, end = match.span()
    if kind == "html":
        shown = html.unescape(piece)
        return None if shown == piece else Spot(begin, end, shown.replace("\xa0", " "))
    if kind == "plain":
        return Spot(begin, end, _PLAIN.get(piece[1], piece[1]))
    if kind == "brace":
        return _brace(begin, end, piece)
    if kind == "unit":
        shown = bytes.fromhex(piece.replace("\\u", "")).decode("utf-16-be", "replace")
        return Spot(begin, end, shown, 6 if len(shown) * 6 == end - begin else WHOLE)
    width = 3 if kind in ("url", "wide") else 4
    data = _bytes_of(piece, octal=kind == "octal")
    shown = data.decode("utf-8", "replace")
    return Spot(begin, end, shown, width if len(shown) == len(data) else WHOLE)


def _bytes_of(piece: str, *, octal: bool) -> bytes:
    if octal:
        return bytes(int(digits, 8) for digits in piece.split("\\")[1:])
    return bytes.fromhex(piece.replace("%", "").replace("\\x", ""))


def _brace(begin: int, end: int, piece: str) -> Spot | None:
    code = int(piece[2:].strip("{}"), 16)
    return Spot(begin, end, chr(code)) if code < 0x110000 and not 0xD800 <= code < 0xE000 else None
