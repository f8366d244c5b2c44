"""Guesses requests for which a formula holds, far quicker than a solver; a guess counts only once it was evaluated."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from fairlead.policy.proofs.evaluate import Assignment, Evaluation
from fairlead.policy.proofs.terms import Name, Scalar, Term, pattern_of

State = Mapping[Name, Scalar]
ROUNDS = 4
"""How often what the broker promises is mended in a guess."""
TRIES = 20
"""Ways to meet one formula that are tried."""


def guess(term: Term, promises: Sequence[Term]) -> Assignment | None:
    """Return a request for which a formula holds, or None when none comes to mind.

    Args:
        term: The formula.
        promises: What holds of every request.
    """
    for number, state in enumerate(_meet(term, {}, want=True)):
        if number >= TRIES:
            return None
        found = _mended(state, promises)
        if found is not None and Evaluation([found]).holds(term):
            return found
    return None


def _mended(state: State, promises: Sequence[Term]) -> State | None:
    for _ in range(ROUNDS):
        evaluation = Evaluation([state])
        broken = [term for term in promises if not evaluation.holds(term)]
        if not broken:
            return state
        for term in broken:
            state = next(_meet(term, state, want=True), state)
    return None


def _meet(term: Term, state: State, *, want: bool) -> Iterator[State]:
    """Yield the ways in which a formula can be made to hold, or not to."""
    if term.op == "constant":
        if term.of is want:
            yield state
    elif isinstance(term.of, Name):
        yield from _set(term.of, want, state)
    elif term.op == "not":
        yield from _meet(term.args[0], state, want=not want)
    elif term.op in ("and", "or"):
        if (term.op == "and") is want:
            yield from _meet_all(term.args, state, want=want)
        else:
            for arg in term.args:
                yield from _meet(arg, state, want=want)
    else:
        yield from _compare(term, state, want=want)


def _meet_all(terms: Sequence[Term], state: State, *, want: bool) -> Iterator[State]:
    if not terms:
        yield state
        return
    for reached in _meet(terms[0], state, want=want):
        yield from _meet_all(terms[1:], reached, want=want)


def _set(name: Name, value: Scalar, state: State) -> Iterator[State]:
    if name not in state:
        yield {**state, name: value}
    elif state[name] == value:
        yield state


def _compare(term: Term, state: State, *, want: bool) -> Iterator[State]:
    if bool(Evaluation([state]).holds(term)) is want:
        yield {**state, **{arg.of: state[arg.of] for arg in term.args if isinstance(arg.of, Name) and arg.of in state}}
        return
    for name, value in _candidates(term):
        if name not in state:
            tried = {**state, name: value}
            if Evaluation([tried]).holds(term) is want:
                yield tried


def _candidates(term: Term) -> Iterable[tuple[Name, Scalar]]:
    if term.op == "like" and isinstance(term.args[0].of, Name):
        text = "".join(piece or "" for piece in pattern_of(term))
        yield term.args[0].of, text
        yield term.args[0].of, f"{text}?"
        return
    for one, other in (term.args, term.args[::-1]) if len(term.args) == 2 else ():
        if isinstance(one.of, Name) and other.op == "constant":
            if isinstance(other.of, str):
                yield from ((one.of, other.of), (one.of, f"{other.of}?"))
            elif isinstance(other.of, int):
                yield from ((one.of, other.of), (one.of, other.of + 1), (one.of, other.of - 1))
