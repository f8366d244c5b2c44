"""Near-duplicates: texts that say almost the same must not stand on both sides of a split, or a measurement flatters itself."""

import re
from collections.abc import Sequence
from itertools import pairwise

_WORDS = 3
_ALIKE = 0.5
"""Share of the smaller text's shingles that two texts have in common at least to be near-duplicates."""
_SHORT = 4
"""A text with fewer shingles is a near-duplicate only of one that is about as short."""
_COMMON = 50
"""A shingle that more texts have is a way of speaking and no sign of a copy."""
_WORD = re.compile(r"\w+")


def shingles(text: str) -> frozenset[str]:
    """Return the runs of three words of a text, without case, digits and marks; all of it when it has fewer.

    Args:
        text: The text.
    """
    words = [re.sub(r"\d+", "0", word) for word in _WORD.findall(text.lower())]
    if len(words) <= _WORDS:
        return frozenset([" ".join(words) or text.strip()])
    return frozenset(" ".join(words[at : at + _WORDS]) for at in range(len(words) - _WORDS + 1))


def alike(one: frozenset[str], other: frozenset[str]) -> bool:
    """Tell whether two texts, each given by its :func:`shingles`, are near-duplicates."""
    return _enough(len(one & other), len(one), len(other))


def clusters(texts: Sequence[str], groups: Sequence[str] = ()) -> list[int]:
    """Return the cluster of each text: near-duplicates, and texts of one group, share one, also by way of others.

    Args:
        texts: The texts.
        groups: The group of each; an empty one groups nothing.
    """
    parents = list(range(len(texts)))
    held = [shingles(text) for text in texts]
    for first, second in (*_same(groups), *_alike(held)):
        parents[_root(parents, first)] = _root(parents, second)
    names: dict[int, int] = {}
    return [names.setdefault(_root(parents, at), len(names)) for at in range(len(texts))]


def _same(groups: Sequence[str]) -> list[tuple[int, int]]:
    members: dict[str, list[int]] = {}
    for at, group in enumerate(groups):
        if group:
            members.setdefault(group, []).append(at)
    return [pair for found in members.values() for pair in pairwise(found)]


def _alike(held: Sequence[frozenset[str]]) -> list[tuple[int, int]]:
    """Return pairs that have at least half of the smaller one's shingles in common; texts that are the same word for word always are."""
    having: dict[str, list[int]] = {}
    wholes: dict[frozenset[str], int] = {}
    found = []
    for at, runs in enumerate(held):
        found.append((wholes.setdefault(runs, at), at))
        for run in runs:
            having.setdefault(run, []).append(at)
    common: dict[tuple[int, int], int] = {}
    for members in having.values():
        if len(members) <= _COMMON:
            for place, first in enumerate(members):
                for second in members[place + 1 :]:
                    common[first, second] = common.get((first, second), 0) + 1
    found += [(first, second) for (first, second), count in common.items() if _enough(count, len(held[first]), len(held[second]))]
    return found


def _enough(count: int, one: int, other: int) -> bool:
    smaller = min(one, other)
    return count >= _ALIKE * (max(one, other) if smaller < _SHORT else smaller)


def _root(parents: list[int], at: int) -> int:
    while parents[at] != at:
        parents[at] = parents[parents[at]]
        at = parents[at]
    return at
