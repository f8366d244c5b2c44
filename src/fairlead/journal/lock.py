"""Who is the writer of a journal: a file lock, which the kernel drops when the process ends, however it ends.

A process id would lie after it has been reused, and inside containers; an advisory ``flock`` can't.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_RETRY_S = 0.002


def _lock_path(journal: Path) -> Path:
    return journal.with_name(journal.name + ".lock")


def _try(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def hold_as_writer(journal: Path, *, wait_s: float = 0.0) -> int | None:
    """Become the only writer of a journal.

    Args:
        journal: The journal's file; the lock lies beside it.
        wait_s: How long to wait for readers that look just now, in seconds.

    Returns:
        A file descriptor that holds the lock until it is closed, or None when there is another writer.
    """
    descriptor = os.open(_lock_path(journal), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + wait_s
    while not _try(descriptor, fcntl.LOCK_EX):
        if time.monotonic() >= deadline:
            os.close(descriptor)
            return None
        time.sleep(_RETRY_S)
    return descriptor


@contextmanager
def writer_is_dead(journal: Path) -> Iterator[bool]:
    """Tell whether a journal has no writer; while the answer is in use, none can start."""
    try:
        descriptor = os.open(_lock_path(journal), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        yield True
        return
    try:
        yield _try(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)
