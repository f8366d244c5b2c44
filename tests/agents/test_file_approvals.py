"""Approvals in files: what one process asks, another answers, and exactly one of many uses, once."""

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.agents import (
    Answer,
    ApprovalNotFound,
    ApprovalRequest,
    ApprovalsBusy,
    ApprovalUnreadable,
    FileApprovals,
    KeptApproval,
    SelfApproval,
    TooManyApprovals,
)
from fairlead.journal import Fingerprinter
from fairlead.testing import FixedClock

CANARY = "canary-4711"
REQUEST = ApprovalRequest(
    tenant="t1",
    system="shop",
    release="sha256:r",
    tool="send",
    requester=f"user-{CANARY}",
    trajectory="",
    exchange="x_1",
    arguments=f'{{"name-{CANARY}":1,"to":"{CANARY}"}}',
    origins=(("to", ("untrusted",)),),
    unmet=("to.domain_in",),
)
KEY = b"k" * 32
BOSS = Answer(granted=True, approver="acc_boss", login="boss")


def store(folder: Path, clock: FixedClock | None = None, *, key: bytes = KEY, **limits: int) -> FileApprovals:
    return FileApprovals(folder / "approvals", Fingerprinter(key), clock or FixedClock(), **limits)


def unrecorded(_: KeptApproval) -> None:
    """The audit trail of a test that does not look at it."""


def grant(folder: Path, clock: FixedClock | None = None, request: ApprovalRequest = REQUEST) -> str:
    """Ask and grant, each as a process of its own would."""
    asked = store(folder, clock).ask(request)
    store(folder, clock).answer(asked.id, request.tenant, BOSS, unrecorded)
    return asked.id


def file_of(folder: Path) -> Path:
    (path,) = folder.rglob("*.json")
    return path


def changed(**fields: object) -> ApprovalRequest:
    return msgspec.structs.replace(REQUEST, **fields)


def test_what_one_asks_another_answers_and_a_third_uses_once(tmp_path: Path) -> None:
    asked = store(tmp_path).ask(REQUEST)
    assert (asked.state, asked.request) == ("waiting", REQUEST)
    assert not store(tmp_path).redeem(asked.id, REQUEST)
    store(tmp_path).answer(asked.id, "t1", BOSS, unrecorded)
    assert store(tmp_path).ask(REQUEST).state == "granted"
    assert store(tmp_path).redeem(asked.id, REQUEST)
    assert not store(tmp_path).redeem(asked.id, REQUEST)
    again = store(tmp_path).ask(REQUEST)
    assert (again.state, again.id != asked.id) == ("waiting", True)


def test_asking_again_is_the_same_question(tmp_path: Path) -> None:
    assert store(tmp_path).ask(REQUEST).id == store(tmp_path).ask(REQUEST).id
    assert store(tmp_path).ask(changed(exchange="x_2")).id == store(tmp_path).ask(REQUEST).id
    assert len(store(tmp_path).live("t1")) == 1


OTHERS = [
    {"tenant": "t2"},
    {"system": "till"},
    {"release": "sha256:s"},
    {"tool": "send_all"},
    {"requester": "u2"},
    {"trajectory": "t_1"},
    {"arguments": '{"to":"eve"}'},
    {"arguments": "{}"},
    {"origins": (("to", ("user",)),)},
    {"definitions": "sha256:d"},
]


@pytest.mark.parametrize("other", OTHERS, ids=",".join)
def test_an_approval_holds_for_no_other_call(tmp_path: Path, other: dict[str, str]) -> None:
    approval = grant(tmp_path)
    wanted = changed(**other)
    assert not store(tmp_path).redeem(approval, wanted)
    assert store(tmp_path).ask(wanted).id != approval
    assert not store(tmp_path).redeem(approval, wanted)
    assert store(tmp_path).redeem(approval, REQUEST)


