"""What came of a check."""

import msgspec

from fairlead.core import Decision
from fairlead.guard import StageOutcome


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a check: the Decision, and the text that may go on."""

    decision: Decision
    text: str
    """The text as the policy leaves it; empty when it is stopped."""
    say: str = ""
    """What to tell the user instead, if the policy says."""

    @property
    def allowed(self) -> bool:
        """True when the text may go on (perhaps edited)."""
        return self.decision.action not in ("block", "require_approval")


def checked_text(outcome: StageOutcome, path: str, text: str) -> Checked:
    """Return what came of the check of a text.

    Args:
        outcome: Of its Stage.
        path: Where the text stood.
        text: The text as it came.
    """
    return Checked(decision=outcome.decision, text="" if outcome.stopped else outcome.texts.get(path, text), say=outcome.say)
