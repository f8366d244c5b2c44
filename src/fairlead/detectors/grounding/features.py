"""What can be seen of each word of a claim when it is laid beside its sources: the features that the scorer reads."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fairlead.detectors.grounding.lexicon import UNKNOWN_RARITY, Floats
from fairlead.detectors.grounding.model import Span
from fairlead.detectors.grounding.quantities import Quantity, agrees, quantities
from fairlead.detectors.grounding.sources import NOT, Index, Term, terms
from fairlead.detectors.grounding.words import words

Bools = npt.NDArray[np.bool_]

WORD_FEATURES = (
    "exact", "exact_near", "like", "like_near", "same_sense", "narrower", "broader", "beside_here", "opposite_near", "opposite_here",
    "in_place", "like_in_place", "anchored", "displaced", "displaced_count", "rarity", "unknown", "is_number", "number_given",
    "number_conflict", "is_count", "is_name", "is_not", "is_quantity_word", "is_adverb", "is_inflected", "negated_there", "coverage",
    "before", "after", "tight", "length", "frequency_there", "is_verbal_s", "share_here",
)  # fmt: skip
"""Names of the columns, for each word."""
CLAIM_FEATURES = (
    "coverage", "coverage_best", "coverage_all", "unmatched", "rare_unmatched", "numbers_wrong", "names_missing", "negation", "length",
    "first_person", "sentences", "exact_share",
)  # fmt: skip
"""Names of the columns, for each claim."""

REACH = 4
"""So many words on either side count as the place of a word."""
NEAR = 0.8
"""A match that is at least so good anchors its place."""
MOST_EVIDENCE = 3
"""Sentences that a claim may be put together from."""
_FIRST_PERSON = frozenset({"i", "i'm", "i've", "my", "me", "we", "our", "us", "myself"})


class Read(NamedTuple):
    """One claim, laid beside the sources."""

    span: Span
    terms: list[Term]
    counted: list[Quantity | None]
    """Quantity that each term is part of."""
    word: Floats
    """One row of features for each term."""
    claim: Floats
    """One row for the claim."""
    evidence: tuple[int, ...]
    """Sentences that come closest, the best first."""
    negated: Bools
    """Of each term: a source negates it, the claim does not."""


def read(text: str, span: Span, index: Index, stems: dict[str, str]) -> Read:
    """Lay a claim beside the sources.

    Args:
        text: The answer.
        span: Where the claim stands in it.
        index: The sources.
        stems: What was stemmed before; filled on.
    """
    found = words(text, stems, span.start, span.end)
    said = terms(found)
    counted = _counted(said, quantities(text, span.start, span.end))
    own = any(word.lower in _FIRST_PERSON for word in found)
    if not said or not index.forms:
        blank = np.zeros((len(said), len(WORD_FEATURES)), dtype=np.float32)
        claim = np.zeros(len(CLAIM_FEATURES), dtype=np.float32)
        return Read(span, said, counted, blank, claim, (), np.zeros(len(said), dtype=np.bool_))
    return _Reading(text, span, said, counted, index).done(own=own)


def _counted(said: Sequence[Term], found: Sequence[Quantity]) -> list[Quantity | None]:
    """Return for each term the quantity that it is part of."""
    return [next((entry for entry in found if entry.start <= term.word.start < entry.end), None) for term in said]


class _Reading:
    """The matrices of one claim: its terms by the sources' columns, and by their words in order."""

    def __init__(self, text: str, span: Span, said: list[Term], counted: list[Quantity | None], index: Index) -> None:
        self._text, self._span, self._said, self._counted, self._index = text, span, said, counted, index
        count, width = len(said), len(index.forms)
        lexicon = index.lexicon
        numbers = np.array([lexicon.unknown if term.operates else lexicon.number(term.word.lower) for term in said])
        self.rarity = np.array([lexicon.rarity[number] for number in numbers], dtype=np.float32)
        self.unknown = numbers == lexicon.unknown
        self.like: Floats = np.clip(lexicon.vectors[numbers] @ index.vectors.T, 0, 1)
        self.exact = np.zeros((count, width), dtype=np.bool_)
        self.same, self.narrower, self.broader, self.beside, self.against = (np.zeros((count, width), dtype=np.bool_) for _ in range(5))
        for row, term in enumerate(said):
            column = index.columns.get(term.stem)
            if column is not None:
                self.exact[row, column] = True
            if not term.operates and counted[row] is None:
                related = index.related(term.word.lower)
                for matrix, columns in zip((self.same, self.narrower, self.broader, self.beside, self.against), related, strict=True):
                    matrix[row, columns] = True
        self.number_given, self.number_conflict = self._numbers()
        strength = np.where(self.same & ~self.against, np.maximum(self.like, 0.85), self.like * 0.9)
        strength = np.where(self.narrower, np.maximum(strength, 0.7), strength)
        strength = np.where(self.against, np.minimum(strength, 0.3), strength)
        self.strength: Floats = np.where(self.exact, 1, np.where(strength < 0.45, 0, strength)).astype(np.float32)

    def done(self, *, own: bool) -> Read:
        """Return everything that is seen.

        Args:
            own: Whether the claim speaks of its speaker.
        """
        index = self._index
        cells = index.cells
        along = self.strength[:, cells]
        starts = np.flatnonzero(np.diff(index.owners, prepend=-1))
        by_sentence = np.maximum.reduceat(along, starts, axis=1)
        weights = self._weights()
        chosen, covered, best = _cover(by_sentence, weights)
        evidence = tuple(int(index.owners[starts[place]]) for place in chosen)
        near = np.isin(index.owners, evidence)
        place = self._place(along, near)
        negated = self._negated(along, near)
        columns = np.stack(
            [*self._own(cells, near), *place, *self._kinds(), negated.astype(np.float32), *self._context(along, covered, weights)], axis=1
        )
        order = [_ORDER.index(name) for name in WORD_FEATURES]
        total = weights.sum()
        whole = along.max(axis=1)
        unmatched = weights * (1 - whole)
        claim = np.array(
            [
                (weights * covered).sum() / total,
                best / total,
                (weights * whole).sum() / total,
                unmatched.sum() / 10,
                unmatched.max() / 10,
                float(sum(entry is not None and not entry.small for entry in self._missing())),
                float((self._names() & (whole < NEAR)).sum()),
                float(negated.any()),
                min(len(self._said), 40) / 20,
                float(own),
                len(evidence) / MOST_EVIDENCE,
                float(self.exact.any(axis=1).mean()),
            ],
            dtype=np.float32,
        )
        return Read(self._span, self._said, self._counted, columns[:, order].astype(np.float32), claim, evidence, negated)

    def _missing(self) -> list[Quantity | None]:
        return [entry for entry, given in zip(self._counted, self.number_given, strict=True) if entry is not None and not given]

    def _numbers(self) -> tuple[Floats, Floats]:
        given = np.zeros(len(self._said), dtype=np.float32)
        conflict = np.zeros(len(self._said), dtype=np.float32)
        for row, entry in enumerate(self._counted):
            if entry is None:
                continue
            given[row] = any(agrees(entry, other) for other in self._index.quantities)
            conflict[row] = not given[row] and any(other.unit == entry.unit for other in self._index.quantities)
            if not given[row]:
                # The same digits with another unit are not the same quantity.
                self.exact[row] = False
            elif not self.exact[row].any():
                places = {
                    index
                    for other, index in zip(self._index.quantities, self._index.quantity_sentences, strict=True)
                    if agrees(entry, other)
                }
                inside = np.isin(self._index.owners, list(places))
                digits = [column for column in set(self._index.cells[inside].tolist()) if self._index.forms[column][:1].isdigit()]
                self.exact[row, digits] = True
        return given, conflict

    def _weights(self) -> Floats:
        index = self._index
        sentences = max(len(index.sentences), 2)
        spread = np.array([index.spread[index.columns[term.stem]] if term.stem in index.columns else 0 for term in self._said])
        own = np.log((sentences + 1) / (spread + 1)) / np.log(sentences + 1)
        weights: Floats = (np.clip(self.rarity, 1, UNKNOWN_RARITY) / UNKNOWN_RARITY * (0.6 + 0.4 * own)).astype(np.float32)
        operators = np.array([term.operates for term in self._said])
        return np.where(operators, np.float32(0.15), weights)

    def _own(self, cells: npt.NDArray[np.intp], near: Bools) -> list[Floats]:
        """Return what is known of each word by itself: is it there, or one like it."""
        here = np.zeros(len(self._index.forms), dtype=np.bool_)
        here[cells[near]] = True
        others = np.where(self.exact, 0, self.like)
        return [
            self.exact.any(axis=1).astype(np.float32),
            (self.exact & here).any(axis=1).astype(np.float32),
            others.max(axis=1),
            (others * here).max(axis=1),
            (self.same & ~self.exact).any(axis=1).astype(np.float32),
            (self.narrower & here).any(axis=1).astype(np.float32),
            (self.broader & here).any(axis=1).astype(np.float32),
            (self.against & here).any(axis=1).astype(np.float32),
        ]

    def _place(self, along: Floats, near: Bools) -> list[Floats]:
        """Return what stands in the sources where the word's neighbours stand."""
        cells = self._index.cells
        count = along.shape[0]
        anchors = along >= NEAR
        wide, close = _widened(anchors, REACH), _widened(anchors, 1)
        around: npt.NDArray[np.float64] = np.zeros(along.shape)
        beside: Floats = np.zeros(along.shape, dtype=np.float32)
        number: npt.NDArray[np.float64] = np.zeros(count)
        for shift in (-2, -1, 1, 2):
            rows = np.arange(max(0, -shift), min(count, count - shift))
            around[rows] += wide[rows + shift]
            number[rows] += 1
            if abs(shift) == 1:
                beside[rows] += close[rows + shift]
        around = around * (0.5 + 0.5 * near) / np.maximum(number, 1)[:, None]
        peak = around.max(axis=1)
        zone = (around >= np.maximum(peak - 1e-6, 0.4)[:, None]) & (around > 0)
        free = along.max(axis=0) < 0.6
        displaced = zone & free
        like = np.where(self.exact, 0, self.like)[:, cells]
        return [
            (zone & self.beside[:, cells] & free).any(axis=1).astype(np.float32),
            (zone & self.against[:, cells]).any(axis=1).astype(np.float32),
            (anchors * around).max(axis=1),
            (along * around).max(axis=1),
            peak,
            (displaced * like).max(axis=1),
            np.minimum(displaced.sum(axis=1), 5).astype(np.float32) / 5,
            ((along >= 0.99) * beside).max(axis=1) / 2,
            (zone.sum(axis=1) / zone.shape[1]).astype(np.float32),
        ]

    def _negated(self, along: Floats, near: Bools) -> Bools:
        """Tell for each term whether the sources negate it, where they say it, and the claim does not."""
        column = self._index.columns.get(NOT)
        none = np.zeros(len(self._said), dtype=np.bool_)
        if column is None:
            return none
        there = np.zeros(len(self._index.cells), dtype=np.bool_)
        # What negates stands before what it negates, as a rule.
        for place in np.flatnonzero(self._index.cells == column).tolist():
            there[place + 1 : place + 4] |= self._index.owners[place + 1 : place + 4] == self._index.owners[place]
        mine = np.array([term.stem == NOT for term in self._said])
        own = _widened(mine[None, :], 3)[0]
        matched = (along >= 0.99) & near
        always = matched.any(axis=1) & ~(matched & ~there).any(axis=1)
        out: Bools = always & ~own & ~mine
        return out

    def _names(self) -> Bools:
        """Tell which terms are names: they have a capital inside a sentence, or at its start where no common word is like them."""
        first = min((term.word.start for term in self._said), default=0)
        return np.array(
            [
                term.word.text[:1].isupper()
                and not term.operates
                and self._counted[row] is None
                and (term.word.start > first or bool(self.unknown[row]) or term.word.text.isupper())
                for row, term in enumerate(self._said)
            ],
            dtype=np.bool_,
        )

    def _kinds(self) -> list[Floats]:
        lowers = [term.word.lower for term in self._said]
        entries = self._counted
        return [
            np.array(values, dtype=np.float32)
            for values in (
                [entry is not None for entry in entries],
                self.number_given,
                self.number_conflict,
                [entry is not None and entry.small for entry in entries],
                self._names(),
                [term.stem == NOT for term in self._said],
                [term.operates and term.stem != NOT for term in self._said],
                [lower.endswith("ly") for lower in lowers],
                [lower.endswith(("ed", "ing")) for lower in lowers],
                [lower.endswith("s") for lower in lowers],
                self.unknown,
                np.clip(self.rarity, 0, 12) / 12,
            )
        ]

    def _context(self, along: Floats, covered: Floats, weights: Floats) -> list[Floats]:
        """Return how well the claim around each word is borne out."""
        whole = along.max(axis=1)
        count = len(whole)
        before, after = np.append(1, whole[:-1]), np.append(whole[1:], 1)
        coverage = np.full(count, (weights * covered).sum() / weights.sum())
        spread = np.array([self._index.spread[row.argmax()] if row.any() else 0 for row in self.exact])
        return [
            values.astype(np.float32)
            for values in (coverage, before, after, np.full(count, min(count, 40) / 20), np.minimum(spread, 5) / 5)
        ]


