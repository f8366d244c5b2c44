"""What callers and readers of a journal can rely on, besides law 3."""

import asyncio
import sqlite3
import stat
import time
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.core import SystemClock, canonical_bytes
from fairlead.journal import (
    Journal,
    JournalBusy,
    JournalDamaged,
    JournalUnavailable,
    Record,
    identity,
    journals,
    last_seq,
    read,
)
from fairlead.testing import FixedClock
from fairlead.testing.decisions import decision


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal" / "worker-0.db"


def _record(identifier: str) -> Record:
    return Record(kind="decision", id=identifier, body=canonical_bytes(decision(id=identifier)))


def test_entries_come_back_in_order_with_their_times_byte_for_byte(path: Path) -> None:
    clock = FixedClock(7)
    with Journal.open(path, strict=True, clock=clock) as journal:
        journal.commit([_record("d_1"), Record(kind="exchange", id="x_1", body=b'{"a":1}')])
        clock.advance(5)
        journal.commit([Record(kind="audit", id="aud_1", body=b"{}")])
    entries = read(path, 0, 10)
    assert [(entry.seq, entry.at_us, entry.record.kind, entry.record.id) for entry in entries] == [
        (1, 7, "decision", "d_1"),
        (2, 7, "exchange", "x_1"),
        (3, 12, "audit", "aud_1"),
    ]
    assert entries[0].record == _record("d_1")
    assert [entry.seq for entry in read(path, 1, 1)] == [2]
    assert last_seq(path) == 3


def test_asyncio_callers_share_commits_and_the_loop_is_never_held(path: Path) -> None:
    async def work(journal: Journal) -> None:
        await asyncio.gather(*(journal.acommit([_record(f"d_{number}")]) for number in range(200)))

    with Journal.open(path, strict=True, clock=SystemClock()) as journal:
        with journal._writing:  # a disk that does not answer
            loop = asyncio.new_event_loop()
            task = loop.create_task(work(journal))
            started = time.monotonic()
            loop.run_until_complete(asyncio.sleep(0.01))
            assert time.monotonic() - started < 1
            assert not task.done()
        loop.run_until_complete(task)
        loop.close()
        assert len(read(path, 0, 1000)) == 200


class _SlowingClock(FixedClock):
    """A clock on which a write takes as long as a test says."""

    took_us = 0

    def monotonic_us(self) -> int:
        self.advance(self.took_us)
        return super().monotonic_us()


def _needs_no_other_thread(journal: Journal, identifier: str) -> bool:
    """Commit as one who is alone; return whether it was done before the loop could turn once."""

    async def work() -> bool:
        task = asyncio.ensure_future(journal.acommit([_record(identifier)], alone=True))
        await asyncio.sleep(0)
        done = task.done()
        await task
        return done

    return asyncio.run(work())


def test_who_is_alone_writes_to_a_quick_disk_itself(path: Path) -> None:
    clock = _SlowingClock()
    with Journal.open(path, strict=True, clock=clock) as journal:
        assert not _needs_no_other_thread(journal, "d_first")  # nothing is known of the disk yet
        for number in range(16):
            journal.commit([_record(f"d_{number}")])
        assert _needs_no_other_thread(journal, "d_quick")
        clock.took_us = 5_000
        assert _needs_no_other_thread(journal, "d_slow")  # the one that finds out
        clock.took_us = 0
        assert not _needs_no_other_thread(journal, "d_after")
    assert [entry.record.id for entry in read(path, 0, 100)][-3:] == ["d_quick", "d_slow", "d_after"]


def test_who_is_alone_never_waits_for_another_threads_write(path: Path) -> None:
    async def work(journal: Journal) -> None:
        with journal._writing:  # a disk that does not answer
            task = asyncio.ensure_future(journal.acommit([_record("d_1")], alone=True))
            await asyncio.sleep(0)
            assert not task.done()
        await task

    with Journal.open(path, strict=True, clock=FixedClock()) as journal:
        for number in range(16):
            journal.commit([_record(f"d_{number}")])
        asyncio.run(work(journal))
    assert last_seq(path) == 17


def test_who_is_alone_is_told_of_a_failed_write(path: Path) -> None:
    with Journal.open(path, strict=True, clock=FixedClock()) as journal:
        for number in range(16):
            journal.commit([_record(f"d_{number}")])
        with closing(sqlite3.connect(path)) as other:
            other.execute("DROP TABLE entry")
        with pytest.raises(JournalUnavailable):
            asyncio.run(journal.acommit([_record("d_lost")], alone=True))


