"""A clock that a test moves by hand."""


class FixedClock:
    """A Clock that stands still until it is told to advance.

    Args:
        now_us: Wall time in microseconds UTC.
    """

    def __init__(self, now_us: int = 1_764_000_000_000_000) -> None:
        self._now_us = now_us

    def now_us(self) -> int:
        """Return the wall time in microseconds."""
        return self._now_us

    def monotonic_us(self) -> int:
        """Return the same time; it never goes backwards."""
        return self._now_us

    def advance(self, microseconds: int) -> None:
        """Move the time forward."""
        self._now_us += microseconds
