"""Sets of texts: which of the texts that policies name are in a set, and whether anything else is.

That is all that a policy can find out about a set as long as it compares sets with lists that it states; two sets of a request that are
compared with each other are not translated.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from fairlead.policy.proofs.errors import untranslated
from fairlead.policy.proofs.terms import Name, Term, Terms


class Stated(NamedTuple):
    """A set that a policy states."""

    items: tuple[Term, ...]


class Given(NamedTuple):
    """A set of texts that a request has."""

    path: tuple[str, ...]


Texts = Stated | Given


class Sets:
    """Translates what policies ask of sets.

    Args:
        terms: Where the terms are built.
        named: Every text that a policy compares with a set.
        closed: First step of a path to the only texts that can be in such a set.
    """

    def __init__(self, terms: Terms, named: Iterable[str], closed: Mapping[str, Sequence[str]]) -> None:
        self.terms = terms
        self._named = sorted(set(named))
        self._closed = closed
        self._places = {first: {text: place for place, text in enumerate(texts)} for first, texts in {**closed, "": self._named}.items()}
        self._built: dict[tuple[Given, int, int], Term] = {}

    def universe(self, path: tuple[str, ...]) -> Sequence[str]:
        """Return the texts that are told apart in a set of the request."""
        return self._closed.get(path[0], self._named)

    def holds(self, given: Given, text: str) -> Term:
        """Return whether a set of the request has a text in it."""
        closed = given.path[0] in self._closed
        if text not in self._places[given.path[0] if closed else ""]:
            if closed:
                return self.terms.false
            raise untranslated("a text that was not foreseen")
        return self.terms.variable(Name("holds", given.path, text=text))

    def more(self, given: Given) -> Term:
        """Return whether a set of the request has anything else in it."""
        return self.terms.false if given.path[0] in self._closed else self.terms.variable(Name("more", given.path))

    def empty(self, texts: Texts) -> Term:
        """Return whether a set is empty."""
        if isinstance(texts, Stated):
            return self.terms.constant(not texts.items)
        return self._none_but(texts, ())

    def contains(self, texts: Texts, item: Term) -> Term:
        """Return whether a value is in a set."""
        if isinstance(texts, Stated):
            return self.terms.some(*(self.terms.equal(entry, item) for entry in texts.items))
        if item.op == "constant" and isinstance(item.of, str):
            return self.holds(texts, item.of)
        raise untranslated("a set of the request that is asked for a value of the request")

    def contains_all(self, texts: Texts, others: Texts) -> Term:
        """Return whether everything in the second set is in the first."""
        if isinstance(others, Stated):
            return self.terms.every(*(self.contains(texts, item) for item in others.items))
        if texts == others:
            return self.terms.true
        return self._none_but(others, self._stated(texts))

    def contains_any(self, texts: Texts, others: Texts) -> Term:
        """Return whether anything of the second set is in the first."""
        if isinstance(others, Stated):
            return self.terms.some(*(self.contains(texts, item) for item in others.items))
        if texts == others:
            return self.terms.negation(self.empty(texts))
        return self.terms.some(*(self.holds(others, text) for text in self._stated(texts) if text in self.universe(others.path)))

    def equal(self, texts: Texts, others: Texts) -> Term:
        """Return whether two sets are the same."""
        return self.terms.every(self.contains_all(texts, others), self.contains_all(others, texts))

    def _stated(self, texts: Texts) -> list[str]:
        if isinstance(texts, Given):
            raise untranslated("two sets of the request that are compared with each other")
        found = [item.of for item in texts.items if item.op == "constant" and isinstance(item.of, str)]
        if len(found) != len(texts.items):
            raise untranslated("a set of the request that is compared with values of the request")
        return found

    def _none_but(self, given: Given, allowed: Sequence[str]) -> Term:
        """Return whether a set has nothing in it but these.

        What lies between two allowed texts is cut into the blocks of a binary tree, so that policies with long lists share most of it.
        """
        at = self._places.get(given.path[0], self._places[""])
        places = sorted({at[text] for text in allowed if text in at})
        gaps = zip([0, *(place + 1 for place in places)], [*places, len(at)], strict=True)
        blocks = [self._any(given, low, size) for start, end in gaps for low, size in _blocks(start, end)]
        return self.terms.every(*(self.terms.negation(term) for term in (self.more(given), *blocks)))

    def _any(self, given: Given, low: int, size: int) -> Term:
        known = self._built.get((given, low, size))
        if known is None:
            if size == 1:
                known = self.holds(given, self.universe(given.path)[low])
            else:
                known = self.terms.some(self._any(given, low, size // 2), self._any(given, low + size // 2, size // 2))
            self._built[given, low, size] = known
        return known


def _blocks(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the fewest blocks of a binary tree, each with its size, that make up a range."""
    while start < end:
        size = 1
        while start % (size * 2) == 0 and start + size * 2 <= end:
            size *= 2
        yield start, size
        start += size
