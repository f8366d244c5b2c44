"""Levers in a file: pulled by one process, obeyed by every gateway worker on its next request."""

import os
from pathlib import Path

import msgspec

from fairlead.core import InvalidInput, canonical_bytes, decode
from fairlead.guard.ports import Lever


class FileLevers:
    """Reads the lever file again whenever it changed.

    A file that is missing means that no lever was ever pulled. One that was there and can't be read, or is damaged, keeps the
    last known state and adds to :attr:`unreadable`; it never falls back to a default.

    Args:
        path: The lever file.

    Raises:
        InvalidInput: The file is there at the start and can't be read: there is no last known state to keep.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._levers: tuple[Lever, ...] = ()
        self.unreadable = 0
        stamp = _stamp(path)
        if stamp is not None:
            self._levers = read_levers(path)
            self._seen = stamp

    def current(self) -> tuple[Lever, ...]:
        """Return the levers that are pulled now."""
        try:
            stamp = _stamp(self._path)
        except OSError:
            self.unreadable += 1
            return self._levers
        if stamp == self._seen:
            return self._levers
        if stamp is None:
            # It was there and is gone: nobody releases a lever by deleting the file.
            self.unreadable += 1
            return self._levers
        try:
            self._levers = read_levers(self._path)
            self._seen = stamp
        except (OSError, InvalidInput):
            self.unreadable += 1
        return self._levers


def read_levers(path: Path) -> tuple[Lever, ...]:
    """Read a lever file; a missing one holds no levers.

    Raises:
        InvalidInput: The file is damaged.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ()
    return decode(data, tuple[Lever, ...], where="levers.json")


def write_levers(path: Path, levers: tuple[Lever, ...]) -> None:
    """Replace a lever file at once, durably: a reader sees the old levers or the new ones, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.format(canonical_bytes(levers), indent=1))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
