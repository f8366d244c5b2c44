"""Reads what governance needs from the tables of the other rooms; it has none of its own and writes nothing."""

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import Select, Table, func, select
from sqlalchemy.sql import ColumnElement

from fairlead.core import FairleadError, decode
from fairlead.evals.records import GATES, RUNS
from fairlead.governance.model import Period
from fairlead.governance.ports import Signed, Sources
from fairlead.incidents import STANDING, Incident
from fairlead.incidents.records import INCIDENTS
from fairlead.ledger import KINDS, Kind, read_statement
from fairlead.ledger.records import Attested, LedgerReader
from fairlead.releases.records import body_of, current, systems
from fairlead.store import Store
from fairlead.store.records import decisions

_TABLES: dict[str, tuple[Table, str]] = {"run": (RUNS, "id"), "gate": (GATES, "digest")}
"""Where a kind of record is, and the column that names it."""


class SqlEvidence:
    """Attestations of the ledger, believed only when their signature holds, and the records that they are about.

    Args:
        store: An opened store, migrated.
        ledger: The log.
        keys: Trusted raw public keys by key id.
    """

    def __init__(self, store: Store, ledger: LedgerReader, keys: Mapping[str, bytes]) -> None:
        self._store = store
        self._ledger = ledger
        self._keys = keys

    def attested(self, tenant: str, system: str, kind: str) -> Sequence[Signed]:
        """Return what was attested of a System, newest first; digest, time and facts are those of the signed statement."""
        known = next((name for name in KINDS if name == kind), None)
        return [] if known is None else [self._signed(tenant, known, entry) for entry in self._ledger.attested(tenant, system, known)]

    def record(self, tenant: str, kind: str, identifier: str) -> bytes | None:
        """Return the canonical bytes of a record as its own table has them now; of a containment as the ledger kept it."""
        if kind == "containment":
            kept = self._ledger.of_subject(tenant, identifier)
            return self._ledger.record(tenant, kept[0].digest) if kept else None
        with self._store.read() as connection:
            if kind == "release":
                return body_of(connection, tenant, identifier)
            if kind not in _TABLES:
                return None
            table, key = _TABLES[kind]
            query = select(table.c.body).where(table.c.tenant == tenant, table.c[key] == identifier)
            body = connection.execute(query).scalar_one_or_none()
        return None if body is None else str(body).encode()

    def current_release(self, tenant: str, system: str) -> str:
        """Return the id of the Release in force; empty when there is none."""
        with self._store.read() as connection:
            return current(connection, tenant, system)

    def systems(self, tenant: str) -> Sequence[str]:
        """Return the names of the Systems that have a Release in force."""
        with self._store.read() as connection:
            return systems(connection, tenant)

    def _signed(self, tenant: str, kind: Kind, entry: Attested) -> Signed:
        """Return what the signed statement says; what only the index says is marked as not genuine."""
        where = f"entry {entry.position}"
        try:
            envelope = self._ledger.envelope(tenant, entry.position)
            statement = None if envelope is None else read_statement(envelope, self._keys, where=where)
        except FairleadError:
            statement = None
        named = Signed(
            kind=kind,
            subject=entry.subject,
            digest=entry.digest,
            position=entry.position,
            at_us=entry.at_us,
            expires_us=entry.expires_us,
            outcome=entry.outcome,
            genuine=False,
        )
        if statement is None or (statement.kind, statement.subject[0].name) != (kind, entry.subject):
            return named
        said = statement.predicate
        return msgspec.structs.replace(
            named,
            digest=statement.subject[0].reference,
            at_us=said.at_us,
            expires_us=said.expires_us,
            outcome=said.outcome,
            genuine=(said.tenant, said.system) == (tenant, entry.system),
            facts=said.facts,
        )


class SqlIncidentReader:
    """Incidents as their table has them now."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def incidents(self, tenant: str, system: str, period: Period) -> Sequence[Incident]:
        """Return the Incidents opened in a period, oldest first."""
        where = (INCIDENTS.c.opened_us >= period.since_us, INCIDENTS.c.opened_us < period.until_us)
        return self._read(select(INCIDENTS.c.body).where(INCIDENTS.c.tenant == tenant, INCIDENTS.c.system == system, *where))

    def standing(self, tenant: str, system: str) -> Sequence[Incident]:
        """Return the Incidents that are neither resolved nor closed, oldest first."""
        where = (INCIDENTS.c.tenant == tenant, INCIDENTS.c.system == system, INCIDENTS.c.status.in_(STANDING))
        return self._read(select(INCIDENTS.c.body).where(*where))

    def find(self, tenant: str, incident: str) -> Incident | None:
        """Return one Incident; None when there is none of that id in the tenant."""
        found = self._read(select(INCIDENTS.c.body).where(INCIDENTS.c.tenant == tenant, INCIDENTS.c.id == incident))
        return found[0] if found else None

    def _read(self, query: Select[tuple[str]]) -> list[Incident]:
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(INCIDENTS.c.opened_us, INCIDENTS.c.id))
            return [decode(str(row[0]), Incident, where="incidents.body") for row in rows]


class SqlDecisionReader:
    """Decisions, counted and ranked by the database."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def exchanges(self, tenant: str, system: str, period: Period) -> int:
        """Return how many Exchanges were guarded."""
        query = select(func.count(func.distinct(decisions.c.exchange))).where(*_guarded(tenant, system, period))
        with self._store.read() as connection:
            return int(connection.execute(query).scalar_one())

    def guard_cost_us(self, tenant: str, system: str, period: Period, rank: int) -> tuple[str, int]:
        """Return the Exchange at ``rank`` (from 0) by guard time, and that time in microseconds."""
        cost = func.sum(decisions.c.took_us)
        query = select(decisions.c.exchange, cost).where(*_guarded(tenant, system, period)).group_by(decisions.c.exchange)
        with self._store.read() as connection:
            exchange, took_us = connection.execute(query.order_by(cost, decisions.c.exchange).offset(rank).limit(1)).one()
        return str(exchange), int(took_us)


def _guarded(tenant: str, system: str, period: Period) -> tuple[ColumnElement[bool], ...]:
    columns = decisions.c
    return columns.tenant == tenant, columns.system == system, columns.at_us >= period.since_us, columns.at_us < period.until_us


def sql_sources(store: Store, ledger: LedgerReader, keys: Mapping[str, bytes]) -> Sources:
    """Return the sources that cards, reports and KPIs are computed from.

    Args:
        store: An opened store, migrated.
        ledger: The log.
        keys: Trusted raw public keys by key id.
    """
    return Sources(evidence=SqlEvidence(store, ledger, keys), incidents=SqlIncidentReader(store), decisions=SqlDecisionReader(store))
