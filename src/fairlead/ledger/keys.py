"""Signing keys: ed25519, one file outside every repository, readable by its owner only."""

import base64
import binascii
import hashlib
import os
import stat
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

from fairlead.ledger.errors import SigningKeyMissing, SigningKeyUnsafe, TrustRootInvalid

KEY_FILE = "ledger-signing.pem"


class Signer(Protocol):
    """What signs envelopes: a key file here, a hardware module or a service elsewhere."""

    @property
    def key_id(self) -> str:
        """``sha256:`` and the hash of the raw public key."""
        ...

    @property
    def public(self) -> bytes:
        """The 32 bytes of the ed25519 public key."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        ...


class SigningKey:
    """An ed25519 private key; it is never printed and never leaves the process but by :func:`generate_key`."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self._public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def key_id(self) -> str:
        """``sha256:`` and the hash of the raw public key."""
        return key_id(self._public)

    @property
    def public(self) -> bytes:
        """The 32 bytes of the public key."""
        return self._public

    def sign(self, data: bytes) -> bytes:
        """Return the 64 bytes of the signature."""
        return self._private.sign(data)

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id})"


def key_id(public: bytes) -> str:
    """Return the id of a raw public key."""
    return "sha256:" + hashlib.sha256(public).hexdigest()


def signature_holds(public: bytes, signature: bytes, data: bytes) -> bool:
    """Tell whether ``signature`` over ``data`` is by the key ``public``."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def ephemeral_key() -> SigningKey:
    """Return a key that lives in this process only, for tests and trials."""
    return SigningKey(Ed25519PrivateKey.generate())


def generate_key(folder: Path) -> SigningKey:
    """Make a key and write it to ``folder``; an existing key is never overwritten.

    Args:
        folder: The configuration folder; made with mode 0700 when it is missing.

    Raises:
        SigningKeyUnsafe: The folder lies inside a git work tree, or a key is already there.
    """
    path = folder / KEY_FILE
    _refuse_repository(folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise SigningKeyUnsafe("a signing key is already there", where=str(path), mend="keep it, or move it away first") from error
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return SigningKey(private)


def load_key(folder: Path) -> SigningKey:
    """Read the key of ``folder``.

    Raises:
        SigningKeyMissing: There is none.
        SigningKeyUnsafe: It lies in a git work tree, or others may read it, or it is no ed25519 key.
    """
    path = folder / KEY_FILE
    _refuse_repository(folder)
    try:
        mode, pem = stat.S_IMODE(path.stat().st_mode), path.read_bytes()
    except FileNotFoundError as error:
        raise SigningKeyMissing("there is no signing key", where=str(path), mend="generate one, or set FAIRLEAD_CONFIG") from error
    if mode & 0o077:
        raise SigningKeyUnsafe(f"others may read the signing key (mode {mode:o})", where=str(path), mend="chmod 600, then rotate the key")
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError) as error:
        raise SigningKeyUnsafe("the file holds no readable private key", where=str(path), mend="restore it from your backup") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise SigningKeyUnsafe("the key is not ed25519", where=str(path), mend="generate one with Fairlead")
    return SigningKey(private)


def ensure_key(folder: Path) -> SigningKey:
    """Return the key of ``folder``, made on first use.

    Raises:
        SigningKeyUnsafe: See :func:`load_key` and :func:`generate_key`.
    """
    try:
        return load_key(folder)
    except SigningKeyMissing:
        return generate_key(folder)


def decode_public(text: str, *, where: str = "") -> bytes:
    """Return the raw public key that ``text`` holds in base64.

    Raises:
        TrustRootInvalid: It is no base64 of 32 bytes.
    """
    try:
        public = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise TrustRootInvalid("a public key is not base64", where=where, mend="export the trust root again") from error
    if len(public) != 32:
        raise TrustRootInvalid(f"a public key has {len(public)} bytes, not 32", where=where, mend="export the trust root again")
    return public


def _refuse_repository(folder: Path) -> None:
    here = folder.expanduser().resolve()
    for place in (here, *here.parents):
        if (place / ".git").exists():
            what = "a signing key must not lie inside a git work tree"
            raise SigningKeyUnsafe(what, where=str(folder), mend="set FAIRLEAD_CONFIG to a folder outside every repository")
