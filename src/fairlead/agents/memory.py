"""Memory and hand-offs: what a text was worth when it was written is what it is worth when it is read, in whatever run.

The application keeps the texts, wherever it does. Here is kept, under a keyed fingerprint of tenant, user and text, where it came from,
how far it is trusted, who may read it, and until when that holds. A text that is not known, or not any more, is data of unknown origin.
Only a text that stood whole in words of the user, or of another trusted origin, is worth as much later; what a model wrote after it had
read untrusted data stays untrusted, even if the client sends it as the user's own words in another run.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec

from fairlead.core import Clock, Segment, SystemClock
from fairlead.guard import Levers
from fairlead.policy import Label

TTL_US = 30 * 24 * 3_600_000_000
"""How long a text keeps what it is worth; then it is data of unknown origin."""
MAX_ENTRIES = 100_000
Written = Literal["memory", "handoff"]
Mark = Callable[[Sequence[str]], str]
"""Keyed fingerprint of texts."""


class MemoryEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of one text; without the text."""

    mark: str
    """Keyed fingerprint of tenant, user and text."""
    tenant: str
    stage: Written
    label: Label
    """``user``, ``system``, ``developer``, ``tool``, ``endorsed``, ``model`` or ``untrusted``."""
    source: str
    """Path or tool of the trusted text in which it stood; empty when there is none."""
    trajectory: str
    """Which one wrote it; a lever on it takes it out of use."""
    exchange: str
    written_us: int
    expires_us: int
    readers: tuple[str, ...] | None = None
    """Mail domains that may read the private data that was seen before; None when none was seen."""


class MemoryStore(Protocol):
    """Keeps entries. Failure posture: an exception blocks the call, or stops the Stage."""

    def keep(self, entry: MemoryEntry) -> bool:
        """Keep an entry in place of the one for the same text; false when there is no room, and then nothing is known of the text."""
        ...

    def find(self, tenant: str, mark: str) -> MemoryEntry | None:
        """Return a tenant's entry, whether it has expired or not."""
        ...


class MemoryEntries:
    """Entries of one process.

    Args:
        limit: Most that are kept; the oldest goes first, and its text is then data of unknown origin.
    """

    def __init__(self, *, limit: int = MAX_ENTRIES) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._entries: dict[tuple[str, str], MemoryEntry] = {}

    def keep(self, entry: MemoryEntry) -> bool:
        """Keep an entry."""
        with self._lock:
            self._entries.pop((entry.tenant, entry.mark), None)
            self._entries[entry.tenant, entry.mark] = entry
            while len(self._entries) > self._limit:
                del self._entries[next(iter(self._entries))]
        return True

    def find(self, tenant: str, mark: str) -> MemoryEntry | None:
        """Return a tenant's entry."""
        with self._lock:
            return self._entries.get((tenant, mark))


class Memory:
    """What texts that outlive a run are worth.

    Args:
        store: Where entries are.
        mark: Fingerprints; alike in every process that shares the store.
        levers: Which Trajectories are quarantined; none without it.
        clock: Tells what has expired.
        ttl_us: How long an entry holds, microseconds.
    """

    def __init__(
        self, store: MemoryStore, mark: Mark, *, levers: Levers | None = None, clock: Clock | None = None, ttl_us: int = TTL_US
    ) -> None:
        self._store = store
        self._mark = mark
        self._levers = levers
        self._clock = clock or SystemClock()
        self._ttl_us = ttl_us

    def write(self, entry: MemoryEntry, user: str, text: str) -> MemoryEntry:
        """Keep what a text is worth; one that is known as untrusted stays so.

        Args:
            entry: What it is worth; mark and times are filled in here.
            user: Whose memory it is.
            text: The text.

        Returns:
            The entry as it holds.
        """
        now = self._clock.now_us()
        mark = self.mark_of(entry.tenant, user, text)
        known = self._store.find(entry.tenant, mark)
        tainted = known is not None and known.label == "untrusted" and now < known.expires_us
        held = msgspec.structs.replace(
            entry,
            mark=mark,
            label="untrusted" if tainted else entry.label,
            source="" if tainted else entry.source,
            written_us=now,
            expires_us=now + self._ttl_us,
        )
        kept = self._store.keep(held)
        return held if kept else msgspec.structs.replace(held, label="untrusted", source="", expires_us=now)

    def worth(self, tenant: str, user: str, text: str) -> MemoryEntry | None:
        """Return what is known of a text; None when it is not known, has expired, or is quarantined."""
        entry = self._store.find(tenant, self.mark_of(tenant, user, text))
        if entry is None or self._clock.now_us() >= entry.expires_us or entry.trajectory in self._held(tenant):
            return None
        return entry

    def quarantined(self, tenant: str, user: str, trajectory: str, segments: Sequence[Segment]) -> str:
        """Return the Trajectory whose lever is pulled and that reads now, or that wrote one of the texts; empty for none."""
        held = self._held(tenant)
        if not held:
            return ""
        if trajectory in held:
            return trajectory
        for segment in segments:
            entry = self._store.find(tenant, self.mark_of(tenant, user, segment.text))
            if entry is not None and entry.trajectory in held:
                return entry.trajectory
        return ""

    def mark_of(self, tenant: str, user: str, text: str) -> str:
        """Return the fingerprint that a text is kept under."""
        return self._mark((tenant, user, text.strip())).rpartition(":")[2]

    def _held(self, tenant: str) -> frozenset[str]:
        pulled = self._levers.current() if self._levers is not None else ()
        return frozenset(lever.target for lever in pulled if lever.kind == "memory" and lever.tenant in ("", tenant))
