"""Stored runs, gates and cases: what comes back is what was put in, for this tenant only, or an error."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, create_engine, update

from fairlead.evals import Observation, Plan, RecordChanged, Run, Suite, UnknownRecord, gate, run_suite
from fairlead.evals import records as rows
from fairlead.testing import FixedClock
from fairlead.testing.targets import ScriptedTarget, made_case

SUITE = Suite(name="s", cases=tuple(made_case(number) for number in range(3)), claims=())
TABLES = (rows.RUNS, rows.RUN_CASES, rows.GATES, rows.CASES)


def made_run(suite: Suite = SUITE) -> Run:
    return run_suite(suite, ScriptedTarget(lambda _: Observation(reply="ok", blocked=False)), plan=Plan(model="m"), clock=FixedClock())


@pytest.fixture
def connection() -> Iterator[Connection]:
    engine = create_engine("sqlite://")
    with engine.begin() as opened:
        for table in TABLES:
            table.create(opened)
        yield opened
    engine.dispose()


def test_a_run_comes_back_as_it_was_and_twice_is_once(connection: Connection) -> None:
    run = made_run()
    rows.add_run(connection, "t1", run)
    rows.add_run(connection, "t1", run)
    assert rows.get_run(connection, "t1", run.id) == run
    assert [row.id for row in rows.list_runs(connection, "t1", suite="s")] == [run.id]
    assert rows.list_runs(connection, "t1", suite="other") == ()


def test_another_run_under_the_same_id_is_refused(connection: Connection) -> None:
    run = made_run()
    rows.add_run(connection, "t1", run)
    with pytest.raises(RecordChanged):
        rows.add_run(connection, "t1", msgspec.structs.replace(run, ended_us=1))
    with pytest.raises(RecordChanged):
        rows.add_run(connection, "t2", run)


def test_tenants_do_not_meet(connection: Connection) -> None:
    run, case = made_run(), made_case(9)
    rows.add_run(connection, "t1", run)
    rows.add_case(connection, "t1", case, incident="inc_1", file="cases/u.jsonl", at_us=1)
    result = gate(SUITE, run, clock=FixedClock())
    rows.add_gate(connection, "t1", result)
    assert rows.list_runs(connection, "t2") == rows.list_gates(connection, "t2") == rows.list_cases(connection, "t2") == ()
    for ask in (lambda: rows.get_run(connection, "t2", run.id), lambda: rows.get_gate(connection, "t2", result.digest)):
        with pytest.raises(UnknownRecord):
            ask()
    with pytest.raises(UnknownRecord):
        rows.add_gate(connection, "t2", result)


def test_a_gate_belongs_to_the_very_bytes_of_its_run(connection: Connection) -> None:
    run = made_run()
    result = gate(SUITE, run, clock=FixedClock())
    with pytest.raises(UnknownRecord):
        rows.add_gate(connection, "t1", result)
    rows.add_run(connection, "t1", run)
    rows.add_gate(connection, "t1", result)
    rows.add_gate(connection, "t1", result)
    assert rows.get_gate(connection, "t1", result.digest) == result
    assert [(row.run, row.answer) for row in rows.list_gates(connection, "t1", suite="s")] == [(run.id, "PASS")]
    with pytest.raises(RecordChanged):
        rows.add_gate(connection, "t1", msgspec.structs.replace(result, run_digest="sha256:other"))


def test_an_edited_body_is_found(connection: Connection) -> None:
    run = made_run()
    rows.add_run(connection, "t1", run)
    edited = run.canonical().decode().replace('"safe"', '"good"')
    connection.execute(update(rows.RUNS).values(body=edited))
    with pytest.raises(RecordChanged) as caught:
        rows.get_run(connection, "t1", run.id)
    assert caught.value.exit_code == 20


def test_a_case_is_noted_without_its_texts_and_missed_when_it_is_gone(connection: Connection) -> None:
    case = made_case(9)
    stored = rows.add_case(connection, "t1", case, incident="inc_1", file="cases/u.jsonl", at_us=1)
    assert rows.add_case(connection, "t1", case, incident="inc_1", file="cases/u.jsonl", at_us=1) == stored
    assert rows.list_cases(connection, "t1", incident="inc_1") == (stored,)
    assert rows.list_cases(connection, "t1", incident="inc_2") == ()
    assert case.user not in str(stored)
    changed = msgspec.structs.replace(case, user="softer")
    assert rows.missing_cases(connection, "t1", (case,)) == ()
    assert rows.missing_cases(connection, "t1", (changed,)) == rows.missing_cases(connection, "t1", ()) == (stored,)
    with pytest.raises(RecordChanged):
        rows.add_case(connection, "t1", changed, incident="inc_1", file="cases/u.jsonl", at_us=1)


def test_the_migration_makes_the_tables_that_the_code_declares() -> None:
    found = importlib.util.find_spec("fairlead.store")
    assert found is not None
    assert found.origin is not None
    path = Path(found.origin).parent / "migrations" / "versions" / "0004_evals.py"
    spec = importlib.util.spec_from_file_location("migration_0004", path)
    assert spec is not None
    assert spec.loader is not None
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    engine = create_engine("sqlite://")
    with engine.begin() as opened:
        context = MigrationContext.configure(opened, opts={"compare_type": True})
        with Operations.context(context):
            migration.upgrade()
        names = {table.name for table in TABLES}
        differences = [item for item in compare_metadata(context, rows.metadata) if any(name in str(item) for name in names)]
    engine.dispose()
    assert differences == []
