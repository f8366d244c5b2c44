"""All patterns of a policy in one engine, on whole texts and in streams; both give the same (law 2).

A prefilter (RE2 ``Set``) says which patterns can match at all; the exact matchers of the standard library run only for those, with
their validators. In a stream, one call of the prefix automaton per chunk tells from where on a text could still become a match.
"""

import re
from collections.abc import Sequence
from functools import cached_property

import re2

from fairlead.core import Origin, digest
from fairlead.detectors.errors import UnsupportedPattern
from fairlead.detectors.fold import fold
from fairlead.detectors.model import Cluster, Hit, Pattern, Runs
from fairlead.detectors.prefix import MAX_WIDTH, closure_of
from fairlead.detectors.stream import CAP, PatternStream
from fairlead.detectors.text import Text

_MEMORY = 8 << 20
"""Bytes that an automaton of RE2 may use."""
_TIERS = (160, 640, MAX_WIDTH)
"""Characters of the longest match of a tier of patterns: only long patterns can keep an old start alive."""
_COUNTED = 100
"""Counts that the automaton of a tier keeps; it is asked rarely, and must not hold what can no longer grow."""
_WIDEST = 4
"""Bytes that a character has at most."""
_UNANCHORED = re2._re2.RE2.Anchor.UNANCHORED  # noqa: SLF001 - the public wrapper costs five times the match; pinned and tested


class PatternScanner:
    """A Detector that runs in streams.

    Args:
        patterns: What to look for; earlier ones come first in a cluster when two start and end alike.

    Raises:
        UnsupportedPattern: A pattern can't be decided exactly in a stream, or all together are too large.
    """

    runs: Runs = "stream"

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.patterns = tuple(patterns)
        self._closures = [closure_of(pattern.name, pattern.expression) for pattern in self.patterns]
        self._exact = [re.compile(pattern.expression, re.ASCII) for pattern in self.patterns]
        chosen = digest([[pattern.name, pattern.expression] for pattern in self.patterns])
        self.id = f"patterns@2-{chosen[7:15]}"
        self.hazards = tuple(dict.fromkeys(pattern.hazard for pattern in self.patterns))
        probes = [
            closure_of(pattern.name, pattern.probe).full if pattern.probe else closure.full
            for pattern, closure in zip(self.patterns, self._closures, strict=True)
        ]
        self._match = _set_of(probes)._set.Match  # noqa: SLF001 - the wrapper's cost, as above
        self.width = 1 + max((closure.width for closure in self._closures), default=0)

    def detect(self, text: Text, origin: Origin) -> Sequence[Hit]:  # noqa: ARG002 - a pattern is one wherever it stands
        """Return every match in a whole text and in its decode views.

        Args:
            text: The prepared text.
            origin: Not used.
        """
        hits = self.scan(text.original)
        for view in text.views:
            hits += [hit.seen_in(view) for hit in self.scan(view.text)]
        return hits

    def scan(self, text: str) -> list[Hit]:
        """Return every match in a whole text, by cluster."""
        return [hit for cluster in self.clusters(text) for hit in cluster.hits]

    def stream(self, cap: int = CAP) -> PatternStream:
        """Return a stream.

        Args:
            cap: Characters held at most; see :class:`PatternStream`.
        """
        return PatternStream(self, cap)

    def clusters(self, text: str) -> list[Cluster]:
        """Return the matches in a whole text, overlapping ones merged."""
        folded = fold(text)
        return [cluster.moved(folded.span, 0) for cluster in self.decide(folded.text, 0, len(folded.text))]

    def decide(self, text: str, start: int, limit: int) -> list[Cluster]:
        """Return the merged matches of a folded text that start in ``[start, limit)``.

        A match that its validator rejects is passed by one character, so that it hides none that starts inside it.

        Args:
            text: Folded; what stands before ``start`` is left context.
            start: First place that a match may start at.
            limit: Place before which it must start.
        """
        if not self.patterns or start >= limit:
            return []
        found: list[int] = self._match(text.encode())
        if found == _NOTHING:
            return []
        candidates = found if 0 in found else range(len(self.patterns) + 1)  # an engine that gave up decides nothing
        hits: list[tuple[int, int, int, Hit]] = []
        for index in candidates:
            if index:
                self._matches(index - 1, text, (start, limit), hits)
        return _merged(hits)

    def _matches(self, index: int, text: str, bounds: tuple[int, int], hits: list[tuple[int, int, int, Hit]]) -> None:
        pattern, search = self.patterns[index], self._exact[index].search
        position, limit = bounds
        while match := search(text, position):
            begin = match.start()
            if begin >= limit:
                return
            length = match.end() - begin if pattern.validator is None else pattern.validator(match.group())
            if length:
                end = begin + length
                hits.append((begin, -end, index, Hit(begin, end, pattern.hazard, pattern.name, pattern.score)))
                position = end
            else:
                position = begin + 1

    def alive(self, text: str, start: int) -> int:
        """Return the earliest place at or after ``start`` from where a folded text could still become, or extend, a match.

        Args:
            text: Folded.
            start: Length of the left context.
        """
        data = text.encode()
        plain = len(data) == len(text)
        alive = _earliest(self._automaton, data, start if plain else len(text[:start].encode()))
        if alive < len(data) - _TIERS[0]:
            alive = min(_earliest(automaton, data, max(alive, _back(data, width, plain=plain))) for width, automaton in self._tiers)
        return alive if plain else len(data[:alive].decode())

    @cached_property
    def _automaton(self) -> "re2._Regexp":
        return _ends([closure.open for closure in self._closures])

    @cached_property
    def _tiers(self) -> "list[tuple[int, re2._Regexp]]":
        tiers: list[tuple[int, re2._Regexp]] = []
        for below, width in zip((0, *_TIERS), _TIERS, strict=False):
            chosen = [
                closure_of(pattern.name, pattern.expression, _COUNTED).open
                for pattern, closure in zip(self.patterns, self._closures, strict=True)
                if below < closure.width <= width
            ]
            if chosen:
                tiers.append((width, _ends(chosen)))
        return tiers


