"""The sources of one answer, read once: their sentences, words and quantities."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from fairlead.detectors.grounding.lexicon import Floats, Ints, Lexicon
from fairlead.detectors.grounding.model import Evidence, Source
from fairlead.detectors.grounding.quantities import Quantity, quantities
from fairlead.detectors.grounding.sentences import split
from fairlead.detectors.grounding.words import NEGATIONS, QUANTIFIERS, Word, is_content, words

NOT = "<not>"
"""Stem of everything that negates."""


class Term(NamedTuple):
    """A word that is compared, with what it is compared by."""

    word: Word
    stem: str
    """Its stem, or the group of what negates or quantifies."""

    @property
    def operates(self) -> bool:
        """True for what negates or quantifies."""
        return self.stem.startswith("<")


def terms(found: Sequence[Word]) -> list[Term]:
    """Return the words that say something, with negations and quantifiers as their groups."""
    out: list[Term] = []
    for word in found:
        lower = word.lower
        if lower in NEGATIONS or lower.endswith(("n't", "n’t")):  # noqa: RUF001 - an apostrophe is meant
            out.append(Term(word, NOT))
        elif lower in QUANTIFIERS:
            out.append(Term(word, f"<{QUANTIFIERS[lower]}>"))
        elif is_content(word):
            out.append(Term(word, word.stem))
    return out


class Index:
    """Sources, ready to be compared with.

    Args:
        sources: The sources.
        lexicon: The table of words.
        stems: What was stemmed before; filled on.
    """

    def __init__(self, sources: Sequence[Source], lexicon: Lexicon, stems: dict[str, str]) -> None:
        self.lexicon = lexicon
        self.sources = tuple(sources)
        self.sentences: list[Evidence] = []
        self.quantities: list[Quantity] = []
        self.quantity_sentences: list[int] = []
        self.texts: list[str] = []
        columns: dict[str, int] = {}
        forms: list[str] = []
        cells: list[int] = []
        owners: list[int] = []
        for place, source in enumerate(self.sources):
            for span in split(source.text):
                number = len(self.sentences)
                self.sentences.append(Evidence(place, span.start, span.end))
                for entry in quantities(source.text, span.start, span.end):
                    self.quantities.append(entry)
                    self.quantity_sentences.append(number)
                for term in terms(words(source.text, stems, span.start, span.end)):
                    column = columns.get(term.stem)
                    if column is None:
                        column = columns[term.stem] = len(columns)
                        forms.append(term.word.lower)
                    cells.append(column)
                    owners.append(number)
        self.columns = columns
        self.forms = forms
        self.cells: Ints = np.array(cells, dtype=np.intp)
        """Column of each term, in the order of the texts."""
        self.owners: Ints = np.array(owners, dtype=np.intp)
        """Sentence of each term."""
        self.numbers: Ints = np.array([lexicon.number(form) for form in forms], dtype=np.intp)
        self.vectors: Floats = lexicon.vectors[self.numbers] if forms else np.zeros((0, lexicon.vectors.shape[1]), dtype=np.float32)
        spread = np.unique(np.stack([self.cells, self.owners]), axis=1)[0] if cells else self.cells
        self.spread: Ints = np.bincount(spread, minlength=len(forms))
        """In how many sentences each column stands."""
        self._by_sense: dict[int, list[int]] = {}
        self._by_above: dict[int, list[int]] = {}
        self._by_base: dict[int, list[int]] = {}
        for column, form in enumerate(forms):
            self._by_base.setdefault(lexicon.base(form), []).append(column)
            for sense, above in lexicon.senses(form):
                self._by_sense.setdefault(sense, []).append(column)
                if above:
                    self._by_above.setdefault(above, []).append(column)

    def related(self, word: str) -> "Related":
        """Return the columns that a word in lower case is related to."""
        same: set[int] = set()
        narrower: set[int] = set()
        broader: set[int] = set()
        beside: set[int] = set()
        for sense, above in self.lexicon.senses(word):
            same.update(self._by_sense.get(sense, ()))
            narrower.update(self._by_above.get(sense, ()))
            if above:
                broader.update(self._by_sense.get(above, ()))
                beside.update(self._by_above.get(above, ()))
        against = [column for other in self.lexicon.opposites(word) for column in self._by_base.get(other, ())]
        return Related(list(same), list(narrower), list(broader), list(beside - same), against)


class Related(NamedTuple):
    """Columns of words that are related to a word."""

    same: list[int]
    """They share a sense."""
    narrower: list[int]
    """Kinds of it: what is true of them, it may say."""
    broader: list[int]
    """It is a kind of them."""
    beside: list[int]
    """Other kinds of the same."""
    against: list[int]
    """Opposites."""
