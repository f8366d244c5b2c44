"""What is known of English words: how rare each is, which are near each other, and their senses. Read-only; made by ``training``."""

import io
from collections.abc import Iterator
from functools import cached_property

import numpy as np
import numpy.typing as npt

from fairlead.detectors.card import model_file

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]

FILE = "grounding.npz"
UNKNOWN_RARITY = 9.0
"""Of a word that the table does not hold, as most names are."""
_FORMS = (("ies", "y"), ("es", ""), ("s", ""), ("ied", "y"), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", ""), ("ly", ""))


class Lexicon:
    """The table of words.

    Args:
        data: An ``npz`` archive without pickles: ``words``, ``rarity``, ``vectors``, ``senses``, ``opposites``.
    """

    def __init__(self, data: bytes) -> None:
        with np.load(io.BytesIO(data), allow_pickle=False) as table:
            names = table["words"].tobytes().decode().split("\n")
            self._numbers = {name: index for index, name in enumerate(names)}
            self.rarity: Floats = np.append(table["rarity"].astype(np.float32) / 20, np.float32(UNKNOWN_RARITY))
            vectors = table["vectors"].astype(np.float32) / 127
            self.vectors: Floats = np.vstack([vectors, np.zeros((1, vectors.shape[1]), dtype=np.float32)])
            rows = table["senses"].astype(np.intp)
            self._opposites = table["opposites"]
        self._rows = rows[:, 1:]
        self._starts = np.searchsorted(rows[:, 0], np.arange(len(names) + 1))

    @classmethod
    def shipped(cls, expected: str = "") -> "Lexicon":
        """Return the table that is shipped.

        Args:
            expected: Its digest; not checked when empty.

        Raises:
            ModelDamaged: It is missing or not what was shipped.
        """
        return cls(model_file(FILE, expected))

    @property
    def unknown(self) -> int:
        """Number of every word that the table does not hold."""
        return len(self._numbers)

    def number(self, word: str) -> int:
        """Return the number of a word in lower case."""
        return self._numbers.get(word, self.unknown)

    def senses(self, word: str) -> Iterator[tuple[int, int]]:
        """Yield the senses of a word's base form, each with the sense above it."""
        number = self._base(word)
        for sense, above in self._rows[self._starts[number] : self._starts[number + 1]] if number < self.unknown else ():
            yield int(sense), int(above)

    def opposites(self, word: str) -> frozenset[int]:
        """Return the numbers of a word's opposites, by base form."""
        return self._by_word.get(self._base(word), frozenset())

    def base(self, word: str) -> int:
        """Return the number of a word's base form; what senses and opposites are kept for."""
        return self._base(word)

    def _base(self, word: str) -> int:
        number = self._numbers.get(word, -1)
        if number >= 0 and self._starts[number] < self._starts[number + 1]:
            return number
        for ending, put in _FORMS:
            if word.endswith(ending) and len(word) - len(ending) >= 3:
                stem = word[: -len(ending)] + put
                for base in (stem, stem[:-1]) if not put and stem[-1] == stem[-2] else (stem,):
                    found = self._numbers.get(base, -1)
                    if found >= 0:
                        return found
        return self.unknown if number < 0 else number

    @cached_property
    def _by_word(self) -> dict[int, frozenset[int]]:
        out: dict[int, set[int]] = {}
        for word, other in self._opposites.tolist():
            out.setdefault(word, set()).add(other)
        return {word: frozenset(others) for word, others in out.items()}
