"""Texts of a stream that follow one another directly, read joined while they flow.

A match may begin in one part of an answer and end in a later one. So the end of a part waits, as long as something in it could still become
a match, until the next part has said enough, or something else follows; the part is not told as ended before.
"""

from collections.abc import Iterable
from typing import NamedTuple

from fairlead.detectors import Cluster, PatternStream, Settled
from fairlead.guard.joined import MOST, SEAM, crossings

_ENDLESS = 1 << 62
"""Characters of a text that goes on."""


class Piece(NamedTuple):
    """What is decided of one channel."""

    channel: str
    settled: Settled


class _Text:
    """One text of a run."""

    __slots__ = ("channel", "clusters", "ended", "length", "pending", "reader", "released")

    def __init__(self, channel: str, released: int) -> None:
        self.channel = channel
        self.released = released
        """Characters of it that are decided in every reading."""
        self.pending = ""
        """What its own reading has decided after these."""
        self.length = released
        """Characters that its own reading has decided."""
        self.clusters: list[Cluster] = []
        self.ended = False
        self.reader: PatternStream | None = None
        """Reads on from it into the texts that follow, as long as a match that begins in it may still end there."""

    def add(self, settled: Settled) -> None:
        """Take what its own reading has decided."""
        self.pending += settled.text
        self.length += len(settled.text)
        self.clusters += settled.clusters

    def take(self, limit: int, *, capped: bool) -> Settled:
        """Return what is decided up to a place, but no part of a match."""
        again = True
        while again:
            inside = [one.start for one in self.clusters if one.start < limit < one.end]
            again, limit = bool(inside), min([limit, *inside])
        limit = max(limit, self.released)
        text, self.pending = self.pending[: limit - self.released], self.pending[limit - self.released :]
        settled = Settled(self.released, text, tuple(_united(one for one in self.clusters if one.end <= limit)), capped)
        self.clusters = [one for one in self.clusters if one.end > limit]
        self.released = limit
        return settled


class Joint:
    """The joined readings of a run.

    Args:
        channel: Of the first text, which ends now.
        own: The first text's own stream, before it is closed.
    """

    __slots__ = ("_capped", "_texts")

    def __init__(self, channel: str, own: PatternStream) -> None:
        self._texts = [_Text(channel, own.settled)]
        self._capped = False

    def add(self, settled: Settled) -> None:
        """Take what the last text's own stream has decided."""
        self._capped = self._capped or settled.capped
        self._texts[-1].add(settled)

    def feed(self, text: str) -> None:
        """Take more of the last text."""
        for place, first in enumerate(self._texts[:-1]):
            if first.reader is not None:
                self._collect(place, first.reader.feed(text))
                if first.reader.settled >= first.length:
                    first.reader = None

    def end(self, own: PatternStream) -> None:
        """End the last text.

        Args:
            own: Its own stream, which is closed here.
        """
        last = self._texts[-1]
        reader = own.fork() if own.held else None
        self.add(own.close())
        for place, first in enumerate(self._texts[:-1]):
            if first.reader is not None:
                self._collect(place, first.reader.fork().close())
                if len(self._texts) - place >= MOST:
                    first.reader = None
        last.ended, last.reader = True, reader

    def go_on(self, channel: str) -> None:
        """Begin the next text."""
        self._texts.append(_Text(channel, 0))

    def close(self) -> None:
        """Say that nothing follows."""
        for text in self._texts:
            text.reader = None

    def take(self) -> list[Piece]:
        """Return what is decided now, in order."""
        out: list[Piece] = []
        for place, text in enumerate(self._texts):
            settled = text.take(self._decided(place), capped=self._capped)
            if settled.text or settled.capped:
                out.append(Piece(text.channel, settled))
            if not text.ended or text.released < text.length:
                break
        while len(self._texts) > 1 and self._texts[0].reader is None and self._texts[0].released == self._texts[0].length:
            del self._texts[0]
        return out

    @property
    def channels(self) -> frozenset[str]:
        """Channels of the texts of which something may wait."""
        return frozenset(text.channel for text in self._texts)

    @property
    def waiting(self) -> int:
        """Return how many characters wait that their own reading has decided."""
        return sum(text.length - text.released for text in self._texts)

    @property
    def over(self) -> bool:
        """True when no reading but the last text's own has anything to say."""
        text = self._texts[0]
        return len(self._texts) == 1 and text.reader is None and not text.pending and not text.clusters

    def _decided(self, place: int) -> int:
        """Return how far a text is decided in its own reading and in those of the texts before it."""
        limit = self._texts[place].length
        before = 0
        for text in reversed(self._texts[: place + 1]):
            before += text.length if text is not self._texts[place] else 0
            if text.reader is not None:
                limit = min(limit, text.reader.settled - before)
        return limit

    def _collect(self, place: int, settled: Settled) -> None:
        """Keep what begins in one text and ends in the last."""
        self._capped = self._capped or settled.capped
        texts = self._texts[place:]
        lengths = [*(text.length for text in texts[:-1]), _ENDLESS]
        for hit in (hit for cluster in settled.clusters for hit in cluster.hits):
            parts = crossings(hit.start, hit.end, lengths)
            if parts and parts[0].place == 0 and parts[-1].place == len(texts) - 1:
                for part in parts:
                    piece = hit._replace(start=part.start, end=part.end, view=SEAM)
                    texts[part.place].clusters.append(Cluster(part.start, part.end, (piece,)))


def _united(clusters: Iterable[Cluster]) -> list[Cluster]:
    """Return clusters by start, those that overlap as one."""
    out: list[Cluster] = []
    for one in sorted(clusters, key=lambda cluster: (cluster.start, -cluster.end)):
        if out and one.start < out[-1].end:
            last = out[-1]
            out[-1] = Cluster(last.start, max(last.end, one.end), (*last.hits, *one.hits))
        else:
            out.append(one)
    return out
