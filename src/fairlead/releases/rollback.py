"""When a canary goes back by itself: a condition that is stated before it starts, and what the counts say of it."""

import re
from collections.abc import Iterable
from typing import Literal

import msgspec

from fairlead.core import Decision, InvalidInput
from fairlead.statistics import clopper_pearson

Measure = Literal["blocked", "errored"]
"""``blocked``: Exchanges in which something was stopped or waits for a person. ``errored``: Exchanges in which the guard failed."""
LEVEL = 0.99
"""Level of the one-sided bound. It is looked at after every Exchange, not once, so it is stricter than that of a single look."""
_TEXT = re.compile(r"\s*(blocked|errored)\s*>\s*(\d{1,2}(?:\.\d+)?)\s*%\s*")
_FAILED = "guard:failed"


class RollBack(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rate that a canary must not exceed."""

    measure: Measure
    limit: float
    """Rate of Exchanges, 0 to 1."""
    min_n: int
    """Exchanges of one worker, at least, before it is judged."""

    def text(self) -> str:
        """Return the condition as people state it."""
        return f"{self.measure} > {self.limit * 100:g}% of {self.min_n} Exchanges or more in one worker"


def parse_roll_back(text: str, *, min_n: int) -> RollBack:
    """Read a condition such as ``blocked > 5%``.

    Args:
        text: Measure, ``>``, percentage below 100.
        min_n: Exchanges of one worker before it is judged.

    Raises:
        InvalidInput: It is not of that shape.
    """
    found = _TEXT.fullmatch(text)
    if found is None or min_n < 1:
        mend = "state it like 'blocked > 5%' or 'errored > 1%', with at least 1 Exchange"
        raise InvalidInput("this is no condition for a roll-back", where="--roll-back-if", mend=mend)
    measure: Measure = "blocked" if found[1] == "blocked" else "errored"
    return RollBack(measure=measure, limit=float(found[2]) / 100, min_n=min_n)


class Tally:
    """Counts what one worker saw of a canary.

    Args:
        condition: What it must not exceed; None counts only.
    """

    def __init__(self, condition: RollBack | None) -> None:
        self._condition = condition
        self.n = 0
        self.k = 0
        """Exchanges of which the condition's measure holds."""

    def count(self, decisions: Iterable[Decision], *, failed: bool) -> str:
        """Count one Exchange.

        Args:
            decisions: Its final Decisions.
            failed: Whether it ended in an error that the gateway did not expect.

        Returns:
            Why the canary has to go back, with the numbers; empty as long as it need not.
        """
        condition = self._condition
        self.n += 1
        if condition is None:
            return ""
        held = _blocked(decisions) if condition.measure == "blocked" else failed or _errored(decisions)
        self.k += int(held)
        if self.n < condition.min_n or not held or self.k <= condition.limit * self.n:
            return ""
        low = clopper_pearson(self.k, self.n, confidence=LEVEL, sides="lower").low
        if low <= condition.limit:
            return ""
        counted = f"{self.k} of {self.n} Exchanges {condition.measure}"
        return f"{counted}: at least {low:.2%} ({LEVEL:.0%} one-sided, clopper_pearson), limit {condition.limit:.2%}"


def _blocked(decisions: Iterable[Decision]) -> bool:
    return any(decision.action in ("block", "require_approval") for decision in decisions)


def _errored(decisions: Iterable[Decision]) -> bool:
    return any(
        decision.state == "bypassed"
        or decision.rule == _FAILED
        or any(entry.status in ("errored", "timed_out") for entry in decision.coverage)
        for decision in decisions
    )