def test_a_caller_that_is_cancelled_leaves_the_others_alone(path: Path) -> None:
    async def work(journal: Journal) -> None:
        with journal._writing:
            tasks = [asyncio.ensure_future(journal.acommit([_record(f"d_{number}")])) for number in range(3)]
            await asyncio.sleep(0)
            tasks[1].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert results[0] is None
        assert isinstance(results[1], asyncio.CancelledError)
        assert results[2] is None

    with Journal.open(path, strict=True, clock=SystemClock()) as journal:
        asyncio.run(work(journal))
        assert len(read(path, 0, 10)) == 3


def test_a_relaxed_commit_is_written_at_the_latest_when_the_journal_closes(path: Path) -> None:
    async def work(journal: Journal) -> None:
        await journal.acommit([_record("d_async")])

    with Journal.open(path, strict=False, clock=SystemClock()) as journal:
        for number in range(500):
            journal.commit([_record(f"d_{number}")])
        asyncio.run(work(journal))
    assert last_seq(path) == 501


def test_a_closed_journal_refuses(path: Path) -> None:
    journal = Journal.open(path, strict=True, clock=SystemClock())
    journal.close()
    journal.close()
    with pytest.raises(JournalUnavailable, match="closed"):
        journal.commit([_record("d_1")])
    with pytest.raises(JournalUnavailable, match="closed"):
        asyncio.run(journal.acommit([_record("d_1")]))


def test_a_journal_has_one_writer(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fairlead.journal.engine._START_WAIT_S", 0.0)
    with Journal.open(path, strict=True, clock=SystemClock()), pytest.raises(JournalBusy):
        Journal.open(path, strict=True, clock=SystemClock())
    Journal.open(path, strict=True, clock=SystemClock()).close()


@pytest.mark.parametrize(
    "content", [b"this is no database at all, but long enough to look at" * 100, b"SQLite format 3\x00" + b"\xff" * 5000]
)
def test_a_damaged_file_is_refused_by_name_and_never_overwritten(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(JournalDamaged) as refused:
        Journal.open(path, strict=True, clock=SystemClock())
    assert refused.value.where == str(path)
    assert path.read_bytes() == content
    with pytest.raises(JournalDamaged):
        read(path, 0, 1)


def test_a_missing_or_forbidden_place_is_unavailable(path: Path, tmp_path: Path) -> None:
    with pytest.raises(JournalUnavailable):
        read(path, 0, 1)
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalUnavailable):
        Journal.open(tmp_path / "file" / "worker.db", strict=True, clock=SystemClock())


def test_the_file_is_its_owners_and_has_an_identity_of_its_own(path: Path) -> None:
    for name in ("a.db", "b.db"):
        Journal.open(path.with_name(name), strict=True, clock=SystemClock()).close()
    found = journals(path.parent)
    assert [file.name for file in found] == ["a.db", "b.db"]
    assert identity(found[0]) != identity(found[1])
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in path.parent.iterdir())
    before = identity(found[0])
    Journal.open(found[0], strict=True, clock=SystemClock()).close()
    assert identity(found[0]) == before


@settings(max_examples=40, deadline=None)
@given(commits=st.lists(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=4), max_size=8))
def test_after_a_crash_exactly_what_was_left_open_reads_interrupted(tmp_path_factory: pytest.TempPathFactory, commits: list) -> None:
    path = tmp_path_factory.mktemp("journal") / "worker.db"
    last: dict[str, str] = {}
    with Journal.open(path, strict=True, clock=SystemClock()) as journal:
        for commit in commits:
            states = [(name, "open" if opening else "final") for name, opening in commit]
            journal.commit(
                [Record(kind="decision", id=name, body=canonical_bytes(decision(id=name, state=state))) for name, state in states]
            )
            last |= dict(states)
    Journal.settle(path, clock=SystemClock())
    found = {entry.record.id: b'"state":"interrupted"' in entry.record.body for entry in read(path, 0, 100)}
    assert found == {name: state == "open" for name, state in last.items()}


def test_text_that_only_mentions_the_open_state_is_not_taken_for_it(path: Path) -> None:
    sly = decision(id="d_1", tool='"state":"open"')
    with Journal.open(path, strict=True, clock=SystemClock()) as journal:
        journal.commit([Record(kind="decision", id="d_1", body=canonical_bytes(sly))])
    assert Journal.settle(path, clock=SystemClock()) == 0
