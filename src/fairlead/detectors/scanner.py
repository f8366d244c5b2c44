"""All patterns of a policy in one engine, on whole texts and in streams; both give the same (law 2).

A prefilter (RE2 ``Set``) says which patterns can match at all; the exact matchers of the standard library run only for those, with
their validators. In a stream, one call of the prefix automaton per chunk tells from where on a text could still become a match.
"""

import re
from collections.abc import Sequence
from functools import cached_property

import re2

from fairlead.core import Origin, digest
from fairlead.detectors.model import Cluster, Hit, Pattern, Runs, Settled, Text
from fairlead.detectors.prefix import CONTEXT, closure_of

_MEMORY = 8 << 20
"""Bytes that an automaton of RE2 may use."""
_SHORT = 160
"""Matches of most patterns are shorter; only the others can keep an older start alive."""
_UNANCHORED = re2._re2.RE2.Anchor.UNANCHORED  # noqa: SLF001 - the public wrapper costs five times the match; pinned and tested


class PatternScanner:
    """A Detector that runs in streams.

    Args:
        patterns: What to look for; earlier ones name a cluster when two start and end alike.

    Raises:
        UnsupportedPattern: A pattern can't be decided exactly in a stream.
    """

    runs: Runs = "stream"

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.patterns = tuple(patterns)
        self._closures = [closure_of(pattern.name, pattern.expression) for pattern in self.patterns]
        self._exact = [re.compile(pattern.expression, re.ASCII) for pattern in self.patterns]
        chosen = digest([[pattern.name, pattern.expression] for pattern in self.patterns])
        self.id = f"patterns@1-{chosen[7:15]}"
        self.hazards = tuple(dict.fromkeys(pattern.hazard for pattern in self.patterns))
        self._set = re2.Set.SearchSet(_options())
        for pattern, closure in zip(self.patterns, self._closures, strict=True):
            self._set.Add(closure_of(pattern.name, pattern.probe).full if pattern.probe else closure.full)
        if self.patterns:
            self._set.Compile()
        self._width = 1 + max((closure.width for closure in self._closures), default=0)

    def detect(self, text: Text, origin: Origin) -> Sequence[Hit]:  # noqa: ARG002 - a pattern is one wherever it stands
        """Return every match in a whole text."""
        return [hit for cluster in self.clusters(text.original, 0, len(text.original)) for hit in cluster.hits]

    def scan(self, text: str) -> list[Hit]:
        """Return every match in a whole text, by cluster."""
        return [hit for cluster in self.clusters(text, 0, len(text)) for hit in cluster.hits]

    def stream(self) -> "PatternStream":
        """Return a stream; it holds no more characters than the longest match of its patterns has."""
        return PatternStream(self, self._width)

    def clusters(self, text: str, start: int, limit: int) -> list[Cluster]:
        """Return the merged matches that start in ``[start, limit)``; a match that its validator rejects is passed by one character."""
        if not self.patterns:
            return []
        hits: list[tuple[int, int, int, Hit]] = []
        for index in self._set._set.Match(text.encode("utf-8", "surrogatepass")):  # noqa: SLF001 - as above
            self._matches(index, text, (start, limit), hits)
        hits.sort(key=lambda item: item[:3])
        out: list[Cluster] = []
        for begin, negative_end, _, hit in hits:
            if out and begin < out[-1].end:
                last = out[-1]
                out[-1] = Cluster(last.start, max(last.end, -negative_end), (*last.hits, hit))
            else:
                out.append(Cluster(begin, -negative_end, (hit,)))
        return out

    def _matches(self, index: int, text: str, bounds: tuple[int, int], hits: list[tuple[int, int, int, Hit]]) -> None:
        pattern, exact = self.patterns[index], self._exact[index]
        position, limit = bounds
        while match := exact.search(text, position):
            begin = match.start()
            if begin >= limit:
                return
            length = len(match.group()) if pattern.validator is None else pattern.validator(match.group())
            if length:
                end = begin + length
                hits.append((begin, -end, index, Hit(begin, end, pattern.hazard, pattern.name, pattern.score)))
                position = end
            else:
                position = begin + 1

    def alive(self, data: bytes, start: int) -> int:
        """Return the earliest byte offset at or after ``start`` from where the text could still become, or extend, a match."""
        size = len(data)
        alive: int = self._automaton._regexp.Match(_UNANCHORED, data, start, size)[0][0]  # noqa: SLF001 - as above
        if size - alive > _SHORT and self._long is not None:
            longer: int = self._long._regexp.Match(_UNANCHORED, data, start, size)[0][0]  # noqa: SLF001 - as above
            alive = min(max(alive, size - _SHORT), longer)
        elif size - alive > _SHORT:
            alive = size - _SHORT
        while alive < size and data[alive] & 0xC0 == 0x80:
            alive -= 1
        return max(alive, start)

    @cached_property
    def _automaton(self) -> "re2._Regexp":
        return _ends([closure.open for closure in self._closures])

    @cached_property
    def _long(self) -> "re2._Regexp | None":
        long = [closure.open for closure in self._closures if closure.width >= _SHORT]
        return _ends(long) if long else None


