"""Guesses requests for which a formula holds, far quicker than a solver; a guess counts only once it was evaluated."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from fairlead.policy.proofs.evaluate import Assignment, Evaluation
from fairlead.policy.proofs.terms import Name, Scalar, Term, names_in, pattern_of

ROUNDS = 4
"""How often what the broker promises is mended in a guess."""


class _State(NamedTuple):
    """A request that is being made up: what was decided, and which blocks of memberships must stay empty."""

    values: Mapping[Name, Scalar]
    empty: frozenset[Term] = frozenset()


class Guesser:
    """Makes up requests."""

    def __init__(self) -> None:
        self._blocks: dict[Term, frozenset[Name]] = {}

    def guesses(self, terms: Sequence[Term], promises: Sequence[Term]) -> list[Assignment]:
        """Return requests that keep all promises, one for each formula for which one comes to mind; not all of them make it hold.

        Args:
            terms: The formulas.
            promises: What holds of every request.
        """
        states = [state for term in terms if (state := self._first(term, _State({}))) is not None]
        every = (1 << len(states)) - 1
        for _ in range(ROUNDS):
            evaluation = Evaluation([state.values for state in states])
            broken = [(term, every & ~evaluation.mask(term)) for term in promises]
            for term, mask in broken:
                self._mend(term, mask, states)
            if not any(mask for _, mask in broken):
                break
        evaluation = Evaluation([state.values for state in states])
        kept = every
        for term in promises:
            kept &= evaluation.mask(term)
        return [state.values for place, state in enumerate(states) if kept >> place & 1]

    def _mend(self, term: Term, broken: int, states: list[_State]) -> None:
        while broken:
            place = broken.bit_length() - 1
            broken ^= 1 << place
            states[place] = self._first(term, states[place]) or states[place]

    def _first(self, term: Term, state: _State) -> _State | None:
        """Return the first way in which a formula can be made to hold."""
        try:
            return next(self._meet(term, state, want=True), None)
        except RecursionError:  # too much hangs together for a guess; the solver is asked instead
            return None

    def _meet(self, term: Term, state: _State, *, want: bool) -> Iterator[_State]:
        """Yield the ways in which a formula can be made to hold, or not to."""
        if term.op == "constant":
            if term.of is want:
                yield state
        elif isinstance(term.of, Name):
            yield from self._set(term.of, want, state)
        elif term.op == "not":
            yield from self._meet(term.args[0], state, want=not want)
        elif term.op in ("and", "or"):
            yield from self._meet_parts(term, state, want=want)
        else:
            yield from self._compare(term, state, want=want)

    def _meet_parts(self, term: Term, state: _State, *, want: bool) -> Iterator[_State]:
        if term.op == "or" and not want and (names := self._memberships(term)):
            if not any(value is True and name in names for name, value in state.values.items()):
                yield state._replace(empty=state.empty | {term})
        elif (term.op == "and") is want:
            yield from self._meet_all(term.args, state, want=want)
        elif term not in state.empty:
            for arg in term.args:
                yield from self._meet(arg, state, want=want)

    def _meet_all(self, terms: Sequence[Term], state: _State, *, want: bool) -> Iterator[_State]:
        if not terms:
            yield state
            return
        for reached in self._meet(terms[0], state, want=want):
            yield from self._meet_all(terms[1:], reached, want=want)

    def _memberships(self, term: Term) -> frozenset[Name]:
        """Return the memberships that a block is about; nothing for any other formula."""
        found = self._blocks.get(term)
        if found is None:
            names = names_in([term])
            pure = all(name.kind in ("holds", "more") for name in names) and _only_or(term)
            found = self._blocks[term] = frozenset(names) if pure else frozenset()
        return found

    def _set(self, name: Name, value: Scalar, state: _State) -> Iterator[_State]:
        if name in state.values:
            if state.values[name] == value:
                yield state
        elif value is not True or not any(name in self._memberships(block) for block in state.empty):
            yield state._replace(values={**state.values, name: value})

    def _compare(self, term: Term, state: _State, *, want: bool) -> Iterator[_State]:
        if Evaluation([state.values]).holds(term) is want:
            yield state
            return
        for name, value in _candidates(term, state.values):
            tried = {**state.values, name: value}
            if name not in state.values and Evaluation([tried]).holds(term) is want:
                yield state._replace(values=tried)


def _only_or(term: Term) -> bool:
    return isinstance(term.of, Name) or (term.op == "or" and all(_only_or(arg) for arg in term.args))


def _candidates(term: Term, values: Assignment) -> Iterable[tuple[Name, Scalar]]:
    if term.op == "like" and isinstance(term.args[0].of, Name):
        text = "".join(piece or "" for piece in pattern_of(term))
        yield term.args[0].of, text
        yield term.args[0].of, f"{text}?"
        return
    for one, other in (term.args, term.args[::-1]) if len(term.args) == 2 else ():
        if isinstance(one.of, Name):
            (value,) = Evaluation([values]).values(other)
            if isinstance(value, str):
                yield from ((one.of, value), (one.of, f"{value}?"))
            else:
                yield from ((one.of, value), (one.of, value + 1), (one.of, value - 1))
