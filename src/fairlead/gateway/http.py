"""The little of HTTP that the gateway needs on top of ASGI: no framework on the hot path."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, NamedTuple

from fairlead.core import FairleadError, Unavailable

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
"""The types of the ASGI specification, version 3.0."""


class Wire(NamedTuple):
    """Both directions of one connection."""

    receive: Receive
    send: Send


MAX_BODY = 32 * 1024 * 1024
"""Bytes of a request body at most; a longer one is answered with 413."""

BODY_S = 120.0
"""Time for a request's body to come."""

Headers = list[tuple[bytes, bytes]]


class HttpProblem(Exception):
    """Ends a request with an answer in the API's error shape.

    Args:
        status: HTTP status.
        code: Stable code, such as ``content_filter``.
        message: What is wrong and how to mend it; no content.
    """

    def __init__(self, status: int, code: str, message: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.headers = list(headers)


class Request(NamedTuple):
    """A request, read whole."""

    method: str
    path: str
    headers: dict[bytes, bytes]
    """Lower-case names; of a header that comes twice the last counts."""
    body: bytes
    source: str = ""
    """Address of the client; empty when it has none."""

    def delegation(self) -> str:
        """Return the token of delegated authority, header ``x-fairlead-delegation``; empty when there is none."""
        return self.headers.get(b"x-fairlead-delegation", b"").decode("latin-1").strip()

    def token(self) -> str:
        """Return the token of the header ``authorization`` (a bearer's) or ``x-api-key``; empty when there is none."""
        scheme, _, token = self.headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else self.headers.get(b"x-api-key", b"").decode("latin-1").strip()


def source_of(scope: Scope) -> str:
    """Return the address of a connection's other end; empty when it has none, as on a Unix socket."""
    client = scope.get("client")
    return str(client[0]) if client else ""


async def read_request(scope: Scope, receive: Receive) -> Request:
    """Read a request's body.

    Raises:
        HttpProblem: The body is too long or too slow, or the client left.
    """
    try:
        async with asyncio.timeout(BODY_S):
            return await _read(scope, receive)
    except TimeoutError as error:
        raise HttpProblem(408, "request_timeout", f"the body did not come within {BODY_S:.0f} s; send it faster") from error


async def _read(scope: Scope, receive: Receive) -> Request:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HttpProblem(499, "client_closed", "the client left before its request was read")
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY:
            raise HttpProblem(413, "request_too_large", f"the body is longer than {MAX_BODY} bytes; send less")
        parts.append(part)
        if not message.get("more_body"):
            break
    return Request(scope["method"], scope["path"], dict(scope["headers"]), b"".join(parts), source_of(scope))


async def respond(send: Send, status: int, body: bytes, headers: Headers, content_type: bytes = b"application/json") -> None:
    """Send a whole response."""
    head: Headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})


def unavailable(error: Unavailable, headers: Headers | None = None) -> HttpProblem:
    """Return what a client is told when the guard could not decide, or could not write down what it decided: the code only."""
    return HttpProblem(503, "guard_unavailable", f"the guard is not available ({error.code}); try again", headers or [])


def problem_of(error: FairleadError, status: int = 400) -> HttpProblem:
    """Return what a client is told of one of our errors."""
    where = f" at {error.where}" if error.where else ""
    return HttpProblem(status, error.code.replace("-", "_"), f"{error.what}{where}; {error.mend}" if error.mend else f"{error.what}{where}")
