"""The records behind the pages, read through the control plane; each query names its tenant."""

from collections.abc import Mapping, Sequence

from fairlead.agents import ApprovalLoad, KeptApproval
from fairlead.console.ports import EntryLine, EvidenceFile, GateLine, RunFile, RunLine, SystemLine
from fairlead.core import Decision
from fairlead.evals.records import GateRow, get_gate, get_run, list_gates, list_runs
from fairlead.governance import Period, build_readiness
from fairlead.identity.records import IdentityRecords
from fairlead.incidents import STANDING, Incident, IncidentFile
from fairlead.ledger import compose, verify_files
from fairlead.releases.records import current, find, systems
from fairlead.store import DecisionFilter
from fairlead.store.records import recent_decisions
from fairlead.wiring.control_plane import ControlPlane

DAY_US = 24 * 3_600_000_000
KPI_PERIOD_US = 7 * DAY_US
"""What the readiness of the portfolio counts: the last week."""


class StoreReads:
    """Reads what the console shows.

    Args:
        plane: The control plane; its parts are built here, because requests come in threads and each part is built once.
    """

    def __init__(self, plane: ControlPlane) -> None:
        self._plane = plane
        self._store, self._ledger, self._desk, self._approvals = plane.store, plane.ledger, plane.desk, plane.approvals

    def systems(self, tenant: str) -> Sequence[SystemLine]:
        """Return the Systems of a tenant that have a Release in force."""
        with self._store.read() as connection:
            names = systems(connection, tenant)
        return [self._system(tenant, name) for name in names]

    def decisions(self, tenant: str, wanted: DecisionFilter, limit: int) -> Sequence[Decision]:
        """Return Decisions, newest first; what the journals hold is taken over before."""
        self._plane.look()
        with self._store.read() as connection:
            return recent_decisions(connection, tenant, wanted=wanted, limit=limit)

    def incidents(self, tenant: str) -> Sequence[Incident]:
        """Return Incidents, newest first; what the journals hold is looked at before."""
        self._plane.look()
        return self._desk.incidents(tenant)

    def incident(self, tenant: str, incident: str) -> IncidentFile:
        """Return one Incident.

        Raises:
            NotFound: There is none of that id in the tenant.
        """
        return self._desk.open(tenant, incident)

    def logins(self, tenant: str) -> Mapping[str, str]:
        """Return the login of each account by its id, so that a page can name who did something."""
        return {account.id: account.login for account in IdentityRecords(self._store).accounts(tenant)}

    def runs(self, tenant: str) -> Sequence[RunLine]:
        """Return runs, newest first."""
        with self._store.read() as connection:
            rows, gates = list_runs(connection, tenant), list_gates(connection, tenant)
        return [
            RunLine(
                run=row.id,
                suite=row.suite,
                model=row.model,
                policy=row.policy,
                started_us=row.started_us,
                gates=tuple(_gate_line(gate) for gate in gates if gate.run == row.id),
            )
            for row in rows
        ]

    def run(self, tenant: str, run: str) -> RunFile:
        """Return one run with the gates over it.

        Raises:
            NotFound: There is none of that id in the tenant.
        """
        with self._store.read() as connection:
            found = get_run(connection, tenant, run)
            gates = [get_gate(connection, tenant, row.digest) for row in list_gates(connection, tenant) if row.run == run]
        return RunFile(run=found, gates=tuple(gates))

    def evidence(self, tenant: str, before: int | None, limit: int) -> EvidenceFile:
        """Return the tenant's ledger, verified now as a whole, with its newest entries, or those before a position."""
        ledger = self._ledger
        head = ledger.head(tenant)
        if head is None:
            return EvidenceFile(entries=(), checkpoint=None, report=None)
        end = head.size if before is None else min(before, head.size)
        entries = [
            EntryLine(
                position=entry.position,
                kind=entry.kind,
                system=entry.system,
                subject=entry.subject,
                digest=entry.digest,
                outcome=entry.outcome,
                at_us=entry.at_us,
                expires_us=entry.expires_us,
            )
            for entry in reversed(ledger.entries(tenant, after=end - limit - 1, limit=min(limit, end)))
        ]
        report = verify_files(compose(ledger.log(tenant)), ledger.trust_root(tenant, ledger.key))
        return EvidenceFile(entries=tuple(entries), checkpoint=head, report=report)

    def approvals(self, tenant: str) -> Sequence[KeptApproval]:
        """Return the approvals that wait or hold, the oldest first."""
        return self._approvals.approvals(tenant)

    def approval_load(self, tenant: str, since_us: int, until_us: int) -> ApprovalLoad:
        """Return how much work approvals made in a period; what the journals hold is taken over before."""
        return self._plane.approval_load(tenant, since_us=since_us, until_us=until_us)

    def _system(self, tenant: str, name: str) -> SystemLine:
        now = self._plane.clock.now_us()
        sources = self._plane.sources
        ready = build_readiness(sources, tenant, name, period=Period(now - KPI_PERIOD_US, now))
        standing = [incident for incident in sources.incidents.standing(tenant, name) if incident.status in STANDING]
        with self._store.read() as connection:
            release = find(connection, tenant, current(connection, tenant, name))
            gate = next((row for row in list_gates(connection, tenant) if row.policy == release.id), None)
        return SystemLine(
            system=name,
            owner=release.owner,
            tier=release.tier,
            mode=release.mode,
            release=release.id,
            release_us=release.at_us,
            gate=None if gate is None else _gate_line(gate),
            standing=len(standing),
            worst=min((incident.severity for incident in standing), default=""),
            exchanges=sources.decisions.exchanges(tenant, name, Period(now - DAY_US, now)),
            readiness="GO" if ready.answer == "GO" else "NO-GO",
            reasons=ready.reasons,
        )


def _gate_line(row: GateRow) -> GateLine:
    return GateLine(digest=row.digest, run=row.run, suite=row.suite, answer=row.answer, at_us=row.at_us)
