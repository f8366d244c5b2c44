"""Streamable HTTP towards clients: key, host and origin are looked at before the protocol is."""

import socket
from collections.abc import Sequence
from typing import Any

import mcp_types as types
import msgspec
import uvicorn
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request as WebRequest

from fairlead.core import Refused
from fairlead.gateway.http import HttpProblem, Message, Receive, Scope, Send, read_request, respond, source_of
from fairlead.gateway.mcp.caller import CALLER, Caller
from fairlead.gateway.mcp.door import build_door
from fairlead.gateway.mcp.quiet import keep_quiet
from fairlead.gateway.mcp.screen import MAX_BYTES, Problem, problem_of
from fairlead.identity import KeyGuessed
from fairlead.wiring.data_plane import DataPlane

PATH = "/mcp"
LOCAL = ("127.0.0.1:*", "localhost:*", "[::1]:*")
"""Hosts that a client may call this one, unless others are named: what a page of another site can't be made to look like."""


class McpHttp:
    """The application: ``/mcp`` for clients, ``/healthz``, ``/readyz`` and ``/metrics`` for operators.

    Args:
        plane: The data plane.
        hosts: Values that the header ``Host`` may have beside those of this machine; ``name:*`` for any port.
        origins: Values that the header ``Origin`` may have beside those of this machine.
    """

    def __init__(self, plane: DataPlane, hosts: Sequence[str] = (), origins: Sequence[str] = ()) -> None:
        self._plane = plane
        server, self._desk = build_door(plane, None)
        settings = TransportSecuritySettings(
            allowed_hosts=[*LOCAL, *hosts], allowed_origins=[*(f"http://{host}" for host in LOCAL), *origins]
        )
        self._security = TransportSecurityMiddleware(settings)
        self._sessions = StreamableHTTPSessionManager(server, security_settings=settings, max_request_body_size=MAX_BYTES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self._sessions.run():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/metrics" and scope["method"] == "GET":
            await respond(send, 200, self._plane.metrics(), [], b"text/plain; version=0.0.4; charset=utf-8")
            return
        if scope["path"] in ("/healthz", "/readyz") and scope["method"] == "GET":
            await respond(send, 200, msgspec.json.encode(self._plane.health()), [])
            return
        if scope["path"] != PATH:
            await respond(send, 404, _body(Problem(types.INVALID_REQUEST, f"the MCP gateway serves {PATH}", None)), [])
            return
        refused = await self._security.validate_request(WebRequest(scope, receive), is_post=scope["method"] == "POST")
        if refused is not None:
            await refused(scope, receive, send)
            return
        await self._authenticated(scope, receive, send)

    async def _authenticated(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        try:
            key = self._plane.authenticate(token.strip() if scheme.lower() == "bearer" else "", "mcp", source_of(scope))
        except Refused as error:
            body = _body(Problem(types.INVALID_REQUEST, f"{error.what}; {error.mend}", None))
            guessed = isinstance(error, KeyGuessed)
            await respond(send, 429 if guessed else 401, body, [(b"retry-after", b"60") if guessed else (b"www-authenticate", b"Bearer")])
            return
        caller = Caller(tenant=key.tenant, key=key.id, name=key.name)
        scope[CALLER] = caller
        # A session belongs to the key that opened it; the SDK compares.
        scope["user"] = AuthenticatedUser(AccessToken(token="", client_id=f"{key.tenant}/{key.id}", scopes=[]))
        # From here on nobody needs the client's credentials.
        scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"authorization"]
        if scope["method"] != "POST":
            await self._sessions.handle_request(scope, receive, send)
            return
        try:
            raw = (await read_request(scope, receive)).body
        except HttpProblem as problem:
            await respond(send, problem.status, _body(Problem(types.INVALID_REQUEST, problem.message, None)), [])
            return
        wrong = problem_of(raw)
        if wrong is not None:
            await self._desk.record_of(caller, "mcp.malformed", "input", raw.decode("utf-8", "replace"))
            await respond(send, 400, _body(wrong), [])
            return
        await self._sessions.handle_request(scope, _again(raw, receive), send)


def _again(raw: bytes, receive: Receive) -> Receive:
    """Return a receiver that gives a body that was read already."""
    waiting: list[Message] = [{"type": "http.request", "body": raw, "more_body": False}]

    async def given() -> Message:
        return waiting.pop() if waiting else await receive()

    return given


def _body(problem: Problem) -> bytes:
    return problem.encode().model_dump_json(by_alias=True, exclude_unset=True).encode()


def serve_http(plane: DataPlane, shared: socket.socket, hosts: Sequence[str] = (), origins: Sequence[str] = ()) -> None:
    """Serve until told to stop.

    Args:
        plane: The data plane; closed at the end.
        shared: A bound socket to listen on.
        hosts: Values that the header ``Host`` may have beside those of this machine.
        origins: Values that the header ``Origin`` may have beside those of this machine.
    """
    keep_quiet()
    app: Any = McpHttp(plane, hosts, origins)
    config = uvicorn.Config(app, lifespan="on", log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=5)
    try:
        uvicorn.Server(config).run(sockets=[shared])
    finally:
        plane.close()
