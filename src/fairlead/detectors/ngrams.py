"""Hashed n-grams of a text, all at once: the features of the trained heads.

Each place of a text carries the byte 3-, 4- and 5-grams that start there and, where a word starts, that word and the pair of it and the
next. A head's score of a window is the sum of their weights divided by the square root of how many there are; since sums over windows
are differences of running sums, a text is read once however many windows it has.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

BITS = 18
BUCKETS = 1 << BITS
"""Hash buckets, one weight each."""

Ints = npt.NDArray[np.uint32]

_LOWER = bytes(
    ord(" ") if code in b"\t\n\r\f\v" else ord("0") if 48 <= code < 58 else code + 32 if 65 <= code < 91 else code for code in range(256)
)
"""Letters in lower case, digits as one, white space as a blank."""
_IN_WORD = np.array([48 <= code < 58 or 97 <= code < 123 or code == ord("'") or code >= 128 for code in range(256)])
_FACTORS = (0x9E3779B1, 0x85EBCA6B, 0xC2B2AE35, 0x27D4EB2F, 0x165667B1)
_SEEDS = {3: 0x3C6EF372, 4: 0x5BD1E995, 5: 0x7FEB352D}
_WORD_SEED, _PAIR_SEED = 0x2545F491, 0x68E31DA4
_LONGEST = max(_SEEDS)


class Grams(NamedTuple):
    """Features of a text: their buckets, and the places where they start, in bytes."""

    buckets: Ints
    places: npt.NDArray[np.int64]
    size: int
    """Bytes of the text."""


def grams_of(text: str) -> Grams:
    """Return the features of a text.

    Args:
        text: Normalised.
    """
    codes = np.frombuffer(text.encode(errors="replace").translate(_LOWER), dtype=np.uint8)
    size = codes.size
    if size < _LONGEST:
        codes = np.concatenate([codes, np.full(_LONGEST - size, ord(" "), dtype=np.uint8)])
    wide = codes.astype(np.uint32)
    wide += np.uint32(1)
    multiplied = [wide * np.uint32(factor) for factor in _FACTORS]
    keep = _not_repeated(codes)
    buckets: list[Ints] = []
    places: list[npt.NDArray[np.int64]] = []
    for width, seed in _SEEDS.items():
        count = codes.size - width + 1
        mixed = np.full(count, seed, dtype=np.uint32)
        for offset in range(width):
            mixed += multiplied[offset][offset : offset + count]
            mixed ^= mixed >> np.uint32(15)
        where = np.flatnonzero(keep[:count])
        buckets.append(mixed[where])
        places.append(where)
    words, starts = _words(codes, wide)
    buckets += [words ^ np.uint32(_WORD_SEED), (words[:-1] * np.uint32(_FACTORS[1]) + words[1:]) ^ np.uint32(_PAIR_SEED)]
    places += [starts, starts[:-1]]
    hashed = np.concatenate(buckets) * np.uint32(_FACTORS[0])
    return Grams(hashed >> np.uint32(32 - BITS), np.concatenate(places), max(size, 1))


def _not_repeated(codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Tell for each place whether it is not deep inside a run of one character: rules, blanks and floods say nothing by their length."""
    keep = np.ones(codes.size, dtype=np.bool_)
    same = codes[1:] == codes[:-1]
    keep[3:] = ~(same[2:] & same[1:-1] & same[:-2])
    return keep


def _words(codes: npt.NDArray[np.uint8], wide: Ints) -> tuple[Ints, npt.NDArray[np.int64]]:
    """Return a hash of every word, and where it starts; ``wide`` is each code plus one."""
    inside = _IN_WORD[codes]
    before = np.concatenate([[False], inside[:-1]])
    starts = np.flatnonzero(inside & ~before)
    if starts.size == 0:
        return np.empty(0, dtype=np.uint32), starts
    ends = np.flatnonzero(~inside & before)
    lengths = np.append(ends, codes.size)[: starts.size] - starts
    since = np.zeros(codes.size, dtype=np.uint32)
    since[starts] = starts
    at = np.arange(codes.size, dtype=np.uint32) - np.maximum.accumulate(since)
    mixed = wide * (at * np.uint32(_FACTORS[2]) + np.uint32(_FACTORS[3]))
    mixed ^= mixed >> np.uint32(13)
    mixed[~inside] = 0
    sums = np.add.reduceat(mixed, starts, dtype=np.uint32)
    return sums * np.uint32(_FACTORS[4]) + lengths.astype(np.uint32), starts
