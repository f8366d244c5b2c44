"""Hashed n-grams of a text, all at once: the features of the trained heads.

Each place of a text carries the byte 3-, 4- and 5-grams that start there and, where a word starts, that word and the pair of it and the
next. A head's score of a window is the sum of their weights divided by the square root of how many there are; since sums over windows
are differences of running sums, a text is read once however many windows it has.
"""

from collections.abc import Sequence
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
_FACTORS = np.array([0x9E3779B1, 0x85EBCA6B, 0xC2B2AE35, 0x27D4EB2F, 0x165667B1], dtype=np.uint32)
_SEEDS = np.array([0x3C6EF372, 0x5BD1E995, 0x7FEB352D], dtype=np.uint32)
"""Of the 3-, 4- and 5-grams."""
_WORD_SEED, _PAIR_SEED = np.uint32(0x2545F491), np.uint32(0x68E31DA4)
_ONE, _MIX, _WORD_MIX, _SCALE = np.uint32(1), np.uint32(15), np.uint32(13), np.uint32(32 - BITS)
_LONGEST = 5
"""Bytes of the widest gram."""


class Grams(NamedTuple):
    """Features of a text: the buckets that they fall into."""

    buckets: npt.NDArray[np.intp]
    size: int
    """Bytes of the text."""
    starts: Sequence[npt.NDArray[np.int64]]
    """Where they start, in bytes, in the order of the buckets."""

    def places(self) -> npt.NDArray[np.int64]:
        """Return where each feature starts, in bytes; only a text of several windows needs it."""
        return np.concatenate(self.starts)


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
    wide += _ONE
    hashes = _rolled(wide)
    words, starts = _words(codes, wide)
    pairs = words[:-1] * _FACTORS[1]
    pairs += words[1:]
    pairs ^= _PAIR_SEED
    words ^= _WORD_SEED
    repeated = _repeated(codes)
    count = hashes.shape[1]
    if repeated.any():
        three = (~repeated[:count]).nonzero()[0]
        four, five = (three[: three.searchsorted(count - less)] for less in (1, 2))
        buckets = np.concatenate([hashes[0].take(three), hashes[1].take(four), hashes[2].take(five), words, pairs])
    else:
        three = np.arange(count)
        four, five = three[:-1], three[:-2]
        buckets = np.concatenate([hashes[0], hashes[1, :-1], hashes[2, :-2], words, pairs])
    buckets *= _FACTORS[0]
    buckets >>= _SCALE
    # As numpy's own kind of index: each head looks its weights up with them.
    return Grams(buckets.astype(np.intp), max(size, 1), (three, four, five, starts, starts[:-1]))


def _rolled(wide: Ints) -> Ints:
    """Return the hash of the 3-, 4- and 5-gram at each place, one row each; the last one and two places of the longer ones are void.

    The three differ in their seeds only, so that one operation mixes a byte into all of them: on a short text operations cost, not bytes.

    Args:
        wide: Each code plus one.
    """
    count = wide.size - 2
    multiplied = wide * _FACTORS[:, None]
    rows = np.empty((3, count), dtype=np.uint32)
    rows[:] = _SEEDS[:, None]
    spare = np.empty_like(rows)
    for offset in range(3):
        _mix(rows, multiplied[offset, offset : offset + count], spare)
    _mix(rows[1:, :-1], multiplied[3, 3:], spare[1:, :-1])
    _mix(rows[2, :-2], multiplied[4, 4:], spare[2, :-2])
    return rows


def _mix(rows: Ints, column: Ints, spare: Ints) -> None:
    rows += column
    np.right_shift(rows, _MIX, out=spare)
    rows ^= spare


def _repeated(codes: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Tell for each place whether it is deep inside a run of one character: rules, blanks and floods say nothing by their length."""
    deep = np.zeros(codes.size, dtype=np.bool_)
    same = codes[1:] == codes[:-1]
    np.logical_and(same[2:], same[1:-1], out=deep[3:])
    deep[3:] &= same[:-2]
    return deep


def _words(codes: npt.NDArray[np.uint8], wide: Ints) -> tuple[Ints, npt.NDArray[np.int64]]:
    """Return a hash of every word, and where it starts; ``wide`` is each code plus one."""
    inside = _IN_WORD.take(codes)
    edges = (inside[1:] != inside[:-1]).nonzero()[0]
    edges += 1
    if inside[0]:
        edges = np.concatenate([[0], edges])
    starts = edges[::2]
    if starts.size == 0:
        return np.empty(0, dtype=np.uint32), starts
    ends = edges[1::2]
    if inside[-1]:
        ends = np.append(ends, codes.size)
    since = np.zeros(codes.size, dtype=np.uint32)
    since[starts] = starts
    np.maximum.accumulate(since, out=since)
    mixed = np.arange(codes.size, dtype=np.uint32)
    mixed -= since
    mixed *= _FACTORS[2]
    mixed += _FACTORS[3]
    mixed *= wide
    mixed ^= mixed >> _WORD_MIX
    mixed *= inside
    sums = np.add.reduceat(mixed, starts, dtype=np.uint32)
    sums *= _FACTORS[4]
    sums += (ends - starts).astype(np.uint32)
    return sums, starts
