"""A text that comes in pieces, decided as early as can be and as the whole text would be (law 2)."""

from typing import Protocol

from fairlead.detectors.fold import Folded, fold
from fairlead.detectors.model import Cluster, Settled
from fairlead.detectors.prefix import CONTEXT

CAP = 4096
"""Characters that a stream holds at most, unless told otherwise; no built-in match is longer."""


class Scanner(Protocol):
    """What a stream asks of its scanner; see ``PatternScanner``."""

    @property
    def width(self) -> int:
        """Return the characters of the longest match, plus one of right context."""
        ...

    def decide(self, text: str, start: int, limit: int) -> list[Cluster]:
        """Return the merged matches that start in ``[start, limit)``."""
        ...

    def alive(self, text: str, start: int) -> int:
        """Return the earliest place that could still become, or extend, a match."""
        ...


class PatternStream:
    """Decides a text that comes in pieces.

    For every split the texts of all :class:`Settled` make the whole text, and their clusters are those of the whole text, as long as
    none is ``capped``. At the cap the oldest held characters are settled although a later text could still change what they are: a
    match longer than the cap may go unseen, and of an endless chain of overlapping matches the part that was seen is one cluster.
    The settled piece says so (``capped``), and what happens then is the policy's business; to stop the stream is the safe choice.

    Args:
        scanner: What to look for.
        cap: Characters held at most.
    """

    __slots__ = ("_cap", "_held", "_left", "_offset", "_scanner")

    def __init__(self, scanner: Scanner, cap: int) -> None:
        self._scanner = scanner
        self._cap = cap
        self._held = ""  # original text that is not settled
        self._left = ""  # the folded characters before it
        self._offset = 0  # absolute offset of what is held

    @property
    def held(self) -> int:
        """Return how many characters are held now."""
        return len(self._held)

    def fork(self) -> "PatternStream":
        """Return another stream of the same text, as far as it came."""
        other = PatternStream(self._scanner, self._cap)
        other._held, other._left, other._offset = self._held, self._left, self._offset
        return other

    @property
    def settled(self) -> int:
        """Return how many characters are decided."""
        return self._offset

    def feed(self, chunk: str) -> Settled:
        """Take the next piece and return what is decided now."""
        return self._settle(self._held + chunk, last=False)

    def close(self) -> Settled:
        """End the text and return the rest."""
        return self._settle(self._held, last=True)

    def _settle(self, held: str, *, last: bool) -> Settled:
        folded = fold(held)
        context = len(self._left)
        text = self._left + folded.text
        limit = len(text) if last else self._undecided(text, context)
        capped = False
        if len(held) - folded.place(limit - context) > self._cap:
            # All that is held is one candidate: give up its oldest characters.
            limit, capped = max(limit, len(text) - self._cap), True
            while len(held) - folded.place(limit - context) > self._cap:
                limit += 1
        clusters = self._scanner.decide(text, context, limit)
        if clusters and clusters[-1].end > limit:
            # Its matches are decided, but one that starts at or after the limit may still join the union.
            crossing = clusters[-1]
            if len(held) - folded.place(crossing.start - context) > self._cap:
                limit, capped = crossing.end, True
            else:
                limit = crossing.start
                clusters.pop()
        cut = folded.place(limit - context)
        settled = Settled(self._offset, held[:cut], self._moved(clusters, folded, context), capped)
        self._held = held[cut:]
        self._left = text[max(0, limit - CONTEXT) : limit]
        self._offset += cut
        return settled

    def _moved(self, clusters: list[Cluster], folded: Folded, context: int) -> tuple[Cluster, ...]:
        """Return clusters as they stand in the original text."""
        if not clusters:
            return ()

        def span(start: int, end: int) -> tuple[int, int]:
            return folded.span(start - context, end - context)

        return tuple(cluster.moved(span, self._offset) for cluster in clusters)

    def _undecided(self, text: str, context: int) -> int:
        """Return the first place whose matches a later text could change."""
        alive = self._scanner.alive(text, context)
        floor = len(text) - self._scanner.width
        # No match is so long that one that starts before the floor could still grow.
        return alive if alive >= floor else self._scanner.alive(text, floor)
