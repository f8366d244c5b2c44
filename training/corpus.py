"""What one channel of a head is trained and measured on."""

import hashlib
import random
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fairlead.core import digest
from fairlead.detectors.card import Channel
from training.benign import kept_apart
from training.copies import Known, clusters_of
from training.fit import Integers, Rows, fit, integers, rows_of
from training.measure import Cuts, raw_of, thresholds
from training.sources import OWN, Data, Reader, Text, distinct

_SEED = 20261125
_POOL: dict[Channel, int] = {"asked": 1500, "data": 500}
"""Texts of one source in a benign pool at most, so that no source decides the rates alone."""
_DOCUMENT = 400
"""Characters of a document in a pool at least: short texts of a source are joined, since long ones have more places to be wrong in."""
_GROUPED = 51
"""Of 256 clusters so many, a fifth, are held out."""


class Sets(NamedTuple):
    """The data, in both ways in which it may be read."""

    data: Data
    outside: Data
    known: Known


class Shown(NamedTuple):
    """An attack as it is trained on."""

    attack: int
    text: Text
    frames: tuple[str, str] = ("", "")
    """Sources of what stands around it."""


class Corpus(NamedTuple):
    """The texts of one channel of one head, and their features."""

    channel: Channel
    width: int
    """Bytes of a window."""
    attacks: list[Text]
    benign: list[Text]
    pool: list[Text]
    sources: npt.NDArray[np.str_]
    """Of each text that is trained on."""
    attack: npt.NDArray[np.int64]
    """Of the same: which attack it shows; -1 for a benign text."""
    frames: npt.NDArray[np.str_]
    """Of the same: the two sources of what stands around the attack; empty for what stands alone."""
    rows: Rows
    """Of the same."""

    def fit(self, without: Collection[str] = (), held_out: Iterable[Text] = ()) -> Integers:
        """Return a model.

        Args:
            without: Sources that are left out, with their attacks, the copies of those in other sources, and their benign texts.
            held_out: Attacks that are left out, with their copies.
        """
        away = Known([*held_out, *(entry for entry in self.attacks if entry.source in without)])
        copied = np.array([away.holds(entry.text) for entry in self.attacks] + [False])
        used = ~np.isin(self.sources, list(without)) & ~copied[self.attack] & ~np.isin(self.frames, list(without)).any(axis=1)
        # A source counts by the root of its size, a text alike however many pieces it has, and both sides alike.
        labels = self.attack >= 0
        sizes = Counter(zip(labels[used].tolist(), self.sources[used].tolist(), strict=True))
        keys = zip(labels.tolist(), self.sources.tolist(), strict=True)
        weights = np.array([(sizes[key] or 1) ** -0.5 for key in keys])
        owners = self.rows.owners
        importance = (weights / np.bincount(owners, minlength=weights.size))[owners]
        chosen = np.flatnonzero(used[owners])
        for side in (False, True):
            members = chosen[labels[owners][chosen] == side]
            importance[members] *= chosen.size / 2 / importance[members].sum()
        return integers(fit(self.rows, labels[owners].astype(np.float64), importance, chosen))

    def cuts(self, model: Integers, without: Collection[str] = ()) -> Cuts:
        """Return a model's thresholds on the pool, or on what is left of it without some sources."""
        return thresholds(raw_of([entry.text for entry in self.pool if entry.source not in without], model, self.width))

    def met(self, attacks: list[str]) -> list[str]:
        """Return attacks as a model meets them: in data each stands inside a document of the pool."""
        return met(self.channel, self.pool, attacks)

    def fifth(self, wanted: Collection[str]) -> list[Text]:
        """Return a fifth of some attacks, by clusters of near-duplicates.

        Args:
            wanted: Their texts.
        """
        foreign = [entry for entry in self.attacks if not entry.source.startswith(OWN)]
        clusters: dict[int, list[Text]] = {}
        for entry, cluster in zip(foreign, clusters_of([entry.text for entry in foreign]), strict=True):
            clusters.setdefault(cluster, []).append(entry)
        chosen = [found for found in clusters.values() if _drawn(min(entry.text for entry in found))]
        return [entry for found in chosen for entry in found if entry.text in wanted]


