"""What came of a check."""

from typing import Any

import msgspec

from fairlead.core import Decision
from fairlead.guard import Replaced, StageOutcome


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


class Redacted(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a redaction."""

    decision: Decision
    value: Any
    """The text or value as the policy leaves it."""
    replaced: tuple[Replaced, ...]
    """What was replaced: entity, pointer and span in the original text; no content."""

    @property
    def complete(self) -> bool:
        """True when everything ran; a policy that is fail-open lets a value pass of which a detector saw nothing."""
        return self.decision.state == "final"


def checked_text(outcome: StageOutcome, path: str, text: str) -> Checked:
    """Return what came of the check of a text.

    Args:
        outcome: Of its Stage.
        path: Where the text stood.
        text: The text as it came.
    """
    return Checked(decision=outcome.decision, text="" if outcome.stopped else outcome.texts.get(path, text), say=outcome.say)
