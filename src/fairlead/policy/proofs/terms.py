"""Terms: the formulas that policies are translated into, each built once, so that what two policies share is one object."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import msgspec

Sort = Literal["bool", "int", "text"]
Scalar: TypeAlias = bool | int | str
WILDCARD = None
Pattern: TypeAlias = tuple[str | None, ...]
"""Pieces of text and, between them, :data:`WILDCARD`."""
Op = Literal[
    "constant", "variable", "not", "and", "or", "if", "equal", "less", "less_equal", "add", "subtract", "multiply", "length", "like"
]
FLAT = 8
"""Parts of a formula that become parts of the one around it; a larger one stays whole, so that it can be shared."""
LONG = 2**63
"""Cedar's whole numbers have 64 bits; what leaves them is an error."""


class Name(NamedTuple):
    """What a variable is about."""

    kind: Literal["has", "value", "holds", "more", "opaque"]
    """``has``: an attribute is there. ``value``: what it is. ``holds``: a set has ``text`` in it. ``more``: it has something that no
    policy names. ``opaque``: what a policy says that can't be translated."""
    path: tuple[str, ...]
    sort: Sort = "bool"
    text: str = ""
    copy: str = ""
    """Tells two requests of one question apart."""


class Term(msgspec.Struct, frozen=True, eq=False):
    """A formula, or a value that one compares. Built by :class:`Terms` only; equal terms are the same object."""

    op: Op
    args: tuple["Term", ...] = ()
    of: Scalar | Name | Pattern = False
    """A constant's value, a variable's name, or the pattern of ``like``."""


