"""The ledger's tables: one append-only log for each tenant, its signed heads, and the records as they were signed.

An append is one transaction: it takes the log's lock, extends the tree by its frontier, and stores entry, head and records together.
Rows are only ever inserted, but for the one that holds a log's size and frontier.
"""

from collections.abc import Iterable, Mapping

import msgspec
from sqlalchemy import BigInteger, Column, Connection, Index, RowMapping, Table, Text, func, insert, select, update
from sqlalchemy.exc import IntegrityError as UniqueViolation

from fairlead.core import Clock, FairleadError, canonical_bytes, decode, digest_bytes
from fairlead.ledger.bundle import Log, compose, record_name
from fairlead.ledger.envelope import Envelope, parse_envelope
from fairlead.ledger.errors import RecordMismatch
from fairlead.ledger.keys import Signer
from fairlead.ledger.merkle import Frontier, leaf_hash
from fairlead.ledger.statement import (
    Checkpoint,
    Kind,
    Predicate,
    Statement,
    attest,
    peek_statement,
    root_bytes,
    root_text,
    sign_checkpoint,
)
from fairlead.ledger.trust import TrustRoot, make_trust_root
from fairlead.store import Store, metadata

ledger_logs = Table(
    "ledger_logs",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("frontier", Text, nullable=False),
)

