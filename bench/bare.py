"""The floor: what a proxy costs that only passes bytes on, on the gateway's own parts (ASGI, uvicorn, aiohttp)."""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import aiohttp

Message = MutableMapping[str, Any]


class BareProxy:
    """An ASGI application that sends a request to the upstream and its answer back, unread."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._session: aiohttp.ClientSession | None = None

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
        """Answer one request."""
        if scope["method"] == "GET":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), auto_decompress=False)
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        async with self._session.post(self._upstream + scope["path"], data=body, headers=headers) as response:
            kind = response.headers.get("content-type", "").encode()
            await send({"type": "http.response.start", "status": response.status, "headers": [(b"content-type", kind)]})
            async for part in response.content.iter_any():
                await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


app = BareProxy(os.environ.get("UPSTREAM", ""))  # noqa: TID251 - a process of its own, told by its starter
