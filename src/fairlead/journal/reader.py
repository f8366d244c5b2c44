"""Reading journals: consumers follow them by sequence number, while their writers live or after they died."""

from pathlib import Path

from fairlead.journal.database import reading
from fairlead.journal.engine import interrupted
from fairlead.journal.lock import writer_is_dead
from fairlead.journal.model import Entry, Record


def read(path: Path, after: int, limit: int) -> list[Entry]:
    """Return the entries that follow a place in a journal, oldest first.

    A Decision that a dead writer left open reads as interrupted.

    Args:
        path: The journal's file.
        after: The last sequence number that is already known; 0 for none.
        limit: At most this many.

    Raises:
        JournalUnavailable: The file is missing, unreadable or damaged.
    """
    with writer_is_dead(path) as dead, reading(path) as connection:
        rows = connection.execute(
            "SELECT seq, at_us, kind, id, body FROM entry WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit)
        ).fetchall()
        orphans = {row[0] for row in connection.execute("SELECT seq FROM opening")} if dead else set()
    return [
        Entry(seq=seq, at_us=at_us, record=Record(kind=kind, id=identifier, body=interrupted(body) if seq in orphans else body))
        for seq, at_us, kind, identifier, body in rows
    ]


def journals(folder: Path) -> list[Path]:
    """Return the journal files of a folder, in the order of their names."""
    return sorted(folder.glob("*.db"))


def identity(path: Path) -> str:
    """Return the random identifier that a journal was given when it was made; a file made anew under the same name has another.

    Raises:
        JournalUnavailable: The file is missing, unreadable or damaged.
    """
    with reading(path) as connection:
        return str(connection.execute("SELECT id FROM journal").fetchone()[0])


def last_seq(path: Path) -> int:
    """Return the sequence number of a journal's last entry, 0 when it is empty.

    Raises:
        JournalUnavailable: The file is missing, unreadable or damaged.
    """
    with reading(path) as connection:
        return int(connection.execute("SELECT coalesce(max(seq), 0) FROM entry").fetchone()[0])


def has_orphans(path: Path) -> bool:
    """Return whether a journal has open Decisions and no writer that could finish them.

    Raises:
        JournalUnavailable: The file is missing, unreadable or damaged.
    """
    with writer_is_dead(path) as dead, reading(path) as connection:
        return dead and connection.execute("SELECT 1 FROM opening LIMIT 1").fetchone() is not None
