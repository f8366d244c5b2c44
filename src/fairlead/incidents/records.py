"""Incidents, their timelines and complaints as the store keeps them. Every query of tenant data takes the tenant."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from fairlead.core import Clock, canonical_bytes, decode, new_id
from fairlead.evals import Case
from fairlead.evals.records import add_case
from fairlead.incidents.errors import IncidentNotFound
from fairlead.incidents.model import STANDING, SYSTEM_ACTOR, Complaint, Containment, Event, Incident, Status
from fairlead.incidents.ports import Made, Outcome, Step
from fairlead.journal import Access, AuditEntry, Record, Sealer
from fairlead.ledger import Kind, Predicate
from fairlead.ledger.records import Ledger
from fairlead.store import Serial, Store, metadata
from fairlead.store import records as store_records

INCIDENTS = Table(
    "incidents",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("hazard", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("due_us", BigInteger, nullable=False),
    Column("onset_us", BigInteger, nullable=False),
    Column("opened_us", BigInteger, nullable=False),
    Column("detected_us", BigInteger, nullable=False),
    Column("contained_us", BigInteger, nullable=False),
    Column("closed_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
    Index(None, "tenant", "system", "status"),
    Index(None, "tenant", "opened_us"),
)
EVENTS = Table(
    "incident_events",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("incident", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    ForeignKeyConstraint(["tenant", "incident"], ["incidents.tenant", "incidents.id"], name="fk_incident_events_tenant_incident"),
    Index(None, "tenant", "incident", "seq"),
)
POSITIONS = Table(
    "incident_positions",
    metadata,
    Column("journal", Text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)
COMPLAINTS = Table(
    "complaints",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("exchange", Text, nullable=False),
    Column("summary", Text, nullable=False),
    Column("filed_by", Text, nullable=False),
    Column("filed_us", BigInteger, nullable=False),
    Column("incident", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
    Index(None, "tenant", "filed_us"),
)


class SqlIncidents:
    """The records of incidents in the store.

    Args:
        store: An opened store, migrated.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, tenant: str, incident: str) -> Incident:
        """Return one Incident.

        Raises:
            IncidentNotFound: There is none of that id in the tenant.
        """
        with self._store.read() as connection:
            return _find(connection, tenant, incident)

    def incidents(self, tenant: str, *, status: Status | None = None, limit: int = 200) -> tuple[Incident, ...]:
        """Return Incidents, newest first."""
        query = select(INCIDENTS.c.body).where(INCIDENTS.c.tenant == tenant)
        if status is not None:
            query = query.where(INCIDENTS.c.status == status)
        query = query.order_by(INCIDENTS.c.opened_us.desc(), INCIDENTS.c.id).limit(limit)
        with self._store.read() as connection:
            return tuple(decode(body, Incident, where="incidents.body") for body in connection.execute(query).scalars())

    def events(self, tenant: str, incident: str) -> tuple[Event, ...]:
        """Return the timeline of an Incident, oldest first."""
        query = select(EVENTS.c.body).where(EVENTS.c.tenant == tenant, EVENTS.c.incident == incident).order_by(EVENTS.c.seq)
        with self._store.read() as connection:
            return tuple(decode(body, Event, where="incident_events.body") for body in connection.execute(query).scalars())

    def change(self, tenant: str, incident: str, step: Callable[[Incident], Outcome]) -> Incident:
        """Take an Incident one step further, alone and at once; what a person did becomes an audit entry too.

        Raises:
            IncidentNotFound: There is none of that id in the tenant.
        """
        with self._store.write() as connection:
            outcome = step(_find(connection, tenant, incident, alone=True))
            _put(connection, outcome)
        return outcome.incident

    def position(self, journal: str) -> int:
        """Return how far a journal was looked at."""
        with self._store.read() as connection:
            return int(connection.execute(select(POSITIONS.c.seq).where(POSITIONS.c.journal == journal)).scalar() or 0)

    def take(self, journal: str, after: int, upto: int, steps: Sequence[Step]) -> tuple[Incident, ...]:
        """Take the Decisions of a journal between two places in, all in one transaction; returns the Incidents that are new.

        When another process has taken some of them meanwhile, nothing is changed: the caller looks at the position again.
        """
        opened: list[Incident] = []
        with self._store.write() as connection:
            if _claim(connection, journal) != after:
                return ()
            for step in steps:
                outcome = step.apply(_standing(connection, step.tenant, step.system))
                if _put(connection, outcome) and outcome.new:
                    opened.append(outcome.incident)
            connection.execute(update(POSITIONS).where(POSITIONS.c.journal == journal), {"seq": upto})
        return tuple(opened)

    def captures(self, tenant: str, decisions: Sequence[str]) -> tuple[str, ...]:
        """Return the ids of the captures behind Decisions, each once; Decisions without one are left out."""
        table = store_records.decisions
        query = select(table.c.id, table.c.capture).where(table.c.tenant == tenant, table.c.id.in_(decisions), table.c.capture != "")
        with self._store.read() as connection:
            found = {row.id: str(row.capture) for row in connection.execute(query)}
        return tuple(dict.fromkeys(found[decision] for decision in decisions if decision in found))

    def keep_case(self, incident: Incident, case: Case, path: Path, at_us: int) -> None:
        """Index a case that was made of an Incident; its text stays in its file.

        Raises:
            RecordChanged: Another case is noted under that id.
        """
        with self._store.write() as connection:
            add_case(connection, incident.tenant, case, incident=incident.id, file=str(path), at_us=at_us)

    def complain(self, complaint: Complaint) -> None:
        """Keep a Complaint."""
        with self._store.write() as connection:
            connection.execute(insert(COMPLAINTS).values(msgspec.structs.asdict(complaint)))

    def complaints(self, tenant: str, *, limit: int = 200) -> tuple[Complaint, ...]:
        """Return Complaints, newest first."""
        query = select(COMPLAINTS).where(COMPLAINTS.c.tenant == tenant).order_by(COMPLAINTS.c.filed_us.desc(), COMPLAINTS.c.id).limit(limit)
        with self._store.read() as connection:
            return tuple(Complaint(**row) for row in connection.execute(query).mappings())


