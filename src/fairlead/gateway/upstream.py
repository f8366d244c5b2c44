"""The client of the models: one pooled aiohttp session per worker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from fairlead.gateway.http import HttpProblem
from fairlead.wiring.data_plane import Upstream

CONNECT_S = 10.0
IDLE_S = 120.0
"""An upstream that sends nothing for so long is given up."""
MAX_RESPONSE = 64 * 1024 * 1024
"""Bytes of a response at most, streamed or not."""


class UpstreamClient:
    """Sends guarded requests to the upstreams of a policy."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    @asynccontextmanager
    async def post(self, upstream: Upstream, path: str, body: bytes) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send a request and give its response, headers read, body not.

        Args:
            upstream: Where to.
            path: Path below the upstream's base, such as ``/chat/completions``.
            body: JSON.

        Raises:
            HttpProblem: 502 or 504; the upstream is not there, broke off, or was too slow.
        """
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        if upstream.key:
            headers["authorization"] = f"Bearer {upstream.key}"
        try:
            # A redirect could lead a request, and its key, anywhere.
            async with self._open().post(upstream.base_url + path, data=body, headers=headers, allow_redirects=False) as response:
                yield response
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
            timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=IDLE_S)
            self._session = aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0), auto_decompress=False)
        return self._session


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
