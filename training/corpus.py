"""What one channel of a head is trained and measured on."""

import random
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fairlead.detectors.card import Channel
from fairlead.detectors.families.heads import WINDOWS
from training.benign import kept_apart
from training.fit import Integers, Rows, fit, integers, rows_of
from training.measure import Cuts, raw_of, thresholds
from training.sources import Data, Reader, Text, distinct

_SEED = 20261125
_POOL: dict[Channel, int] = {"asked": 1500, "data": 500}
"""Texts of one source in a benign pool at most, so that no source decides the rates alone."""
_DOCUMENT = 400
"""Characters of a document in a pool at least: short texts of a source are joined, since long ones have more places to be wrong in."""
_SHINGLE = 8
_OVERLAP = 0.3


class Corpus(NamedTuple):
    """The texts of one channel of one head, and their features."""

    channel: Channel
    attacks: list[Text]
    benign: list[Text]
    pool: list[Text]
    sources: npt.NDArray[np.str_]
    """Of each text that is trained on."""
    labels: npt.NDArray[np.float32]
    """Of the same: 1 for an attack."""
    rows: Rows
    """Of the same."""

    def fit(self, without: str = "") -> Integers:
        """Return a model.

        Args:
            without: A source that is left out, its attacks and its benign texts.
        """
        used = self.sources != without
        # A source counts by the root of its size, a text alike however many pieces it has, and both sides alike.
        sizes = Counter(zip(self.labels[used], self.sources[used], strict=True))
        weights = np.array([(sizes[label, source] or 1) ** -0.5 for label, source in zip(self.labels, self.sources, strict=True)])
        owners = self.rows.owners
        importance = (weights / np.bincount(owners, minlength=weights.size))[owners]
        labels, chosen = self.labels[owners], np.flatnonzero(used[owners])
        for side in (0, 1):
            members = chosen[labels[chosen] == side]
            importance[members] *= chosen.size / 2 / importance[members].sum()
        return integers(fit(self.rows, labels, importance.astype(np.float32), chosen, seed=_SEED))

    def cuts(self, model: Integers, without: str = "") -> Cuts:
        """Return a model's thresholds on the pool, or on what is left of it without a source."""
        return thresholds(raw_of([entry.text for entry in self.pool if entry.source != without], model, self.channel))

    def met(self, attacks: list[str]) -> list[str]:
        """Return attacks as a model meets them: in data each stands inside a document of the pool."""
        if self.channel == "asked":
            return attacks
        chosen = random.Random(_SEED)  # noqa: S311 - a seed that makes training repeatable is the point
        carriers = [entry.text for entry in self.pool if len(entry.text) < 4 * _DOCUMENT]
        return [_planted(attack, chosen.choice(carriers), chosen) for attack in attacks]


def corpus_of(data: Data, channel: Channel, attacks: Reader, benign: Reader) -> Corpus:
    """Read what a channel is made from.

    Args:
        data: The folder.
        channel: The channel.
        attacks: Of its attacks.
        benign: Of its benign texts.
    """
    found, everyday = distinct(attacks(data)), distinct(benign(data))
    rest = [entry for entry in everyday if not kept_apart(entry)]
    apart = [entry for entry in everyday if kept_apart(entry)]
    seen: Counter[str] = Counter()
    pool: list[Text] = []
    for entry in apart if channel == "asked" else joined(apart):
        seen[entry.source] += 1
        if seen[entry.source] <= _POOL[channel]:
            pool.append(entry)
    shown = [*found, *(_framed(found, rest) if channel == "data" else ())]
    used = [*shown, *rest]
    labels = np.array([1] * len(shown) + [0] * len(rest), dtype=np.float32)
    rows = rows_of([entry.text for entry in used], WINDOWS[channel])
    return Corpus(channel, found, rest, pool, np.array([entry.source for entry in used]), labels, rows)


def joined(texts: Iterable[Text]) -> Iterator[Text]:
    """Yield the texts of each source as documents that are not short."""
    waiting: dict[str, list[str]] = {}
    for entry in texts:
        parts = waiting.setdefault(entry.source, [])
        parts.append(entry.text)
        if sum(map(len, parts)) >= _DOCUMENT:
            yield Text(entry.source, "\n".join(parts))
            parts.clear()
    yield from (Text(source, "\n".join(parts)) for source, parts in waiting.items() if parts)


def without_copies(left: list[Text], attacks: list[Text]) -> list[str]:
    """Return the texts of a source that share few runs of words with any other source.

    Args:
        left: Attacks of one source.
        attacks: Those of all sources.
    """
    source = left[0].source
    known = {run for entry in attacks if entry.source != source for run in _runs(entry.text)}
    return [entry.text for entry in left if not (runs := _runs(entry.text)) or len(runs & known) <= _OVERLAP * len(runs)]


def _runs(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[index : index + _SHINGLE]) for index in range(len(words) - _SHINGLE + 1)}


def _framed(attacks: list[Text], benign: list[Text]) -> Iterator[Text]:
    """Yield each attack between two pieces of benign texts, as a window often shows it."""
    chosen = random.Random(_SEED)  # noqa: S311 - as above
    width = WINDOWS["data"]
    frames = [entry.text for entry in benign if len(entry.text) > width]

    def piece() -> str:
        text, size = chosen.choice(frames), chosen.randint(0, width // 2)
        start = chosen.randint(0, len(text) - size)
        return text[start : start + size]

    for entry in attacks:
        yield Text(entry.source, f"{piece()}\n{entry.text[:width]}\n{piece()}")


def _planted(attack: str, carrier: str, chosen: random.Random) -> str:
    """Return a document with an attack after one of its sentences."""
    place = carrier.find(". ", chosen.randint(0, len(carrier) // 2))
    return f"{carrier} {attack}" if place < 0 else f"{carrier[: place + 2]}{attack} {carrier[place + 2 :]}"
