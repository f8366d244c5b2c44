"""One pattern, ready to match: its expression, its check, and the words that stand before a candidate."""

import re
from functools import cached_property

import re2

from fairlead.detectors.errors import UnsupportedPattern
from fairlead.detectors.model import Hit, Pattern
from fairlead.detectors.prefix import CONTEXT, Closure

Found = tuple[int, int, int, Hit]
"""Where a match starts, the negative of where it ends, the rank of its pattern, and the Hit, which may start later than the match."""

_MEMORY = 2 << 20
"""Bytes that the automaton of one pattern may use."""
_WINDOW = CONTEXT - 8
"""Characters before a match that context words are looked for in; the few more that a stream keeps show where a word begins."""
_INSIDE = re.compile(r"\w\w", re.ASCII)
_UNANCHORED = re2._re2.RE2.Anchor.UNANCHORED  # noqa: SLF001 - the public wrapper costs five times the match; pinned and tested


class Matcher:
    """Finds the matches of one pattern.

    Args:
        pattern: What to find.
        rank: Its place in the catalogue.
        closure: Its expression in RE2's syntax.
    """

    def __init__(self, pattern: Pattern, rank: int, closure: Closure) -> None:
        self._pattern = pattern
        self._rank = rank
        self._closure = closure

    @property
    def probe(self) -> str:
        """Return an expression, in RE2's syntax, without which no text has a match."""
        pattern = self._pattern
        if pattern.probe:
            return pattern.probe
        if pattern.context is not None and not pattern.score:
            return rf"(?:\A|[^A-Za-z])(?i:{pattern.context.words})(?:\z|[^A-Za-z])"
        return self._closure.head

    def find(self, reading: "Reading", start: int, limit: int, into: list[Found]) -> None:
        """Add the matches of a folded text that start in ``[start, limit)``.

        A match that its validator or its context rejects is passed by one character, so that it hides none that starts inside it.

        Args:
            reading: The text; what stands before ``start`` is left context.
            start: First place that a match may start at.
            limit: Place before which it must start.
            into: Where to add them.
        """
        pattern, text = self._pattern, reading.text
        cursor, position = Cursor(reading), start
        while (match := self._next(cursor, position)) is not None:
            begin, first, last = match
            if begin >= limit:
                return
            length = last - first if pattern.validator is None else pattern.validator(text[first:last])
            whole = not pattern.linear or _stands_alone(text, begin, last)
            score = self._score(text, begin) if length and whole else 0.0
            if score:
                end = first + length
                into.append((begin, -end, self._rank, Hit(first, end, pattern.hazard, pattern.name, score)))
                position = end
            else:
                position = begin + 1

    def _next(self, cursor: "Cursor", position: int) -> tuple[int, int, int] | None:
        """Return where the next match starts, and where its entity starts and ends.

        RE2 finds in a fraction of the time where one may start; the exact expression of the standard library begins there.
        """
        place, end = cursor.next(self._automaton, position)
        if place < 0:
            return None
        if self._pattern.linear:
            return place, place, end
        match = self._exact.search(cursor.text, place)
        return None if match is None else (match.start(), *match.span(self._inner))

    def _score(self, text: str, begin: int) -> float:
        context = self._pattern.context
        if context is None:
            return self._pattern.score
        score = self._pattern.score
        for word in self._words.finditer(text, max(0, begin - _WINDOW), begin):
            score = context.score if word.lastgroup == "words" else context.lowered
        return score

    @cached_property
    def _words(self) -> "re.Pattern[str]":
        context = self._pattern.context
        assert context is not None  # noqa: S101 - only asked where there is one
        against = f"|(?P<against>{context.against})" if context.against else ""
        return re.compile(rf"(?<![A-Za-z])(?:(?P<words>{context.words}){against})(?![A-Za-z])", re.ASCII | re.IGNORECASE)

    @cached_property
    def _exact(self) -> "re.Pattern[str]":
        return re.compile(self._pattern.expression, re.ASCII)

    @cached_property
    def _inner(self) -> int:
        return min(1, self._exact.groups)

    @cached_property
    def _automaton(self) -> "re2._Regexp":
        return linear(self._pattern.name, self._closure.full)


def _stands_alone(text: str, begin: int, end: int) -> bool:
    """Tell whether a match neither begins nor ends inside a word."""
    before, after = text[max(0, begin - 1) : begin + 1], text[end - 1 : end + 1]
    return not (_INSIDE.fullmatch(before) or _INSIDE.fullmatch(after))


class Reading:
    """A folded text and its bytes.

    Args:
        text: The text.
    """

    __slots__ = ("data", "plain", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.data = text.encode()
        self.plain = len(self.data) == len(text)


class Cursor:
    """Goes through a text once, in characters and in bytes."""

    __slots__ = ("_byte", "_character", "_data", "_plain", "text")

    def __init__(self, reading: Reading) -> None:
        self.text = reading.text
        self._data = reading.data
        self._plain = reading.plain
        self._character = self._byte = 0

    def next(self, automaton: "re2._Regexp", position: int) -> tuple[int, int]:
        """Return start and end of the first match at or after a position, in characters; -1 twice when there is none.

        Args:
            automaton: What to match.
            position: In characters; never less than the last one.
        """
        if self._plain:
            found: tuple[int, int] = automaton._regexp.Match(_UNANCHORED, self._data, position, len(self._data))[0]  # noqa: SLF001 - as in the scanner
            return found
        self._byte += len(self.text[self._character : position].encode())
        self._character = position
        start, end = automaton._regexp.Match(_UNANCHORED, self._data, self._byte, len(self._data))[0]  # noqa: SLF001 - as in the scanner
        if start < 0:
            return -1, -1
        self._character += len(self._data[self._byte : start].decode())
        self._byte = start
        return self._character, self._character + len(self._data[start:end].decode())


def linear(name: str, expression: str) -> "re2._Regexp":
    """Compile an expression that matches in linear time, leftmost-longest.

    Args:
        name: Of the pattern, for the error.
        expression: RE2 syntax.

    Raises:
        UnsupportedPattern: It is too large.
    """
    options = re2.Options()
    options.max_mem = _MEMORY
    options.longest_match = True
    options.log_errors = False
    try:
        return re2.compile(expression, options)
    except re2.error as error:
        raise UnsupportedPattern("the pattern is too large", where=name, mend="use smaller counts, or fewer of them") from error
