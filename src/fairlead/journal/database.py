"""The journal's file: its tables, how it is opened, how SQLite's failures are told."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from fairlead.journal.errors import JournalDamaged, JournalUnavailable

_VERSION = 1
_TABLES = (
    "CREATE TABLE IF NOT EXISTS journal (id TEXT NOT NULL, version INTEGER NOT NULL)",
    (
        "CREATE TABLE IF NOT EXISTS entry ("
        "seq INTEGER PRIMARY KEY, at_us INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, body BLOB NOT NULL)"
    ),
    "CREATE TABLE IF NOT EXISTS opening (id TEXT PRIMARY KEY, seq INTEGER NOT NULL) WITHOUT ROWID",
)
"""``opening`` lists the Decisions that are still open, so that nobody has to search for them after a crash."""

_DAMAGE = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})


def connect(path: Path, *, strict: bool) -> sqlite3.Connection:
    """Open a journal for writing, making it when it does not exist.

    Args:
        path: The file.
        strict: Ask the disk at every commit (``synchronous=FULL``); otherwise survive a crash of the process, not of the machine.

    Raises:
        JournalUnavailable: The file can't be opened or is no journal.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
        connection = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as error:
        raise failure(error, path) from error
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={'FULL' if strict else 'NORMAL'}")
        connection.execute("BEGIN IMMEDIATE")
        for table in _TABLES:
            connection.execute(table)
        connection.execute("INSERT INTO journal SELECT ?, ? WHERE NOT EXISTS (SELECT 1 FROM journal)", (os.urandom(16).hex(), _VERSION))
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        connection.close()
        raise failure(error, path) from error
    return connection


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a journal read-only, in one read transaction.

    Raises:
        JournalUnavailable: The file is missing, unreadable or no journal.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5, isolation_level=None)) as connection:
            connection.execute("BEGIN")
            yield connection
    except sqlite3.Error as error:
        raise failure(error, path) from error


def failure(error: Exception, path: Path) -> JournalUnavailable:
    """Tell a failure of the disk or of SQLite in Fairlead's words; never with a record's content."""
    name = getattr(error, "sqlite_errorname", "") or type(error).__name__
    if name.removesuffix("_INDEX").removesuffix("_SEQUENCE") in _DAMAGE:
        mend = "move the file aside and start again; what could be read of it can still be folded"
        return JournalDamaged(f"the journal is damaged ({name})", where=str(path), mend=mend)
    mend = "free disk space, or mend the disk or its permissions; the journal goes on by itself"
    return JournalUnavailable(f"the journal can't write or read ({name})", where=str(path), mend=mend)