@given(st.text(max_size=40) | st.sampled_from(["../x", "*", "apr_" + "a" * 26, "apr_" + "a" * 25 + "\n", "apr_" + "*" * 26]))
def test_no_made_up_id_lets_anything_through(tmp_path_factory: pytest.TempPathFactory, approval: str) -> None:
    folder = tmp_path_factory.mktemp("made-up")
    grant(folder)
    assert not store(folder).redeem(approval, REQUEST)
    with pytest.raises(ApprovalNotFound):
        store(folder).answer(approval, "t1", BOSS, unrecorded)
    shutil.rmtree(folder)


def test_an_approval_expires_before_and_after_its_answer(tmp_path: Path) -> None:
    clock = FixedClock()
    approvals = store(tmp_path, clock, ttl_us=1000)
    asked = approvals.ask(REQUEST)
    clock.advance(1000)
    with pytest.raises(ApprovalNotFound):
        approvals.answer(asked.id, "t1", BOSS, unrecorded)
    second = approvals.ask(REQUEST)
    assert second.id != asked.id
    clock.advance(999)
    approvals.answer(second.id, "t1", BOSS, unrecorded)
    clock.advance(999)
    assert [kept.state for kept in approvals.live("t1")] == ["granted"]
    clock.advance(1)
    assert approvals.live("t1") == ()
    assert not approvals.redeem(second.id, REQUEST)


@pytest.mark.parametrize("granted", [True, False])
def test_an_answer_is_final(tmp_path: Path, granted: bool) -> None:  # noqa: FBT001 - a parameter of a test
    asked = store(tmp_path).ask(REQUEST)
    store(tmp_path).answer(asked.id, "t1", msgspec.structs.replace(BOSS, granted=granted), unrecorded)
    with pytest.raises(ApprovalNotFound):
        store(tmp_path).answer(asked.id, "t1", msgspec.structs.replace(BOSS, granted=not granted), unrecorded)
    assert store(tmp_path).ask(REQUEST).state == ("granted" if granted else "refused")
    assert bool(store(tmp_path).redeem(asked.id, REQUEST)) is granted


@pytest.mark.parametrize("approver", [("u1", ""), ("acc_1", "u1"), ("acc_1", " U1 "), ("", "boss")])
def test_who_asked_cannot_approve(tmp_path: Path, approver: tuple[str, str]) -> None:
    request = changed(requester="u1")
    asked = store(tmp_path).ask(request)
    answer = Answer(granted=True, approver=approver[0], login=approver[1])
    with pytest.raises(SelfApproval):
        store(tmp_path).answer(asked.id, "t1", answer, unrecorded)
    assert not store(tmp_path).redeem(asked.id, request)


def test_tenants_do_not_meet(tmp_path: Path) -> None:
    """Law 9: no list, no answer and no limit crosses a tenant."""
    approvals = store(tmp_path, limit=1)
    asked = approvals.ask(REQUEST)
    assert approvals.live("t2") == ()
    with pytest.raises(ApprovalNotFound):
        approvals.answer(asked.id, "t2", BOSS, unrecorded)
    with pytest.raises(TooManyApprovals):
        approvals.ask(changed(tool="other"))
    assert approvals.ask(changed(tenant="t2")).state == "waiting"
    with pytest.raises(ApprovalNotFound):
        approvals.answer(asked.id, "t2", BOSS, unrecorded)


def test_what_is_over_makes_room(tmp_path: Path) -> None:
    clock = FixedClock()
    approvals = store(tmp_path, clock, ttl_us=1000, limit=2)
    asked = [approvals.ask(changed(tool=tool)).id for tool in ("a", "b")]
    clock.advance(1000)
    fresh = approvals.ask(changed(tool="c")).id
    assert [path.name.split(".")[1] for path in tmp_path.rglob("*.json")] == [fresh]
    assert fresh not in asked


