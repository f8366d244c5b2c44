"""Secrets that a policy refers to: read at each use, so that a rotated one needs no restart."""

from collections.abc import Callable, Iterator
from pathlib import Path

from fairlead.core import Unavailable
from fairlead.policy import Release

Secrets = Callable[[str], str]
"""Reference, as a policy writes it, to what it stands for; empty when there is nothing."""
LONGEST = 65_536
"""Bytes of a secret at most."""


def secrets_of(environment: Callable[[str], str], stores: Secrets) -> Secrets:
    """Return a reader of references.

    Args:
        environment: Name of an environment variable to its value.
        stores: Reads what neither stands in the environment nor in a file.
    """

    def read(reference: str) -> str:
        kind, _, name = reference.partition(":")
        if kind == "env":
            return environment(name)
        return _from_file(Path(name)) if kind == "file" else stores(reference)

    return read


def read_secret(reference: str, secrets: Secrets) -> str:
    """Return the secret that a policy refers to.

    Args:
        reference: As a policy writes it.
        secrets: Where secrets are.

    Raises:
        Unavailable: It is not set.
    """
    value = secrets(reference)
    if not value:
        mend = "set the variable in the gateway's environment, write the file, or see the log for what the store of secrets said"
        raise Unavailable("a key that the policy names is not set", where=reference, mend=mend)
    return value


def references_of(release: Release) -> Iterator[str]:
    """Yield every reference to a secret of a policy."""
    policy = release.policy
    yield from (upstream.key for upstream in policy.upstream.values())
    yield from (detector.key for detector in policy.detectors.values())
    for server in policy.mcp.servers.values() if policy.mcp is not None else ():
        yield server.key
        yield from server.env.values()


def _from_file(path: Path) -> str:
    """Return what a file holds, without the white space around it; empty for a file that can't be read or is no text."""
    try:
        with path.open("rb") as file:
            return file.read(LONGEST).decode().strip()
    except (OSError, UnicodeDecodeError):
        return ""
