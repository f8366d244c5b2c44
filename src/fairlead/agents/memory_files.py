"""What texts in memory are worth, in files that every worker of a machine shares: ``<data>/memory/<tenant>/<mark>.json``.

No file holds content. Each is replaced as a whole and sealed with a key of the installation, so that whoever can write there without
that key makes nothing trusted. One that can't be read is an error.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from fairlead.agents.errors import MemoryUnreadable
from fairlead.agents.memory import MAX_ENTRIES, MemoryEntry
from fairlead.core import InvalidInput, canonical_bytes, decode, new_id

Mark = Callable[[Sequence[str]], str]
"""Keyed fingerprint of texts."""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    entry: msgspec.Raw
    seal: str


class FileMemory:
    """Entries of all processes of one machine.

    Args:
        root: Where the files are.
        mark: Seals; alike in every process.
        limit: Most entries of one tenant; beyond, a new text is not known, so it is untrusted.
    """

    def __init__(self, root: Path, mark: Mark, *, limit: int = MAX_ENTRIES) -> None:
        self._root = root
        self._mark = mark
        self._limit = limit

    def keep(self, entry: MemoryEntry) -> bool:
        """Keep an entry, durably; false when there is no room.

        Raises:
            MemoryUnreadable: It can't be written.
        """
        folder = self._folder(entry.tenant)
        path, body = folder / f"{entry.mark}.json", canonical_bytes(entry)
        draft = folder / f".{new_id('d')}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists() and sum(1 for _ in folder.glob("*.json")) >= self._limit and not self._purge(folder, entry.written_us):
                return False
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(canonical_bytes(_File(entry=msgspec.Raw(body), seal=self._seal(body))))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            raise _unreadable(path, type(error).__name__) from error
        return True

    def find(self, tenant: str, mark: str) -> MemoryEntry | None:
        """Return a tenant's entry.

        Raises:
            MemoryUnreadable: It is damaged, or another installation sealed it.
        """
        path = self._folder(tenant) / f"{mark}.json"
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unreadable(path, type(error).__name__) from error
        try:
            file = decode(data, _File, where=path.name)
            entry = decode(bytes(file.entry), MemoryEntry, where=path.name)
        except InvalidInput as error:
            raise _unreadable(path, type(error).__name__) from error
        if (entry.tenant, entry.mark) != (tenant, mark) or file.seal != self._seal(bytes(file.entry)):
            raise _unreadable(path, "its seal is not of this installation's key")
        return entry

    def _purge(self, folder: Path, now_us: int) -> bool:
        """Remove what has expired; tell whether that made room."""
        found = [(path, _expires_us(path)) for path in folder.glob("*.json")]
        over = [path for path, expires_us in found if expires_us <= now_us]
        for path in over:
            path.unlink(missing_ok=True)
        return bool(over)

    def _folder(self, tenant: str) -> Path:
        return self._root / self._mark(("tenant", tenant)).rpartition(":")[2]

    def _seal(self, body: bytes) -> str:
        return self._mark(("memory", body.decode())).rpartition(":")[2]


def _expires_us(path: Path) -> int:
    """Return when the entry of a file expires; one that can't be read never does."""
    try:
        return decode(bytes(decode(path.read_bytes(), _File, where=path.name).entry), MemoryEntry, where=path.name).expires_us
    except (OSError, InvalidInput):
        return 1 << 62


def _unreadable(path: Path, why: str) -> MemoryUnreadable:
    mend = (
        "give every process the same FAIRLEAD_CONFIG and a folder it can write; a damaged file may be removed: its text is then untrusted"
    )
    return MemoryUnreadable(f"what a text in memory is worth can't be read or written ({why})", where=str(path), mend=mend)
