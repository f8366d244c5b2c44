"""The gateway as one ASGI application: a table of routes, and one place where problems become answers."""

import asyncio
import logging
import traceback
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from fairlead.core import FairleadError, Refused, Unavailable
from fairlead.gateway.answer import answer
from fairlead.gateway.ask import Asked
from fairlead.gateway.check import check
from fairlead.gateway.http import HttpProblem, Receive, Request, Scope, Send, Wire, read_request, respond, source_of, unavailable
from fairlead.gateway.moderate import moderate
from fairlead.gateway.redact import redact
from fairlead.gateway.upstream import UpstreamClient
from fairlead.identity import KeyGuessed
from fairlead.wire import APIS, Api
from fairlead.wiring.data_plane import DataPlane

RELOAD_S = 0.25
"""How often the policy's files are looked at."""
CHAT = APIS["openai_chat"]
ROUTES: Mapping[str, Api] = {f"/v1{api.path}": api for api in APIS.values()}
"""Path to the API that is spoken there; errors of a path below have its shape, those of any other path that of Chat Completions."""
OWN: Mapping[str, Callable[[DataPlane, Request, Send], Awaitable[None]]] = {
    "/v1/guard/check": check,
    "/v1/redact": redact,
    "/v1/moderations": moderate,
}
"""Path to what answers without a model."""
UNGUARDED: Mapping[str, str] = {
    "/v1/files": "files are not guarded here, so none is taken",
    "/v1/batches": "batches are not guarded here, so none is taken; send each of their lines as a request of its own",
}
"""Path to why nothing is passed on there, or below it."""
_log = logging.getLogger("fairlead.gateway")


class Gateway:
    """The application. One per worker process.

    Args:
        plane: Built by ``wiring.data_plane``.
        client: Who talks to the models; one of its own by default.
    """

    def __init__(self, plane: DataPlane, client: UpstreamClient | None = None) -> None:
        self._plane = plane
        self._client = client or UpstreamClient()
        self._watch: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def counted(message: msgspec.Raw | dict[str, object]) -> None:
            nonlocal started
            started = True
            await send(message)  # type: ignore[arg-type] # the ASGI message is passed on as it is

        self._plane.in_hand += 1
        try:
            await self._route(scope, receive, counted)  # type: ignore[arg-type] # the same
        except Exception as error:  # noqa: BLE001 - told without its message, which may quote a text; uvicorn would print it
            problem = _problem(error)
            # What has begun can't become an error: the server cuts the connection, so that no client takes it for a whole answer.
            if not started:
                api = next((api for path, api in ROUTES.items() if f"{scope['path']}/".startswith(f"{path}/")), CHAT)
                body = api.error(problem.status, problem.code, problem.message)
                await respond(send, problem.status, body, problem.headers)
        finally:
            self._plane.in_hand -= 1

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        api = ROUTES.get(path)
        if method == "POST" and api is not None:
            await answer(Asked(self._plane, self._client, api, await read_request(scope, receive), Wire(receive, send)))
        elif method == "POST" and path in OWN:
            await OWN[path](self._plane, await read_request(scope, receive), send)
        elif method == "GET" and path in ("/healthz", "/readyz", "/metrics"):
            await self._inspect(path, send)
        elif method == "GET" and path == "/v1/models":
            self._plane.authenticate(Request(method, path, dict(scope["headers"]), b"").token(), "chat", source_of(scope))
            await respond(send, 200, msgspec.json.encode({"object": "list", "data": self._plane.models()}), [])
        else:
            for place, why in UNGUARDED.items():
                if f"{path}/".startswith(f"{place}/"):
                    raise HttpProblem(404, "not_guarded", why)
            raise HttpProblem(404, "not_found", f"there is no {method} here; use POST {', '.join((*ROUTES, *OWN))}")

    async def _inspect(self, path: str, send: Send) -> None:
        if path == "/metrics":
            await respond(send, 200, self._plane.metrics(), [], b"text/plain; version=0.0.4; charset=utf-8")
            return
        health = self._plane.health()
        ready = path == "/healthz" or health.ready
        await respond(send, 200 if ready else 503, msgspec.json.encode(health), [])

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await asyncio.to_thread(self._plane.trying.look)
                self._watch = asyncio.create_task(keep_up(self._plane))
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                if self._watch is not None:
                    self._watch.cancel()
                await self._client.close()
                await asyncio.to_thread(self._plane.close)
                await send({"type": "lifespan.shutdown.complete"})
                return


async def keep_up(plane: DataPlane) -> None:
    """Take a new policy over whenever its files change, and trials with it; a bad one leaves the last good one in force (law 7)."""
    while True:
        await asyncio.sleep(RELOAD_S)
        if plane.trying.changed():
            await asyncio.to_thread(plane.trying.look)
        if plane.policy_changed():
            try:
                await asyncio.to_thread(plane.reload)
            except FairleadError:
                # Counted and shown by health(); the last good Release stays.
                continue


def _problem(error: Exception) -> HttpProblem:
    """Return what a client is told of an error."""
    if isinstance(error, HttpProblem):
        return error
    if isinstance(error, KeyGuessed):
        return HttpProblem(429, "too_many_unknown_keys", f"{error.what}; {error.mend}", [(b"retry-after", b"60")])
    if isinstance(error, Refused):
        return HttpProblem(401, "invalid_api_key", f"{error.what}; {error.mend}")
    if isinstance(error, Unavailable):
        return unavailable(error)
    if isinstance(error, RecursionError):
        return HttpProblem(400, "invalid_input", "the body is nested too deeply; send less than a few hundred levels")
    place = traceback.extract_tb(error.__traceback__)[-1]
    _log.error("a request ended with %s in %s, line %s", type(error).__name__, place.name, place.lineno)
    return HttpProblem(500, "internal_error", "the gateway could not handle this request; nothing of it was passed on")
