"""Tables and queries of runs, gates and regression cases. Every query takes the tenant.

The texts of a case are not here: a case made from an incident lives in a file, and the table knows its digest and where it is.
A body is returned only if it still has the digest under which it was stored.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, PrimaryKeyConstraint, Table, Text, insert, select
from sqlalchemy.engine import Connection

from fairlead.core import decode, digest, digest_bytes
from fairlead.evals.errors import RecordChanged, UnknownRecord
from fairlead.evals.gate import GateResult
from fairlead.evals.model import Case
from fairlead.evals.run import Run
from fairlead.store import metadata

T = TypeVar("T")

RUNS = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("suite", Text, nullable=False),
    Column("suite_digest", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_runs_tenant_started_us", "tenant", "started_us"),
)

RUN_CASES = Table(
    "run_cases",
    metadata,
    Column("run", Text, ForeignKey("runs.id"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("case_id", Text, nullable=False),
    Column("case_digest", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("hazard", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    PrimaryKeyConstraint("run", "place"),
    Index("ix_run_cases_tenant_case_id", "tenant", "case_id"),
)

GATES = Table(
    "gates",
    metadata,
    Column("digest", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("run", Text, ForeignKey("runs.id"), nullable=False),
    Column("suite", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    PrimaryKeyConstraint("tenant", "digest"),
    Index("ix_gates_tenant_at_us", "tenant", "at_us"),
)

CASES = Table(
    "cases",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("incident", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("hazard", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("at_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
    Index("ix_cases_tenant_incident", "tenant", "incident"),
)


class RunRow(NamedTuple):
    """A run, as a list shows it."""

    id: str
    digest: str
    suite: str
    policy: str
    model: str
    started_us: int


class GateRow(NamedTuple):
    """A gate, as a list shows it."""

    digest: str
    run: str
    suite: str
    policy: str
    answer: str
    at_us: int


class StoredCase(NamedTuple):
    """A regression case: where it is, and what it must be."""

    id: str
    digest: str
    incident: str
    kind: str
    hazard: str
    origin: str
    title: str
    file: str
    at_us: int


def add_run(connection: Connection, tenant: str, run: Run) -> None:
    """Store a run and its results; storing the same run again changes nothing.

    Args:
        connection: Of a write transaction.
        tenant: Whose run it is.
        run: The record.

    Raises:
        RecordChanged: Another run is stored under that id.
    """
    stored = connection.execute(select(RUNS.c.digest, RUNS.c.tenant).where(RUNS.c.id == run.id)).first()
    if stored is not None:
        if stored.digest != run.digest or stored.tenant != tenant:
            raise RecordChanged("another run is stored under this id", where=run.id, mend="a run is never changed: run the suite again")
        return
    connection.execute(
        insert(RUNS).values(
            id=run.id,
            tenant=tenant,
            digest=run.digest,
            suite=run.suite,
            suite_digest=run.suite_digest,
            policy=run.key.policy,
            model=run.key.model,
            target=run.key.target,
            started_us=run.started_us,
            ended_us=run.ended_us,
            body=run.canonical().decode(),
        )
    )
    rows = [
        {
            "run": run.id,
            "place": place,
            "tenant": tenant,
            "case_id": result.case,
            "case_digest": result.case_digest,
            "role": result.role,
            "kind": result.kind,
            "hazard": result.hazard,
            "origin": result.origin,
            "outcome": result.outcome,
            "reason": result.reason,
        }
        for place, result in enumerate(run.results)
    ]
    if rows:
        connection.execute(insert(RUN_CASES), rows)


def get_run(connection: Connection, tenant: str, run_id: str) -> Run:
    """Return a run.

    Raises:
        UnknownRecord: This tenant has no such run.
        RecordChanged: What is stored is not what was stored.
    """
    row = connection.execute(select(RUNS.c.digest, RUNS.c.body).where(RUNS.c.tenant == tenant, RUNS.c.id == run_id)).first()
    return _body(row, Run, run_id)


def list_runs(connection: Connection, tenant: str, *, suite: str = "", limit: int = 100) -> tuple[RunRow, ...]:
    """Return the runs of a tenant, latest first.

    Args:
        connection: Of any transaction.
        tenant: Whose runs.
        suite: Only runs of this suite.
        limit: At most so many.
    """
    query = select(RUNS.c.id, RUNS.c.digest, RUNS.c.suite, RUNS.c.policy, RUNS.c.model, RUNS.c.started_us).where(RUNS.c.tenant == tenant)
    if suite:
        query = query.where(RUNS.c.suite == suite)
    rows = connection.execute(query.order_by(RUNS.c.started_us.desc(), RUNS.c.id).limit(limit))
    return tuple(RunRow(*row) for row in rows)


def add_gate(connection: Connection, tenant: str, result: GateResult) -> None:
    """Store the answer of a gate; its run must be stored, and storing it again changes nothing.

    Args:
        connection: Of a write transaction.
        tenant: Whose gate it is.
        result: The record.

    Raises:
        UnknownRecord: The run that it is about is not stored for this tenant.
        RecordChanged: The stored run is not the one that the gate was asked about.
    """
    run = connection.execute(select(RUNS.c.digest).where(RUNS.c.tenant == tenant, RUNS.c.id == result.run)).first()
    if run is None:
        raise UnknownRecord("the run of this gate is not stored", where=result.run, mend="store the run first")
    if run.digest != result.run_digest:
        raise RecordChanged(
            "the gate is about other bytes than the stored run's", where=result.run, mend="ask the gate about the stored run"
        )
    known = select(GATES.c.digest).where(GATES.c.tenant == tenant, GATES.c.digest == result.digest)
    if connection.execute(known).first() is not None:
        return
    connection.execute(
        insert(GATES).values(
            digest=result.digest,
            tenant=tenant,
            run=result.run,
            suite=result.suite,
            policy=result.key.policy,
            answer=result.answer,
            at_us=result.at_us,
            body=result.canonical().decode(),
        )
    )


def get_gate(connection: Connection, tenant: str, gate_digest: str) -> GateResult:
    """Return the answer of a gate by its digest.

    Raises:
        UnknownRecord: This tenant has no such gate.
        RecordChanged: What is stored is not what was stored.
    """
    query = select(GATES.c.digest, GATES.c.body).where(GATES.c.tenant == tenant, GATES.c.digest == gate_digest)
    return _body(connection.execute(query).first(), GateResult, gate_digest)


def list_gates(connection: Connection, tenant: str, *, suite: str = "", limit: int = 100) -> tuple[GateRow, ...]:
    """Return the gates of a tenant, latest first.

    Args:
        connection: Of any transaction.
        tenant: Whose gates.
        suite: Only gates of this suite.
        limit: At most so many.
    """
    columns = (GATES.c.digest, GATES.c.run, GATES.c.suite, GATES.c.policy, GATES.c.answer, GATES.c.at_us)
    query = select(*columns).where(GATES.c.tenant == tenant)
    if suite:
        query = query.where(GATES.c.suite == suite)
    rows = connection.execute(query.order_by(GATES.c.at_us.desc(), GATES.c.digest).limit(limit))
    return tuple(GateRow(*row) for row in rows)


def add_case(connection: Connection, tenant: str, case: Case, *, incident: str, file: str, at_us: int) -> StoredCase:
    """Note a case that an incident left behind; noting the same case again changes nothing.

    Args:
        connection: Of a write transaction.
        tenant: Whose case it is.
        case: The case; its texts stay in the file.
        incident: ``inc_…`` that it was made from.
        file: Where the case is, as the gate is given it.
        at_us: When it was made.

    Raises:
        RecordChanged: Another case is noted under that id.
    """
    stored = StoredCase(case.id, digest(case), incident, case.kind, case.hazard, case.origin, case.title, file, at_us)
    row = connection.execute(select(CASES.c.digest).where(CASES.c.tenant == tenant, CASES.c.id == case.id)).first()
    if row is None:
        connection.execute(insert(CASES).values(tenant=tenant, **stored._asdict()))
    elif row.digest != stored.digest:
        raise RecordChanged("another case is noted under this id", where=case.id, mend="a regression case is never changed: make a new one")
    return stored


def list_cases(connection: Connection, tenant: str, *, incident: str = "") -> tuple[StoredCase, ...]:
    """Return the regression cases of a tenant in the order of their making.

    Args:
        connection: Of any transaction.
        tenant: Whose cases.
        incident: Only those of this incident.
    """
    query = select(*(CASES.c[name] for name in StoredCase._fields)).where(CASES.c.tenant == tenant)
    if incident:
        query = query.where(CASES.c.incident == incident)
    return tuple(StoredCase(*row) for row in connection.execute(query.order_by(CASES.c.at_us, CASES.c.id)))


def missing_cases(connection: Connection, tenant: str, cases: Sequence[Case]) -> tuple[StoredCase, ...]:
    """Return the noted cases that are not among those given, or not as they were: a gate without them is no gate.

    Args:
        connection: Of any transaction.
        tenant: Whose cases.
        cases: What the gate was given.
    """
    given = {case.id: digest(case) for case in cases}
    return tuple(stored for stored in list_cases(connection, tenant) if given.get(stored.id) != stored.digest)


def _body(row: Sequence[str] | None, kind: type[T], name: str) -> T:
    if row is None:
        raise UnknownRecord("there is no such record", where=name, mend="list what there is")
    if digest_bytes(row[1].encode()) != row[0]:
        raise RecordChanged("the stored record no longer has the digest it was stored under", where=name, mend="restore it from a backup")
    return decode(row[1], kind, where=name)
