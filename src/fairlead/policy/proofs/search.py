"""Looking for a request for which a formula holds: a proof when there is none.

A formula of many policies is mostly a long list of policies that do *not* hold. Few of them matter, so they are told the solver only when
an answer of it breaks them; what it says then is looked at by :mod:`evaluate`, which knows all of them.
"""

import time
from collections.abc import Iterable, Iterator, Sequence

from fairlead.policy.proofs.evaluate import Assignment, Evaluation
from fairlead.policy.proofs.guess import Guesser
from fairlead.policy.proofs.solver import Search, Solver
from fairlead.policy.proofs.terms import Name, Scalar, Term, Terms, names_in

FIRST = 4
"""Policies that do not hold which the solver is told after its first answer."""


class Searcher:
    """Searches for requests.

    Args:
        terms: Where the terms are built.
        limit_ms: How long the solver may think about one question.
    """

    def __init__(self, terms: Terms, limit_ms: int = 20_000) -> None:
        self._terms = terms
        self._limit_ms = limit_ms
        self._guesser = Guesser()

    def find(self, wanted: Sequence[Term], promises: Sequence[Term] = ()) -> Search:
        """Return a request for which all formulas hold.

        Args:
            wanted: The question.
            promises: What holds of every request.
        """
        parts = _parts(wanted, self._terms)
        if parts is None:
            return Search("none")
        first = [part for part in parts if part.op != "not" or part.args[0].op == "variable"]
        later = [part for part in parts if part not in set(first)]
        for guess in self._guesser.guesses([self._terms.every(*first)], promises):
            evaluation = Evaluation([guess])
            if all(evaluation.holds(part) for part in parts):
                return Search("some", guess)
        return self._refine([*first, *promises], later)

    def _refine(self, first: Sequence[Term], later: list[Term]) -> Search:
        deadline = time.monotonic() + self._limit_ms / 1000
        solver = Solver(self._limit_ms)
        solver.add(first)
        variables = names_in([*first, *later]).values()
        batch = FIRST
        while True:
            found = solver.check(variables)
            if found.found != "some":
                return found
            evaluation = Evaluation([found.request])
            broken = [part for part in later if not evaluation.holds(part)]
            if not broken:
                return found
            if time.monotonic() > deadline:
                return Search("unknown")
            # Each round tells more than the one before: few rounds when much matters, little told when little does.
            told = dict.fromkeys([*broken, *later][:batch])
            later = [part for part in later if part not in told]
            solver.add(told)
            batch *= 4


def _parts(wanted: Iterable[Term], terms: Terms) -> list[Term] | None:
    """Return what must hold, taken apart; None when it contradicts itself at first sight."""
    parts = dict.fromkeys(part for term in wanted for part in _flat(term, terms))
    refused = {part.args[0] for part in parts if part.op == "not"}
    out: dict[Term, None] = {}
    for part in parts:
        kept = _without(part, refused, terms) if part.op == "or" else part
        if kept is terms.false or kept in refused:
            return None
        out[kept] = None
    return [part for part in out if part is not terms.true]


def _flat(term: Term, terms: Terms) -> Iterator[Term]:
    if term.op == "and":
        for part in term.args:
            yield from _flat(part, terms)
    elif term.op == "not" and term.args[0].op == "or":
        for part in term.args[0].args:
            yield from _flat(terms.negation(part), terms)
    else:
        yield term


def _without(term: Term, refused: set[Term], terms: Terms) -> Term:
    kept = [part for part in _alternatives(term) if part not in refused]
    return terms.some(*kept)


def _alternatives(term: Term) -> Iterator[Term]:
    for part in term.args:
        if part.op == "or":
            yield from _alternatives(part)
        else:
            yield part


def smaller(found: Assignment, goal: Sequence[Term]) -> dict[Name, Scalar]:
    """Return the same answer with as little in it as still makes the formulas hold, so that a reader sees what matters.

    Args:
        found: Values for which the formulas hold.
        goal: The formulas.
    """
    kept: dict[Name, Scalar] = {name: found[name] for name in names_in(goal) if name in found}
    for name in sorted(kept, key=_weight):
        for plainer in _plainer(kept[name]):
            tried = {**kept, name: plainer}
            evaluation = Evaluation([tried])
            if all(evaluation.holds(term) for term in goal):
                kept = tried
                break
    return kept


def _weight(name: Name) -> tuple[int, str]:
    order = ("more", "holds", "has", "value", "opaque")
    return order.index(name.kind), repr(name)


def _plainer(value: Scalar) -> Iterator[Scalar]:
    if isinstance(value, bool):
        if value:
            yield False
    elif isinstance(value, int):
        yield from (number for number in (0, 1) if number < abs(value))
    elif value:
        yield ""
