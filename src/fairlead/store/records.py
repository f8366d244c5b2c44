"""Decisions, captures and other events as the store keeps them, and their queries. Every query of tenant data takes the tenant."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Index,
    PrimaryKeyConstraint,
    RowMapping,
    Table,
    Text,
    UniqueConstraint,
    func,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import ColumnElement

from fairlead.core import Decision, NotFound, canonical_bytes, decode
from fairlead.journal import AuditEntry
from fairlead.store.model import Count, DecisionFilter, Event, Position
from fairlead.store.schema import Serial, metadata

DAY_US = 86_400_000_000
"""Microseconds in a day."""

decisions = Table(
    "decisions",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("exchange", Text, nullable=False),
    Column("trajectory", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("release", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("mode", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("rule", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("near_miss", Boolean, nullable=False),
    Column("capture", Text, nullable=False),
    Column("took_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
    Index(None, "tenant", "at_us"),
    Index(None, "tenant", "exchange"),
    Index(None, "tenant", "action", "at_us"),
)
captures = Table(
    "captures",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
)
events = Table(
    "events",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("journal", Text, nullable=False),
    Column("journal_seq", BigInteger, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("journal", "journal_seq"),
    Index(None, "tenant", "kind", "seq"),
)
audit_entries = Table(
    "audit_entries",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("detail", Text, nullable=False),
    UniqueConstraint("tenant", "id"),
    Index(None, "tenant", "at_us"),
)
fold_positions = Table(
    "fold_positions",
    metadata,
    Column("journal", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)
fold_rejects = Table(
    "fold_rejects",
    metadata,
    Column("journal", Text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("journal", "seq"),
)

_DECISION_COLUMNS = tuple(column.name for column in decisions.columns if column.name != "body")


def recent_decisions(connection: Connection, tenant: str, *, wanted: DecisionFilter | None = None, limit: int = 100) -> list[Decision]:
    """Return a tenant's Decisions, the newest first.

    Args:
        connection: A transaction of the store.
        tenant: Whose.
        wanted: Which; all by default.
        limit: At most this many.
    """
    wanted = wanted or DecisionFilter()
    query = select(decisions.c.body).where(*_conditions(tenant, wanted)).order_by(decisions.c.at_us.desc(), decisions.c.id).limit(limit)
    return [_decision(body) for body in connection.execute(query).scalars()]


def count_decisions(connection: Connection, tenant: str, *, wanted: DecisionFilter | None = None) -> list[Count]:
    """Return a tenant's Decisions counted by day, System, Stage, action and rule, in that order."""
    day = (decisions.c.at_us // DAY_US).label("day")
    keys: tuple[ColumnElement[object], ...] = (decisions.c.system, decisions.c.stage, decisions.c.action, decisions.c.rule)
    query = (
        select(day, *keys, func.count().label("n"))
        .where(*_conditions(tenant, wanted or DecisionFilter()))
        .group_by(day, *keys)
        .order_by(day, *keys)
    )
    return [Count(**row) for row in connection.execute(query).mappings()]


def decisions_of(connection: Connection, tenant: str, exchange: str) -> list[Decision]:
    """Return the Decisions of one Exchange, in the order they were made."""
    where = (decisions.c.tenant == tenant, decisions.c.exchange == exchange)
    query = select(decisions.c.body).where(*where).order_by(decisions.c.at_us, decisions.c.id)
    return [_decision(body) for body in connection.execute(query).scalars()]


def decision(connection: Connection, tenant: str, identifier: str) -> Decision:
    """Return one Decision.

    Raises:
        NotFound: This tenant has no such Decision.
    """
    body = connection.execute(select(decisions.c.body).where(decisions.c.tenant == tenant, decisions.c.id == identifier)).scalar()
    if body is None:
        raise NotFound("there is no such Decision", where=identifier, mend="it may not be folded yet: run `fairlead db fold`")
    return _decision(body)


def capture(connection: Connection, tenant: str, identifier: str) -> str:
    """Return one sealed capture as canonical JSON, for ``fairlead.journal.Sealed``.

    Raises:
        NotFound: This tenant has no such capture.
    """
    body = connection.execute(select(captures.c.body).where(captures.c.tenant == tenant, captures.c.id == identifier)).scalar()
    if body is None:
        raise NotFound(
            "there is no such capture", where=identifier, mend="the policy's `capture:` must be sealed_on_finding or sealed_sample"
        )
    return str(body)


def events_after(connection: Connection, tenant: str, kind: str, *, after: int = 0, limit: int = 1000) -> list[Event]:
    """Return a tenant's events of one kind that follow a place, oldest first."""
    where = (events.c.tenant == tenant, events.c.kind == kind, events.c.seq > after)
    columns = (events.c.seq, events.c.tenant, events.c.kind, events.c.id, events.c.at_us, events.c.body)
    return [Event(**row) for row in connection.execute(select(*columns).where(*where).order_by(events.c.seq).limit(limit)).mappings()]


def audit_trail(connection: Connection, tenant: str, *, target: str = "", limit: int = 100) -> list[AuditEntry]:
    """Return a tenant's audit entries, the newest first; of one target when it is given."""
    conditions = [audit_entries.c.tenant == tenant, *([audit_entries.c.target == target] if target else [])]
    query = select(audit_entries).where(*conditions).order_by(audit_entries.c.at_us.desc(), audit_entries.c.seq.desc()).limit(limit)
    return [_audit_entry(row) for row in connection.execute(query).mappings()]


def audit_of(connection: Connection, tenant: str, actions: Sequence[str], *, since_us: int = 0) -> list[AuditEntry]:
    """Return a tenant's audit entries of some actions, at or after a time, the oldest first."""
    columns = audit_entries.c
    query = select(audit_entries).where(columns.tenant == tenant, columns.action.in_(actions), columns.at_us >= since_us)
    return [_audit_entry(row) for row in connection.execute(query.order_by(columns.at_us, columns.seq)).mappings()]


def positions(connection: Connection) -> list[Position]:
    """Return how far each journal was folded, by name; no tenant's data."""
    return [Position(**row) for row in connection.execute(select(fold_positions).order_by(fold_positions.c.name)).mappings()]


def count_rejects(connection: Connection) -> int:
    """Return how many entries of all journals could not be read; no tenant's data."""
    return int(connection.execute(select(func.count()).select_from(fold_rejects)).scalar_one())


def claim_position(connection: Connection, journal: str, name: str) -> int:
    """Return a journal's position and keep others from folding it until this transaction ends."""
    row = {"journal": journal, "name": name, "seq": 0, "at_us": 0}
    connection.execute(_insert(connection, fold_positions).values(row).on_conflict_do_nothing())
    query = select(fold_positions.c.seq).where(fold_positions.c.journal == journal).with_for_update()
    return int(connection.execute(query).scalar_one())


def move_position(connection: Connection, position: Position) -> None:
    """Record how far a journal is folded, in the transaction that folded it."""
    where = fold_positions.c.journal == position.journal
    connection.execute(fold_positions.update().where(where).values(name=position.name, seq=position.seq, at_us=position.at_us))


def put_decisions(connection: Connection, found: Iterable[tuple[Decision, str]]) -> None:
    """Add Decisions with their canonical JSON; a later state of the same Decision replaces the earlier one."""
    rows = {
        (record.tenant, record.id): {name: getattr(record, name) for name in _DECISION_COLUMNS} | {"body": body} for record, body in found
    }
    _upsert(connection, decisions, list(rows.values()))


def put_captures(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Add sealed captures."""
    _upsert(connection, captures, rows)


def put_events(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """Add events; one that is there already stays as it is."""
    if rows:
        connection.execute(_insert(connection, events).on_conflict_do_nothing(), rows)


def put_audit(connection: Connection, entries: Sequence[AuditEntry]) -> None:
    """Add audit entries, in the transaction that makes the change they tell of; one that is there already stays as it is."""
    rows = [
        {**{name: getattr(entry, name) for name in entry.__struct_fields__}, "detail": canonical_bytes(entry.detail).decode()}
        for entry in entries
    ]
    if rows:
        connection.execute(_insert(connection, audit_entries).on_conflict_do_nothing(), rows)


def put_rejects(connection: Connection, rows: Sequence[Mapping[str, object]]) -> None:
    """List entries that could not be read."""
    _upsert(connection, fold_rejects, rows)


def _conditions(tenant: str, wanted: DecisionFilter) -> list[ColumnElement[bool]]:
    conditions = [decisions.c.tenant == tenant, decisions.c.at_us >= wanted.since_us]
    if wanted.until_us is not None:
        conditions.append(decisions.c.at_us < wanted.until_us)
    for name in ("system", "stage", "action", "rule", "state", "tool", "trajectory", "near_miss"):
        value = getattr(wanted, name)
        if value is not None and value != "":
            conditions.append(decisions.c[name] == value)
    return conditions


def _decision(body: str) -> Decision:
    return decode(body, Decision, where="decisions.body")


def _audit_entry(row: RowMapping) -> AuditEntry:
    fields = {name: row[name] for name in AuditEntry.__struct_fields__ if name != "detail"}
    return AuditEntry(**fields, detail=decode(row["detail"], dict[str, str], where="audit_entries.detail"))


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def _upsert(connection: Connection, table: Table, rows: Sequence[Mapping[str, object]]) -> None:
    if not rows:
        return
    keys = list(table.primary_key.columns)
    statement = _insert(connection, table)
    rest = {column.name: statement.excluded[column.name] for column in table.columns if column not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=rest), rows)
