"""The durable journal: one file and one writer per worker.

What is committed under ``strict`` is on the disk before the call returns. Whoever waits at the same time shares one transaction (group
commit). A thread that waits alone writes by itself, so that nothing is handed over; asyncio hands over to one writer thread, so that
the loop never waits for a slow disk; a caller that is alone on its loop writes by itself too, as long as the disk answers faster than a
thread wakes. A failed write is told to everyone who waited for it, the connection is thrown away, and the next
write starts with a new one: the journal recovers when the disk does.

A Journal belongs to one process: open it after forking.
"""

import asyncio
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Self

from fairlead.core import Clock, Decision, canonical_bytes, decode
from fairlead.journal.database import connect, failure
from fairlead.journal.errors import JournalBusy, JournalDamaged, JournalUnavailable
from fairlead.journal.lock import hold_as_writer
from fairlead.journal.model import Record

_OPEN = b'"state":"open"'
"""How an open Decision's canonical bytes say so; inside a JSON string the quotes would be escaped."""
_BACKLOG = 10_000
"""Calls that a relaxed journal keeps in memory while the disk is slow or fails; beyond that, callers wait as under strict."""
_RETRY_S = 0.25
_LINGER_S = 0.005
"""A relaxed journal lets so much time pass before it writes, so that one transaction, and one waking of its thread, serves many commits."""
_START_WAIT_S = 2.0
_QUICK_US = 1_000
"""A write that took no longer was quick: to hand it over and back costs about a third of that."""
_PROVEN = 8
"""So many quick writes in a row make a quick disk; one slow write, and it must prove itself again, in the writer's thread."""


class _Waiter:
    """One caller's records, and how it is told."""

    __slots__ = ("done", "failure", "future", "records", "waits")

    def __init__(self, records: Sequence[Record], *, waits: bool, future: "asyncio.Future[None] | None" = None) -> None:
        self.records = records
        self.waits = waits
        self.future = future
        self.done = False
        self.failure: JournalUnavailable | None = None