ledger_entries = Table(
    "ledger_entries",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("system", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("envelope", Text, nullable=False),
    Index(None, "tenant", "system", "kind"),
    Index(None, "tenant", "subject"),
)

ledger_checkpoints = Table(
    "ledger_checkpoints",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("size", BigInteger, primary_key=True, autoincrement=False),
    Column("root", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("envelope", Text, nullable=False),
)

ledger_records = Table(
    "ledger_records",
    metadata,
    Column("tenant", Text, primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("body", Text, nullable=False),
)


class Attested(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of a log, as its index shows it."""

    position: int
    kind: str
    system: str
    subject: str
    """Id of the record."""
    digest: str
    """Digest of the record as it was signed."""
    outcome: str
    at_us: int
    expires_us: int
    """0 means never."""


class LedgerReader:
    """Reads the logs; needs no key.

    Args:
        store: The store.
        prefix: What the names of the logs begin with; the tenant follows.
    """

    def __init__(self, store: Store, *, prefix: str = "fairlead") -> None:
        self._store = store
        self._prefix = prefix

    def origin(self, tenant: str) -> str:
        """Return the name of a tenant's log."""
        return f"{self._prefix}/{tenant}"

    def entries(self, tenant: str, *, after: int = -1, limit: int = 1000) -> list[Attested]:
        """Return the entries after a position, in order."""
        query = select(ledger_entries).where(ledger_entries.c.tenant == tenant, ledger_entries.c.position > after)
        with self._store.read() as connection:
            rows = connection.execute(query.order_by(ledger_entries.c.position).limit(limit)).mappings()
            return [_attested(row) for row in rows]

    def attested(self, tenant: str, system: str, kind: Kind) -> list[Attested]:
        """Return what was attested of a System, newest first."""
        columns = ledger_entries.c
        query = select(ledger_entries).where(columns.tenant == tenant, columns.system == system, columns.kind == kind)
        with self._store.read() as connection:
            return [_attested(row) for row in connection.execute(query.order_by(columns.position.desc())).mappings()]

    def of_subject(self, tenant: str, subject: str) -> list[Attested]:
        """Return what was attested of one record, newest first."""
        columns = ledger_entries.c
        query = select(ledger_entries).where(columns.tenant == tenant, columns.subject == subject)
        with self._store.read() as connection:
            return [_attested(row) for row in connection.execute(query.order_by(columns.position.desc())).mappings()]

    def envelope(self, tenant: str, position: int) -> Envelope | None:
        """Return the signed envelope at a place of the log."""
        columns = ledger_entries.c
        query = select(columns.envelope).where(columns.tenant == tenant, columns.position == position)
        with self._store.read() as connection:
            text = connection.execute(query).scalar_one_or_none()
        return None if text is None else parse_envelope(text.encode(), where=f"entry {position}")

    def record(self, tenant: str, digest: str) -> bytes | None:
        """Return a record as it was signed."""
        query = select(ledger_records.c.body).where(ledger_records.c.tenant == tenant, ledger_records.c.digest == digest)
        with self._store.read() as connection:
            body = connection.execute(query).scalar_one_or_none()
        return None if body is None else str(body).encode()

    def head(self, tenant: str) -> Checkpoint | None:
        """Return the last tree head of a tenant's log; None when nothing was attested yet."""
        table = ledger_checkpoints
        query = select(table.c.size, table.c.root, table.c.at_us).where(table.c.tenant == tenant).order_by(table.c.size.desc()).limit(1)
        with self._store.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else Checkpoint(origin=self.origin(tenant), size=row.size, root=row.root, at_us=row.at_us)

    def log(self, tenant: str) -> Log:
        """Return a tenant's whole log with its records, read in one transaction."""
        with self._store.read() as connection:
            entries = _texts(connection, ledger_entries, tenant, "position", "envelope")
            heads = _texts(connection, ledger_checkpoints, tenant, "size", "envelope")
            query = select(ledger_records.c.digest, ledger_records.c.body).where(ledger_records.c.tenant == tenant)
            bodies = {row.digest: str(row.body).encode() for row in connection.execute(query)}
        records: dict[str, bytes] = {}
        for content in entries.values():
            records |= _records_of(content, bodies)
        return Log(origin=self.origin(tenant), entries=entries, checkpoints=heads, records=records)

    def trust_root(self, tenant: str, *keys: Signer) -> TrustRoot:
        """Return the trust root of a tenant's log, with its present head pinned: hand it to auditors apart from any bundle."""
        trust, head = make_trust_root(self.origin(tenant), *keys), self.head(tenant)
        return trust if head is None else trust.pinned(head)


class Ledger(LedgerReader):
    """Signs and appends.

    Args:
        store: The store.
        key: Who signs entries and heads.
        clock: For the times of heads.
        prefix: What the names of the logs begin with; the tenant follows.
    """

    def __init__(self, store: Store, key: Signer, clock: Clock, *, prefix: str = "fairlead") -> None:
        super().__init__(store, prefix=prefix)
        self._key = key
        self._clock = clock

    @property
    def key(self) -> Signer:
        """Who signs."""
        return self._key

    def attest(self, kind: Kind, subjects: Mapping[str, bytes], predicate: Predicate) -> Attested:
        """Sign a statement about records and append it, in a transaction of its own.

        Args:
            kind: What is attested.
            subjects: Canonical bytes of each record, by the record's id.
            predicate: What is said of them; its tenant says which log.

        Raises:
            RecordMismatch: There is no record.
        """
        return self.append(attest(kind, subjects, predicate, self._key), subjects)

    def append(self, envelope: Envelope, subjects: Mapping[str, bytes]) -> Attested:
        """Append an envelope that is already signed; see :meth:`append_within`."""
        try:
            with self._store.write() as connection:
                return self.append_within(connection, envelope, subjects)
        except UniqueViolation:
            # Two first appends to one log met; the loser finds the log there when it comes again.
            with self._store.write() as connection:
                return self.append_within(connection, envelope, subjects)

    def append_within(self, connection: Connection, envelope: Envelope, subjects: Mapping[str, bytes]) -> Attested:
        """Append an envelope inside the caller's transaction.

        Args:
            connection: An open writing transaction; what it holds becomes visible together with the entry, or not at all.
            envelope: A signed Statement.
            subjects: Canonical bytes of every record that it is about, by id.

        Returns:
            The entry, with its position in the log.

        Raises:
            RecordMismatch: A record is missing, or is not what the Statement's digest says.
        """
        statement = peek_statement(envelope)
        _check_subjects(statement, subjects)
        tenant = statement.predicate.tenant
        before = _lock(connection, tenant)
        after = before.append(leaf_hash(envelope.encoded()))
        entry = _entry(statement, before.size)
        row = msgspec.structs.asdict(entry) | {"tenant": tenant, "envelope": envelope.encoded().decode()}
        connection.execute(insert(ledger_entries).values(row))
        self._sign_head(connection, tenant, after)
        if not statement.predicate.withheld:
            _keep_records(connection, tenant, subjects.values())
        return entry

    def export(self, tenant: str) -> dict[str, bytes]:
        """Return the files of the evidence bundle of a tenant; :func:`fairlead.ledger.write_files` writes them."""
        return compose(self.log(tenant))

    def _sign_head(self, connection: Connection, tenant: str, tree: Frontier) -> None:
        frontier = canonical_bytes([root_text(peak) for peak in tree.peaks]).decode()
        connection.execute(update(ledger_logs).where(ledger_logs.c.tenant == tenant).values(size=tree.size, frontier=frontier))
        head = Checkpoint(origin=self.origin(tenant), size=tree.size, root=root_text(tree.root()), at_us=self._clock.now_us())
        signed = sign_checkpoint(head, self._key).encoded().decode()
        row = {"tenant": tenant, "size": head.size, "root": head.root, "at_us": head.at_us, "envelope": signed}
        connection.execute(insert(ledger_checkpoints).values(row))


def _lock(connection: Connection, tenant: str) -> Frontier:
    """Take the lock of a tenant's log and return its frontier: an update that changes nothing holds the row until the transaction ends."""
    table = ledger_logs
    held = connection.execute(update(table).where(table.c.tenant == tenant).values(size=table.c.size))
    if held.rowcount == 0:
        connection.execute(insert(table).values(tenant=tenant, size=0, frontier="[]"))
        return Frontier()
    row = connection.execute(select(table.c.size, table.c.frontier).where(table.c.tenant == tenant)).one()
    peaks = decode(row.frontier, tuple[str, ...], where="ledger_logs")
    return Frontier(row.size, tuple(root_bytes(peak) for peak in peaks))


def _records_of(entry: bytes, bodies: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the records of an entry under their file names; none for an entry that can't be read, which the verifier will name."""
    try:
        statement = peek_statement(parse_envelope(entry))
    except FairleadError:
        return {}
    return {record_name(statement, of): bodies[of.reference] for of in statement.subject if of.reference in bodies}


def _check_subjects(statement: Statement, subjects: Mapping[str, bytes]) -> None:
    for subject in statement.subject:
        record = subjects.get(subject.name)
        if record is None or digest_bytes(record) != subject.reference:
            what = "the record is missing or is not what was signed"
            raise RecordMismatch(what, where=subject.name, mend="attest the record as it is stored")


def _keep_records(connection: Connection, tenant: str, bodies: Iterable[bytes]) -> None:
    table = ledger_records
    for body in bodies:
        name = digest_bytes(body)
        known = select(func.count()).select_from(table).where(table.c.tenant == tenant, table.c.digest == name)
        if not connection.execute(known).scalar_one():
            connection.execute(insert(table).values(tenant=tenant, digest=name, body=body.decode()))


def _entry(statement: Statement, position: int) -> Attested:
    subject, said = statement.subject[0], statement.predicate
    return Attested(
        position=position,
        kind=statement.kind,
        system=said.system,
        subject=subject.name,
        digest=subject.reference,
        outcome=said.outcome,
        at_us=said.at_us,
        expires_us=said.expires_us,
    )


def _attested(row: RowMapping) -> Attested:
    return Attested(**{name: row[name] for name in Attested.__struct_fields__})


def _texts(connection: Connection, table: Table, tenant: str, number: str, text: str) -> dict[int, bytes]:
    query = select(table.c[number], table.c[text]).where(table.c.tenant == tenant).order_by(table.c[number])
    return {row[0]: str(row[1]).encode() for row in connection.execute(query)}
