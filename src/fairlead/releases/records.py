"""Recorded Releases, and the one in force for each System. Record, pointer and attestation are one transaction."""

from sqlalchemy import BigInteger, Column, Connection, Index, Table, Text, delete, insert, select

from fairlead.core import canonical_bytes, decode
from fairlead.ledger import Predicate, attest
from fairlead.ledger.records import Ledger
from fairlead.releases.errors import ReleaseUnknown
from fairlead.releases.model import ReleaseRecord
from fairlead.store import Store, metadata

releases = Table(
    "releases",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("system", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_releases_tenant_system_at_us", "tenant", "system", "at_us"),
)

release_pointers = Table(
    "release_pointers",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("system", Text, primary_key=True),
    Column("release", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
)


def put_in_force(store: Store, ledger: Ledger, record: ReleaseRecord) -> bool:
    """Record a Release, sign it, and point its System at it.

    Args:
        store: Where it is recorded.
        ledger: Signs it.
        record: The Release.

    Returns:
        True when it was new; a Release that is known already is only pointed at.
    """
    with store.write() as connection:
        new = body_of(connection, record.tenant, record.id) is None
        if new:
            _record(connection, ledger, record)
        _point(connection, record)
    return new


def current(connection: Connection, tenant: str, system: str) -> str:
    """Return the id of the Release in force for a System; empty when there is none."""
    table = release_pointers
    query = select(table.c.release).where(table.c.tenant == tenant, table.c.system == system)
    return str(connection.execute(query).scalar_one_or_none() or "")


def systems(connection: Connection, tenant: str) -> tuple[str, ...]:
    """Return the names of the Systems of a tenant that have a Release in force."""
    table = release_pointers
    return tuple(connection.execute(select(table.c.system).where(table.c.tenant == tenant).order_by(table.c.system)).scalars())


def body_of(connection: Connection, tenant: str, identifier: str) -> bytes | None:
    """Return the canonical bytes of a recorded Release as they are stored; None when there is none."""
    query = select(releases.c.body).where(releases.c.tenant == tenant, releases.c.id == identifier)
    body = connection.execute(query).scalar_one_or_none()
    return None if body is None else str(body).encode()


def find(connection: Connection, tenant: str, identifier: str) -> ReleaseRecord:
    """Return a recorded Release.

    Raises:
        ReleaseUnknown: This tenant has none of that id.
    """
    body = body_of(connection, tenant, identifier)
    if body is None:
        raise ReleaseUnknown("no such Release was recorded", where=identifier, mend="start the gateway with its policy once")
    return decode(body, ReleaseRecord, where=identifier)


def history(connection: Connection, tenant: str, system: str, *, limit: int = 50) -> tuple[ReleaseRecord, ...]:
    """Return the recorded Releases of a System, newest first."""
    query = select(releases.c.body).where(releases.c.tenant == tenant, releases.c.system == system)
    rows = connection.execute(query.order_by(releases.c.at_us.desc(), releases.c.id).limit(limit)).scalars()
    return tuple(decode(body, ReleaseRecord) for body in rows)


def _record(connection: Connection, ledger: Ledger, record: ReleaseRecord) -> None:
    body = canonical_bytes(record)
    row = {name: getattr(record, name) for name in ("tenant", "id", "system", "tier", "at_us")}
    connection.execute(insert(releases).values(row | {"body": body.decode()}))
    said = Predicate(at_us=record.at_us, tenant=record.tenant, system=record.system, facts={"tier": record.tier, "by": record.by})
    ledger.append_within(connection, attest("release", {record.id: body}, said, ledger.key), {record.id: body})


def _point(connection: Connection, record: ReleaseRecord) -> None:
    table = release_pointers
    connection.execute(delete(table).where(table.c.tenant == record.tenant, table.c.system == record.system))
    row = {"tenant": record.tenant, "system": record.system, "release": record.id, "by": record.by, "at_us": record.at_us}
    connection.execute(insert(table).values(row))
