"""Limits in memory, for one process."""

from collections import deque

from fairlead.guard.ports import AskLimit, LimitAnswer


class MemoryLimits:
    """Sliding windows, one per limit and subject; a subject names its tenant, so two tenants never share one.

    Exact: a window of length w never holds more than the ceiling. Memory is bounded by the ceiling per subject, since entries of
    the same 1/64 of a window are added up.
    """

    def __init__(self) -> None:
        self._windows: dict[tuple[str, str], _Window] = {}

    def spend(self, ask: AskLimit, monotonic_us: int) -> LimitAnswer:
        """Reserve the amount, or say when to come back.

        Args:
            ask: Limit, subject, amount, ceiling and window.
            monotonic_us: Now, on a clock that never goes back.
        """
        window = self._windows.setdefault((ask.limit, ask.subject), _Window())
        return window.spend(ask, monotonic_us)


class _Window:
    __slots__ = ("entries", "total")

    def __init__(self) -> None:
        self.entries: deque[tuple[int, int]] = deque()
        self.total = 0

    def spend(self, ask: AskLimit, now_us: int) -> LimitAnswer:
        horizon = now_us - ask.window_us
        while self.entries and self.entries[0][0] <= horizon:
            self.total -= self.entries.popleft()[1]
        if self.total + ask.amount > ask.ceiling:
            oldest = self.entries[0][0] if self.entries else now_us
            return LimitAnswer(allowed=False, retry_after_us=max(1, oldest + ask.window_us - now_us))
        grain = max(1, ask.window_us // 64)
        if self.entries and now_us // grain == self.entries[-1][0] // grain:
            # The later time is kept for the sum, so that no amount is forgotten too early.
            amount = self.entries.pop()[1]
            self.entries.append((now_us, amount + ask.amount))
        else:
            self.entries.append((now_us, ask.amount))
        self.total += ask.amount
        return LimitAnswer(allowed=True)