class Journal:
    """The writer of one journal file. Use :meth:`open`."""

    def __init__(self, path: Path, *, strict: bool, clock: Clock, lock: int) -> None:
        self.path = path
        self.strict = strict
        self._clock = clock
        self._lock = lock
        self._gate = threading.Lock()  # guards _closed together with the queue
        self._writing = threading.Lock()  # guards everything below it
        self._pending: deque[_Waiter] = deque()
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._signalled = False
        self._closed = False
        self._closing = threading.Event()
        self._connection: sqlite3.Connection | None = None
        self._seq = 0
        self._open: set[str] = set()
        self._quick = 0
        self._thread = threading.Thread(target=self._run, name="fairlead-journal", daemon=True)

    @classmethod
    def open(cls, path: Path, *, strict: bool, clock: Clock) -> Self:
        """Become the writer of a journal, making the file when there is none.

        Decisions that a former writer left open are recorded as interrupted first.

        Args:
            path: The file, ``<data_dir>/journal/<worker>.db``.
            strict: Return from a commit only when it is on the disk; otherwise as soon as it is handed over.
            clock: Where the entries' times come from.

        Raises:
            JournalBusy: Another process is its writer.
            JournalUnavailable: The file can't be opened or is damaged.
        """
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = hold_as_writer(path, wait_s=_START_WAIT_S)
        except OSError as error:
            raise failure(error, path) from error
        if lock is None:
            raise JournalBusy("another process writes this journal", where=str(path), mend="give each worker a name of its own")
        journal = cls(path, strict=strict, clock=clock, lock=lock)
        try:
            journal._settle_former()
        except BaseException:
            journal._abandon()
            os.close(lock)
            raise
        journal._thread.start()
        return journal

    @classmethod
    def settle(cls, path: Path, *, clock: Clock) -> int:
        """Record the Decisions that a dead writer left open as interrupted.

        Args:
            path: The journal's file.
            clock: Where the entries' times come from.

        Returns:
            How many were settled; 0 when the writer lives.

        Raises:
            JournalUnavailable: The file can't be written.
        """
        lock = hold_as_writer(path)
        if lock is None:
            return 0
        journal = cls(path, strict=True, clock=clock, lock=lock)
        try:
            return journal._settle_former()
        finally:
            journal._abandon()
            os.close(lock)

    def commit(self, records: Sequence[Record]) -> None:
        """Write records, in this order and all or none; under ``strict`` they are on the disk when this returns.

        Raises:
            JournalUnavailable: They are not; the caller must not answer as if they were.
        """
        waiter = _Waiter(records, waits=self._must_wait())
        self._enter(waiter)
        if not waiter.waits:
            self._signal()
            return
        with self._writing:
            if not waiter.done:
                self._drain()
        if waiter.failure is not None:
            raise _again(waiter.failure)

    async def acommit(self, records: Sequence[Record], *, alone: bool = False) -> None:
        """Do what :meth:`commit` does, without blocking the event loop for longer than a quick disk takes.

        Args:
            records: As for :meth:`commit`.
            alone: Whether the loop has nothing else to do meanwhile; then a quick disk is written to without another thread.

        Raises:
            JournalUnavailable: The records are not durable.
        """
        if not self._must_wait():
            self._enter(_Waiter(records, waits=False))
            self._signal()
            return
        if alone and self._quick >= _PROVEN and self._writing.acquire(blocking=False):
            waiter = _Waiter(records, waits=True)
            try:
                self._enter(waiter)
                self._drain()
            finally:
                self._writing.release()
            if waiter.failure is not None:
                raise _again(waiter.failure)
            return
        future = asyncio.get_running_loop().create_future()
        self._enter(_Waiter(records, waits=True, future=future))
        self._signal()
        await future

    def close(self) -> None:
        """Write what is waiting, then give up the file. Closing twice is fine.

        Raises:
            JournalUnavailable: A relaxed journal could not write what it had taken.
        """
        with self._gate:
            if self._closed:
                return
            self._closed = True
        self._closing.set()
        self._signal()
        self._thread.join()
        with self._writing:
            self._drain()  # the writer's last try may have failed just before the disk recovered
            lost = sum(len(waiter.records) for waiter in self._pending)
            self._pending.clear()
            self._abandon()
        os.close(self._lock)
        if lost:
            raise JournalUnavailable(
                f"{lost} record(s) could not be written before closing", where=str(self.path), mend="use audit: strict"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _must_wait(self) -> bool:
        return self.strict or len(self._pending) >= _BACKLOG

    def _enter(self, waiter: _Waiter) -> None:
        with self._gate:
            if self._closed:
                raise JournalUnavailable("the journal is closed", where=str(self.path), mend="open it before guarding")
            self._pending.append(waiter)

    def _signal(self) -> None:
        if not self._signalled:  # cleared before each drain, so what was queued before this line is drained after it
            self._signalled = True
            self._wake.put(None)

    def _run(self) -> None:
        try:
            while not (self._closed and not self._pending):
                self._await_work()
                if not self.strict:
                    self._closing.wait(_LINGER_S)
                self._signalled = False
                with self._writing:
                    written = self._drain()
                if self._closed and not written:
                    return
        finally:  # also when something unforeseen ends this thread: nobody may wait for it afterwards
            with self._gate:
                self._closed = True
            self._answer(tuple(self._pending), JournalUnavailable("the journal's writer has ended", where=str(self.path)))

    def _await_work(self) -> None:
        try:
            self._wake.get(timeout=_RETRY_S if self._pending else None)
        except Empty:
            return

    def _drain(self) -> bool:
        """Write all that waits in one transaction and tell the waiters; the caller holds ``_writing``."""
        waiters = []
        while self._pending:
            waiters.append(self._pending.popleft())
        if not waiters:
            return True
        problem: JournalUnavailable | None = JournalUnavailable("the write was cut short", where=str(self.path))
        try:
            problem = self._write([record for waiter in waiters for record in waiter.records])
        finally:
            self._answer(waiters, problem)
            if problem is not None:
                self._pending.extendleft(waiter for waiter in reversed(waiters) if not waiter.waits)
        return problem is None

    def _write(self, records: Sequence[Record]) -> JournalUnavailable | None:
        try:
            self._append(records)
        except JournalUnavailable as error:
            return error
        except (sqlite3.Error, OSError) as error:
            self._abandon()
            return failure(error, self.path)
        except BaseException:
            self._abandon()
            raise
        return None

    def _append(self, records: Sequence[Record]) -> None:
        connection = self._connected()
        now, began = self._clock.now_us(), self._clock.monotonic_us()
        rows = [(seq, now, record.kind, record.id, record.body) for seq, record in enumerate(records, self._seq + 1)]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?)", rows)
        still_open = self._track_open(connection, rows)
        connection.execute("COMMIT")
        self._seq += len(rows)
        self._open = still_open
        self._quick = self._quick + 1 if self._clock.monotonic_us() - began <= _QUICK_US else 0

    def _track_open(self, connection: sqlite3.Connection, rows: Iterable[tuple[int, int, str, str, bytes]]) -> set[str]:
        still_open = self._open
        for seq, _, kind, identifier, body in rows:
            if kind != "decision":
                continue
            if _OPEN in body:
                connection.execute("INSERT OR REPLACE INTO opening VALUES (?, ?)", (identifier, seq))
                still_open = still_open | {identifier}
            elif identifier in still_open:
                connection.execute("DELETE FROM opening WHERE id = ?", (identifier,))
                still_open = still_open - {identifier}
        return still_open

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            connection = connect(self.path, strict=self.strict)
            try:
                self._seq = connection.execute("SELECT coalesce(max(seq), 0) FROM entry").fetchone()[0]
                self._open = {row[0] for row in connection.execute("SELECT id FROM opening")}
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _settle_former(self) -> int:
        try:
            connection = self._connected()
            rows = connection.execute("SELECT e.id, e.body FROM opening AS o JOIN entry AS e ON e.seq = o.seq ORDER BY e.seq").fetchall()
        except sqlite3.Error as error:
            raise failure(error, self.path) from error
        orphans = [Record(kind="decision", id=identifier, body=interrupted(body)) for identifier, body in rows]
        problem = self._write(orphans) if orphans else None
        if problem is not None:
            raise problem
        return len(orphans)

    def _abandon(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    @staticmethod
    def _answer(waiters: Sequence[_Waiter], problem: JournalUnavailable | None) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        for waiter in waiters:
            if waiter.future is None:
                waiter.failure = problem
                waiter.done = True
            else:
                by_loop.setdefault(waiter.future.get_loop(), []).append(waiter.future)
        for loop, futures in by_loop.items():
            try:
                loop.call_soon_threadsafe(_resolve, futures, problem)
            except RuntimeError:  # that loop is closed: nobody waits there any more
                continue


def interrupted(body: bytes) -> bytes:
    """Return an open Decision's bytes as they read once its writer has died."""
    decision = decode(body, Decision, where="an open Decision")
    fields = {name: getattr(decision, name) for name in decision.__struct_fields__}
    return canonical_bytes(Decision(**{**fields, "state": "interrupted"}))


def _again(problem: JournalUnavailable) -> JournalUnavailable:
    kind = JournalDamaged if isinstance(problem, JournalDamaged) else JournalUnavailable
    return kind(problem.what, where=problem.where, mend=problem.mend)


def _resolve(futures: Iterable["asyncio.Future[None]"], problem: JournalUnavailable | None) -> None:
    for future in futures:
        if future.done():
            continue
        if problem is None:
            future.set_result(None)
        else:
            future.set_exception(_again(problem))
