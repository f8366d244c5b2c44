"""The client of the models: one pooled aiohttp session per worker."""

import ipaddress
import re
import socket
from collections.abc import Mapping
from functools import cache

import aiohttp
from aiohttp.abc import ResolveResult

from fairlead.core import Clock, SystemClock
from fairlead.gateway.breaker import Breakers
from fairlead.gateway.http import HttpProblem, Request
from fairlead.wire import Provider
from fairlead.wiring.upstreams import Upstream

CONNECT_S = 10.0
MAX_RESPONSE = 64 * 1024 * 1024
"""Bytes of a response at most, streamed or not."""

ANTHROPIC_VERSION = "2023-06-01"
"""Version of the Messages API that is asked for when the client names none."""
_NAMES = re.compile(r"[a-z0-9-]{1,64}( ?, ?[a-z0-9-]{1,64}){0,15}\Z", re.ASCII)


class _Resolver(aiohttp.ThreadedResolver):
    """Finds servers, but none at a link-local address: there a cloud hands out its machine's credentials, and no model is served."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """Return a host's addresses.

        Raises:
            OSError: It has none that may be asked.
        """
        found = await super().resolve(host, port, family)
        allowed = [one for one in found if not ipaddress.ip_address(one["host"].partition("%")[0]).is_link_local]
        if not allowed:
            raise OSError("a link-local address is not asked")
        return allowed


class UpstreamClient:
    """Sends guarded requests to the upstreams of a policy.

    Args:
        clock: For the breakers.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.breakers = Breakers(clock or SystemClock())
        self._session: aiohttp.ClientSession | None = None

    async def post(self, upstream: Upstream, path: str, body: bytes, extra: Mapping[str, str] | None = None) -> aiohttp.ClientResponse:
        """Send a request and return its response, headers read, body not; whoever asks releases it.

        Args:
            upstream: Where to.
            path: Path below the upstream's base, such as ``/chat/completions``.
            body: JSON.
            extra: Headers beside our own.

        Raises:
            HttpProblem: 502 or 504; the upstream is not there, broke off, or was too slow.
        """
        headers = {"content-type": "application/json", "accept-encoding": "identity", **(extra or {})}
        if upstream.key and upstream.key_header:
            headers[upstream.key_header] = upstream.key
        elif upstream.key:
            headers["authorization"] = f"Bearer {upstream.key}"
        try:
            # A redirect could lead a request, and its key, anywhere.
            url, patience = upstream.base_url + path + upstream.query, _patience(upstream.timeout_s)
            return await self._open().post(url, data=body, headers=headers, allow_redirects=False, timeout=patience)
        except TimeoutError as error:
            raise HttpProblem(504, "upstream_timeout", "the model did not answer in time; try again") from error
        except aiohttp.ClientError as error:
            raise HttpProblem(502, "upstream_unavailable", "the model's server could not be reached or broke off; try again") from error

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            # No cookie of an upstream is kept: it would go along with the next request, whosever that is.
            jar = aiohttp.DummyCookieJar()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, resolver=_Resolver()), cookie_jar=jar, auto_decompress=False
            )
        return self._session


@cache
def _patience(idle_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(sock_connect=CONNECT_S, sock_read=idle_s)


def client_headers(request: Request, provider: Provider) -> dict[str, str]:
    """Return the headers of a client's request that its model's server needs; only what carries no text."""
    if provider != "anthropic":
        return {}
    headers = {"anthropic-version": request.headers.get(b"anthropic-version", b"").decode("latin-1") or ANTHROPIC_VERSION}
    if beta := request.headers.get(b"anthropic-beta", b"").decode("latin-1"):
        headers["anthropic-beta"] = beta
    if not all(_NAMES.match(value) for value in headers.values()):
        raise HttpProblem(400, "invalid_input", "the headers anthropic-version and anthropic-beta hold names and dates only")
    return headers


async def read_whole(response: aiohttp.ClientResponse) -> bytes:
    """Read a response that is not a stream.

    Raises:
        HttpProblem: It is longer than :data:`MAX_RESPONSE`.
    """
    parts: list[bytes] = []
    size = 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > MAX_RESPONSE:
            raise HttpProblem(502, "upstream_too_large", "the model's answer is too long")
        parts.append(part)
    return b"".join(parts)
