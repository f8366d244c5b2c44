"""What is known about stored objects: a tool that wrote untrusted values into one makes it untrusted, for every later reader."""

import threading
from collections.abc import Iterable
from typing import Protocol

MAX_STAMPS = 100_000


class StoredLabels(Protocol):
    """Remembers which objects hold untrusted values. Failure posture: an exception blocks the call, or leaves a result untrusted."""

    def stamp(self, tenant: str, objects: Iterable[tuple[str, str]]) -> None:
        """Remember that objects, each a kind and an id, hold untrusted values."""
        ...

    def tainted(self, tenant: str, objects: Iterable[tuple[str, str]]) -> bool:
        """Tell whether any of these objects holds untrusted values."""
        ...


class MemoryLabels:
    """Labels of one process; when there are more than it can hold, every object counts as untrusted.

    Args:
        limit: Most objects of one tenant that are remembered.
    """

    def __init__(self, *, limit: int = MAX_STAMPS) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._stamps: dict[str, set[tuple[str, str]]] = {}

    def stamp(self, tenant: str, objects: Iterable[tuple[str, str]]) -> None:
        """Remember that objects hold untrusted values."""
        with self._lock:
            known = self._stamps.setdefault(tenant, set())
            for entry in objects:
                if len(known) >= self._limit:
                    return
                known.add(entry)

    def tainted(self, tenant: str, objects: Iterable[tuple[str, str]]) -> bool:
        """Tell whether any of these objects holds untrusted values."""
        with self._lock:
            known = self._stamps.get(tenant, set())
            return len(known) >= self._limit or any(entry in known for entry in objects)
