"""Secrets that a policy refers to: read at each use, so that a rotated one needs no restart."""

from collections.abc import Callable
from pathlib import Path

from fairlead.core import Unavailable

Secrets = Callable[[str], str]
"""Reference (``env:NAME`` or ``file:/path``) to what it stands for; empty when there is nothing."""
LONGEST = 65_536
"""Bytes of a secret at most."""


def secrets_of(environment: Callable[[str], str]) -> Secrets:
    """Return a reader of references.

    Args:
        environment: Name of an environment variable to its value.
    """

    def read(reference: str) -> str:
        kind, _, name = reference.partition(":")
        if kind == "env":
            return environment(name)
        return _from_file(Path(name)) if kind == "file" else ""

    return read


def read_secret(reference: str, secrets: Secrets) -> str:
    """Return the secret that a policy refers to.

    Args:
        reference: ``env:NAME`` or ``file:/path``.
        secrets: Where secrets are.

    Raises:
        Unavailable: It is not set.
    """
    value = secrets(reference)
    if not value:
        mend = "set the variable in the gateway's environment, or write the file"
        raise Unavailable("a key that the policy names is not set", where=reference, mend=mend)
    return value


def _from_file(path: Path) -> str:
    """Return what a file holds, without the white space around it; empty for a file that can't be read or is no text."""
    try:
        with path.open("rb") as file:
            return file.read(LONGEST).decode().strip()
    except (OSError, UnicodeDecodeError):
        return ""
