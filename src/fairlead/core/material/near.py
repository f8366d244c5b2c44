"""Texts that are nearly the same in two splits: what was trained on and measured on would not be apart.

A text is the set of its runs of six letters (lower case, letters and digits only). Two are near when the sets overlap by 70% or more
(Jaccard). Candidates share one of their sixteen least hashes (Broder, "On the resemblance and containment of documents", 1997): a pair
at the limit is missed about once in 10^8.
"""

import zlib
from collections.abc import Iterable
from typing import NamedTuple

SAME_TEXT = 0.7
"""Overlap from which on two texts count as the same."""
_RUN = 6
_SKETCH = 16
_PER_BUCKET = 32
"""Texts of one split that a new one is compared with at most, for each hash that they share."""


class NearPair(NamedTuple):
    """Two texts of different splits that are nearly the same."""

    first: str
    """Where the first one stands."""
    second: str
    overlap: float


class _Known(NamedTuple):
    place: str
    split: str
    runs: frozenset[int]


def near_pairs(texts: Iterable[tuple[str, str, str]]) -> tuple[NearPair, ...]:
    """Return the texts that are nearly the same as one of another split; for each at most one.

    Args:
        texts: Place, split and text of each.
    """
    buckets: dict[int, dict[str, list[_Known]]] = {}
    pairs: list[NearPair] = []
    for place, split, text in texts:
        known = _Known(place, split, _runs(text))
        sketch = sorted(known.runs)[:_SKETCH]
        others = {id(other): other for run in sketch for name, group in buckets.get(run, {}).items() if name != split for other in group}
        overlaps = [(len(known.runs & other.runs) / len(known.runs | other.runs), other.place) for other in others.values()]
        best = max(overlaps, default=(0.0, ""))
        if best[0] >= SAME_TEXT:
            pairs.append(NearPair(best[1], place, best[0]))
        for run in sketch:
            group = buckets.setdefault(run, {}).setdefault(split, [])
            if len(group) < _PER_BUCKET:
                group.append(known)
    return tuple(pairs)


def _runs(text: str) -> frozenset[int]:
    letters = "".join(character for character in text.casefold() if character.isalnum()).encode("utf-8", "surrogatepass")
    if not letters:
        return frozenset()
    return frozenset(zlib.crc32(letters[start : start + _RUN]) for start in range(max(1, len(letters) - _RUN + 1)))
