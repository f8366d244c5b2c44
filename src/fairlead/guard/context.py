"""Who asks, and what came of it."""

from collections.abc import Mapping

import msgspec

from fairlead.core import Action, Decision, Segment
from fairlead.detectors import Operators
from fairlead.guard.ports import Pace, Spending
from fairlead.policy import Release


class ExchangeContext(msgspec.Struct, frozen=True, kw_only=True):
    """One Exchange, as far as the guard needs to know it."""

    release: Release
    """The Release that decides about the whole Exchange, whatever is promoted meanwhile."""
    exchange: str
    tenant: str
    key: str = ""
    """Id of the API key that came with the request."""
    model: str = ""
    user: str = ""
    groups: tuple[str, ...] = ()
    """Groups of the user, for the readers of retrieved documents."""
    trajectory: str = ""
    approvals: tuple[str, ...] = ()
    delegation: str = ""
    """Token of delegated authority that came with the request; a secret, kept in no record."""
    sources: tuple[Segment, ...] = ()
    """Texts that an answer may rest on: what was retrieved, and what tools gave."""
    spending: Spending = msgspec.field(default_factory=Spending)
    """What it was charged; the flow writes it down here."""
    pace: Pace = msgspec.field(default_factory=Pace)
    """What guarding it has taken; the flow writes it down here."""
    read: tuple[Segment, ...] = ()
    """What was read in the images and heard in the recordings of the request."""
    operators: Operators = Operators(b"")
    """Makes what a redaction puts in place of an entity, under the tenant's key; without a key there is no hash."""


class StageOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one guarded Stage: the record, and what to do."""

    decision: Decision
    texts: Mapping[str, str] = {}
    """Path of each text that was edited, and what stands there now."""
    read: tuple[Segment, ...] = ()
    """What was read in images and heard in recordings; the model sees it too."""
    say: str = ""
    """What to tell the client instead; empty for the API's own error shape."""
    route: str = ""
    """Upstream to use instead of the default."""
    retry_after_us: int = 0
    """For a limit: when to come back."""
    withheld: Mapping[str, str] = {}
    """Path of each retrieved document that was withheld, and why."""
    failed: bool = False
    """True when the guard itself failed and the policy is fail-closed."""

    @property
    def action(self) -> Action:
        """What was enforced."""
        return self.decision.action

    @property
    def stopped(self) -> bool:
        """True when nothing of this Stage may go on."""
        return self.decision.action in ("block", "require_approval")


class Sealing(msgspec.Struct, frozen=True, kw_only=True):
    """What a policy lets be kept, to be sealed by whoever owns the journal."""

    capture: str
    """``cap_…`` id that the Decisions name."""
    segments: tuple[Segment, ...]
