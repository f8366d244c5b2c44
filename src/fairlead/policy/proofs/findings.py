"""What a proof came to: proven, violated with a witness, or for a person to review."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from fairlead.policy.proofs.requests import Request

State = Literal["proven", "note", "review", "violated"]
"""``proven``: there is no such request. ``violated``: there is one, and the engine confirms it. ``review``: nobody knows. ``note``:
harmless, but worth a look."""
Outcome = Literal["allow", "require_approval", "block"]
"""What the broker answers."""
Check = Literal["never-errors", "invariant", "taint-monotone", "approval-needed", "no-exfiltration", "rule-matters", "diff", "translated"]
EXIT_CODES: dict[State, int] = {"proven": 0, "note": 0, "review": 11, "violated": 10}


class Witness(msgspec.Struct, frozen=True, kw_only=True):
    """A request that shows it, as the engine confirmed it."""

    request: Request
    outcome: Outcome
    """What the policy answers."""
    before: Outcome | None = None
    """What the old policy answered, or this one before the values' origins got worse."""
    better: Request | None = None
    """The same call with better origins, where that is the point."""
    expected: Outcome = "block"
    """What a test that is made of it demands."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one question."""

    check: Check
    state: State
    tool: str
    subject: str
    """What the question is about: a rule, an invariant, a kind of change."""
    what: str
    where: str = ""
    """``file:line``."""
    witness: Witness | None = None
    path: tuple[str, ...] = ()
    """How data would leave, tool by tool."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """All answers about a policy."""

    release: str
    against: str = ""
    findings: tuple[Finding, ...] = ()

    @property
    def state(self) -> State:
        """The worst answer: what is unknown is never proven."""
        return worst([finding.state for finding in self.findings])

    @property
    def exit_code(self) -> int:
        """0 proven, 10 violated, 11 for review."""
        return EXIT_CODES[self.state]


def worst(states: Sequence[State]) -> State:
    """Return the worst of some states; ``proven`` for none."""
    order: tuple[State, ...] = ("proven", "note", "review", "violated")
    return max(states, key=order.index, default="proven")
