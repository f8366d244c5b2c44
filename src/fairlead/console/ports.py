"""What the console reads, and the one thing that people can do in it. Every query names its tenant; nothing here holds content."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from fairlead.agents import ApprovalLoad, KeptApproval, Scope
from fairlead.core import Clock, Decision
from fairlead.evals import GateResult, Run
from fairlead.identity import Account, Actor, OpenedSession, Session, may
from fairlead.incidents import Incident, IncidentFile
from fairlead.ledger import Checkpoint, Report
from fairlead.store import DecisionFilter


class SystemLine(msgspec.Struct, frozen=True, kw_only=True):
    """One System of the portfolio."""

    system: str
    owner: str
    tier: str
    mode: str
    release: str
    """Digest of the Release in force."""
    release_us: int
    gate: "GateLine | None"
    """The last gate about the Release in force."""
    standing: int
    """Incidents that are open or contained."""
    worst: str
    """Severity of the worst of them; empty when there is none."""
    exchanges: int
    """Exchanges of the last 24 hours."""
    readiness: Literal["GO", "NO-GO"]
    reasons: tuple[str, ...]
    """Why it is no go."""


class GateLine(msgspec.Struct, frozen=True, kw_only=True):
    """A gate, as a list shows it."""

    digest: str
    run: str
    suite: str
    answer: str
    at_us: int


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """A run, as a list shows it."""

    run: str
    suite: str
    model: str
    policy: str
    """Digest of the Release that guarded; empty for an unguarded run."""
    started_us: int
    gates: tuple[GateLine, ...]
    """Gates over it, newest first."""


class RunFile(msgspec.Struct, frozen=True, kw_only=True):
    """A run with the gates over it, newest first."""

    run: Run
    gates: tuple[GateResult, ...]


class EntryLine(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the ledger."""

    position: int
    kind: str
    system: str
    subject: str
    digest: str
    outcome: str
    at_us: int
    expires_us: int


class EvidenceFile(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger of a tenant, and what its verification found just now."""

    entries: tuple[EntryLine, ...]
    """Some of them, newest first."""
    checkpoint: Checkpoint | None
    """The last signed tree head; None when nothing was attested yet."""
    report: Report | None


class Reads(Protocol):
    """The records, as the console shows them."""

    def systems(self, tenant: str) -> Sequence[SystemLine]:
        """Return the Systems of a tenant that have a Release in force."""

    def decisions(self, tenant: str, wanted: DecisionFilter, limit: int) -> Sequence[Decision]:
        """Return Decisions, newest first."""

    def incidents(self, tenant: str) -> Sequence[Incident]:
        """Return Incidents, newest first."""

    def incident(self, tenant: str, incident: str) -> IncidentFile:
        """Return one Incident.

        Raises:
            NotFound: There is none of that id in the tenant.
        """

    def logins(self, tenant: str) -> Mapping[str, str]:
        """Return the login of each account by its id, so that a page can name who did something."""

    def runs(self, tenant: str) -> Sequence[RunLine]:
        """Return runs, newest first."""

    def run(self, tenant: str, run: str) -> RunFile:
        """Return one run.

        Raises:
            NotFound: There is none of that id in the tenant.
        """

    def evidence(self, tenant: str, before: int | None, limit: int) -> EvidenceFile:
        """Return the tenant's ledger, verified now as a whole, with its newest entries, or those before a position."""

    def approvals(self, tenant: str) -> Sequence[KeptApproval]:
        """Return the approvals that wait or hold, the oldest first."""

    def approval_load(self, tenant: str, since_us: int, until_us: int) -> ApprovalLoad:
        """Return how much work approvals made in a period."""


class Inbox(Protocol):
    """Where people answer; ``fairlead.agents.ApprovalDesk`` is one."""

    def answer(self, tenant: str, approval: str, *, by: Account, granted: bool, scope: Scope = "call", reason: str = "") -> KeptApproval:
        """Grant or refuse a tool call that waits.

        Raises:
            Refused: The account may not, or is the user for whom the call was asked.
            NotFound: No approval of this tenant waits under this id.
        """


class Door(Protocol):
    """Who may come in; ``fairlead.identity.Identity`` is one."""

    def login(self, tenant: str, login: str, password: str) -> OpenedSession:
        """Open a session.

        Raises:
            Refused: Wrong, or too often wrong.
        """

    def session(self, token: str) -> Session:
        """Return the session of a cookie.

        Raises:
            Refused: It is over.
        """

    def logout(self, token: str) -> None:
        """End a session.

        Raises:
            Refused: It is over already.
        """


class Receipts(Protocol):
    """Gives coverage receipts."""

    def receipt(self, tenant: str, exchange: str) -> bytes:
        """Return the signed receipt of an Exchange.

        Raises:
            NotFound: This tenant has no such Exchange.
            Unavailable: What was decided in it can't be read whole.
        """
        ...


class ConsoleContext(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the console is built from."""

    reads: Reads
    door: Door
    inbox: Inbox
    receipts: Receipts
    clock: Clock
    tenant: str = "default"
    """What stands in the tenant field of the login form."""
    secure: bool = False
    """Whether browsers reach the console by https; cookies are then sent by https only."""


class Viewer(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks at a page."""

    account: Account
    csrf: str
    """For the forms of the page."""

    @property
    def may_approve(self) -> bool:
        """Whether the account has a role that may answer approvals."""
        return may(Actor.of(self.account), "approval.give", self.tenant)

    @property
    def tenant(self) -> str:
        """The only tenant that is shown."""
        return self.account.tenant