def corpus_of(sets: Sets, channel: Channel, width: int, readers: tuple[Reader, Reader]) -> Corpus:
    """Read what a channel is made from.

    Args:
        sets: The data; no copy of what is for measuring only is used.
        channel: The channel.
        width: Bytes of a window.
        readers: Of its attacks and of its benign texts.
    """
    found, everyday = (sets.known.without(distinct(reader(sets.data))) for reader in readers)
    rest = [entry for entry in everyday if not kept_apart(entry)]
    shown = [*(Shown(index, entry) for index, entry in enumerate(found)), *(framed(found, rest, width) if channel == "data" else ())]
    used = [*(each.text for each in shown), *rest]
    return Corpus(
        channel=channel,
        width=width,
        attacks=found,
        benign=rest,
        pool=pool_of(everyday, channel),
        sources=np.array([entry.source for entry in used]),
        attack=np.array([*(each.attack for each in shown), *(-1 for _ in rest)]),
        frames=np.array([*(each.frames for each in shown), *(("", "") for _ in rest)]),
        rows=rows_of([entry.text for entry in used], width),
    )


def pool_of(everyday: list[Text], channel: Channel) -> list[Text]:
    """Return the benign texts that a channel's thresholds are set on; none of them is trained on."""
    apart = [entry for entry in everyday if kept_apart(entry)]
    seen: Counter[str] = Counter()
    pool: list[Text] = []
    for entry in apart if channel == "asked" else joined(apart):
        seen[entry.source] += 1
        if seen[entry.source] <= _POOL[channel]:
            pool.append(entry)
    return pool


def met(channel: Channel, pool: list[Text], attacks: list[str]) -> list[str]:
    """Return attacks as a model meets them in a channel: in data each stands inside a document of the pool."""
    if channel == "asked":
        return attacks
    chosen = random.Random(_SEED)  # noqa: S311 - a seed that makes training repeatable is the point
    carriers = [entry.text for entry in pool if len(entry.text) < 4 * _DOCUMENT]
    return [_planted(attack, chosen.choice(carriers), chosen) for attack in attacks]


def digest_of(pool: list[Text]) -> str:
    """Return the digest of a pool: of its texts, in their order."""
    return digest([entry.text for entry in pool])


def left_out_of(corpus: Corpus) -> list[str]:
    """Return the sources of attacks that are left out in turn: all but our own."""
    return [source for source in dict.fromkeys(entry.source for entry in corpus.attacks) if not source.startswith(OWN)]


def _drawn(text: str) -> bool:
    return hashlib.sha256(text.encode(errors="replace")).digest()[0] < _GROUPED


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


def framed(attacks: list[Text], benign: list[Text], width: int) -> Iterator[Shown]:
    """Yield each attack between two pieces of benign texts, as a window often shows it."""
    chosen = random.Random(_SEED)  # noqa: S311 - as above
    frames = [entry for entry in benign if len(entry.text) > width]

    def piece() -> Text:
        entry, size = chosen.choice(frames), chosen.randint(0, width // 2)
        start = chosen.randint(0, len(entry.text) - size)
        return Text(entry.source, entry.text[start : start + size])

    for index, entry in enumerate(attacks):
        before, after = piece(), piece()
        text = f"{before.text}\n{entry.text[:width]}\n{after.text}"
        yield Shown(index, Text(entry.source, text), (before.source, after.source))


def _planted(attack: str, carrier: str, chosen: random.Random) -> str:
    """Return a document with an attack after one of its sentences."""
    place = carrier.find(". ", chosen.randint(0, len(carrier) // 2))
    return f"{carrier} {attack}" if place < 0 else f"{carrier[: place + 2]}{attack} {carrier[place + 2 :]}"