class PatternStream:
    """Decides a text that comes in pieces.

    Args:
        scanner: What to look for.
        cap: Characters held at most.
    """

    __slots__ = ("_cap", "_context", "_offset", "_scanner", "_text")

    def __init__(self, scanner: PatternScanner, cap: int) -> None:
        self._scanner = scanner
        self._cap = cap
        self._text = ""  # left context, then what is held
        self._context = 0  # length of the left context
        self._offset = 0  # absolute offset of what is held

    @property
    def held(self) -> int:
        """Return how many characters are held now."""
        return len(self._text) - self._context

    def feed(self, chunk: str) -> Settled:
        """Take the next piece and return what is decided now."""
        text = self._text + chunk
        if not self._scanner.patterns:
            return self._release(text, len(text), [])
        data = text.encode("utf-8", "surrogatepass")
        ascii_only = len(data) == len(text)
        start = self._context if ascii_only else len(text[: self._context].encode("utf-8", "surrogatepass"))
        alive = self._scanner.alive(data, start)
        limit = alive if ascii_only else len(data[:alive].decode("utf-8", "surrogatepass"))
        # No match is longer than the cap, so nothing that starts earlier can grow any more.
        limit = max(limit, len(text) - self._cap)
        return self._settle(text, limit)

    def close(self) -> Settled:
        """End the text and return the rest."""
        return self._settle(self._text, len(self._text))

    def _settle(self, text: str, limit: int) -> Settled:
        if limit <= self._context:
            self._text = text
            return Settled(self._offset, "", ())
        found = self._scanner.clusters(text, self._context, limit)
        for index, cluster in enumerate(found):
            if cluster.end > limit:
                # Its matches are decided, but one that starts at or after the limit may still join the union.
                limit, found = cluster.start, found[:index]
                break
        return self._release(text, limit, found)

    def _release(self, text: str, limit: int, found: list[Cluster]) -> Settled:
        shift = self._offset - self._context
        clusters = tuple(
            Cluster(
                cluster.start + shift,
                cluster.end + shift,
                tuple(hit._replace(start=hit.start + shift, end=hit.end + shift) for hit in cluster.hits),
            )
            for cluster in found
        )
        settled = Settled(self._offset, text[self._context : limit], clusters)
        self._offset += limit - self._context
        keep = max(0, limit - CONTEXT)
        self._text = text[keep:]
        self._context = limit - keep
        return settled


def _ends(prefixes: Sequence[str]) -> "re2._Regexp":
    return re2.compile(f"(?:{'|'.join(f'(?:{prefix})' for prefix in prefixes)})\\z", _options(longest=True))


def _options(*, longest: bool = False) -> re2.Options:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.longest_match = longest
    options.log_errors = False
    return options
