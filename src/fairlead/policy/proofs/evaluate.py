"""What terms are for given requests: the same encoding that the solver is asked about, evaluated in plain Python.

Many requests are looked at in one go: a formula's answer is a whole number whose bit i is its answer for request i.
"""

import re
from collections.abc import Mapping, Sequence

from fairlead.policy.proofs.terms import ARITHMETIC, Name, Pattern, Scalar, Sort, Term, pattern_of

Assignment = Mapping[Name, Scalar]
"""What a request is: a value for each variable; those that are left out are false, 0 or empty."""
_NOTHING: Mapping[Sort, Scalar] = {"bool": False, "int": 0, "text": ""}


class Evaluation:
    """Evaluates terms for some requests; what two terms share is evaluated once.

    Args:
        requests: Each gives a value to every variable.
    """

    def __init__(self, requests: Sequence[Assignment]) -> None:
        self._requests = requests
        self._all = (1 << len(requests)) - 1
        self._true: dict[Name, int] = {}
        for index, request in enumerate(requests):
            for name, value in request.items():
                if value is True:
                    self._true[name] = self._true.get(name, 0) | 1 << index
        self._masks: dict[Term, int] = {}
        self._values: dict[Term, list[Scalar]] = {}

    def mask(self, term: Term) -> int:
        """Return for which requests a formula holds."""
        found = self._masks.get(term)
        if found is None:
            found = self._masks[term] = self._mask(term)
        return found

    def holds(self, term: Term) -> bool:
        """Tell whether a formula holds for all of the requests."""
        return self.mask(term) == self._all

    def _mask(self, term: Term) -> int:
        if term.op == "and":
            mask = self._all
            for part in term.args:
                mask &= self.mask(part)
                if not mask:
                    break
            return mask
        if term.op == "or":
            mask = 0
            for part in term.args:
                mask |= self.mask(part)
                if mask == self._all:
                    break
            return mask
        if term.op == "not":
            return self._all & ~self.mask(term.args[0])
        if isinstance(term.of, Name):
            return self._true.get(term.of, 0)
        return sum(1 << index for index, value in enumerate(self.values(term)) if value)

    def values(self, term: Term) -> list[Scalar]:
        """Return the value of a term for each request."""
        found = self._values.get(term)
        if found is None:
            found = self._values[term] = self._computed(term)
        return found

    def _computed(self, term: Term) -> list[Scalar]:
        if isinstance(term.of, Name):
            name, missing = term.of, _NOTHING[term.of.sort]
            return [request.get(name, missing) for request in self._requests]
        if term.op == "constant":
            return [term.of if isinstance(term.of, bool | int | str) else False] * len(self._requests)
        if term.op in ("and", "or", "not"):
            mask = self.mask(term)
            return [bool(mask >> index & 1) for index in range(len(self._requests))]
        if term.op == "like":
            fits = fitting(pattern_of(term))
            return [fits.fullmatch(str(text)) is not None for text in self.values(term.args[0])]
        columns = [self.values(arg) for arg in term.args]
        return [_of(term.op, row) for row in zip(*columns, strict=True)]


def _of(op: str, row: tuple[Scalar, ...]) -> Scalar:
    if op == "if":
        return row[1] if row[0] else row[2]
    if op == "equal":
        return row[0] == row[1]
    if op == "length":
        return len(str(row[0]))
    left, right = int(row[0]), int(row[1])
    if op == "less":
        return left < right
    return left <= right if op == "less_equal" else ARITHMETIC[op](left, right)


def fitting(pattern: Pattern) -> re.Pattern[str]:
    """Return the regular expression of a pattern."""
    return re.compile("".join(".*" if piece is None else re.escape(piece) for piece in pattern), re.DOTALL)
