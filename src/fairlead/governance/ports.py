"""What governance reads; it writes none of it. Every query names its tenant (law 9)."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from fairlead.governance.model import Period
from fairlead.incidents import Incident


class Signed(msgspec.Struct, frozen=True, kw_only=True):
    """An attestation in the ledger, and whether its signature holds."""

    kind: str
    subject: str
    """Id of the record."""
    digest: str
    """Of the record, as the signed statement says, not as an index says."""
    position: int
    at_us: int
    expires_us: int
    """0 means never."""
    outcome: str
    genuine: bool
    """False when no trusted key signed the entry."""
    facts: dict[str, str | int | float | bool | None] = {}


class Evidence(Protocol):
    """Attestations, and the records that they are about as those stand now."""

    def attested(self, tenant: str, system: str, kind: str) -> Sequence[Signed]:
        """Return what was attested of a System, newest first."""
        ...

    def record(self, tenant: str, kind: str, identifier: str) -> bytes | None:
        """Return the canonical bytes of a record as it is stored now; None when it is gone."""
        ...

    def current_release(self, tenant: str, system: str) -> str:
        """Return the id of the Release in force; empty when there is none."""
        ...

    def systems(self, tenant: str) -> Sequence[str]:
        """Return the names of the Systems that have a Release in force."""
        ...


class IncidentReader(Protocol):
    """Incidents as they stand now."""

    def incidents(self, tenant: str, system: str, period: Period) -> Sequence[Incident]:
        """Return the Incidents opened in a period, oldest first."""
        ...

    def find(self, tenant: str, incident: str) -> Incident | None:
        """Return one Incident; None when there is none of that id in the tenant."""
        ...

    def standing(self, tenant: str, system: str) -> Sequence[Incident]:
        """Return the Incidents that are neither resolved nor closed, whenever they were opened."""
        ...


class DecisionReader(Protocol):
    """Decisions, counted by Exchange."""

    def exchanges(self, tenant: str, system: str, period: Period) -> int:
        """Return how many Exchanges were guarded."""
        ...

    def guard_cost_us(self, tenant: str, system: str, period: Period, rank: int) -> tuple[str, int]:
        """Return the Exchange at ``rank`` (from 0) by guard time, and that time: the sum over its Decisions, in microseconds."""
        ...


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that cards, reports and KPIs are computed from."""

    evidence: Evidence
    incidents: IncidentReader
    decisions: DecisionReader
