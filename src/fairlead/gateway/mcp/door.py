"""The MCP server that clients see: the SDK speaks the protocol, every handler goes through the desk."""

import asyncio
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import mcp_types as types
from mcp.server.caching import CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel, ValidationError

from fairlead import __version__
from fairlead.core import Unavailable
from fairlead.gateway.app import keep_up
from fairlead.gateway.mcp.caller import Caller
from fairlead.gateway.mcp.calling import call_tool
from fairlead.gateway.mcp.desk import Ctx, Desk, Talk
from fairlead.gateway.mcp.listing import list_tools
from fairlead.gateway.mcp.reading import get_one_prompt, list_prompts, list_resources, read_one_resource
from fairlead.gateway.mcp.servers import Servers
from fairlead.wire import Json
from fairlead.wiring.data_plane import DataPlane

_NOT_KEPT = CacheHint(ttl_ms=0, scope="private")
"""A listing is decided anew each time, for one caller."""
_log = logging.getLogger("fairlead.gateway.mcp")


def build_door(plane: DataPlane, local: Caller | None) -> tuple[Server[Servers], Desk]:
    """Return the server that clients talk to, and the desk behind it.

    Args:
        plane: The data plane.
        local: Who asks, when there is only one; None when each request comes with a key.
    """
    desk = Desk(plane, local)

    @asynccontextmanager
    async def lifespan(_: Server[Servers]) -> AsyncIterator[Servers]:
        watching = asyncio.create_task(keep_up(plane))
        try:
            async with anyio.create_task_group() as tasks:
                yield Servers(plane, tasks, desk.refused_server)
                tasks.cancel_scope.cancel()
        finally:
            watching.cancel()

    server: Server[Servers] = Server(
        "fairlead",
        version=__version__,
        lifespan=lifespan,
        cache_hints=dict.fromkeys(("tools/list", "resources/list", "prompts/list"), _NOT_KEPT),
    )
    _add(server, "tools/call", types.CallToolRequestParams, lambda ctx, params: call_tool(desk, ctx, params))
    for method, kind, answer in (
        ("tools/list", types.PaginatedRequestParams, lambda talk, _: list_tools(talk)),
        ("resources/list", types.PaginatedRequestParams, lambda talk, _: list_resources(talk)),
        ("resources/read", types.ReadResourceRequestParams, lambda talk, params: read_one_resource(talk, str(params.uri))),
        ("prompts/list", types.PaginatedRequestParams, lambda talk, _: list_prompts(talk)),
        ("prompts/get", types.GetPromptRequestParams, lambda talk, params: get_one_prompt(talk, params.name, params.arguments or {})),
    ):
        _add(server, method, kind, _through(desk, answer))
    server.middleware[:] = [_Strict(desk)]
    return server, desk


def _add(server: Server[Servers], method: str, kind: type[BaseModel], handler: Callable[[Ctx, Any], Awaitable[HandlerResult]]) -> None:
    server.add_request_handler(method, kind, handler)


def _through(desk: Desk, answer: Callable[[Talk, Any], Awaitable[dict[str, Json]]]) -> Callable[[Ctx, Any], Awaitable[HandlerResult]]:
    """Return a handler that opens an Exchange, and makes its Decisions durable whatever the answer is."""

    async def handler(ctx: Ctx, params: Any) -> HandlerResult:  # noqa: ANN401 - the SDK has parsed it into the method's own type
        talk = desk.begin(ctx)
        ended_by = "internal"
        try:
            result = await answer(talk, params)
            ended_by = ""
        finally:
            await talk.exchange.commit()
            talk.exchange.end(ended_by)
        return result

    return handler


class _Strict:
    """Records requests that are malformed, and lets no error's text leave that could quote one."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def __call__(self, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        """Pass a request on."""
        try:
            return await call_next(ctx)
        except MCPError as error:
            if error.code == types.INVALID_PARAMS and error.message == "Invalid request parameters":
                await self._desk.record(ctx, "mcp.malformed", ctx.method)
            raise
        except ValidationError:
            await self._desk.record(ctx, "mcp.malformed", ctx.method)
            raise MCPError(types.INVALID_PARAMS, "the parameters are not of the method's shape") from None
        except Unavailable as error:
            raise MCPError(types.INTERNAL_ERROR, f"the guard is not available ({error.code}); try again") from None
        except Exception as error:  # noqa: BLE001 - told without its message, which may quote a text
            place = traceback.extract_tb(error.__traceback__)[-1]
            _log.error("a request ended with %s in %s, line %s", type(error).__name__, place.name, place.lineno)
            raise MCPError(types.INTERNAL_ERROR, "the gateway could not handle this request; nothing of it was passed on") from None
