"""The solver, cvc5: terms in, an answer out. It is an extra, so it is loaded only when something is to be proven."""

from collections.abc import Iterable
from importlib import import_module
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from fairlead.policy.proofs.errors import SolverMissing
from fairlead.policy.proofs.evaluate import Assignment
from fairlead.policy.proofs.terms import WILDCARD, Name, Pattern, Scalar, Term, pattern_of

_KINDS = {
    "not": "NOT",
    "and": "AND",
    "or": "OR",
    "if": "ITE",
    "equal": "EQUAL",
    "less": "LT",
    "less_equal": "LEQ",
    "add": "ADD",
    "subtract": "SUB",
    "multiply": "MULT",
    "length": "STRING_LENGTH",
}
Found = Literal["none", "some", "unknown"]


class Search(NamedTuple):
    """What a search came to."""

    found: Found
    """``none``: proven, there is no such request. ``unknown``: the solver gave up, so a person must look."""
    request: Assignment = MappingProxyType({})


class Solver:
    """One question to cvc5, told piece by piece.

    Args:
        limit_ms: How long it may think about one answer.

    Raises:
        SolverMissing: cvc5 is not installed.
    """

    def __init__(self, limit_ms: int) -> None:
        try:
            self._cvc5: Any = import_module("cvc5")
        except ImportError as error:
            raise SolverMissing("the solver cvc5 is not installed", mend="pip install 'fairlead[verify]'") from error
        self._terms = self._cvc5.TermManager()
        self._solver = self._cvc5.Solver(self._terms)
        for option, value in (("produce-models", "true"), ("incremental", "true"), ("strings-exp", "true"), ("tlimit-per", str(limit_ms))):
            self._solver.setOption(option, value)
        self._solver.setLogic("ALL")
        self._told: dict[Term, Any] = {}

    def add(self, terms: Iterable[Term]) -> None:
        """Say what must hold."""
        for term in terms:
            self._solver.assertFormula(self._tell(term))

    def check(self, variables: Iterable[Term]) -> Search:
        """Return values of variables for which all that was said holds."""
        try:
            answer = self._solver.checkSat()
        except RuntimeError:  # what the solver can't do at all is as good as an answer that never comes
            return Search("unknown")
        if answer.isUnsat():
            return Search("none")
        if not answer.isSat():
            return Search("unknown")
        names = {term.of: self._tell(term) for term in variables if isinstance(term.of, Name)}
        values = self._solver.getValue([*names.values()])
        return Search("some", {name: self._value(value) for name, value in zip(names, values, strict=True)})

    def _value(self, value: Any) -> Scalar:  # noqa: ANN401 - cvc5 has no types
        if value.isBooleanValue():
            return bool(value.getBooleanValue())
        if value.isIntegerValue():
            return int(value.getIntegerValue())
        # No half of a character can stand in a request; the solver's texts may have one where it does not matter which character it is.
        return "".join(char if not "\ud800" <= char <= "\udfff" else "?" for char in value.getStringValue())

    def _tell(self, term: Term) -> Any:  # noqa: ANN401 - cvc5 has no types
        told = self._told.get(term)
        if told is None:
            told = self._told[term] = self._made(term)
        return told

    def _made(self, term: Term) -> Any:  # noqa: ANN401 - cvc5 has no types
        if isinstance(term.of, Name):
            return self._terms.mkConst(self._sort(term.of.sort), repr(term.of))
        if term.op == "constant":
            return self._constant(term.of)
        args = [self._tell(arg) for arg in term.args]
        if term.op == "like":
            kind = self._cvc5.Kind.STRING_IN_REGEXP
            return self._terms.mkTerm(kind, *args, self._expression(pattern_of(term)))
        return self._terms.mkTerm(getattr(self._cvc5.Kind, _KINDS[term.op]), *args)

    def _sort(self, sort: str) -> Any:  # noqa: ANN401 - cvc5 has no types
        if sort == "bool":
            return self._terms.getBooleanSort()
        return self._terms.getIntegerSort() if sort == "int" else self._terms.getStringSort()

    def _constant(self, value: object) -> Any:  # noqa: ANN401 - cvc5 has no types
        if isinstance(value, bool):
            return self._terms.mkBoolean(value)
        return self._terms.mkInteger(str(value)) if isinstance(value, int) else self._text(str(value))

    def _text(self, text: str) -> Any:  # noqa: ANN401 - cvc5 has no types
        written = "".join(char if " " <= char <= "~" and char != "\\" else f"\\u{{{ord(char):x}}}" for char in text)
        return self._terms.mkString(written, True)  # noqa: FBT003 - cvc5's own signature: escapes are read

    def _expression(self, pattern: Pattern) -> Any:  # noqa: ANN401 - cvc5 has no types
        kind, terms = self._cvc5.Kind, self._terms
        pieces = [
            terms.mkTerm(kind.REGEXP_ALL) if piece is WILDCARD else terms.mkTerm(kind.STRING_TO_REGEXP, self._text(piece))
            for piece in pattern
        ]
        if not pieces:
            return terms.mkTerm(kind.STRING_TO_REGEXP, self._text(""))
        return pieces[0] if len(pieces) == 1 else terms.mkTerm(kind.REGEXP_CONCAT, *pieces)
