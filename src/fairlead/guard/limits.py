"""How limits count: windows in sixty parts, the same in memory, in a file and in Redis.

What is spent counts for the whole window, and for at most one sixtieth longer: no span as long as the window ever holds more than the
ceiling. If a clock goes back, what was spent later than it now says counts as spent now, so that nothing is forgotten too early and
nothing stays shut for longer than a window.
"""

from collections.abc import Sequence
from typing import Final

from fairlead.guard.ports import AskLimits, LimitAnswer

PARTS: Final = 60
"""Parts of a window; one more is kept, the one that is just leaving it."""
KEPT: Final = PARTS + 1


class Ring:
    """What one subject spent of one limit.

    Args:
        head: Number of the newest part: time since the clock's zero, in parts.
        counts: Amount of each part that is kept, at its number modulo :data:`KEPT`.
    """

    __slots__ = ("counts", "head")

    def __init__(self, head: int = 0, counts: Sequence[int] = ()) -> None:
        self.head = head
        self.counts = list(counts) or [0] * KEPT

    def turn(self, part: int) -> None:
        """Make a part the newest: forget what has left the window."""
        if part < self.head:
            later = range(max(part + 1, self.head - PARTS), self.head + 1)
            moved = sum(self.counts[number % KEPT] for number in later)
            for number in later:
                self.counts[number % KEPT] = 0
            self.counts[part % KEPT] += moved
        else:
            for number in range(self.head + 1, min(part, self.head + KEPT) + 1):
                self.counts[number % KEPT] = 0
        self.head = part

    def fits(self, amount: int, ceiling: int) -> int:
        """Return the number of the first part in which the amount fits; the newest when it fits now."""
        over = sum(self.counts) + amount - ceiling
        if over <= 0:
            return self.head
        for number in range(self.head - PARTS, self.head + 1):
            over -= self.counts[number % KEPT]
            if over <= 0:
                return number + KEPT
        return self.head + KEPT

    def change(self, amount: int, part: int) -> None:
        """Correct what was spent in a part: more counts as of now, less only as far as that part still counts."""
        if amount >= 0:
            self.counts[self.head % KEPT] += amount
        elif self.head - PARTS <= part <= self.head:
            self.counts[part % KEPT] = max(0, self.counts[part % KEPT] + amount)


def count(rings: Sequence[Ring], ask: AskLimits, now_us: int) -> LimitAnswer:
    """Spend all of an ask's charges or none, or correct what was spent.

    Args:
        rings: One for each charge; changed in place.
        ask: What is to be spent.
        now_us: Now.
    """
    waits: list[tuple[int, str]] = []
    for ring, charge in zip(rings, ask.charges, strict=True):
        ring.turn(now_us // charge.part_us)
        fits = ring.head if ask.at else ring.fits(charge.amount, charge.ceiling)
        if fits > ring.head:
            waits.append((fits * charge.part_us - now_us, charge.limit))
    if waits:
        wait_us, limit = max(waits)
        return LimitAnswer(refused=limit, retry_after_us=max(1, wait_us))
    parts = ask.at or tuple(ring.head for ring in rings)
    for ring, charge, part in zip(rings, ask.charges, parts, strict=True):
        ring.change(charge.amount, part)
    return LimitAnswer(at=parts)


class MemoryLimits:
    """Limits of one process that forgets them when it ends: for tests and rehearsals."""

    def __init__(self) -> None:
        self._rings: dict[tuple[str, str], Ring] = {}

    def spend(self, ask: AskLimits, monotonic_us: int) -> LimitAnswer:
        """Spend all charges or none, or correct what was spent."""
        rings = [self._rings.setdefault((charge.limit, charge.subject), Ring()) for charge in ask.charges]
        return count(rings, ask, monotonic_us)

    def waiting(self, ask: AskLimits) -> None:  # noqa: ARG002 - the port's signature
        """Say that :meth:`spend` answers at once."""
        return
