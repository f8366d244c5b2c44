"""Levers in a file: pulled by one process, obeyed by every gateway worker on its next request."""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from fairlead.core import InvalidInput, canonical_bytes, decode
from fairlead.guard.errors import LeversGone
from fairlead.guard.ports import Lever


class FileLevers:
    """Reads the lever file again whenever it changed.

    A file that was there and can't be read, or is damaged, keeps the last known state and adds to :attr:`unreadable`; it never
    falls back to a default. A missing one holds no levers; see :func:`begin_levers` for when it may be missing.

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


def begin_levers(path: Path, *, served: bool) -> None:
    """Make sure that a data folder has a lever file, before levers are read at a start or changed.

    Args:
        path: The lever file.
        served: Whether a gateway served from this folder before. If so, the file was there, and what it held is not known.

    Raises:
        LeversGone: It served before and the file is gone.
    """
    if path.exists():
        return
    if served:
        raise LeversGone(
            "the file of levers is gone, so what was switched off is not known",
            where=path.name,
            mend="restore it from a backup; or, if no lever was pulled ('fairlead incident list'), write [] into it",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(path, b"[]")
    with suppress(FileExistsError):
        path.hardlink_to(draft)  # which never replaces what another process has written meanwhile
    draft.unlink()


def write_levers(path: Path, levers: tuple[Lever, ...]) -> None:
    """Replace a lever file at once, durably: a reader sees the old levers or the new ones, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _draft(path, msgspec.json.format(canonical_bytes(levers), indent=1)).replace(path)


def _draft(path: Path, data: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size
