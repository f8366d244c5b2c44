"""Decode views: what a text says once it is decoded, with the way back to the original.

A cheap prefilter tells which decodings can apply at all; the rest costs nothing. Views are decoded again, to a depth, and all of them
together stay within a budget of bytes, so that no text is expensive.
"""

import base64
import binascii
import codecs
import html
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import unquote

import re2

from fairlead.detectors.model import Span

DEPTH = 3
"""How often a decoded text is decoded again."""
BUDGET = 1 << 18
"""Characters that all views of a text have at most."""
_READABLE = 0.9
"""Share of a decoded text that must be printable."""
_KEY_WORDS = ("ignore", "disregard", "instruction", "prompt", "system", "assistant", "password", "forget", "override")
"""Words that one of is reason enough to read a text backwards, or by rot13."""
_SMALL_WORDS = ("the", "and", "you", "that", "this", "with", "your")
"""Words that two of are; none of them is an English word when it is turned."""

_BASE64 = re.compile(r"(?:[A-Za-z0-9+/_-]{16,}\r?\n)*[A-Za-z0-9+/_-]{16,}={0,2}", re.ASCII)
_HEX = re.compile(r"(?:(?:\\x|0x)?[0-9a-fA-F]{2}[ :,]?){12,}", re.ASCII)
_URL = re.compile(r"(?:%[0-9a-fA-F]{2})+", re.ASCII)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31});", re.ASCII)
_ESCAPE = re.compile(r"\\(?:u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2})", re.ASCII)


class View(NamedTuple):
    """A text that a text stands for."""

    kind: str
    """How it was decoded, such as ``base64``, or ``base64>hex`` for hex inside base64; empty for the text as it came."""
    text: str
    span: Span
    """From a span of the view to the span of the original that holds it."""


class Views(NamedTuple):
    """All views of a text."""

    views: tuple[View, ...]
    exhausted: bool
    """True when the budget ended before the views did: something was not looked at."""


class _Part(NamedTuple):
    start: int
    end: int
    text: str


def views_of(root: View) -> Views:
    """Return the decode views of a text, views of views included.

    Args:
        root: The normalised text.
    """
    found: list[View] = []
    left, exhausted = BUDGET, False
    level = [root]
    for _ in range(DEPTH):
        level = [view for parent in level for view in _decode(parent)]
        for view in level:
            if len(view.text) > left:
                exhausted = True
                continue
            left -= len(view.text)
            found.append(view)
        level = [view for view in level if view in found]
    return Views(tuple(found), exhausted)


def tags_of(text: str) -> View | None:
    """Return what a text says in invisible tag characters (U+E0020 to U+E007E), or None.

    Args:
        text: As it came; normalisation removes tags.
    """
    places = [index for index, character in enumerate(text) if 0xE0020 <= ord(character) <= 0xE007E]
    if not places:
        return None
    hidden = "".join(chr(ord(text[place]) - 0xE0000) for place in places)
    return View("tags", hidden, lambda start, end: (places[start], places[end - 1] + 1))


def _decode(parent: View) -> Iterator[View]:
    text = parent.text
    for index in _PREFILTER(text.encode(errors="replace")):
        yield from _DECODERS[index](parent)


def _rot13(parent: View) -> Iterator[View]:
    if "rot13" not in parent.kind and _speaks(parent.text, _ROT13):
        yield View(_kind(parent, "rot13"), codecs.encode(parent.text, "rot13"), parent.span)


def _reversed(parent: View) -> Iterator[View]:
    size = len(parent.text)
    if "reversed" not in parent.kind and _speaks(parent.text, _REVERSED):
        yield View(_kind(parent, "reversed"), parent.text[::-1], lambda start, end: parent.span(size - end, size - start))


def _kind(parent: View, kind: str) -> str:
    return f"{parent.kind}>{kind}" if parent.kind not in ("", "normalised") else kind


def _chunks(parent: View, kind: str, expression: "re.Pattern[str]", decode: Callable[[str], str]) -> Iterator[View]:
    """Yield one view of all decoded chunks, each on a line of its own; a chunk is found as a whole."""
    parts = [_Part(match.start(), match.end(), decoded) for match in expression.finditer(parent.text) if (decoded := decode(match.group()))]
    if not parts:
        return
    starts = [0]
    for part in parts[:-1]:
        starts.append(starts[-1] + len(part.text) + 1)

    def span(start: int, end: int) -> tuple[int, int]:
        return parent.span(parts[bisect_right(starts, start) - 1].start, parts[bisect_right(starts, end - 1) - 1].end)

    yield View(_kind(parent, kind), "\n".join(part.text for part in parts), span)


