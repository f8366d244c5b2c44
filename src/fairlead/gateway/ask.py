"""Asking a model: the upstream that the policy names, then those that stand in for it, as long as nothing has reached the client."""

import asyncio
import random
from collections.abc import Iterator
from typing import NamedTuple

import aiohttp

from fairlead.core import InvalidInput, Unavailable
from fairlead.gateway.breaker import OPEN_US
from fairlead.gateway.http import HttpProblem, Request, Wire, problem_of, unavailable
from fairlead.gateway.upstream import UpstreamClient, client_headers, read_whole
from fairlead.wire import TRANSLATIONS, Api, EventReader, Interaction, Translation, encode
from fairlead.wiring.data_plane import DataPlane
from fairlead.wiring.exchange import Exchange
from fairlead.wiring.upstreams import speaks

PAUSE_S = 0.1
"""Before an upstream is asked again it is given so long, twice as long each further time, and up to half of that more by chance."""
_CLIENTS_FAULT = frozenset({400, 404, 413, 422})
"""Any server would answer so; nobody else is asked."""
_TOLD = _CLIENTS_FAULT | {408, 429}
"""Statuses that the client is told; any other is told as 502."""
_LATER = frozenset({408, 429, 500, 502, 503, 504, 529})
"""A server that answers so may answer otherwise a moment later. 529: Anthropic's "overloaded"."""
_BUSY = frozenset({408, 429})
"""A server that answers so is well; only this key, or this request, must wait."""


class Asked(NamedTuple):
    """One request on its way through."""

    plane: DataPlane
    client: UpstreamClient
    api: Api
    request: Request
    wire: Wire


class Answered(NamedTuple):
    """An upstream's answer."""

    response: aiohttp.ClientResponse
    """Its headers are read; a stream's is released by whoever asked."""
    data: bytes | None
    """The whole body; None for a stream, which is still to be read."""
    translation: Translation | None = None
    """What makes the client's shape of it; None when the upstream speaks the client's API."""

    def read(self) -> bytes:
        """Return the whole body in the client's shape.

        Raises:
            InvalidInput: It is not of the upstream's API.
        """
        data = self.data or b""
        return data if self.translation is None else self.translation.reply(data)

    def reader(self) -> EventReader:
        """Return what reads a stream as events of the client's API."""
        return EventReader() if self.translation is None else self.translation.reader()


class _Failed(NamedTuple):
    """Why an upstream gave none."""

    problem: HttpProblem
    outcome: str
    later: bool
    """Whether the same upstream may answer a moment later."""


async def ask(asked: Asked, exchange: Exchange, parsed: Interaction, route: str) -> Answered:
    """Ask the upstreams of a route in their order and return the first answer; what is returned is the client's from then on.

    Args:
        asked: The client's request.
        exchange: Its Exchange; learns who answered.
        parsed: The guarded request.
        route: Name of an upstream of the policy.

    Raises:
        HttpProblem: None of them answered; tells why the last one that was asked did not.
    """
    wait_s = OPEN_US // 1_000_000
    away = "the model's server did not answer lately and is left alone for a moment; try again"
    problem = HttpProblem(503, "upstream_unavailable", away, [(b"retry-after", str(wait_s).encode())])
    own = parsed.body.get("model")
    for name in _in_turn(asked, exchange, route):
        failed: _Failed | None = None
        for number in _attempts(asked, exchange, name):
            if number:
                await asyncio.sleep(PAUSE_S * 2 ** (number - 1) * random.uniform(1, 1.5))  # noqa: S311 - no secret
            if model := exchange.serving.release.policy.upstream[name].model or own:
                parsed.body["model"] = model
            found = await _attempt(asked, exchange, parsed, name)
            if isinstance(found, Answered):
                exchange.upstream = name
                return found
            failed = found
            if not failed.later:
                break
        problem = failed.problem if failed is not None else problem
    raise problem


def _in_turn(asked: Asked, exchange: Exchange, route: str) -> Iterator[str]:
    for name in (route, *exchange.serving.release.policy.upstream[route].fallback):
        if not speaks(exchange.serving.release, name, asked.api):
            continue
        if asked.client.breakers.admits(name):
            yield name
        else:
            asked.plane.observe_upstream(name, "left_alone")


def _attempts(asked: Asked, exchange: Exchange, name: str) -> Iterator[int]:
    yield 0
    for number in range(1, 1 + exchange.serving.release.policy.upstream[name].retries):
        if not asked.client.breakers.may_retry(name):
            return
        yield number


async def _attempt(asked: Asked, exchange: Exchange, parsed: Interaction, name: str) -> Answered | _Failed:
    """Ask one upstream once, and tell its breaker."""
    breakers = asked.client.breakers
    try:
        found = await _asked(asked, exchange, parsed, name)
    except BaseException:
        # The client's fault, or the client is gone: it says nothing of the upstream.
        breakers.abandoned(name)
        raise
    outcome = "answered" if isinstance(found, Answered) else found.outcome
    asked.plane.observe_upstream(name, outcome)
    if outcome in ("answered", "busy"):
        breakers.succeeded(name)
    else:
        breakers.failed(name)
    return found


async def _asked(asked: Asked, exchange: Exchange, parsed: Interaction, name: str) -> Answered | _Failed:
    api = asked.api
    try:
        upstream = asked.plane.upstream(exchange.serving, name)
    except Unavailable as error:
        return _Failed(unavailable(error), "no_key", later=False)
    headers = client_headers(asked.request, upstream.provider)
    translation = None if upstream.provider == api.provider else TRANSLATIONS[api.name]
    try:
        body = parsed.body if translation is None else translation.request(parsed.body)
    except InvalidInput as error:
        raise problem_of(error) from error
    path = api.path if translation is None else translation.path
    try:
        response = await asked.client.post(upstream, path, encode(body), headers)
    except HttpProblem as problem:
        return _Failed(problem, "timed_out" if problem.status == 504 else "unavailable", later=problem.status != 504)
    if response.status == 200 and parsed.stream:
        return Answered(response, None, translation)
    try:
        found = await _read(response)
        return found._replace(translation=translation) if isinstance(found, Answered) else found
    finally:
        response.release()


async def _read(response: aiohttp.ClientResponse) -> Answered | _Failed:
    if response.status == 200:
        try:
            return Answered(response, await read_whole(response))
        except HttpProblem as problem:
            return _Failed(problem, "unavailable", later=True)
        except (TimeoutError, aiohttp.ClientError):
            return _Failed(HttpProblem(502, "upstream_unavailable", "the model's server broke off; try again"), "unavailable", later=True)
    # The upstream's error text may quote the prompt: the client gets the status, not the text.
    told = response.status if response.status in _TOLD else 502
    failure = HttpProblem(told, "upstream_error", f"the model's server answered with status {response.status}")
    if response.status in _CLIENTS_FAULT:
        raise failure
    return _Failed(failure, "busy" if response.status in _BUSY else "refused", later=response.status in _LATER)
