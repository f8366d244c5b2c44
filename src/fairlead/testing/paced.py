"""A model server that answers step by step, when a test lets it, and notices who leaves."""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import Future
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

Gate = Future[None]
"""A place in a script: the answer goes on when the test calls ``set_result(None)``."""


class PacedModel:
    """An ASGI application that streams scripted bytes and waits at each gate.

    Attributes:
        requests: Bodies of the requests so far, decoded.
        left: Done when a client left before its answer ended.
    """

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.left: Future[None] = Future()
        self._script: deque[tuple[bytes | Gate, ...]] = deque()

    def streams(self, *steps: bytes | Gate) -> None:
        """Answer the next request with these bytes, in this order; a gate holds what follows it."""
        self._script.append(steps)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        self.requests.append(json.loads(await _body(receive)))
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            await self._answer(self._script.popleft(), gone, send)
        finally:
            gone.cancel()

    async def _answer(self, steps: tuple[bytes | Gate, ...], gone: "asyncio.Future[None]", send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for step in steps:
            if isinstance(step, bytes):
                await send({"type": "http.response.body", "body": step, "more_body": True})
                continue
            await asyncio.wait({asyncio.wrap_future(step), gone}, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                self.left.set_result(None)
                return
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