def test_no_content_is_kept(tmp_path: Path) -> None:
    """Law 4: neither values nor names that the model chose, nor the user's name, nor a digest that a guess can be tested with."""
    grant(tmp_path)
    path = file_of(tmp_path)
    told = path.read_text() + str(path)
    assert CANARY not in told
    for guess in (REQUEST.arguments, REQUEST.requester, CANARY):
        assert Fingerprinter(b"x" * 32)((guess,)).rpartition(":")[2] not in told
    assert REQUEST.binding.rpartition(":")[2] not in told
    assert '"to"' in told
    assert '"others":1' in told


def test_the_files_are_their_owners(tmp_path: Path) -> None:
    grant(tmp_path)
    modes = {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "approvals").rglob("*") if path.is_file()}
    assert modes == {"0o600"}
    assert {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "approvals", file_of(tmp_path).parent)} == {"0o700"}


def damages() -> Sequence[tuple[str, bytes, bytes]]:
    return (
        ("state", b'"state":"waiting"', b'"state":"granted"'),
        ("approver", b'"approver":""', b'"approver":"me"'),
        ("tenant", b'"tenant":"t1"', b'"tenant":"t2"'),
        ("expiry", b'"expires_us":1', b'"expires_us":9'),
        ("seal", b'"seal":"', b'"seal":"0'),
        ("json", b"{", b"("),
    )


@pytest.mark.parametrize("damage", damages(), ids=lambda damage: damage[0])
def test_what_was_changed_grants_nothing_and_blocks_its_call(tmp_path: Path, damage: tuple[str, bytes, bytes]) -> None:
    asked = store(tmp_path).ask(REQUEST)
    path = file_of(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data.replace(damage[1], damage[2], 1))
    assert path.read_bytes() != data
    for blocked in (lambda: store(tmp_path).redeem(asked.id, REQUEST), lambda: store(tmp_path).ask(REQUEST)):
        with pytest.raises(ApprovalUnreadable):
            blocked()
    with pytest.raises(ApprovalUnreadable):
        store(tmp_path).answer(asked.id, "t1", BOSS, unrecorded)


def test_a_grant_of_one_call_is_none_of_another_whatever_its_file_is_called(tmp_path: Path) -> None:
    grant(tmp_path)
    granted = file_of(tmp_path)
    other = changed(tool="other")
    asked = store(tmp_path).ask(other)
    (path,) = set(tmp_path.rglob("*.json")) - {granted}
    path.write_bytes(granted.read_bytes())
    with pytest.raises(ApprovalUnreadable):
        store(tmp_path).redeem(asked.id, other)


def test_without_the_key_nothing_can_be_granted(tmp_path: Path) -> None:
    asked = store(tmp_path).ask(REQUEST)
    other = store(tmp_path, key=b"o" * 32)
    other.ask(REQUEST)
    with pytest.raises(ApprovalNotFound):
        other.answer(asked.id, "t1", BOSS, unrecorded)
    for forged in (tmp_path / "approvals").iterdir():
        for path in forged.glob("*.json"):
            for folder in (tmp_path / "approvals").iterdir():
                if folder != forged:
                    shutil.copy(path, folder)
    with pytest.raises(ApprovalUnreadable):
        store(tmp_path).live("t1")


def test_a_folder_that_cannot_be_used_blocks(tmp_path: Path) -> None:
    (tmp_path / "approvals").write_text("no folder")
    for blocked in (
        lambda: store(tmp_path).ask(REQUEST),
        lambda: store(tmp_path).redeem("apr_" + "a" * 26, REQUEST),
        lambda: store(tmp_path).live("t1"),
    ):
        with pytest.raises(ApprovalUnreadable):
            blocked()


def test_an_answer_that_cannot_be_recorded_is_not_given(tmp_path: Path) -> None:
    def broken(_: KeptApproval) -> None:
        raise OSError("no space")

    asked = store(tmp_path).ask(REQUEST)
    with pytest.raises(OSError, match="no space"):
        store(tmp_path).answer(asked.id, "t1", BOSS, broken)
    assert [kept.state for kept in store(tmp_path).live("t1")] == ["waiting"]


