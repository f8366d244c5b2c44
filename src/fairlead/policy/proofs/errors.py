"""Errors of the proofs."""

from fairlead.core import InvalidInput, Unavailable


class Untranslated(InvalidInput):
    """A Cedar policy uses something that the proofs can't translate; what hangs on it needs a person's review."""

    code = "proof-untranslated"


class SolverMissing(Unavailable):
    """The solver that proves is not installed."""

    code = "proof-solver-missing"


def untranslated(what: str) -> Untranslated:
    """Return the error about a construct."""
    return Untranslated(what, mend="say it with what the broker computes (`derived`), in whole numbers, or review the rule by hand")
