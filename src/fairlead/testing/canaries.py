"""Taint canaries: unique words in every field that an outsider can write to, which must never come out trusted."""

import json
from collections.abc import Iterable, Sequence

from fairlead.agents import Broker, MemoryApprovals, MemoryTrajectories, Provenance
from fairlead.core import Segment
from fairlead.guard import ToolCall, ToolContext
from fairlead.policy import Release

_WORDS = "a user who asks for nothing in particular"


def leaks(release: Release, results: Sequence[tuple[str, str, str]], canaries: Iterable[str]) -> tuple[str, ...]:
    """Return the tools whose results make a planted word trusted: their trust annotation is wrong.

    Args:
        release: Whose manifest is tried.
        results: Tool, arguments as JSON, and the result with canaries in every field that an outsider can write to.
        canaries: The planted words, at least four characters each.
    """
    planted = tuple(canaries)
    return tuple(dict.fromkeys(tool for tool, arguments, result in results if _trusts(release, (tool, arguments, result), planted)))


def _trusts(release: Release, result: tuple[str, str, str], canaries: Sequence[str]) -> bool:
    tool, arguments, text = result
    if release.tool(tool) is None:
        return False
    store = MemoryTrajectories()
    broker = Broker(release, MemoryApprovals(), trajectories=store)
    said = " ".join(f'"{value}"' for value in _values(arguments))
    prompt = Segment(path="/user", origin="user", stage="input", text=f"{_WORDS}: {said}")
    broker.authorise(ToolCall(tool=tool, arguments=arguments.encode(), call="c1"), _context(prompt))
    shown = Segment(path="/result", origin="tool", stage="tool_result", text=text, tool=tool, call="c1")
    taint = Segment(path="/taint", origin="tool", stage="tool_result", text="anything")
    broker.read(_context(prompt, shown, taint))
    trajectory = store.open("canary", "", "t_canary")
    there = [canary for canary in canaries if canary in text]
    uses = [(user, argument) for user in release.tools for argument in user.arguments or ("value",)]
    return any("untrusted" not in Provenance(trajectory, user).labels(argument, canary) for user, argument in uses for canary in there)


def _context(*segments: Segment) -> ToolContext:
    return ToolContext(tenant="canary", exchange="x_canary", segments=segments, trajectory="t_canary")


def _values(arguments: str) -> list[str]:
    """Return the values of a call, so that the user can be taken to have named them all."""
    found = json.loads(arguments)
    return [str(value) for value in found.values()] if isinstance(found, dict) else []