def _replaced(parent: View, kind: str, expression: "re.Pattern[str]", decode: Callable[[str], str]) -> Iterator[View]:
    """Yield the text with every piece that matches replaced by what it stands for."""
    pieces: list[str] = []
    starts: list[int] = [0]  # places in the view where a piece starts
    sources: list[tuple[int, int, bool]] = []  # the span of each piece in the parent, and whether it was decoded
    position = 0
    for match in expression.finditer(parent.text):
        for text, begin, end, decoded in (
            (parent.text[position : match.start()], position, match.start(), False),
            (decode(match.group()), match.start(), match.end(), True),
        ):
            if text:
                pieces.append(text)
                sources.append((begin, end, decoded))
                starts.append(starts[-1] + len(text))
        position = match.end()
    if sum(decoded for _, _, decoded in sources) < 1:
        return
    if position < len(parent.text):
        pieces.append(parent.text[position:])
        sources.append((position, len(parent.text), False))
    view = "".join(pieces)
    if view == parent.text:
        return

    def edge(place: int, *, last: bool) -> int:
        index = min(bisect_right(starts, place) - 1, len(sources) - 1)
        begin, end, decoded = sources[index]
        if decoded:
            return end if last else begin
        return begin + place - starts[index] + last

    yield View(_kind(parent, kind), view, lambda start, end: parent.span(edge(start, last=False), edge(end - 1, last=True)))


def _base64(chunk: str) -> str:
    joined = "".join(chunk.split()).rstrip("=").translate(_STANDARD)
    try:
        return _readable(base64.b64decode(joined + "=" * (-len(joined) % 4), validate=True))
    except binascii.Error:
        return ""


def _hex(chunk: str) -> str:
    digits = _NOT_HEX.sub("", chunk)
    return _readable(bytes.fromhex(digits)) if len(digits) % 2 == 0 else ""


def _escape(piece: str) -> str:
    code = int(piece[2:].strip("{}"), 16)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else ""


def _readable(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return ""
    shown = sum(character.isprintable() or character in "\n\r\t" for character in text)
    return text if text and shown >= _READABLE * len(text) else ""


def _speaks(text: str, words: "tuple[re.Pattern[str], re.Pattern[str]]") -> bool:
    keys, small = words
    return keys.search(text) is not None or len({word.lower() for word in small.findall(text)}) > 1


def _words(change: Callable[[str], str]) -> "tuple[re.Pattern[str], re.Pattern[str]]":
    keys, small = ("|".join(change(word) for word in words) for words in (_KEY_WORDS, _SMALL_WORDS))
    return re.compile(keys, re.IGNORECASE | re.ASCII), re.compile(rf"\b(?:{small})\b", re.IGNORECASE | re.ASCII)


def _prefilter(expressions: Iterable[str]) -> "Callable[[bytes], list[int]]":
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    chosen = re2.Set.SearchSet(options)
    for expression in expressions:
        chosen.Add(expression)
    chosen.Compile()
    match: Callable[[bytes], list[int]] = chosen._set.Match  # noqa: SLF001 - the public wrapper costs five times the match
    return match


_MEMORY = 8 << 20
"""Bytes that the prefilter may use."""
_STANDARD = str.maketrans("-_", "+/")
_NOT_HEX = re.compile(r"\\x|0x|[ :,]")
_ROT13 = _words(lambda word: codecs.encode(word, "rot13"))
_REVERSED = _words(lambda word: word[::-1])
_DECODERS: tuple[Callable[[View], Iterator[View]], ...] = (
    lambda parent: _chunks(parent, "base64", _BASE64, _base64),
    lambda parent: _chunks(parent, "hex", _HEX, _hex),
    lambda parent: _replaced(parent, "url", _URL, unquote),
    lambda parent: _replaced(parent, "html", _ENTITY, html.unescape),
    lambda parent: _replaced(parent, "escape", _ESCAPE, _escape),
    _rot13,
    _reversed,
)
_PREFILTER = _prefilter(
    (
        r"[A-Za-z0-9+/_-]{16}",
        r"[0-9a-fA-F]{2}(?:[ :,]|\\x|0x)?[0-9a-fA-F]{2}(?:[ :,]|\\x|0x)?[0-9a-fA-F]{2}(?:[ :,]|\\x|0x)?[0-9a-fA-F]{2}",
        r"%[0-9a-fA-F]{2}",
        r"&#[xX]?[0-9a-fA-F]{1,6};",
        r"\\[ux][{0-9a-fA-F]",
        rf"(?i){_ROT13[0].pattern}|{_ROT13[1].pattern}",
        rf"(?i){_REVERSED[0].pattern}|{_REVERSED[1].pattern}",
    )
)
