"""Trials: policies beside the live one, in one file that every gateway worker reads again when it changes."""

import fcntl
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import msgspec

from fairlead.core import InvalidInput, canonical_bytes, decode
from fairlead.releases import RollBack
from fairlead.wiring.policy_files import PolicyTexts

TRIALS_FILE = "trials.json"
"""File of the data folder, beside ``levers.json``."""
Kind = Literal["shadow", "canary"]
"""``shadow`` decides beside the live policy and enforces nothing; ``canary`` decides instead of it for some callers."""


class Trial(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One policy that is tried. The file holds the last one of each kind, whatever became of it."""

    id: str
    """``tri_…``."""
    kind: Kind
    release: str
    """What the candidate compiled to when it was checked; a worker that gets another one doesn't use it."""
    base: str
    """The live Release at the start."""
    texts: PolicyTexts
    """The candidate, and the live policy's other files."""
    share: float
    """Of Exchanges for a shadow, of callers for a canary; 0 to 1."""
    tenants: tuple[str, ...] = ()
    """A canary for all callers of these tenants instead of a share."""
    roll_back: RollBack | None = None
    by: str
    at_us: int
    state: Literal["running", "stopped", "rolled_back", "promoted"] = "running"
    why: str = ""
    """Why it was rolled back, with the numbers."""

    def takes(self, tenant: str, key: str) -> bool:
        """Tell whether a canary decides for a caller. The same caller is always answered alike, by every worker and after a restart."""
        if self.tenants:
            return tenant in self.tenants
        # The length keeps tenant "a/b" with key "c" apart from tenant "a" with key "b/c". A larger share keeps who was in.
        return sampled(f"{self.release}/{len(tenant)}:{tenant}/{key}", self.share)


def sampled(name: str, share: float) -> bool:
    """Tell whether something is drawn for a sample; its name alone decides, so that all records agree.

    Args:
        name: Such as the id of an Exchange.
        share: Share to draw, 0 to 1.
    """
    place = int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=7).digest())
    return place < share * 2**56


def read_trials(path: Path) -> tuple[Trial, ...]:
    """Read a file of trials; a missing one holds none.

    Raises:
        InvalidInput: It is damaged, or can't be read.
    """
    try:
        return decode(path.read_bytes(), tuple[Trial, ...], where=path.name)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise InvalidInput("the file of trials can't be read", where=path.name, mend="check its permissions") from error


def change_trials(path: Path, change: Callable[[tuple[Trial, ...]], tuple[Trial, ...]]) -> tuple[Trial, ...]:
    """Change the trials, durably and alone: a reader sees the old ones or the new ones.

    Args:
        path: The file.
        change: Old trials to new ones; may refuse by raising.

    Raises:
        InvalidInput: The file is damaged; nothing is changed.
        OSError: It can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        trials = change(read_trials(path))
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(canonical_bytes(trials))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    return trials


def stamp_of(path: Path) -> tuple[int, int, int]:
    """Return what changes when a file does."""
    try:
        status = path.stat()
    except OSError:
        return 0, 0, 0
    return status.st_mtime_ns, status.st_ino, status.st_size
