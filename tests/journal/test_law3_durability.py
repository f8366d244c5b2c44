"""Law 3: a response leaves only after its Decision is durable; kill -9 at any instant loses none, and tears nothing."""

import fcntl
import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fairlead.core import Decision, SystemClock, canonical_bytes, decode
from fairlead.journal import Entry, Journal, JournalUnavailable, Record, has_orphans, read
from fairlead.testing.decisions import decision

# Four threads and one event loop commit as fast as they can; an id is written out only after its commit has returned.
_LOAD = """
import asyncio, os, sys, threading
from pathlib import Path
from fairlead.core import SystemClock, canonical_bytes, new_id
from fairlead.journal import Journal, Record
from fairlead.testing.decisions import decision

journal = Journal.open(Path(sys.argv[1]), strict=True, clock=SystemClock())

def records():
    exchange = new_id("x")
    made = decision(id=new_id("d"), exchange=exchange)
    return [Record(kind="decision", id=made.id, body=canonical_bytes(made)), Record(kind="exchange", id=exchange, body=b'{"tenant":"t1"}')]

def acknowledge(committed):
    os.write(1, "".join(f"{record.id}\\n" for record in committed).encode())

def work():
    while True:
        made = records()
        journal.commit(made)
        acknowledge(made)

async def awork():
    while True:
        made = records()
        await journal.acommit(made)
        acknowledge(made)

async def main():
    await asyncio.gather(*(awork() for _ in range(8)))

for _ in range(4):
    threading.Thread(target=work, daemon=True).start()
asyncio.run(main())
"""
ROUNDS = 8


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal" / "worker-0.db"


def test_kill_at_any_instant_loses_no_acknowledged_record_and_tears_nothing(path: Path) -> None:
    chance = random.Random(20261125)
    acknowledged: set[str] = set()
    for _ in range(ROUNDS):
        acknowledged |= _run_and_kill(path, after=chance.randint(1, 400))
        entries = _all(path)
        found = [entry.record.id for entry in entries]
        assert acknowledged <= set(found)
        assert len(found) == len(set(found))
        assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
        assert len(found) % 2 == 0  # both records of a commit, or none
        with sqlite3.connect(path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()
    assert len(acknowledged) >= ROUNDS


def _run_and_kill(path: Path, *, after: int) -> set[str]:
    process = subprocess.Popen([sys.executable, "-c", _LOAD, str(path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        head = b"".join(process.stdout.readline() for _ in range(after))
        os.kill(process.pid, signal.SIGKILL)
        whole = head + process.stdout.read()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    return set(whole[: whole.rfind(b"\n")].decode().split())


def _all(path: Path) -> list[Entry]:
    entries: list[Entry] = []
    after = 0
    while found := read(path, after, 1000):
        entries += found
        after = found[-1].seq
    return entries


def test_a_strict_commit_asks_the_disk_and_a_relaxed_one_does_not(tmp_path: Path) -> None:
    full, normal = 2, 1
    for strict, expected in ((True, full), (False, normal)):
        with Journal.open(tmp_path / f"{strict}.db", strict=strict, clock=SystemClock()) as journal:
            assert journal._connection.execute("PRAGMA synchronous").fetchone() == (expected,)
            assert journal._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_is_committed_is_readable_by_others_when_commit_returns(path: Path) -> None:
    with Journal.open(path, strict=True, clock=SystemClock()) as journal:
        for number in range(1, 200):
            journal.commit([_record(f"d_{number}")])
            assert [entry.record.id for entry in read(path, number - 1, 10)] == [f"d_{number}"]


def test_an_open_record_of_a_dead_writer_reads_interrupted_and_of_a_live_one_open(path: Path) -> None:
    journal = Journal.open(path, strict=True, clock=SystemClock())
    journal.commit([_record("d_open", state="open"), _record("d_done", state="open")])
    journal.commit([_record("d_done")])
    assert _states(path) == [("d_open", "open"), ("d_done", "open"), ("d_done", "final")]
    assert not has_orphans(path)
    _kill(journal)
    assert has_orphans(path)
    assert _states(path) == [("d_open", "interrupted"), ("d_done", "open"), ("d_done", "final")]
    with Journal.open(path, strict=True, clock=SystemClock()):
        assert _states(path)[-1] == ("d_open", "interrupted")
        assert len(_states(path)) == 4


def test_settling_records_the_interruption_once_and_leaves_live_writers_alone(path: Path) -> None:
    journal = Journal.open(path, strict=True, clock=SystemClock())
    journal.commit([_record("d_open", state="open")])
    assert Journal.settle(path, clock=SystemClock()) == 0
    _kill(journal)
    assert Journal.settle(path, clock=SystemClock()) == 1
    assert Journal.settle(path, clock=SystemClock()) == 0
    assert _states(path) == [("d_open", "open"), ("d_open", "interrupted")]


@contextmanager
def _no_space(path: Path) -> Iterator[None]:
    """Let no file grow beyond what the journal has now: to SQLite the disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = max(Path(f"{path}{suffix}").stat().st_size for suffix in ("", "-wal"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_told_to_whoever_waits_and_the_journal_recovers_with_the_disk(path: Path) -> None:
    acknowledged: list[str] = []
    refused: list[str] = []
    with Journal.open(path, strict=True, clock=SystemClock()) as journal:
        with _no_space(path):
            for number in range(100):
                record = _record(f"d_{number}", tool="x" * 5000)
                problem = _refused(journal, record)
                (acknowledged if problem is None else refused).append(record.id)
                assert problem is None or problem.code == "journal-unavailable"
        journal.commit([_record("d_after")])
    found = [entry.record.id for entry in read(path, 0, 1000)]
    assert refused
    assert set(acknowledged) <= set(found)
    assert found[-1] == "d_after"


def test_a_full_disk_loses_nothing_of_a_relaxed_journal_that_is_closed_after_it_recovers(path: Path) -> None:
    written = []
    with Journal.open(path, strict=False, clock=SystemClock()) as journal:
        journal.commit([_record("d_before")])
        with _no_space(path):
            while journal._connection is not None or not written:  # until the writer has failed and thrown its connection away
                written.append(_record(f"d_{len(written)}", tool="x" * 5000))
                journal.commit([written[-1]])
                time.sleep(0)
        journal.commit([_record("d_after")])
    assert [entry.record.id for entry in read(path, 0, 20_000)] == ["d_before", *(record.id for record in written), "d_after"]


def test_many_threads_share_commits_and_each_is_told_of_its_own(path: Path) -> None:
    with Journal.open(path, strict=True, clock=SystemClock()) as journal:
        workers = [threading.Thread(target=lambda n=n: [journal.commit([_record(f"d_{n}_{i}")]) for i in range(25)]) for n in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert len(read(path, 0, 1000)) == 200


def _record(identifier: str, **fields: str) -> Record:
    return Record(kind="decision", id=identifier, body=canonical_bytes(decision(id=identifier, **fields)))


def _refused(journal: Journal, record: Record) -> JournalUnavailable | None:
    try:
        journal.commit([record])
    except JournalUnavailable as problem:
        return problem
    return None


def _states(path: Path) -> list[tuple[str, str]]:
    return [(entry.record.id, decode(entry.record.body, Decision).state) for entry in read(path, 0, 1000)]


def _kill(journal: Journal) -> None:
    """Drop the writer's lock, as the kernel does when a process dies, and leave what it had open."""
    fcntl.flock(journal._lock, fcntl.LOCK_UN)
    journal.close()