class Terms:
    """Builds terms, and simplifies them while they are built."""

    def __init__(self) -> None:
        self._built: dict[tuple[object, ...], Term] = {}
        self.true = self.constant(True)  # noqa: FBT003 - the value itself
        self.false = self.constant(False)  # noqa: FBT003 - the value itself

    def constant(self, value: Scalar) -> Term:
        """Return a value that is known."""
        return self._one("constant", (), value)

    def variable(self, name: Name) -> Term:
        """Return a value that a request decides."""
        return self._one("variable", (), name)

    def negation(self, term: Term) -> Term:
        """Return what holds when a term does not."""
        if term.op == "constant":
            return self.false if term is self.true else self.true
        return term.args[0] if term.op == "not" else self._one("not", (term,))

    def every(self, *terms: Term) -> Term:
        """Return what holds when all terms do."""
        return self._joined("and", terms, self.true, self.false)

    def some(self, *terms: Term) -> Term:
        """Return what holds when any term does."""
        return self._joined("or", terms, self.false, self.true)

    def implies(self, condition: Term, then: Term) -> Term:
        """Return what holds unless the condition does and the rest does not."""
        return self.some(self.negation(condition), then)

    def choice(self, condition: Term, then: Term, other: Term) -> Term:
        """Return one of two values."""
        if condition.op == "constant":
            return then if condition is self.true else other
        if then is other:
            return then
        if self.sort(then) == "bool":
            return self.some(self.every(condition, then), self.every(self.negation(condition), other))
        return self._one("if", (condition, then, other))

    def equal(self, left: Term, right: Term) -> Term:
        """Return whether two values are the same."""
        if left is right:
            return self.true
        if self.sort(left) != self.sort(right):
            return self.false
        if left.op == right.op == "constant":
            return self.false
        if self.sort(left) == "bool":
            return self.choice(left, right, self.negation(right))
        return self._one("equal", (left, right))

    def less(self, left: Term, right: Term, *, strict: bool) -> Term:
        """Return whether a number is smaller than another, or at most as large."""
        if left.op == right.op == "constant":
            return self.constant(_number(left) < _number(right) if strict else _number(left) <= _number(right))
        return self._one("less" if strict else "less_equal", (left, right))

    def arithmetic(self, op: Literal["add", "subtract", "multiply"], left: Term, right: Term) -> Term:
        """Return a number made of two, without bounds."""
        if left.op == right.op == "constant":
            return self.constant(ARITHMETIC[op](_number(left), _number(right)))
        return self._one(op, (left, right))

    def length(self, text: Term) -> Term:
        """Return the number of characters of a text."""
        return self._one("length", (text,))

    def like(self, text: Term, pattern: Pattern) -> Term:
        """Return whether a text fits a pattern."""
        return self._one("like", (text,), pattern)

    def sort(self, term: Term) -> Sort:
        """Return what a term is."""
        if term.op == "variable" and isinstance(term.of, Name):
            return term.of.sort
        if term.op == "constant":
            return "bool" if isinstance(term.of, bool) else "int" if isinstance(term.of, int) else "text"
        if term.op == "if":
            return self.sort(term.args[1])
        return "int" if term.op in ("add", "subtract", "multiply", "length") else "bool"

    def rewritten(self, term: Term, change: Callable[[Name], Term | None], known: dict[Term, Term]) -> Term:
        """Return a term with variables replaced.

        Args:
            term: Any term.
            change: Gives what stands for a variable; None for the variable itself.
            known: What was rewritten before, with the same ``change``.
        """
        found = known.get(term)
        if found is None:
            if term.op == "variable" and isinstance(term.of, Name):
                found = change(term.of) or term
            else:
                args = tuple(self.rewritten(arg, change, known) for arg in term.args)
                same = all(new is old for new, old in zip(args, term.args, strict=True))
                found = term if same else self._rebuilt(term, args)
            known[term] = found
        return found

    def _rebuilt(self, term: Term, args: tuple[Term, ...]) -> Term:
        build: Mapping[Op, Callable[..., Term]] = {
            "not": self.negation,
            "and": self.every,
            "or": self.some,
            "if": self.choice,
            "equal": self.equal,
            "less": lambda left, right: self.less(left, right, strict=True),
            "less_equal": lambda left, right: self.less(left, right, strict=False),
        }
        made = build.get(term.op)
        return made(*args) if made is not None else self._one(term.op, args, term.of)

    def _joined(self, op: Literal["and", "or"], terms: Sequence[Term], neutral: Term, final: Term) -> Term:
        kept: dict[Term, None] = {}
        for term in terms:
            for part in term.args if term.op == op and len(term.args) <= FLAT else (term,):
                if part is final:
                    return final
                if part is not neutral:
                    kept[part] = None
        if any(part.op == "not" and part.args[0] in kept for part in kept):
            return final
        if len(kept) < 2:
            return next(iter(kept), neutral)
        return self._one(op, tuple(kept))

    def _one(self, op: Op, args: tuple[Term, ...], of: Scalar | Name | Pattern = False) -> Term:  # noqa: FBT002 - a value's default
        key = (op, type(of), of, *map(id, args))
        found = self._built.get(key)
        if found is None:
            found = self._built[key] = Term(op, args, of)
        return found


ARITHMETIC: Mapping[str, Callable[[int, int], int]] = {
    "add": lambda left, right: left + right,
    "subtract": lambda left, right: left - right,
    "multiply": lambda left, right: left * right,
}


def _number(term: Term) -> int:
    return term.of if isinstance(term.of, int) else 0


def pattern_of(term: Term) -> Pattern:
    """Return the pattern of a ``like``."""
    return term.of if isinstance(term.of, tuple) and not isinstance(term.of, Name) else ()


def names_in(terms: Iterable[Term]) -> dict[Name, Term]:
    """Return the variables of some terms."""
    found: dict[Name, Term] = {}
    seen: set[Term] = set()
    open_terms = list(terms)
    while open_terms:
        term = open_terms.pop()
        if term not in seen:
            seen.add(term)
            open_terms.extend(term.args)
            if isinstance(term.of, Name):
                found[term.of] = term
    return found
