"""Fingerprints: keyed hashes of texts, so that repeats can be found without keeping content."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Self

from fairlead.journal.keyfile import installation_key

_FILE = "fingerprint.key"


class Fingerprinter:
    """Gives the same texts the same fingerprint within one installation; without its key nobody can test a guess.

    Args:
        key: 32 bytes.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def open(cls, config_dir: Path) -> Self:
        """Use the installation's key, making it when there is none.

        Raises:
            KeyFileUnsafe: The key file is readable by others or damaged.
            Unavailable: The key file can't be read or made.
        """
        return cls(installation_key(config_dir / _FILE))

    def __call__(self, texts: Sequence[str]) -> str:
        """Return ``hmac:`` and 32 hex digits: keyed BLAKE2b of the texts, each with its length in front."""
        state = blake2b(key=self._key, digest_size=16)
        for text in texts:
            data = text.encode("utf-8", "surrogatepass")
            state.update(len(data).to_bytes(8, "big"))
            state.update(data)
        return "hmac:" + state.hexdigest()
