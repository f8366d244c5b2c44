"""When an upstream is left alone for a while, and how often it is asked again: one breaker per upstream and worker."""

import msgspec

from fairlead.core import Clock

FAILURES = 5
"""So many failures in a row open a breaker."""
OPEN_US = 10_000_000
"""It stays open for so long; then one request may try."""
RETRY_SHARE = 0.2
"""Retries that requests earn: an upstream that is overloaded gets at most a fifth more of them. (Google SRE book, "Handling Overload".)"""
RETRY_RESERVE = 10.0
"""Retries that can be saved up, and that there are at the start."""


class _State(msgspec.Struct):
    """What is known of one upstream."""

    failures: int = 0
    opened_us: int = 0
    probing: bool = False
    retries: float = RETRY_RESERVE


class Breakers:
    """The breakers of one worker.

    Args:
        clock: What time it is.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._states: dict[str, _State] = {}

    def admits(self, name: str) -> bool:
        """Tell whether an upstream may be asked now; whoever is admitted must say how it ended.

        Args:
            name: Of the upstream, in the policy.
        """
        state = self._state(name)
        if state.failures >= FAILURES:
            if state.probing or self._clock.monotonic_us() - state.opened_us < OPEN_US:
                return False
            state.probing = True
        state.retries = min(RETRY_RESERVE, state.retries + RETRY_SHARE)
        return True

    def may_retry(self, name: str) -> bool:
        """Tell whether an upstream may be asked once more for the same request, and count that."""
        state = self._state(name)
        if state.failures >= FAILURES or state.retries < 1:
            return False
        state.retries -= 1
        return True

    def succeeded(self, name: str) -> None:
        """Say that an upstream answered, whatever it answered."""
        state = self._state(name)
        state.failures, state.probing = 0, False

    def failed(self, name: str) -> None:
        """Say that an upstream did not answer, or said that it can't."""
        state = self._state(name)
        state.failures, state.probing = state.failures + 1, False
        if state.failures >= FAILURES:
            state.opened_us = self._clock.monotonic_us()

    def abandoned(self, name: str) -> None:
        """Say that nobody waited for how it would end."""
        self._state(name).probing = False

    def _state(self, name: str) -> _State:
        return self._states.setdefault(name, _State())
