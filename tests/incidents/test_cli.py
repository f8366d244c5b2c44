"""`fairlead incident`: what an on-call engineer types, and what comes back."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner, Result
from incidents.test_desk import CANARY, House

from fairlead.cli.incidents import incident
from fairlead.core import FairleadError
from fairlead.guard import read_levers
from fairlead.identity import LOCAL_OPERATOR, Identity, LoginRefused, Passwords, PermissionRefused
from fairlead.identity.records import IdentityRecords
from fairlead.incidents import ContainmentUnproven, Incident, IncidentDesk, SecondPersonNeeded
from fairlead.store import open_store

PASSWORD = "a long enough password"


class Room:
    """The control plane, as far as these commands need it."""

    def __init__(self, folder: Path) -> None:
        store = open_store(f"sqlite:///{folder / 'store.db'}")
        store.upgrade()
        self.house = House(folder, store)
        passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.identity = Identity(IdentityRecords(store), passwords=passwords, clock=self.house.clock, snapshot=folder / "keys.json")
        for login, role in (("alice", "incident_commander"), ("bob", "incident_commander"), ("ann", "auditor")):
            self.identity.create_account(LOCAL_OPERATOR, "t1", login=login, password=PASSWORD, roles=[role])
        (folder / "password").write_text(PASSWORD + "\n")

    @property
    def desk(self) -> IncidentDesk:
        return self.house.desk

    def look(self) -> tuple[Incident, ...]:
        return self.house.watch()

    def run(self, *words: str, text: str = "") -> Result:
        return CliRunner().invoke(incident, [*words, "--tenant", "t1"], obj=self, input=text)

    def act(self, login: str, *words: str) -> Result:
        return self.run(*words, "--as", login, "--password-file", str(self.house.folder / "password"), "--reason", "because")


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def failed(result: Result, kind: type[FairleadError]) -> bool:
    return isinstance(result.exception, kind)


def found(room: Room) -> Sequence[dict[str, str]]:
    listed: Sequence[dict[str, str]] = json.loads(room.run("list", "--json").output)["incidents"]
    return listed


def test_the_whole_life_of_an_incident(room: Room) -> None:
    incident_id = room.house.attacked(capture="cap_1").id
    assert [each["status"] for each in found(room)] == ["open"]
    contained = room.act("alice", "contain", incident_id, "--tool", "send_email")
    assert (contained.exit_code, "contained: 2 of 2 live workers obey" in contained.output) == (0, True)
    (lever,) = read_levers(room.house.folder / "levers.json")
    assert failed(room.act("alice", "release", incident_id, lever.id), SecondPersonNeeded)
    made = room.act("alice", "to-case", incident_id)
    assert "the gate includes it" in made.output
    assert room.act("bob", "release", incident_id, lever.id).output.strip() == f"{incident_id} is resolved"
    assert room.act("bob", "close", incident_id).output.strip() == f"{incident_id} is closed"
    shown = room.run("show", incident_id).output
    for word in ("closed", "worker-0", "lever released", "case made"):
        assert word in shown
    assert json.loads(room.run("show", incident_id, "--json").output)["incident"]["status"] == "closed"
    assert CANARY not in shown + made.output + contained.output


def test_a_worker_that_does_not_obey_ends_the_command_with_an_error_that_names_it(room: Room) -> None:
    incident_id = room.house.attacked().id
    room.house.workers.obey["worker-1"] = False
    result = room.act("alice", "contain", incident_id, "--tool", "send_email")
    assert failed(result, ContainmentUnproven)
    assert "worker-1" in str(result.exception)
    assert ContainmentUnproven.exit_code == 12
    assert found(room)[0]["status"] == "open"


def test_who_may_not_or_does_not_know_the_password_changes_nothing(room: Room) -> None:
    incident_id = room.house.attacked().id
    assert failed(room.act("ann", "contain", incident_id, "--tool", "send_email"), PermissionRefused)
    words = ("contain", incident_id, "--tool", "send_email", "--as", "alice", "--reason", "because")
    assert failed(room.run(*words, text="not the password\n"), LoginRefused)
    assert read_levers(room.house.folder / "levers.json") == ()
    assert room.run(*words, text=PASSWORD + "\n").exit_code == 0


@pytest.mark.parametrize("words", [(), ("--tool", "a", "--model", "b")])
def test_one_lever_at_a_time(room: Room, words: tuple[str, ...]) -> None:
    result = room.act("alice", "contain", room.house.attacked().id, *words)
    assert "one lever" in str(result.exception)
