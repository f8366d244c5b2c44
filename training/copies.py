"""Near-duplicates: what of a training text stands in a set that is for measuring only, and which texts are one text in several copies."""

import re
from collections.abc import Iterable, Sequence

from training.sources import Text

_WORD = re.compile(r"\w+")
_RUN = 5
"""Words in a row that two texts share by copying and not by chance."""
_SHARE = 0.3
"""A text is a copy of what shares more of its runs than this."""
_COMMON = 40
"""A run that more texts than this share is a phrase of the field."""


class Known:
    """Texts that nothing may be trained on, in whatever copy.

    Args:
        texts: Those that are for measuring only, or that are left out.
    """

    def __init__(self, texts: Iterable[Text]) -> None:
        self._letters: set[str] = set()
        self._runs: set[str] = set()
        for entry in texts:
            self._letters.add(letters_of(entry.text))
            self._runs |= runs_of(entry.text)

    def without(self, texts: Iterable[Text]) -> list[Text]:
        """Return texts without those that are copies of known ones."""
        return [entry for entry in texts if not self.holds(entry.text)]

    def holds(self, text: str) -> bool:
        """Tell whether a text is a copy of a known one."""
        if letters_of(text) in self._letters:
            return True
        runs = runs_of(text)
        return len(runs & self._runs) > _SHARE * len(runs)


def letters_of(text: str) -> str:
    """Return a text's letters and digits alone."""
    return "".join(character for character in text.lower() if character.isalnum())


def runs_of(text: str) -> set[str]:
    """Return every few words in a row."""
    words = _WORD.findall(text.lower())
    return {" ".join(words[place : place + _RUN]) for place in range(len(words) - _RUN + 1)}


def clusters_of(texts: Sequence[str]) -> list[int]:
    """Return for each text the number of its cluster: copies, and copies of copies, have the same.

    Args:
        texts: The texts.
    """
    runs = [runs_of(text) or {letters_of(text)} for text in texts]
    holders: dict[str, list[int]] = {}
    for index, found in enumerate(runs):
        for run in found:
            holders.setdefault(run, []).append(index)
    first = list(range(len(texts)))
    for index, found in enumerate(runs):
        shared: dict[int, int] = {}
        for run in found:
            if len(holders[run]) <= _COMMON:
                for other in holders[run]:
                    shared[other] = shared.get(other, 0) + 1
        for other, count in shared.items():
            if other < index and count > _SHARE * min(len(found), len(runs[other])):
                _join(first, index, other)
    return [_root(first, index) for index in range(len(texts))]


def _root(first: list[int], index: int) -> int:
    while first[index] != index:
        first[index] = first[first[index]]
        index = first[index]
    return index


def _join(first: list[int], one: int, other: int) -> None:
    roots = sorted((_root(first, one), _root(first, other)))
    first[roots[1]] = roots[0]
