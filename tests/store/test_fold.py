"""Folding takes every entry over once, in order, however often and by however many it is run."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from fairlead.core import Decision, NotFound, SystemClock, canonical_bytes
from fairlead.journal import AuditEntry, Journal, Record, Sealer
from fairlead.store import Count, DecisionFilter, Folded, Store, StoreUnavailable, fold, records
from fairlead.testing import FixedClock
from fairlead.testing.decisions import decision

DAY_US = 86_400_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def _write(folder: Path, *found: Decision, worker: str = "worker-0", others: tuple[Record, ...] = ()) -> None:
    with Journal.open(folder / f"{worker}.db", strict=True, clock=SystemClock()) as journal:
        journal.commit([*(Record(kind="decision", id=one.id, body=canonical_bytes(one)) for one in found), *others])


def _recent(store: Store, tenant: str = "t1", **wanted: object) -> list[str]:
    with store.read() as connection:
        return [one.id for one in records.recent_decisions(connection, tenant, wanted=DecisionFilter(**wanted))]


def test_folding_is_complete_and_idempotent(store: Store, folder: Path) -> None:
    clock = FixedClock()
    assert fold(store, folder, clock=clock) == Folded()
    made = [decision(id=f"d_{number:04}", at_us=number) for number in range(1200)]
    _write(folder, *made[:700])
    _write(folder, *made[700:], worker="worker-1")
    assert fold(store, folder, clock=clock) == Folded(entries=1200)
    assert fold(store, folder, clock=clock) == Folded()
    with store.read() as connection:
        assert records.recent_decisions(connection, "t1", limit=2000) == made[::-1]
        assert [(position.name, position.seq) for position in records.positions(connection)] == [("worker-0.db", 700), ("worker-1.db", 500)]


def test_many_may_fold_at_once(store: Store, folder: Path) -> None:
    _write(folder, *(decision(id=f"d_{number}") for number in range(1500)))
    entry = AuditEntry(id="aud_1", tenant="t1", actor="a", action="b.c", target="d", at_us=1)
    _write(folder, others=tuple(Record(kind="exchange", id=f"x_{n}", body=b'{"tenant":"t1"}') for n in range(300)), worker="worker-1")
    _write(folder, others=(Record(kind="audit", id="aud_1", body=canonical_bytes(entry)),), worker="worker-2")
    done: list[Folded] = []
    workers = [threading.Thread(target=lambda: done.append(fold(store, folder, clock=SystemClock()))) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(one.entries for one in done) == 1801
    with store.read() as connection:
        assert len(records.recent_decisions(connection, "t1", limit=5000)) == 1500
        assert len(records.events_after(connection, "t1", "exchange")) == 300
        assert records.audit_trail(connection, "t1") == [entry]


def test_a_fold_that_fails_half_way_is_taken_up_where_it_was(store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _write(folder, *(decision(id=f"d_{number}") for number in range(20)))
    with monkeypatch.context() as patch:

        def fail(*_: object) -> None:
            raise StoreUnavailable("on purpose")

        patch.setattr(records, "move_position", fail)
        with pytest.raises(StoreUnavailable):
            fold(store, folder, clock=SystemClock())
    assert _recent(store) == []
    assert fold(store, folder, clock=SystemClock()).entries == 20
    assert len(_recent(store)) == 20


def test_a_later_state_replaces_the_earlier_and_a_dead_writers_open_ones_become_interrupted(store: Store, folder: Path) -> None:
    journal = Journal.open(folder / "worker-0.db", strict=True, clock=SystemClock())
    for identifier, state in (("d_1", "open"), ("d_2", "open"), ("d_1", "final")):
        body = canonical_bytes(decision(id=identifier, state=state))
        journal.commit([Record(kind="decision", id=identifier, body=body)])
    fold(store, folder, clock=SystemClock())
    assert (_recent(store, state="final"), _recent(store, state="open")) == (["d_1"], ["d_2"])
    fcntl.flock(journal._lock, fcntl.LOCK_UN)  # what the kernel does when the process dies
    assert fold(store, folder, clock=SystemClock()).entries == 1
    assert (_recent(store, state="final"), _recent(store, state="interrupted"), _recent(store, state="open")) == (["d_1"], ["d_2"], [])
    journal.close()


def test_a_new_journal_under_an_old_name_is_folded_from_its_beginning(store: Store, folder: Path) -> None:
    _write(folder, *(decision(id=f"d_{number}") for number in range(10)))
    fold(store, folder, clock=SystemClock())
    for file in folder.iterdir():
        file.unlink()
    _write(folder, decision(id="d_new"))
    assert fold(store, folder, clock=SystemClock()).entries == 1
    assert "d_new" in _recent(store)


def test_what_cannot_be_read_is_counted_and_holds_nothing_up(store: Store, folder: Path) -> None:
    _write(
        folder,
        decision(id="d_1"),
        others=(Record(kind="decision", id="d_odd", body=b'{"from":"the future"}'), Record(kind="audit", id="q", body=b"\xff")),
    )
    _write(folder, decision(id="d_2"), worker="worker-1")
    (folder / "a-broken.db").write_bytes(os.urandom(5000))
    assert fold(store, folder, clock=SystemClock()) == Folded(entries=4, rejected=2, unreadable=("a-broken.db",))
    assert sorted(_recent(store)) == ["d_1", "d_2"]
    with store.read() as connection:
        assert records.count_rejects(connection) == 2


def test_captures_are_kept_sealed(store: Store, folder: Path, tmp_path: Path) -> None:
    body = Sealer.open(tmp_path / "config").seal("cap_1", "t1", b"content")
    _write(folder, decision(id="d_1", capture="cap_1"), others=(Record(kind="capture", id="cap_1", body=body),))
    fold(store, folder, clock=SystemClock())
    with store.read() as connection:
        assert records.capture(connection, "t1", "cap_1").encode() == body
        for ask in (records.capture, records.decision):
            with pytest.raises(NotFound):
                ask(connection, "t2", "cap_1" if ask is records.capture else "d_1")


def test_queries_narrow_and_count_by_integer_days(store: Store, folder: Path) -> None:
    made = [
        decision(id="d_1", at_us=3 * DAY_US, exchange="x_1"),
        decision(id="d_2", at_us=4 * DAY_US - 1, action="block", verdict="block", rule="no-secrets", near_miss=True, exchange="x_2"),
        decision(id="d_3", at_us=4 * DAY_US, stage="input", system="other", tool="send_email", trajectory="t_1", exchange="x_2"),
    ]
    _write(folder, *made)
    fold(store, folder, clock=SystemClock())
    assert _recent(store) == ["d_3", "d_2", "d_1"]
    assert _recent(store, action="block") == _recent(store, rule="no-secrets") == _recent(store, near_miss=True) == ["d_2"]
    assert _recent(store, stage="input") == _recent(store, system="other") == _recent(store, tool="send_email") == ["d_3"]
    assert _recent(store, trajectory="t_1", since_us=4 * DAY_US) == ["d_3"]
    assert _recent(store, until_us=4 * DAY_US) == ["d_2", "d_1"]
    with store.read() as connection:
        assert records.decisions_of(connection, "t1", "x_2") == made[1:]
        assert records.decision(connection, "t1", "d_2") == made[1]
        assert records.count_decisions(connection, "t1") == [
            Count(day=3, system="assistant", stage="output", action="allow", rule="", n=1),
            Count(day=3, system="assistant", stage="output", action="block", rule="no-secrets", n=1),
            Count(day=4, system="other", stage="input", action="allow", rule="", n=1),
        ]
        assert len(records.recent_decisions(connection, "t1", limit=1)) == 1