def test_what_expired_while_it_was_recorded_is_not_granted(tmp_path: Path) -> None:
    clock = FixedClock()
    approvals = store(tmp_path, clock, ttl_us=1000)
    asked = approvals.ask(REQUEST)
    with pytest.raises(ApprovalNotFound):
        approvals.answer(asked.id, "t1", BOSS, lambda _: clock.advance(1000))
    assert not approvals.redeem(asked.id, REQUEST)


def test_while_an_answer_is_recorded_the_gateway_goes_on(tmp_path: Path) -> None:
    asked = store(tmp_path).ask(REQUEST)
    seen: list[str] = []

    def record(_: KeptApproval) -> None:
        seen.append(store(tmp_path).ask(REQUEST).state)
        impatient = FileApprovals(tmp_path / "approvals", Fingerprinter(KEY), FixedClock(), patience_s=0.01)
        with pytest.raises(ApprovalsBusy):  # a second answer waits for its turn
            impatient.answer(asked.id, "t1", BOSS, unrecorded)

    store(tmp_path).answer(asked.id, "t1", BOSS, record)
    assert seen == ["waiting"]


def test_of_two_who_answer_at_once_one_succeeds(tmp_path: Path) -> None:
    asked = store(tmp_path).ask(REQUEST)
    barrier = threading.Barrier(4)
    recorded: list[KeptApproval] = []
    refused: list[ApprovalNotFound] = []

    def answer(granted: bool) -> None:  # noqa: FBT001 - a parameter of a thread
        barrier.wait()
        try:
            store(tmp_path).answer(asked.id, "t1", msgspec.structs.replace(BOSS, granted=granted), recorded.append)
        except ApprovalNotFound as error:
            refused.append(error)

    threads = [threading.Thread(target=answer, args=(granted,)) for granted in (True, False, True, False)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(recorded), len(refused)) == (1, 3)
    assert store(tmp_path).ask(REQUEST).state == recorded[0].state


RACER = """
import sys
from pathlib import Path
import msgspec
from fairlead.agents import ApprovalRequest, FileApprovals
from fairlead.core import decode
from fairlead.journal import Fingerprinter
from fairlead.testing import FixedClock

approvals = FileApprovals(Path(sys.argv[1]), Fingerprinter(b"k" * 32), FixedClock())
request = decode(sys.argv[2], ApprovalRequest)
ids = sys.argv[3].split()
print("ready", flush=True)
sys.stdin.readline()
for number, approval in enumerate(ids):
    wanted = msgspec.structs.replace(request, tool=f"tool-{number}")
    print(approvals.ask(wanted).id if approval == "ask" else approvals.redeem(approval, wanted) or "no")
"""


def race(folder: Path, ids: Sequence[str], racers: int = 4) -> list[tuple[str, ...]]:
    """Let processes of their own do the same at once; return for each step what each of them got."""
    words = [sys.executable, "-c", RACER, str(folder / "approvals"), msgspec.json.encode(REQUEST).decode(), " ".join(ids)]
    running = [
        subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": os.pathsep.join(sys.path)})
        for _ in range(racers)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=60)[0].split() for process in running]
    assert all(process.returncode == 0 for process in running)
    return list(zip(*told, strict=True))


def test_of_many_processes_that_use_an_approval_one_succeeds(tmp_path: Path) -> None:
    ids = [grant(tmp_path, request=changed(tool=f"tool-{number}")) for number in range(60)]
    for answers in race(tmp_path, ids):
        assert sorted(answers) == ["call", "no", "no", "no"]


def test_many_processes_that_ask_for_a_call_ask_one_question(tmp_path: Path) -> None:
    for answers in race(tmp_path, ["ask"] * 40):
        assert len(set(answers)) == 1
    assert len(store(tmp_path).live("t1")) == 40
