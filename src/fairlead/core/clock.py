"""Time as a dependency: wall time in integer microseconds UTC, and a monotonic time for durations."""

import time
from typing import Protocol


class Clock(Protocol):
    """Where time comes from; replay and tests pass a fixed one."""

    def now_us(self) -> int:
        """Return the wall time in microseconds since the epoch, UTC."""
        ...

    def monotonic_us(self) -> int:
        """Return a time in microseconds that never goes backwards, for durations only."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now_us(self) -> int:
        """Return the wall time in microseconds since the epoch, UTC."""
        return time.time_ns() // 1000

    def monotonic_us(self) -> int:
        """Return a time in microseconds that never goes backwards, for durations only."""
        return time.perf_counter_ns() // 1000
