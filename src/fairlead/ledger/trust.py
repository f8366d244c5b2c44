"""The trust root: what an auditor holds apart from the bundle, so that a claim can be checked without trusting whoever makes it."""

from pathlib import Path
from typing import Literal

import msgspec

from fairlead.core import InvalidInput, canonical_bytes, decode
from fairlead.ledger.errors import TrustRootInvalid
from fairlead.ledger.keys import Signer, decode_public, key_id
from fairlead.ledger.statement import Checkpoint, encode_public, root_bytes


class TrustedKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A public key whose signatures count."""

    id: str
    """``sha256:`` and the hash of the raw key; checked when the file is read."""
    algorithm: Literal["ed25519"] = "ed25519"
    public: str
    """The raw key in base64."""


class Pin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tree head seen at an earlier check: the log must still contain it."""

    size: int
    root: str


class TrustRoot(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keys, the log's name, and the heads seen so far."""

    format: Literal[1] = 1
    origin: str
    keys: tuple[TrustedKey, ...]
    pins: tuple[Pin, ...] = ()
    """Oldest first. Without a pin, a log that its key's holder rewrote or rolled back can't be told from the true one."""

    def public_keys(self) -> dict[str, bytes]:
        """Return the raw public keys by id."""
        return {key.id: decode_public(key.public) for key in self.keys}

    def pinned(self, checkpoint: Checkpoint) -> "TrustRoot":
        """Return the trust root that has also seen ``checkpoint``."""
        pin = Pin(size=checkpoint.size, root=checkpoint.root)
        return self if pin in self.pins else msgspec.structs.replace(self, pins=(*self.pins, pin))


def make_trust_root(origin: str, *keys: Signer) -> TrustRoot:
    """Return a trust root for the log ``origin`` that trusts ``keys`` and has seen nothing yet."""
    return TrustRoot(origin=origin, keys=tuple(TrustedKey(id=key.key_id, public=encode_public(key.public)) for key in keys))


def parse_trust_root(data: bytes, *, where: str = "") -> TrustRoot:
    """Read a trust root.

    Raises:
        TrustRootInvalid: It is not of that shape, a key's id is not the hash of the key, or a pin is malformed.
    """
    try:
        trust = decode(data, TrustRoot, where=where)
        for pin in trust.pins:
            root_bytes(pin.root)
    except InvalidInput as error:
        raise TrustRootInvalid(error.what, where=where, mend="get the trust root again, from a source you trust") from error
    if not trust.keys:
        raise TrustRootInvalid("the trust root names no key", where=where, mend="get it again, from a source you trust")
    for key in trust.keys:
        if key_id(decode_public(key.public, where=where)) != key.id:
            raise TrustRootInvalid("a key's id is not the hash of the key", where=where, mend="get it again, from a source you trust")
    return trust


def load_trust_root(path: Path) -> TrustRoot:
    """Read a trust root from a file.

    Raises:
        TrustRootInvalid: The file is missing or is no trust root.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise TrustRootInvalid("the trust root can't be read", where=str(path), mend="give the file kept apart from bundles") from error
    return parse_trust_root(data, where=str(path))


def save_trust_root(path: Path, trust: TrustRoot) -> None:
    """Write a trust root; the file is replaced in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_bytes(msgspec.json.format(canonical_bytes(trust), indent=2) + b"\n")
    temporary.replace(path)
