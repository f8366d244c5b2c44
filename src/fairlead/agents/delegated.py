"""Delegated authority: what a token lets its holder do, asked of whoever can read tokens. It narrows; Cedar decides all the same."""

from typing import NamedTuple, Protocol


class Use(NamedTuple):
    """One call, as far as a token may say something about it."""

    tenant: str
    user: str
    trajectory: str
    tool: str
    values: tuple[tuple[str, str], ...]
    """Argument and canonical value, for each value in it."""
    calls: int
    """How many calls of the tool the Trajectory has made, this one among them."""
    sums: tuple[tuple[str, int], ...]
    """Argument and its sum over those calls, in ten-thousandths."""


class Delegated(NamedTuple):
    """What a token says of a call."""

    problem: str = ""
    """Why it does not allow the call, without content; empty when it does."""
    depth: int = 0
    """How often it was handed on."""
    tools: tuple[str, ...] = ()
    """What it was minted for."""


class Delegations(Protocol):
    """Reads tokens. Failure posture: an exception blocks the call."""

    def check(self, token: str, use: Use) -> Delegated:
        """Say whether a token, and every link of its chain, allows a call."""
        ...
