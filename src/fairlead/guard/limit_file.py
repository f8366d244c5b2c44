"""Limits that hold for all processes of a data folder: one file that each maps into its memory, under one lock."""

import fcntl
import mmap
import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Self

from fairlead.core import Clock
from fairlead.guard.errors import LimitsFull, LimitsUnusable
from fairlead.guard.limits import KEPT, Ring, count
from fairlead.guard.ports import AskLimits, Charge, LimitAnswer

SLOTS: Final = 32_768
"""Subjects that can be counted at a time; 17 MB. More than that within a window needs Redis."""
PROBES: Final = 64
"""Slots in which a subject may stand."""
PATIENCE_S: Final = 0.25
"""How long the lock is waited for. It is held for some microseconds; a process that is killed loses it, one that is stopped keeps it."""
REST_S: Final = 1.0
"""After a wait in vain nobody waits for so long: each request asks for the lock once."""
NAP_S: Final = 0.0001
_HEAD = struct.Struct("<8sq")
_MAGIC = b"FLLIMIT1"
_SLOT = struct.Struct(f"<16sqq{KEPT}q")
"""Key, microseconds of a part, newest part, amounts."""
_KEY: Final = 16
_FREE = bytes(_KEY)


class FileLimits:
    """Counts in a file that all processes of a data folder share; nothing ever waits for the disk.

    The file's room is taken when it is made, so a full disk can't hurt it later. A restart of the gateway keeps what was spent; the
    monotonic time of a machine that was started anew is behind the file's, and then what was spent counts as of the start.

    Args:
        descriptor: Of the open file.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._memory = mmap.mmap(descriptor, _HEAD.size + SLOTS * _SLOT.size)
        self._mine = threading.Lock()
        self._rest_until = 0.0

    @classmethod
    def open(cls, path: Path, clock: Clock) -> Self:
        """Open or make the file.

        Raises:
            LimitsUnusable: There is no room for it, or it is something else.
        """
        size = _HEAD.size + SLOTS * _SLOT.size
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if os.fstat(descriptor).st_size < size:
                os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            mend = "make room for 17 MB that the gateway may write"
            raise LimitsUnusable("the file of the limits can't be made", where=path.name, mend=mend) from error
        limits = cls(descriptor)
        if limits._memory[:8] not in (_MAGIC, bytes(8)):
            limits.close()
            mend = "stop the gateway and remove the file; every limit begins anew"
            raise LimitsUnusable("the file of the limits is damaged or of another version", where=path.name, mend=mend)
        limits._begin(clock.monotonic_us())
        return limits

    def spend(self, ask: AskLimits, monotonic_us: int) -> LimitAnswer:
        """Spend all charges or none, or correct what was spent.

        Raises:
            LimitsFull: More subjects are counted than fit.
            LimitsUnusable: Another process holds the lock and does not go on.
        """
        with self._locked():
            _HEAD.pack_into(self._memory, 0, _MAGIC, monotonic_us)
            places = [self._place(charge, monotonic_us) for charge in ask.charges]
            rings = [self._load(place) for place in places]
            answer = count(rings, ask, monotonic_us)
            for place, ring in zip(places, rings, strict=True):
                self._store(place, ring)
            return answer

    def waiting(self, ask: AskLimits) -> None:  # noqa: ARG002 - the port's signature
        """Say that :meth:`spend` answers at once."""
        return

    def close(self) -> None:
        """Unmap and close the file; once more does nothing."""
        self._memory.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _begin(self, now_us: int) -> None:
        """Bring the file to this machine's time, if it was started anew since."""
        with self._locked():
            _, latest_us = _HEAD.unpack_from(self._memory, 0)
            if latest_us <= now_us:
                return
            for place in range(_HEAD.size, len(self._memory), _SLOT.size):
                key, part_us, head, *counts = _SLOT.unpack_from(self._memory, place)
                if key != _FREE and head > now_us // part_us:
                    ring = Ring(head, counts)
                    ring.turn(now_us // part_us)
                    self._store(place, ring)
            _HEAD.pack_into(self._memory, 0, _MAGIC, now_us)

    def _place(self, charge: Charge, now_us: int) -> int:
        """Return where a subject stands; one that is new takes the place of one whose window is over."""
        key = charge.digest()
        first = int.from_bytes(key[:4], "little")
        spare = 0
        for number in range(first, first + PROBES):
            place = _HEAD.size + number % SLOTS * _SLOT.size
            found = self._memory[place : place + _KEY]
            if found == key:
                return place
            if not spare and (found == _FREE or self._over(place, now_us)):
                spare = place
            if found == _FREE:
                break
        if not spare:
            raise LimitsFull("more subjects are counted than fit", mend="use Redis: set FAIRLEAD_REDIS")
        _SLOT.pack_into(self._memory, spare, key, charge.part_us, now_us // charge.part_us, *[0] * KEPT)
        return spare

    def _over(self, place: int, now_us: int) -> bool:
        _, part_us, head, *_ = _SLOT.unpack_from(self._memory, place)
        return bool((head + KEPT) * part_us <= now_us)

    def _load(self, place: int) -> Ring:
        _, _, head, *counts = _SLOT.unpack_from(self._memory, place)
        return Ring(head, counts)

    def _store(self, place: int, ring: Ring) -> None:
        key, part_us, *_ = _SLOT.unpack_from(self._memory, place)
        _SLOT.pack_into(self._memory, place, key, part_us, ring.head, *ring.counts)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock: of this process's threads, then of all processes."""
        with self._mine:
            self._take()
            try:
                yield
            finally:
                fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    def _take(self) -> None:
        began = 0.0
        while True:
            with suppress(BlockingIOError):
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            now = time.monotonic()
            began = began or now
            in_vain = now > began + PATIENCE_S
            if in_vain:
                self._rest_until = now + REST_S
            if now < self._rest_until:
                raise LimitsUnusable("another process holds the lock of the limits", mend="look for one that is stopped or stuck")
            time.sleep(NAP_S)