def _back(data: bytes, characters: int, *, plain: bool) -> int:
    """Return a place so many characters before the end, or earlier, that is no place inside a character."""
    place = max(0, len(data) - characters * (1 if plain else _WIDEST))
    while place and data[place] & 0xC0 == 0x80:
        place -= 1
    return place


def _earliest(automaton: "re2._Regexp", data: bytes, start: int) -> int:
    place: int = automaton._regexp.Match(_UNANCHORED, data, start, len(data))[0][0]  # noqa: SLF001 - as above
    return place


_NOTHING = [0]
"""What the prefilter answers when only its first pattern matches: the end of the text, which always does."""


def _merged(hits: list[tuple[int, int, int, Hit]]) -> list[Cluster]:
    hits.sort(key=lambda item: item[:3])
    out: list[Cluster] = []
    for begin, negative_end, _, hit in hits:
        if out and begin < out[-1].end:
            last = out[-1]
            out[-1] = Cluster(last.start, max(last.end, -negative_end), (*last.hits, hit))
        else:
            out.append(Cluster(begin, -negative_end, (hit,)))
    return out


def _set_of(expressions: Sequence[str]) -> "re2.Set":
    chosen = re2.Set.SearchSet(_options())
    try:
        for expression in (r"\z", *expressions):
            chosen.Add(expression)
        chosen.Compile()
    except re2.error as error:
        raise UnsupportedPattern("all patterns together are too large", mend="use fewer or simpler custom patterns") from error
    return chosen


def _ends(prefixes: Sequence[str]) -> "re2._Regexp":
    try:
        return re2.compile(f"(?:{'|'.join(f'(?:{prefix})' for prefix in prefixes)})\\z", _options(longest=True))
    except re2.error as error:
        raise UnsupportedPattern("all patterns together are too large", mend="use fewer or simpler custom patterns") from error


def _options(*, longest: bool = False) -> re2.Options:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.longest_match = longest
    options.log_errors = False
    return options
