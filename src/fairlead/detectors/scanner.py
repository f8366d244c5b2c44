"""All patterns of a policy in one engine, on whole texts and in streams; both give the same (law 2).

A prefilter (RE2 ``Set``) says which patterns can match at all; the exact matchers of the standard library run only for those, with
their validators. In a stream, one call of the prefix automaton per chunk tells from where on a text could still become a match.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property

import re2

from fairlead.core import Origin, digest
from fairlead.detectors.errors import UnsupportedPattern
from fairlead.detectors.fold import fold
from fairlead.detectors.matcher import Found, Matcher, Reading
from fairlead.detectors.model import Cluster, Hit, Pattern, Runs
from fairlead.detectors.prefix import CONTEXT, COUNTED, LINEAR, MAX_WIDTH, WHITE, Closure, closure_of
from fairlead.detectors.stream import CAP, PatternStream
from fairlead.detectors.text import Text

_MEMORY = 8 << 20
"""Bytes that an automaton of RE2 may use."""
_TIERS = (160, 640, MAX_WIDTH)
"""Characters of the longest match of a tier of patterns: only long patterns can keep an old start alive."""
_COUNTED = 2
"""Counts that the automata of streams keep: with more of them hundreds of patterns have too many states. What they hold longer for it,
the widths of the tiers bound."""
_WORD = 256
"""Characters of the longest spaceless match for which a stream holds the last word as it is."""
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
        self._closures = [closure_of(one.name, one.expression, LINEAR if one.linear else COUNTED) for one in self.patterns]
        self._matchers = [Matcher(pattern, index, closure) for index, (pattern, closure) in enumerate(self._paired())]
        chosen = digest([[pattern.name, pattern.expression, list(pattern.context or ())] for pattern in self.patterns])
        self.id = f"patterns@3-{chosen[7:15]}"
        self.hazards = tuple(dict.fromkeys(pattern.hazard for pattern in self.patterns))
        self._filters = tuple(_Filter(matchers) for matchers in _kinds(self._matchers))
        self._run = 1 + max((closure.width for closure in self._closures if _short(closure)), default=-1)
        self.width = 1 + max((closure.width for closure in self._closures), default=0)

    def _paired(self) -> "Iterator[tuple[Pattern, Closure]]":
        return zip(self.patterns, self._closures, strict=True)

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
        data = (text if start <= CONTEXT else text[start - CONTEXT :]).encode()
        chosen = [matcher for filtered in self._filters for matcher in filtered.chosen(data)]
        if not chosen:
            return []
        reading = Reading(text)
        hits: list[Found] = []
        for matcher in chosen:
            matcher.find(reading, start, limit, hits)
        return _merged(hits)

    def alive(self, text: str, start: int) -> int:
        """Return the earliest place at or after ``start`` from where a folded text could still become, or extend, a match.

        Args:
            text: Folded.
            start: Length of the left context.
        """
        alive = max(start, self._word(text))
        if self._automaton is None:
            return alive
        data = text.encode()
        plain = len(data) == len(text)
        exact = _earliest(self._automaton, data, start if plain else len(text[:start].encode()))
        if exact < len(data) - _TIERS[0]:
            exact = min(_earliest(automaton, data, max(exact, _back(data, width, plain=plain))) for width, automaton in self._tiers)
        return min(alive, exact if plain else len(data[:exact].decode()))

    def _word(self, text: str) -> int:
        """Return where the last run without white space begins, no further back than a spaceless match can."""
        floor = max(0, len(text) - self._run)
        place = max(floor, 1 + text.rfind(" ", floor))
        if _WHITE.isdisjoint(text[place:]):
            return place
        return max(place, 1 + max(text.rfind(space, place) for space in WHITE))

    @staticmethod
    def _open(pattern: Pattern) -> str:
        return closure_of(pattern.name, pattern.expression, _COUNTED).open

    @cached_property
    def _automaton(self) -> "re2._Regexp | None":
        opened = [self._open(pattern) for pattern, closure in self._paired() if not _short(closure)]
        return _ends(opened) if opened else None

    @cached_property
    def _tiers(self) -> "list[tuple[int, re2._Regexp]]":
        tiers: list[tuple[int, re2._Regexp]] = []
        for below, width in zip((0, *_TIERS), _TIERS, strict=False):
            chosen = [self._open(pattern) for pattern, closure in self._paired() if below < closure.width <= width and not _short(closure)]
            if chosen:
                tiers.append((width, _ends(chosen)))
        return tiers


class _Filter:
    """Says which matchers can match at all: one automaton for the probes of many.

    Args:
        matchers: Those with probes alike enough to share one.
    """

    def __init__(self, matchers: Sequence[Matcher]) -> None:
        probed: dict[str, list[Matcher]] = {}
        for matcher in matchers:
            probed.setdefault(matcher.probe, []).append(matcher)
        self._matchers = tuple(matchers)
        self._probed = tuple(probed.values())
        self._match = _set_of(tuple(probed))._set.Match  # noqa: SLF001 - the wrapper's cost, as above

    def chosen(self, data: bytes) -> Sequence[Matcher]:
        """Return those whose probe is in a text."""
        seen: list[int] = self._match(data)
        if seen == _NOTHING:
            return ()
        if 0 not in seen:
            return self._matchers  # an engine that gave up decides nothing: then all of them look
        return [matcher for index in seen if index for matcher in self._probed[index - 1]]


def _kinds(matchers: Sequence[Matcher]) -> list[Sequence[Matcher]]:
    """Return matchers by what their probes are like: together their automata have the sum of their states, one for all had the product."""
    kinds: dict[str, list[Matcher]] = {}
    for matcher in matchers:
        probe = matcher.probe
        edged = probe.startswith(r"(?:\A|")
        kind = "words" if edged and probe.endswith("[^A-Za-z])") else "edged" if edged else "free"
        kinds.setdefault(kind, []).append(matcher)
    return list(kinds.values())


def _short(closure: Closure) -> bool:
    """Tell whether a stream may hold the last word for a pattern, whatever it is: cheaper than to ask of hundreds how far each has come."""
    return closure.spaceless and closure.width <= _WORD


def _back(data: bytes, characters: int, *, plain: bool) -> int:
    """Return a place so many characters before the end, or earlier, that is no place inside a character."""
    place = max(0, len(data) - characters * (1 if plain else _WIDEST))
    while place and data[place] & 0xC0 == 0x80:
        place -= 1
    return place


def _earliest(automaton: "re2._Regexp", data: bytes, start: int) -> int:
    place: int = automaton._regexp.Match(_UNANCHORED, data, start, len(data))[0][0]  # noqa: SLF001 - as above
    return place


_WHITE = frozenset(WHITE)
_NOTHING = [0]
"""What the prefilter answers when only its first pattern matches: the end of the text, which always does."""


def _merged(hits: list[Found]) -> list[Cluster]:
    best: dict[tuple[int, int, str], Found] = {}
    for found in sorted(hits, key=lambda item: item[:3]):
        key = found[3][0], found[3][1], found[3].entity
        known = best.get(key)
        # Two formats of one entity may fit the same characters: the surer one speaks.
        best[key] = found if known is None else (*known[:3], max(known[3], found[3], key=lambda hit: hit.score))
    out: list[Cluster] = []
    for begin, negative_end, _, hit in best.values():
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
        return re2.compile(f"(?:{'|'.join(f'(?:{prefix})' for prefix in dict.fromkeys(prefixes))})\\z", _options(longest=True))
    except re2.error as error:
        raise UnsupportedPattern("all patterns together are too large", mend="use fewer or simpler custom patterns") from error


def _options(*, longest: bool = False) -> re2.Options:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.longest_match = longest
    options.log_errors = False
    return options
