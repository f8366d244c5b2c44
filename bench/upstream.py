"""The model's place: an ASGI application that answers at once with a fixed text of 1 KB, or streams chunks without a pause.

How many chunks, and how many milliseconds between them, stands in the model's name: ``chunks-256`` or ``chunks-64-5``.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from texts import prose

Message = MutableMapping[str, Any]

_JSON = [(b"content-type", b"application/json")]
_EVENTS = [(b"content-type", b"text/event-stream; charset=utf-8")]
_HEAD = {"id": "chatcmpl-bench", "created": 1_700_000_000, "model": "bench"}
_MESSAGE = {"role": "assistant", "content": prose(1000, seed=7)}
_USAGE = {"prompt_tokens": 220, "completion_tokens": 210, "total_tokens": 430}
_ANSWER = json.dumps(
    {**_HEAD, "object": "chat.completion", "choices": [{"index": 0, "message": _MESSAGE, "finish_reason": "stop"}], "usage": _USAGE}
).encode()


def _chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    choices = [{"index": 0, "delta": delta, "finish_reason": finish}]
    return b"data: " + json.dumps({**_HEAD, "object": "chat.completion.chunk", "choices": choices}).encode() + b"\n\n"


_WORDS = [_chunk({"content": f"{word} "}) for word in prose(4000, seed=11).split()]


async def app(scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]) -> None:
    """Answer one request."""
    body = b""
    while scope["method"] == "POST":
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    request = json.loads(body) if body else {}
    if not request.get("stream"):
        await send({"type": "http.response.start", "status": 200, "headers": [*_JSON, (b"content-length", b"%d" % len(_ANSWER))]})
        await send({"type": "http.response.body", "body": _ANSWER})
        return
    _, count, *pause_ms = request["model"].split("-")
    pause = int(pause_ms[0]) / 1000 if pause_ms else 0
    await send({"type": "http.response.start", "status": 200, "headers": _EVENTS})
    for number in range(int(count)):
        await send({"type": "http.response.body", "body": _WORDS[number % len(_WORDS)], "more_body": True})
        if pause:
            await asyncio.sleep(pause)
    await send({"type": "http.response.body", "body": _chunk({}, "stop") + b"data: [DONE]\n\n"})
