"""The crash-test model as a server: a small ASGI application that speaks Chat Completions."""

from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import msgspec

from fairlead.core import InvalidInput, canonical_bytes, decode, digest
from fairlead.crash_model.chunks import LARGEST, split
from fairlead.crash_model.engine import respond
from fairlead.crash_model.model import Call, ChatRequest, Turn
from fairlead.crash_model.placeholders import PLACEHOLDERS, Placeholders

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
"""The types of the ASGI specification, version 3.0."""

MODEL = "crash-test"
CREATED = 1_764_000_000
"""Seconds since 1970 that every answer claims: the same request gives the same bytes."""
MAX_CHOICES = 16
MAX_BODY = 32 << 20


class CrashModel:
    """The application.

    Args:
        seed: Decides how streams are split into chunks.
        largest: Characters of one chunk at most, 1 to 256.
        words: The placeholders to use.
    """

    def __init__(self, seed: int = 0, *, largest: int = LARGEST, words: Placeholders = PLACEHOLDERS) -> None:
        self._seed = seed
        self._largest = largest
        self._words = words

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        route = (scope["method"], scope["path"].rstrip("/"))
        if route == ("GET", "/v1/models"):
            entry = {"id": MODEL, "object": "model", "created": CREATED, "owned_by": "fairlead"}
            await _json(send, 200, {"object": "list", "data": [entry]})
        elif route == ("GET", "/healthz"):
            await _json(send, 200, {"status": "ok"})
        elif route == ("POST", "/v1/chat/completions"):
            await self._chat(await _body(receive), send)
        else:
            await _problem(send, 404, "there is no such route; this server has /v1/models and /v1/chat/completions")

    async def _chat(self, body: bytes | None, send: Send) -> None:
        if body is None:
            return
        try:
            request = decode(body, ChatRequest, where="body")
        except InvalidInput as error:
            await _problem(send, 400, str(error))
            return
        if not request.messages or not 1 <= (request.n or 1) <= MAX_CHOICES:
            await _problem(send, 400, f"there must be messages, and n must be 1 to {MAX_CHOICES}")
            return
        turn = respond(request, self._words)
        if not request.stream:
            await _json(send, 200, completion(request, turn))
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for event in self.events(request, turn):
            await send({"type": "http.response.body", "body": b"data: " + event + b"\n\n", "more_body": True})
        await send({"type": "http.response.body", "body": b"data: [DONE]\n\n", "more_body": False})

    def events(self, request: ChatRequest, turn: Turn) -> Iterator[bytes]:
        """Yield the chunks of a stream, entities split.

        Args:
            request: What was asked.
            turn: What is said or done.
        """
        identity = _identity(request, turn)
        for index in range(request.n or 1):
            for delta in self._deltas(turn):
                yield _chunk(identity, [{"index": index, "delta": delta, "finish_reason": None}])
            yield _chunk(identity, [{"index": index, "delta": {}, "finish_reason": _finish(turn)}])
        if request.stream_options and request.stream_options.include_usage:
            yield _chunk(identity, [], usage=usage(request, turn))

    def _deltas(self, turn: Turn) -> Iterator[dict[str, object]]:
        yield {"role": "assistant", "content": "" if turn.text else None}
        for piece in split(turn.text, self._seed, self._largest):
            yield {"content": piece}
        for index, call in enumerate(turn.calls):
            opening = {"name": call.function.name, "arguments": ""}
            yield {"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": opening}]}
            for piece in split(call.function.arguments, self._seed, self._largest):
                yield {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}


def app(seed: int = 0, *, largest: int = LARGEST, words: Placeholders = PLACEHOLDERS) -> CrashModel:
    """Return the application.

    Args:
        seed: Decides how streams are split into chunks.
        largest: Characters of one chunk at most, 1 to 256.
        words: The placeholders to use.
    """
    return CrashModel(seed, largest=largest, words=words)


def serve(host: str, port: int, seed: int = 0) -> None:
    """Serve until the process is told to stop.

    Args:
        host: Address to listen on.
        port: Port to listen on.
        seed: Decides how streams are split into chunks.
    """
    import uvicorn  # noqa: PLC0415 - the server is not loaded to use the model in process

    uvicorn.run(app(seed), host=host, port=port, log_config=None, access_log=False, timeout_graceful_shutdown=2)


def completion(request: ChatRequest, turn: Turn) -> dict[str, object]:
    """Return a whole response.

    Args:
        request: What was asked.
        turn: What is said or done.
    """
    message: dict[str, object] = {"role": "assistant", "content": turn.text if not turn.calls else None}
    if turn.calls:
        message["tool_calls"] = [_call(call) for call in turn.calls]
    choices = [{"index": index, "message": message, "finish_reason": _finish(turn)} for index in range(request.n or 1)]
    identity = _identity(request, turn)
    return {
        "id": identity,
        "object": "chat.completion",
        "created": CREATED,
        "model": MODEL,
        "choices": choices,
        "usage": usage(request, turn),
    }


def usage(request: ChatRequest, turn: Turn) -> dict[str, int]:
    """Return token counts: four characters are counted as one token."""
    asked = sum(len(message.text()) for message in request.messages) // 4 + 1
    said = (request.n or 1) * (sum(len(call.function.arguments) for call in turn.calls) + len(turn.text)) // 4 + 1
    return {"prompt_tokens": asked, "completion_tokens": said, "total_tokens": asked + said}


def _identity(request: ChatRequest, turn: Turn) -> str:
    return "chatcmpl-" + digest([request, turn])[7:31]


def _finish(turn: Turn) -> str:
    return "tool_calls" if turn.calls else "stop"


def _call(call: Call) -> dict[str, object]:
    return {"id": call.id, "type": "function", "function": {"name": call.function.name, "arguments": call.function.arguments}}


def _chunk(identity: str, choices: list[dict[str, object]], **extra: object) -> bytes:
    head = {"id": identity, "object": "chat.completion.chunk", "created": CREATED, "model": MODEL}
    return msgspec.json.encode({**head, "choices": choices, **extra})


async def _body(receive: Receive) -> bytes | None:
    body: bytes = b""
    while len(body) <= MAX_BODY:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body
    return b""


async def _json(send: Send, status: int, value: object) -> None:
    body = canonical_bytes(value)
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": body})


async def _problem(send: Send, status: int, message: str) -> None:
    await _json(send, status, {"error": {"message": message, "type": "invalid_request_error", "code": None, "param": None}})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
