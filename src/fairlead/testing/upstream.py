"""A scripted model server: says what a test tells it to, byte for byte, and remembers what it was asked."""

import json
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

Message = MutableMapping[str, Any]


class ScriptedModel:
    """An ASGI application that answers with the next scripted answer, whatever it is asked.

    Attributes:
        requests: Bodies of the requests so far, decoded.
        asked: Path and headers of each of them.
        queries: What stood behind each path's question mark.
    """

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.queries: list[str] = []
        self._script: deque[tuple[int, bytes, Sequence[bytes]]] = deque()

    def says(self, *texts: str, tool_calls: Sequence[dict[str, Any]] = (), **extra: object) -> None:
        """Answer the next request with a whole response, one choice per text."""
        choices = []
        for index, text in enumerate(texts or ("",)):
            message: dict[str, Any] = {"role": "assistant", "content": text}
            if tool_calls:
                message["tool_calls"] = list(tool_calls)
            choices.append({"index": index, "message": message, "finish_reason": "tool_calls" if tool_calls else "stop"})
        body = {"id": "r-1", "object": "chat.completion", "created": 1, "model": "scripted", "choices": choices, **extra}
        self._script.append((200, b"application/json", [json.dumps(body).encode()]))

    def streams(self, *pieces: str, choice: int = 0, finish: str = "stop", done: bool = True) -> None:
        """Answer the next request with a stream, one chunk per piece."""
        parts = [self.chunk({"role": "assistant", "content": ""}, choice)]
        parts += [self.chunk({"content": piece}, choice) for piece in pieces]
        parts.append(self.chunk({}, choice, finish))
        if done:
            parts.append(b"data: [DONE]\n\n")
        self.sends(parts, content_type=b"text/event-stream")

    def sends(self, parts: Sequence[bytes], *, status: int = 200, content_type: bytes = b"application/json") -> None:
        """Answer the next request with these bytes."""
        self._script.append((status, content_type, parts))

    def forget(self) -> None:
        """Drop the answers that nobody asked for."""
        self._script.clear()

    @staticmethod
    def chunk(delta: dict[str, Any], choice: int = 0, finish: str | None = None, **extra: object) -> bytes:
        """Return one chunk of a stream as an event."""
        choices = [{"index": choice, "delta": delta, "finish_reason": finish}]
        body = {"id": "r-1", "object": "chat.completion.chunk", "created": 1, "model": "scripted", "choices": choices, **extra}
        return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        self.requests.append(json.loads(body) if body else None)
        self.queries.append(scope.get("query_string", b"").decode())
        self.asked.append((str(scope["path"]), {name.decode(): value.decode() for name, value in scope["headers"]}))
        status, content_type, parts = self._script.popleft()
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", content_type)]})
        for part in parts:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
