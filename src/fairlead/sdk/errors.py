"""What the SDK raises beside the guard's own errors."""

from typing import Self

from fairlead.core import Decision, Refused


class Stopped(Refused):
    """The policy stopped what a protected function was given, or what it returned."""

    code = "stopped"
    decision: Decision
    """The record."""
    say: str = ""
    """What to tell the user instead; empty when the policy says nothing."""

    @classmethod
    def by(cls, decision: Decision, say: str = "") -> Self:
        """Return the error that a Decision makes.

        Args:
            decision: The record.
            say: What to tell the user instead.
        """
        mend = "tell the user what `say` holds, or that it can't be done; `decision` holds the record"
        error = cls("the policy stopped this", where=f"rule {decision.rule} at {decision.stage}", mend=mend)
        error.decision = decision
        error.say = say
        return error
