"""Sealed captures: content that the policy lets be kept, encrypted under a key of its own that can be forgotten.

Each capture has a random data key (AES-256-GCM). The data key is wrapped by the installation key and kept in one file, the key chest,
apart from the captures: those may lie in journals, in the store and in backups of both. Shredding erases the wrapped data key, so that
no copy of the capture can be read again. Do not back the key chest up for longer than you may keep content.

Who reads a capture is in the audit trail before the content is out.
"""

import os
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Literal, Self

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fairlead.core import Clock, Unavailable, canonical_bytes, decode, new_id
from fairlead.journal.errors import CaptureRefused, CaptureShredded, CaptureTampered
from fairlead.journal.keyfile import installation_key
from fairlead.journal.model import AuditEntry, Record

Purpose = Literal["person", "program"]
"""``person``: someone will see it. ``program``: a step of the loop uses it and shows it to nobody."""

_NONCE_BYTES = 12
_FILE = "sealing.key"
_CHEST = "capture-keys.db"


class Sealed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A capture as it is kept; without its data key it tells its length and nothing else."""

    id: str
    """``cap_…``."""
    tenant: str
    nonce: bytes
    ciphertext: bytes


class Access(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who wants to read a capture, and why."""

    actor: str
    """Id of an account, or the name of the program's step."""
    reason: str
    """For the audit trail, such as the incident's id; no content."""
    purpose: Purpose
    consent: str = ""
    """Id of the second person, for a person's reading."""