_ORDER = (
    "exact", "exact_near", "like", "like_near", "same_sense", "narrower", "broader", "opposite_near",
    "beside_here", "opposite_here", "in_place", "like_in_place", "anchored", "displaced", "displaced_count", "tight", "share_here",
    "is_number", "number_given", "number_conflict", "is_count", "is_name", "is_not", "is_quantity_word", "is_adverb", "is_inflected",
    "is_verbal_s", "unknown", "rarity", "negated_there", "coverage", "before", "after", "length", "frequency_there",
)  # fmt: skip
"""Columns as they are put together above."""


def _cover(by_sentence: Floats, weights: Floats) -> tuple[list[int], Floats, float]:
    """Choose sentences that bear out as much as can be, one by one.

    Returns:
        The sentences, how well they bear out each term together, and how much the best of them does alone.
    """
    covered = np.zeros(by_sentence.shape[0], dtype=np.float32)
    chosen: list[int] = []
    best = 0.0
    for _ in range(MOST_EVIDENCE):
        gains = weights @ np.maximum(by_sentence - covered[:, None], 0)
        place = int(gains.argmax())
        if gains[place] <= 0.05 * weights.sum():
            break
        best = best or float(gains[place])
        chosen.append(place)
        covered = np.maximum(covered, by_sentence[:, place])
    return chosen, covered, best


def _widened(marks: Bools, reach: int) -> Bools:
    """Return marks spread over so many places on either side."""
    sums = np.cumsum(np.pad(marks, ((0, 0), (reach + 1, reach))), axis=1)
    width = marks.shape[1]
    spread: Bools = np.greater(sums[:, 2 * reach + 1 : 2 * reach + 1 + width], sums[:, :width])
    return spread
