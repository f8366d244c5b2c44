"""`fairlead approval`: what a reviewer types, and what comes back."""

import json
from pathlib import Path

import msgspec
import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner, Result

from fairlead.agents import ApprovalDesk, ApprovalNotFound, ApprovalRequest, FileApprovals, SelfApproval, asked_entry
from fairlead.agents.records import read_load
from fairlead.cli.approvals import approval
from fairlead.core import FairleadError
from fairlead.identity import LOCAL_OPERATOR, Identity, LoginRefused, Passwords, PermissionRefused
from fairlead.identity.records import IdentityRecords
from fairlead.journal import AuditEntry, Fingerprinter
from fairlead.store import open_store
from fairlead.testing import FixedClock

PASSWORD = "a long enough password"
REQUEST = ApprovalRequest(
    tenant="t1",
    system="shop",
    release="sha256:r",
    tool="send_email",
    requester="rita",
    trajectory="",
    exchange="x_1",
    arguments='{"body":"canary","extra":1,"to":"canary@evil.test"}',
    origins=(("to", ("untrusted",)), ("body", ("user", "untrusted"))),
    unmet=("to.domain_in",),
)


class Room:
    """The control plane, as far as these commands need it."""

    def __init__(self, folder: Path) -> None:
        self.clock = FixedClock()
        store = self.store = open_store(f"sqlite:///{folder / 'store.db'}")
        store.upgrade()
        passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.records = IdentityRecords(store)
        self.identity = Identity(self.records, passwords=passwords, clock=self.clock, snapshot=folder / "keys.json")
        self.accounts = {
            login: self.identity.create_account(LOCAL_OPERATOR, "t1", login=login, password=PASSWORD, roles=[role]).id
            for login, role in (("rita", "reviewer"), ("bob", "incident_commander"), ("ann", "auditor"))
        }
        self.password = folder / "password"
        self.password.write_text(PASSWORD + "\n")
        self.files = FileApprovals(folder / "approvals", Fingerprinter(b"k" * 32), self.clock)
        self.approvals = ApprovalDesk(self.files, self.records.note, self.clock)

    def run(self, *words: str, text: str = "") -> Result:
        return CliRunner().invoke(approval, [*words, "--tenant", "t1"], obj=self, input=text)

    def act(self, login: str, *words: str) -> Result:
        return self.run(*words, "--as", login, "--password-file", str(self.password))

    def trail(self, target: str) -> list[AuditEntry]:
        return self.records.audit("t1", target=target, limit=10)


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return Room(tmp_path)


def test_the_load_is_told_with_its_counts(room: Room) -> None:
    room.approval_load = lambda tenant, *, since_us, until_us: read_load(room.store, tenant, since_us=since_us, until_us=until_us)  # type: ignore[attr-defined] # as the control plane has it
    told = json.loads(room.run("stats", "--json").output)
    assert (told["calls"], told["asked"], told["per_call"], told["median_us"]) == (0, 0, None, None)
    assert "no data" in room.run("stats").output
    for number, answer in enumerate(("grant", "refuse", "")):
        room.files.ask(msgspec.structs.replace(REQUEST, arguments=f'{{"to":{number}}}'))
        room.clock.advance(30_000_000)
        asked = room.files.live("t1")[-1]
        room.records.note(asked_entry(asked))
        if answer:
            room.act("bob", answer, asked.id)
    told = json.loads(room.run("stats", "--json").output)
    assert (told["asked"], told["answered"], told["median_us"]) == (3, 2, 30_000_000)
    assert (told["untrusted"]["k"], told["overridden"]["k"], told["overridden"]["n"], told["unanswered"]["k"]) == (3, 1, 2, 1)
    assert "30 s (n = 2)" in room.run("stats").output


def failed(result: Result, kind: type[FairleadError]) -> bool:
    return isinstance(result.exception, kind)


def test_a_reviewer_sees_what_waits_and_grants_it(room: Room) -> None:
    asked = room.files.ask(REQUEST)
    shown = room.run("list").output
    for word in (asked.id, "waiting", "send_email", "to (untrusted)", "1 more", "to.domain_in"):
        assert word in shown
    assert "canary" not in shown
    granted = room.act("bob", "grant", asked.id, "--reason", "the customer asked by phone")
    assert (granted.exit_code, f"{asked.id} is granted" in granted.output) == (0, True)
    (listed,) = json.loads(room.run("list", "--json").output)["approvals"]
    assert (listed["state"], listed["approver"]) == ("granted", room.accounts["bob"])
    (entry,) = room.trail(asked.id)
    assert (entry.actor, entry.action, entry.detail["tool"]) == (room.accounts["bob"], "approval.grant", "send_email")
    assert entry.detail["reason"] == "the customer asked by phone"
    assert room.files.redeem(asked.id, REQUEST)
    assert json.loads(room.run("list", "--json").output) == {"approvals": []}


@pytest.mark.parametrize(("option", "scope"), [("--values", "values"), ("--sources", "sources"), ("", "call")])
def test_a_reviewer_can_vouch_for_more_than_the_call(room: Room, option: str, scope: str) -> None:
    asked = room.files.ask(msgspec.structs.replace(REQUEST, sources=("read_page",)))
    assert "read_page" in room.run("list").output
    assert json.loads(room.act("bob", "grant", asked.id, "--json", *filter(None, [option])).output)["scope"] == scope
    (entry,) = room.trail(asked.id)
    assert entry.detail["scope"] == scope
    assert room.files.redeem(asked.id, msgspec.structs.replace(REQUEST, sources=("read_page",))) == scope


def test_what_is_refused_stays_refused(room: Room) -> None:
    asked = room.files.ask(REQUEST)
    assert json.loads(room.act("bob", "refuse", asked.id, "--json").output)["state"] == "refused"
    assert failed(room.act("bob", "grant", asked.id), ApprovalNotFound)
    assert [entry.action for entry in room.trail(asked.id)] == ["approval.refuse"]
    assert not room.files.redeem(asked.id, REQUEST)


@pytest.mark.parametrize(
    ("login", "error"), [("ann", PermissionRefused), ("rita", SelfApproval)], ids=["without the permission", "the requester"]
)
def test_who_may_not_answer_changes_nothing(room: Room, login: str, error: type[FairleadError]) -> None:
    asked = room.files.ask(REQUEST)
    assert failed(room.act(login, "grant", asked.id), error)
    assert room.trail(asked.id) == []
    assert not room.files.redeem(asked.id, REQUEST)


def test_who_does_not_know_the_password_changes_nothing(room: Room) -> None:
    asked = room.files.ask(REQUEST)
    assert failed(room.run("grant", asked.id, "--as", "bob", text="not the password\n"), LoginRefused)
    assert room.files.ask(REQUEST).state == "waiting"
    assert room.run("grant", asked.id, "--as", "bob", text=PASSWORD + "\n").exit_code == 0


def test_an_answer_that_came_too_late_is_void_in_the_trail(room: Room) -> None:
    asked = room.files.ask(REQUEST)

    def slow(entry: AuditEntry) -> None:
        room.records.note(entry)
        room.clock.advance(15 * 60 * 1_000_000)

    room.approvals = ApprovalDesk(room.files, slow, room.clock)
    assert failed(room.act("bob", "grant", asked.id), ApprovalNotFound)
    assert [entry.action for entry in room.trail(asked.id)] == ["approval.void", "approval.grant"]