class SqlCaptures:
    """Opens sealed captures that were folded into the store, for a program of the loop; each opening is in the audit trail first.

    Args:
        store: An opened store, migrated.
        sealer: The installation's sealer.
        clock: For the audit entries.
    """

    def __init__(self, store: Store, sealer: Sealer, clock: Clock) -> None:
        self._store = store
        self._sealer = sealer
        self._clock = clock

    def unseal(self, tenant: str, capture: str, *, actor: str, reason: str) -> bytes:
        """Return the content of a capture.

        Raises:
            NotFound: This tenant has no such capture.
            CaptureShredded: Its key was forgotten.
            CaptureTampered: It was changed.
        """
        with self._store.read() as connection:
            body = store_records.capture(connection, tenant, capture).encode()
        access = Access(actor=actor, reason=reason, purpose="program")
        return self._sealer.unseal(body, tenant, access=access, audit=self._note, clock=self._clock)

    def _note(self, told: Sequence[Record]) -> None:
        with self._store.write() as connection:
            store_records.put_audit(connection, [decode(record.body, AuditEntry) for record in told])


class LedgerNotary:
    """Attests containments and cases in the tenant's log.

    Args:
        ledger: Signs and appends.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def containment(self, incident: Incident, containment: Containment) -> None:
        """Attest a lever that was pulled, and what the probes saw."""
        outcome = "contained" if containment.effective else "unproven"
        self._attest("containment", incident, containment.lever.id, containment, outcome=outcome, at_us=containment.at_us)

    def case(self, incident: Incident, made: Made) -> None:
        """Attest that a regression case was made."""
        self._attest("case", incident, made.case, made, outcome="made", at_us=made.at_us)

    def _attest(self, kind: Kind, incident: Incident, name: str, record: object, *, outcome: str, at_us: int) -> None:
        predicate = Predicate(at_us=at_us, tenant=incident.tenant, system=incident.system, outcome=outcome)
        self._ledger.attest(kind, {name: canonical_bytes(record)}, predicate)


def _find(connection: Connection, tenant: str, incident: str, *, alone: bool = False) -> Incident:
    query = select(INCIDENTS.c.body).where(INCIDENTS.c.tenant == tenant, INCIDENTS.c.id == incident)
    body = connection.execute(query.with_for_update() if alone else query).scalar()
    if body is None:
        raise IncidentNotFound("there is no such incident", where=incident, mend="see `fairlead incident list`")
    return decode(body, Incident, where="incidents.body")


def _standing(connection: Connection, tenant: str, system: str) -> tuple[Incident, ...]:
    where = (INCIDENTS.c.tenant == tenant, INCIDENTS.c.system == system, INCIDENTS.c.status.in_(STANDING))
    query = select(INCIDENTS.c.body).where(*where).order_by(INCIDENTS.c.opened_us.desc(), INCIDENTS.c.id).with_for_update()
    return tuple(decode(body, Incident, where="incidents.body") for body in connection.execute(query).scalars())


def _claim(connection: Connection, journal: str) -> int:
    """Return how far a journal was looked at, and keep others from it until the transaction ends."""
    connection.execute(_insert(connection, POSITIONS).values(journal=journal, seq=0).on_conflict_do_nothing())
    return int(connection.execute(select(POSITIONS.c.seq).where(POSITIONS.c.journal == journal).with_for_update()).scalar_one())


def _put(connection: Connection, outcome: Outcome) -> bool:
    """Write an Incident and append to its timeline; one that would be new and is there already stays as it is."""
    incident = outcome.incident
    names = [column.name for column in INCIDENTS.columns if column.name != "body"]
    row = {name: getattr(incident, name) for name in names} | {"body": canonical_bytes(incident).decode()}
    if outcome.new:
        if not connection.execute(_insert(connection, INCIDENTS).values(row).on_conflict_do_nothing()).rowcount:
            return False
    else:
        connection.execute(update(INCIDENTS).where(INCIDENTS.c.tenant == incident.tenant, INCIDENTS.c.id == incident.id), row)
    for event in outcome.events:
        columns = [column.name for column in EVENTS.columns if column.name not in ("seq", "body")]
        connection.execute(insert(EVENTS), {name: getattr(event, name) for name in columns} | {"body": canonical_bytes(event).decode()})
    store_records.put_audit(connection, [_told(event) for event in outcome.events if event.actor != SYSTEM_ACTOR])
    return True


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _told(event: Event) -> AuditEntry:
    detail = {"text": event.text, "subject": event.subject}
    return _audit(event.tenant, event.actor, f"incident.{event.kind}", event.incident, at_us=event.at_us, detail=detail)


def _audit(tenant: str, actor: str, action: str, target: str, *, at_us: int, detail: dict[str, str]) -> AuditEntry:
    return AuditEntry(id=new_id("aud"), tenant=tenant, actor=actor, action=action, target=target, at_us=at_us, detail=detail)