class KeyChest:
    """The wrapped data keys, in a file of their own.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600)
            self._connection = sqlite3.connect(path, timeout=5, isolation_level=None, check_same_thread=False)
            for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "secure_delete=ON"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS data_key (tenant TEXT, id TEXT, wrapped BLOB NOT NULL, PRIMARY KEY (tenant, id))"
            )
        except (sqlite3.Error, OSError) as error:
            raise self._unavailable(error) from error

    def put(self, tenant: str, capture: str, wrapped: bytes) -> None:
        """Keep a wrapped data key."""
        self._run("INSERT OR REPLACE INTO data_key VALUES (?, ?, ?)", (tenant, capture, wrapped))

    def get(self, tenant: str, capture: str) -> bytes | None:
        """Return a wrapped data key, None when it was forgotten."""
        rows = self._run("SELECT wrapped FROM data_key WHERE tenant = ? AND id = ?", (tenant, capture))
        return rows[0][0] if rows else None

    def forget(self, tenant: str, capture: str) -> bool:
        """Erase a wrapped data key, in the write-ahead log too; tell whether there was one."""
        rows = self._run("DELETE FROM data_key WHERE tenant = ? AND id = ? RETURNING id", (tenant, capture))
        self._run("PRAGMA wal_checkpoint(TRUNCATE)", ())
        return bool(rows)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()

    def _run(self, statement: str, values: tuple[object, ...]) -> list[tuple[bytes]]:
        try:
            with self._lock, closing(self._connection.execute(statement, values)) as cursor:
                return cursor.fetchall()
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    def _unavailable(self, error: Exception) -> Unavailable:
        kind = getattr(error, "sqlite_errorname", "") or type(error).__name__
        return Unavailable(
            f"the capture keys can't be read or written ({kind})", where=str(self._path), mend="mend the disk or its permissions"
        )


class Sealer:
    """Seals captures, and opens them for whoever may.

    Args:
        key: The installation key, 32 bytes.
        chest: Where the wrapped data keys are.
    """

    def __init__(self, key: bytes, chest: KeyChest) -> None:
        self._wrapping = AESGCM(key)
        self._chest = chest

    @classmethod
    def open(cls, config_dir: Path) -> Self:
        """Use the installation's key and key chest, making them when there are none.

        Raises:
            KeyFileUnsafe: The key file is readable by others or damaged.
            Unavailable: A file can't be read or made.
        """
        return cls(installation_key(config_dir / _FILE), KeyChest(config_dir / _CHEST))

    def seal(self, capture: str, tenant: str, content: bytes) -> bytes:
        """Encrypt content under a new data key.

        Args:
            capture: ``cap_…``.
            tenant: Whose it is; bound into the encryption.
            content: What to keep.

        Returns:
            The body of a journal Record of kind ``capture``.

        Raises:
            Unavailable: The data key could not be kept, so the capture would be lost.
        """
        key, nonce = AESGCM.generate_key(bit_length=256), os.urandom(_NONCE_BYTES)
        bound = _bound(tenant, capture)
        wrapping_nonce = os.urandom(_NONCE_BYTES)
        self._chest.put(tenant, capture, wrapping_nonce + self._wrapping.encrypt(wrapping_nonce, key, bound))
        return canonical_bytes(Sealed(id=capture, tenant=tenant, nonce=nonce, ciphertext=AESGCM(key).encrypt(nonce, content, bound)))

    def unseal(self, body: bytes, tenant: str, *, access: Access, audit: Callable[[Sequence[Record]], None], clock: Clock) -> bytes:
        """Give back what was sealed, after the reading is in the audit trail.

        Args:
            body: What :meth:`seal` returned.
            tenant: Whose capture the caller may read.
            access: Who reads it and why.
            audit: Makes the audit record durable, such as ``journal.commit``.
            clock: Where the audit entry's time comes from.

        Raises:
            CaptureRefused: No reason, or a person without a second person's consent, or another tenant's capture.
            CaptureShredded: The data key was forgotten.
            CaptureTampered: The capture was changed.
            Unavailable: The audit trail can't be written: nothing is read.
        """
        sealed = decode(body, Sealed, where="a sealed capture")
        _require(sealed, tenant, access)
        key = self._data_key(sealed)
        detail = {"reason": access.reason, "purpose": access.purpose, **({"consent": access.consent} if access.consent else {})}
        entry = AuditEntry(
            id=new_id("aud"),
            tenant=tenant,
            actor=access.actor,
            action="capture.unseal",
            target=sealed.id,
            at_us=clock.now_us(),
            detail=detail,
        )
        audit([Record(kind="audit", id=entry.id, body=canonical_bytes(entry))])
        return _decrypt(AESGCM(key), sealed.nonce, sealed.ciphertext, sealed)

    def shred(self, capture: str, tenant: str) -> bool:
        """Forget a capture's data key for ever: no copy of the capture can be read again.

        Returns:
            Whether there was one.

        Raises:
            Unavailable: The key chest can't be written.
        """
        return self._chest.forget(tenant, capture)

    def close(self) -> None:
        """Close the key chest."""
        self._chest.close()

    def _data_key(self, sealed: Sealed) -> bytes:
        wrapped = self._chest.get(sealed.tenant, sealed.id)
        if wrapped is None:
            raise CaptureShredded(
                "the key of this capture is gone", where=sealed.id, mend="nothing brings it back; that is what shredding is for"
            )
        return _decrypt(self._wrapping, wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], sealed)


def _require(sealed: Sealed, tenant: str, access: Access) -> None:
    if sealed.tenant != tenant:
        raise CaptureRefused("the capture is not this tenant's", where=sealed.id, mend="ask its tenant")
    if not access.actor or not access.reason:
        raise CaptureRefused("content is read by someone, for a reason", where=sealed.id, mend="give an actor and a reason")
    if access.purpose == "person" and access.consent in ("", access.actor):
        raise CaptureRefused(
            "a person reads content only with a second person's consent", where=sealed.id, mend="ask a second person to consent"
        )


def _decrypt(cipher: AESGCM, nonce: bytes, data: bytes, sealed: Sealed) -> bytes:
    try:
        return cipher.decrypt(nonce, data, _bound(sealed.tenant, sealed.id))
    except InvalidTag as error:
        what = "the capture does not decrypt: it was changed, or sealed with another installation key"
        raise CaptureTampered(
            what, where=sealed.id, mend="restore the installation key, or treat the capture as evidence of tampering"
        ) from error


def _bound(tenant: str, capture: str) -> bytes:
    return canonical_bytes([tenant, capture])
