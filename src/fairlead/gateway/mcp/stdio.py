"""Standard input and output towards a client that starts the gateway as its server."""

import sys
from collections.abc import AsyncIterator
from typing import Any, BinaryIO, cast

import anyio
from mcp.server.lowlevel import NotificationOptions
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from fairlead.core import new_id
from fairlead.gateway.mcp.caller import Caller
from fairlead.gateway.mcp.desk import Desk
from fairlead.gateway.mcp.door import build_door
from fairlead.gateway.mcp.quiet import keep_quiet
from fairlead.gateway.mcp.screen import MAX_BYTES, problem_of
from fairlead.wiring.data_plane import DataPlane


class _Lines:
    """The client's messages, line by line, without those that have more than one reading; those are answered here."""

    def __init__(self, source: BinaryIO, desk: Desk, caller: Caller) -> None:
        self._source = source
        self._desk = desk
        self._caller = caller
        self.answers: Any = None
        """Where answers go, once the transport is open."""

    async def __aiter__(self) -> AsyncIterator[str]:
        while line := await self._next():
            problem = problem_of(line) if line.strip() else None
            if problem is not None:
                await self._desk.record_of(self._caller, "mcp.malformed", "input", line.decode("utf-8", "replace"))
                await self.answers.send(SessionMessage(problem.encode()))
            elif line.strip():
                yield line.decode()

    async def _next(self) -> bytes:
        line = await anyio.to_thread.run_sync(self._source.readline, MAX_BYTES + 2, abandon_on_cancel=True)
        rest = line
        while rest and not rest.endswith(b"\n") and len(line) > MAX_BYTES:  # the rest of what is too long is no message of its own
            rest = await anyio.to_thread.run_sync(self._source.readline, MAX_BYTES, abandon_on_cancel=True)
        return line


def serve_stdio(plane: DataPlane, caller: Caller) -> None:
    """Serve the client that started this process, until it closes our input.

    Args:
        plane: The data plane; closed at the end.
        caller: Who the client is; its calls are one Trajectory unless it names others.
    """
    keep_quiet()
    local = Caller(tenant=caller.tenant, key=caller.key, name=caller.name, trajectory=caller.trajectory or new_id("t"))
    try:
        anyio.run(_serve, plane, local)
    finally:
        plane.close()


async def _serve(plane: DataPlane, caller: Caller) -> None:
    server, desk = build_door(plane, caller)
    lines = _Lines(sys.stdin.buffer, desk, caller)
    async with stdio_server(stdin=cast("anyio.AsyncFile[str]", lines)) as (read, write):
        lines.answers = write
        await server.run(read, write, server.create_initialization_options(NotificationOptions()))
