"""Records for the console in memory, so that a page can be shown what a store rarely holds."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from fairlead.agents import ApprovalLoad, KeptApproval, approval_load
from fairlead.console import EvidenceFile, RunFile, RunLine, SystemLine
from fairlead.core import Decision, NotFound
from fairlead.incidents import Incident, IncidentFile
from fairlead.journal import AuditEntry
from fairlead.store import DecisionFilter

T = TypeVar("T")


class MemoryReads:
    """What the console reads, of one tenant; fill the attributes. It remembers which tenants it was asked about.

    Args:
        tenant: The one tenant that has records.
    """

    def __init__(self, tenant: str) -> None:
        self.tenant = tenant
        self.asked: list[str] = []
        self.wanted: list[DecisionFilter] = []
        self.shelf: list[SystemLine] = []
        self.decided: list[Decision] = []
        self.files: dict[str, IncidentFile] = {}
        self.people: dict[str, str] = {}
        self.measured: dict[str, RunFile] = {}
        self.waiting: list[KeptApproval] = []
        self.trail: list[AuditEntry] = []
        self.book = EvidenceFile(entries=(), checkpoint=None, report=None)

    def systems(self, tenant: str) -> Sequence[SystemLine]:
        """Return the Systems; see ``fairlead.console.Reads``."""
        return self.shelf if self._mine(tenant) else []

    def decisions(self, tenant: str, wanted: DecisionFilter, limit: int) -> Sequence[Decision]:
        """Return Decisions, newest first, before the time that is asked for."""
        self.wanted.append(wanted)
        before = wanted.until_us or 1 << 62
        found = [each for each in self.decided if each.at_us < before] if self._mine(tenant) else []
        return sorted(found, key=lambda each: each.at_us, reverse=True)[:limit]

    def incidents(self, tenant: str) -> Sequence[Incident]:
        """Return Incidents."""
        return [file.incident for file in self.files.values()] if self._mine(tenant) else []

    def incident(self, tenant: str, incident: str) -> IncidentFile:
        """Return one Incident.

        Raises:
            NotFound: There is none of that id in the tenant.
        """
        return _one(self.files if self._mine(tenant) else {}, incident)

    def logins(self, tenant: str) -> Mapping[str, str]:
        """Return the login of each account by its id."""
        return self.people if self._mine(tenant) else {}

    def runs(self, tenant: str) -> Sequence[RunLine]:
        """Return no runs: their list is the store's business."""
        self._mine(tenant)
        return []

    def run(self, tenant: str, run: str) -> RunFile:
        """Return one run.

        Raises:
            NotFound: There is none of that id in the tenant.
        """
        return _one(self.measured if self._mine(tenant) else {}, run)

    def evidence(self, tenant: str, before: int | None, limit: int) -> EvidenceFile:  # noqa: ARG002 - a test's ledger is one page long
        """Return the ledger."""
        return self.book if self._mine(tenant) else EvidenceFile(entries=(), checkpoint=None, report=None)

    def approvals(self, tenant: str) -> Sequence[KeptApproval]:
        """Return the approvals that wait or hold."""
        return self.waiting if self._mine(tenant) else []

    def approval_load(self, tenant: str, since_us: int, until_us: int) -> ApprovalLoad:
        """Return the load of approvals."""
        return approval_load(0, self.trail if self._mine(tenant) else [], since_us=since_us, until_us=until_us)

    def _mine(self, tenant: str) -> bool:
        self.asked.append(tenant)
        return tenant == self.tenant


def _one(records: Mapping[str, T], name: str) -> T:
    if name not in records:
        raise NotFound("there is none of that id in the tenant", where=name)
    return records[name]
