"""The data plane's view of API keys: a snapshot file that the control plane publishes, read again when it changes.

Failure posture: a snapshot that can't be read leaves the last known keys in force and is counted; a revocation that could not be
published is an error at the control plane, never silence here.
"""

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hmac import compare_digest
from pathlib import Path
from typing import Self

import msgspec

from fairlead.core import InvalidInput, Unavailable, canonical_bytes, decode
from fairlead.identity.errors import KeyRefused, KeysUnreadable
from fairlead.identity.model import ApiKey, Scope, digest_of, split_token

_NO_DIGEST = "0" * 64
_Stamp = tuple[int, int, int]


class _Snapshot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: int
    keys: tuple[ApiKey, ...]


class KeyRing:
    """The keys that are in force. Use :meth:`load`.

    Args:
        path: The snapshot, ``<data_dir>/keys.json``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: _Stamp | None = None
        self._keys: dict[str, tuple[ApiKey, ...]] = {}
        self.unreadable = 0
        """How often a changed snapshot could not be read; the last known keys stayed in force."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the snapshot; none yet means that no key is in force yet.

        Raises:
            KeysUnreadable: There is one, and it can't be read.
        """
        ring = cls(path)
        try:
            ring._read()
        except FileNotFoundError:
            return ring
        except (OSError, InvalidInput) as error:
            raise KeysUnreadable(
                "the published keys can't be read", where=str(path), mend="publish them again: `fairlead key list`"
            ) from error
        return ring

    def authenticate(self, token: str, now_us: int, scope: Scope) -> ApiKey:
        """Return the key that a token stands for.

        Args:
            token: ``fl_<key id>_<secret>``.
            now_us: Wall time, microseconds UTC.
            scope: What it is to be used for.

        Raises:
            KeyRefused: No such key, wrong secret, expired, revoked, or without the scope.
        """
        self._refresh()
        identifier, secret = split_token(token)
        given = digest_of(secret)
        found = None
        for key in self._keys.get(identifier, ()):  # ids are random, so one; were two tenants' alike, the secret tells them apart
            if compare_digest(given, key.secret_digest):
                found = key
        if found is None:
            compare_digest(given, _NO_DIGEST)  # as much work as for a key that exists
            raise KeyRefused("the API key is not known", mend="send `Authorization: Bearer fl_…` with a key of this installation")
        if not found.valid_at(now_us):
            raise KeyRefused("the API key is expired or revoked", where=found.id, mend="create a new one: `fairlead key create`")
        if scope not in found.scopes:
            raise KeyRefused(
                f"the API key lacks the scope {scope}", where=found.id, mend=f"create one with `fairlead key create --scope {scope}`"
            )
        return found

    def _refresh(self) -> None:
        try:
            status = os.stat(self._path)  # noqa: PTH116 - on every request: half the cost of Path.stat
            if _stamp(status) != self._stamp:
                self._read()
        except OSError:
            if self._stamp is not None:  # count once; try again with every request
                self.unreadable += 1
                self._stamp = None
        except InvalidInput:
            self.unreadable += 1  # _read has kept the stamp: the same bytes are not tried again

    def _read(self) -> None:
        with self._path.open("rb") as file:
            self._stamp = _stamp(os.fstat(file.fileno()))
            snapshot = decode(file.read(), _Snapshot, where=str(self._path))
        keys: dict[str, tuple[ApiKey, ...]] = {}
        for key in snapshot.keys:
            keys[key.id] = (*keys.get(key.id, ()), key)
        self._keys = keys


def _stamp(status: os.stat_result) -> _Stamp:
    return status.st_mtime_ns, status.st_size, status.st_ino


def publish_keys(path: Path, keys: Sequence[ApiKey]) -> None:
    """Replace the snapshot, whole or not at all; every data plane takes it over with its next request.

    Raises:
        Unavailable: It can't be written: the data planes go on with what they know.
    """
    publish_keys_from(path, lambda: keys)


def publish_keys_from(path: Path, source: Callable[[], Sequence[ApiKey]]) -> None:
    """Like :func:`publish_keys`, asking for the keys under a lock, so that of two publishers the later has the later keys.

    Raises:
        Unavailable: It can't be written: the data planes go on with what they know.
    """
    try:
        with _publishing(path):
            _replace(path, canonical_bytes(_Snapshot(version=1, keys=tuple(source()))))
    except OSError as error:
        what = f"the keys can't be published ({type(error).__name__}); data planes go on with the last ones"
        raise Unavailable(what, where=str(path), mend="mend the disk or its permissions, then run `fairlead key list`") from error


@contextmanager
def _publishing(path: Path) -> Iterator[None]:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _replace(path: Path, data: bytes) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
