"""Connections to MCP servers: opened when first needed, held by a task of their own, opened again when they broke.

A server hears what the broker allowed and nothing else: no capability is announced to it, so it may ask for no sampling, no roots and no
elicitation; what it says unasked is dropped. A command gets a bare environment and what the policy hands to it; a URL gets the policy's
own token. Nothing that a client sent as its credentials is here at all.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, NamedTuple, TextIO, cast

import anyio
import httpx2
import mcp_types as types
from anyio.abc import TaskGroup, TaskStatus
from mcp.client.session import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.dispatcher import DispatchContext, OnNotify, OnNotifyIntercept, OnRequest
from mcp.shared.exceptions import MCPError
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp.shared.transport_context import TransportContext
from pydantic import TypeAdapter

from fairlead import __version__
from fairlead.agents import Definition
from fairlead.gateway.mcp.errors import ServerFailed
from fairlead.policy import McpServerDocument
from fairlead.wire import Json

MAX_DEPTH = 64
MAX_CHARS = 8_000_000
"""Characters of one answer, keys too."""
MAX_PAGES = 100
FRESH_S = 60.0
"""How long a listing is believed when the server says nothing of a change."""
_ANY: TypeAdapter[Any] = TypeAdapter(dict[str, Any])
_CHANGED = "notifications/tools/list_changed"
Streams = Callable[[], AbstractAsyncContextManager[Any]]
Refused = Callable[[str, Mapping[str, Any]], Awaitable[None]]
"""Told of a request that a server made: its method and parameters."""


class _Listener(JSONRPCDispatcher[TransportContext]):
    """Hears a server: answers its pings, refuses whatever else it asks, drops what it says unasked."""

    def __init__(self, streams: tuple[Any, Any], refused: Refused, changed: Callable[[], None]) -> None:
        super().__init__(*streams)
        self._refused = refused
        self._changed = changed
        self.over = anyio.Event()

    async def run(
        self,
        on_request: OnRequest,
        on_notify: OnNotify,  # noqa: ARG002 - no notification reaches the session
        on_notify_intercept: OnNotifyIntercept | None = None,
        *,
        task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        """Listen until the connection ends."""

        async def asked(dctx: DispatchContext[TransportContext], method: str, params: Mapping[str, Any] | None) -> dict[str, Any]:
            if method == "ping":
                return await on_request(dctx, method, params)
            await self._refused(method, params or {})
            raise MCPError(types.METHOD_NOT_FOUND, "this client answers no requests of servers")

        async def told(_dctx: DispatchContext[TransportContext], method: str, _params: Mapping[str, Any] | None) -> None:
            if method == _CHANGED:
                self._changed()

        try:
            await super().run(asked, told, on_notify_intercept, task_status=task_status)
        finally:
            self.over.set()


class _Held(NamedTuple):
    session: ClientSession
    listener: _Listener


class Link:
    """One connection to one server.

    Args:
        name: The policy's name of the server.
        streams: Opens its transport.
        timeout_s: Time for an answer, seconds.
        tasks: Where the task runs that holds the connection.
        refused: Told of requests that the server makes.
    """

    def __init__(self, name: str, streams: Streams, timeout_s: float, tasks: TaskGroup, refused: Refused) -> None:
        self.name = name
        self._streams = streams
        self._timeout_s = timeout_s
        self._tasks = tasks
        self._refused = refused
        self._opening = anyio.Lock()
        self._held: _Held | None = None
        self._known: tuple[float, tuple[Definition, ...]] | None = None

    async def ask(self, request: types.ClientRequest) -> dict[str, Json]:
        """Return the answer to a request, decoded.

        Raises:
            ServerFailed: There is none that can be used.
        """
        held = await self._open()
        try:
            answer: dict[str, Json] = await held.session.send_request(request, _ANY, request_read_timeout_seconds=self._timeout_s)
        except MCPError as error:
            raise self._failed(_said(error), made=True) from None
        except Exception as error:  # a transport may raise anything, and its message may quote the answer
            raise self._failed("its answer is not of the protocol", made=True) from error
        if not is_bounded(answer):
            raise self._failed("its answer is too large or nested too deeply", made=True)
        if answer.get("resultType", "complete") != "complete":
            raise self._failed("it asks for more input, which no server gets here", made=True)
        return answer

    async def list(self, request: Callable[[types.PaginatedRequestParams], types.ClientRequest], key: str) -> list[dict[str, Json]]:
        """Return all entries of a listing, page after page.

        Raises:
            ServerFailed: The server gives none that can be used.
        """
        found: list[dict[str, Json]] = []
        cursor: str | None = None
        for _ in range(MAX_PAGES):
            page = await self.ask(request(types.PaginatedRequestParams(cursor=cursor)))
            entries, following = page.get(key), page.get("nextCursor")
            found += [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []
            if not isinstance(following, str) or not following:
                return found
            cursor = following
        raise self._failed("its listing does not end", made=False)

    async def definitions(self, *, fresh: bool) -> tuple[Definition, ...]:
        """Return the server's tools.

        Args:
            fresh: Ask now, whatever is known.

        Raises:
            ServerFailed: The server gives no listing that can be used.
        """
        known, now = self._known, anyio.current_time()
        if known is None or fresh or now - known[0] > FRESH_S:
            listed = await self.list(lambda params: types.ListToolsRequest(params=params), "tools")
            named = [(entry.get("name"), entry) for entry in listed]
            found = tuple(Definition(server=self.name, name=name, body=entry) for name, entry in named if isinstance(name, str))
            known = self._known = (now, found)
        return known[1]

    def close(self) -> None:
        """End the connection; its task sees to the rest."""
        if self._held is not None:
            self._held.listener.over.set()

    def _changed(self) -> None:
        self._known = None

    async def _open(self) -> _Held:
        async with self._opening:
            if self._held is None or self._held.listener.over.is_set():
                self._known = None
                try:
                    self._held = await self._tasks.start(self._hold)
                except Exception as error:  # whatever keeps a server from starting, the caller hears that it does not answer
                    raise self._failed("it could not be started or reached", made=False) from error
            return self._held

    async def _hold(self, *, task_status: TaskStatus[_Held]) -> None:
        begun = False
        try:
            async with AsyncExitStack() as stack:
                streams = await stack.enter_async_context(self._streams())
                listener = _Listener(streams, self._refused, self._changed)
                session = ClientSession(dispatcher=listener, client_info=types.Implementation(name="fairlead", version=__version__))
                await stack.enter_async_context(session)
                with anyio.fail_after(self._timeout_s):
                    await _greet(session)
                begun = True
                task_status.started(_Held(session, listener))
                await listener.over.wait()
        except Exception:
            if not begun:
                raise

    def _failed(self, what: str, *, made: bool) -> ServerFailed:
        return ServerFailed(what, where=self.name, mend="see whether the server runs, and 'mcp.servers' in the policy", made=made)


async def _greet(session: ClientSession) -> None:
    """Agree on a version: by the handshake, or with a server that knows none by what it discovers."""
    try:
        await session.initialize()
    except MCPError as error:
        if error.code not in (types.UNSUPPORTED_PROTOCOL_VERSION, types.METHOD_NOT_FOUND):
            raise
        await session.discover()


def _said(error: MCPError) -> str:
    if error.code == types.REQUEST_TIMEOUT:
        return "it did not answer in time"
    if error.code == types.CONNECTION_CLOSED:
        return "it broke off"
    return f"it answered with error {error.code}"


def is_bounded(value: Json) -> bool:
    """Tell whether a value is so small and flat that it can be looked through."""
    chars = 0
    todo: list[tuple[Json, int]] = [(value, 1)]
    while todo:
        item, depth = todo.pop()
        if depth > MAX_DEPTH or chars > MAX_CHARS:
            return False
        if isinstance(item, str):
            chars += len(item)
        elif isinstance(item, dict):
            chars += sum(map(len, item))
            todo += [(inner, depth + 1) for inner in item.values()]
        elif isinstance(item, list):
            chars += len(item)
            todo += [(inner, depth + 1) for inner in item]
    return chars <= MAX_CHARS


def streams_of(document: McpServerDocument, secret: Callable[[str], str]) -> Streams:
    """Return what opens the transport of a server; its secrets are read when it does.

    Args:
        document: What the policy says of it.
        secret: Reference to secret; raises ``Unavailable`` for one that is not set.
    """

    @asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        async with AsyncExitStack() as stack:
            if document.command:
                env = {name: secret(reference) for name, reference in document.env.items()}
                server = StdioServerParameters(command=document.command[0], args=list(document.command[1:]), env=env)
                # What a server writes to its stderr may quote what it was asked.
                quiet = await stack.enter_async_context(await anyio.open_file(os.devnull, "w"))
                yield await stack.enter_async_context(stdio_client(server, errlog=cast("TextIO", quiet.wrapped)))
            else:
                headers = {"authorization": f"Bearer {secret(document.key)}"} if document.key else {}
                timeout = httpx2.Timeout(document.timeout_ms / 1000)
                client = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=timeout, follow_redirects=False))
                yield await stack.enter_async_context(streamable_http_client(document.url, http_client=client))

    return opened
