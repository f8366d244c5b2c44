"""OpenAI Agents SDK (extra ``openai-agents``): function tools, shape of openai-agents 0.20, read in November 2026."""

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fairlead.core import Refused
from fairlead.integrations.frameworks.ports import Agent, said

if TYPE_CHECKING:
    from agents import FunctionTool
    from agents.tool_context import ToolContext

_NO_JSON = "The arguments are no JSON object, so the call was not made."


def guard_tools(agent: Agent, tools: "Sequence[FunctionTool]") -> "list[FunctionTool]":
    """Return function tools that are called when the broker allows it; a model is told why one was not.

    Args:
        agent: From ``Guard.trajectory``.
        tools: The tools, each under its name in the policy.
    """
    return [_guarded(agent, tool) for tool in tools]


def _guarded(agent: Agent, tool: "FunctionTool") -> "FunctionTool":
    async def invoke(context: "ToolContext[Any]", arguments: str) -> object:
        given = _read(arguments)
        if given is None:
            return _NO_JSON

        async def made(**decided: object) -> object:
            return await tool.on_invoke_tool(context, json.dumps(decided, ensure_ascii=False))

        try:
            return await agent.acall(tool.name, given, made)
        except Refused as stopped:
            return said(stopped)

    return dataclasses.replace(tool, on_invoke_tool=invoke)


def _read(arguments: str) -> dict[str, Any] | None:
    """Return the arguments of a call; None for what has no reading, or two."""
    try:
        found = json.loads(arguments or "{}", object_pairs_hook=_members)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found
