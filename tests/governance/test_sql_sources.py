"""Law 8 against the real tables, on SQLite and PostgreSQL: who can write the database still can't make a figure."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from governance.scene import DAY_US, NOW_US, PERIOD
from sqlalchemy import insert, text

from fairlead.core import Decision, canonical_bytes, digest_bytes
from fairlead.evals.records import add_gate, add_run
from fairlead.governance import Card, Figure, Notary, build_card, build_readiness
from fairlead.governance.records import sql_sources
from fairlead.incidents import Incident
from fairlead.incidents.records import INCIDENTS
from fairlead.ledger import ephemeral_key
from fairlead.ledger.records import Ledger
from fairlead.releases.records import put_in_force
from fairlead.store import Store
from fairlead.store.records import put_decisions
from fairlead.testing import FixedClock
from fairlead.testing.governance import gate_record, incident_record, release_record, run_record


class Plane(NamedTuple):
    """A store with a System in it."""

    store: Store
    ledger: Ledger

    def card(self, tenant: str = "t1") -> Card:
        keys = {self.ledger.key.key_id: self.ledger.key.public}
        return build_card(sql_sources(self.store, self.ledger, keys), tenant, "assistant", period=PERIOD)

    def execute(self, *statements: str) -> None:
        with self.store.write() as connection:
            for statement in statements:
                connection.execute(text(statement))

    def kpi(self, number: int) -> Figure:
        return next(kpi.figure for kpi in self.card().kpis if kpi.number == number)


def put_incident(plane: Plane, incident: Incident) -> None:
    row = {column.name: getattr(incident, column.name) for column in INCIDENTS.columns if column.name != "body"}
    with plane.store.write() as connection:
        connection.execute(insert(INCIDENTS).values(row | {"body": canonical_bytes(incident).decode()}))


def a_decision(number: int, *, tenant: str = "t1", took_us: int) -> Decision:
    return Decision(
        id=f"d_{tenant}_{number}",
        exchange=f"x_{number // 2}",
        tenant=tenant,
        system="assistant",
        release="sha256:r",
        stage="input",
        at_us=NOW_US - DAY_US,
        verdict="allow",
        action="allow",
        took_us=took_us,
    )


@pytest.fixture
def plane(store: Store) -> Plane:
    clock = FixedClock(NOW_US - DAY_US)
    made = Plane(store, Ledger(store, ephemeral_key(), clock))
    release = release_record(at_us=NOW_US - DAY_US)
    put_in_force(store, made.ledger, release)
    notary = Notary(made.ledger, clock, tenant="t1", system="assistant")
    for name, policy, hits in (("run_open", "", 90), ("run_guarded", release.id, 0)):
        run = run_record(name, policy=policy, unsafe=[i < hits for i in range(100)], blocked=[False] * 200, at_us=NOW_US - DAY_US)
        with store.write() as connection:
            add_run(connection, "t1", run)
        notary.attest_run(run)
        if policy:
            result = gate_record(run, answer="PASS", at_us=NOW_US - DAY_US)
            with store.write() as connection:
                add_gate(connection, "t1", result)
            notary.attest_gate(result)
    put_incident(made, incident_record("inc_1", at_us=NOW_US - 2 * DAY_US))
    decisions = [a_decision(number, took_us=100 + number) for number in range(300)]
    decisions += [a_decision(number, tenant="t2", took_us=10_000_000) for number in range(300)]
    with store.write() as connection:
        put_decisions(connection, [(decision, canonical_bytes(decision).decode()) for decision in decisions])
    return made


def test_everything_is_read_from_the_tables(plane: Plane) -> None:
    card = plane.card()
    assert card.unsupported == 0, [kpi.figure.why for kpi in card.kpis]
    assert card.release.record is not None
    assert card.suites[0].overall[0].unguarded is not None
    assert card.suites[0].overall[0].unguarded.value == 0.9
    assert (plane.kpi(3).k, plane.kpi(3).n) == (1, 150)
    assert plane.kpi(6).value == 60.0
    # An Exchange has two Decisions, 100 + 2i and 101 + 2i microseconds; the 143rd of 150 is i = 142.
    assert plane.kpi(20).value == pytest.approx((201 + 4 * 142) / 1000)
    assert [line.ref.kind for line in card.evidence] == ["release", "run", "run", "gate"]
    keys = {plane.ledger.key.key_id: plane.ledger.key.public}
    sources = sql_sources(plane.store, plane.ledger, keys)
    assert sources.evidence.systems("t1") == ("assistant",)
    report = build_readiness(sources, "t1", "assistant", period=PERIOD)
    assert report.answer == "GO", report.reasons


def test_tenants_do_not_meet(plane: Plane) -> None:
    card = plane.card("t2")
    assert card.release.standing == "no_data"
    assert card.suites == ()
    assert card.evidence == ()
    assert card.incidents == ()
    assert [kpi.number for kpi in card.kpis if kpi.figure.supported] == [3, 20], "t2 has Decisions of its own and nothing else"


EDIT = 'UPDATE runs SET body = replace(body, \'"outcome":"safe"\', \'"outcome":"unsafe"\') WHERE id = \'run_guarded\''


def test_changing_the_stored_run_turns_the_figure_red(plane: Plane) -> None:
    plane.execute(EDIT)
    figure = plane.kpi(9)
    assert (figure.standing, figure.value) == ("contradicted", None)


def test_changing_the_run_and_every_digest_beside_it_does_not_help(plane: Plane) -> None:
    """The forger writes the true digest of the changed run into both tables; the digest that counts is inside the signed statement."""
    plane.execute(EDIT)
    with plane.store.write() as connection:
        changed = digest_bytes(connection.execute(text("SELECT body FROM runs WHERE id = 'run_guarded'")).scalar_one().encode())
        connection.execute(text("UPDATE runs SET digest = :digest WHERE id = 'run_guarded'"), {"digest": changed})
        connection.execute(text("UPDATE ledger_entries SET digest = :digest WHERE subject = 'run_guarded'"), {"digest": changed})
    assert plane.kpi(9).standing == "contradicted"


@pytest.mark.parametrize(
    ("statement", "standing"),
    [
        ("UPDATE ledger_entries SET envelope = replace(envelope, 'sig', 'gis') WHERE subject = 'run_guarded'", "unsigned"),
        ("UPDATE ledger_entries SET envelope = replace(envelope, 'payload', 'peyload') WHERE subject = 'run_guarded'", "unsigned"),
        ("UPDATE ledger_entries SET subject = 'run_guarded' WHERE subject = 'run_open'", "unsigned"),
        ("UPDATE ledger_entries SET subject = 'run_open' WHERE subject = 'run_guarded'", "unsigned"),
        ("DELETE FROM ledger_entries WHERE subject = 'run_guarded'", "no_data"),
    ],
)
def test_tampering_with_the_index_of_the_ledger_carries_nothing(plane: Plane, statement: str, standing: str) -> None:
    plane.execute(statement)
    assert plane.kpi(9).standing == standing


def test_deleting_the_stored_run_turns_the_figure_red(plane: Plane) -> None:
    plane.execute("DELETE FROM gates", "DELETE FROM run_cases WHERE run = 'run_guarded'", "DELETE FROM runs WHERE id = 'run_guarded'")
    assert plane.kpi(9).standing == "missing"
    assert {line.standing for line in plane.card().evidence} == {"supported", "missing"}


SPOILS: list[tuple[str, Callable[[Card], object]]] = [
    ("UPDATE releases SET body = replace(body, 'support-platform', 'nobody')", lambda card: card.release.standing),
    ("DELETE FROM releases", lambda card: card.release.standing),
    ("UPDATE release_pointers SET release = 'sha256:other'", lambda card: card.release.id),
    ("DELETE FROM incidents", lambda card: card.incidents),
    ("DELETE FROM decisions WHERE id = 'd_t1_299'", lambda card: card.kpis[-1].figure),
]


@pytest.mark.parametrize(("statement", "look"), SPOILS)
def test_changing_any_record_changes_the_card(plane: Plane, statement: str, look: Callable[[Card], object]) -> None:
    before = plane.card()
    plane.execute(statement)
    assert look(plane.card()) != look(before)
