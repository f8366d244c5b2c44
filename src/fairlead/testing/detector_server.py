"""A server that plays guard models and moderation services: answers what a test says, and remembers what it was asked."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from math import log
from typing import Any

Message = MutableMapping[str, Any]
Answer = Callable[[str, Any], tuple[int, Any]]
"""Path and decoded body to status and body; bytes are sent as they are."""


class DetectorServer:
    """An ASGI application.

    Args:
        answer: What it answers.

    Attributes:
        asked: Path, headers and decoded body of each request.
        delay_s: Seconds before an answer.
        location: Where an answer sends its client on to; empty for nowhere.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.delay_s = 0.0
        self.location = ""

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
        path = str(scope["path"]) + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        asked = json.loads(body)
        self.asked.append((path, headers, asked))
        await asyncio.sleep(self.delay_s)
        status, answer = self.answer(path, asked)
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        sent = [(b"content-type", b"application/json"), *([(b"location", self.location.encode())] if self.location else [])]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": data})


def chat_answer(text: str, probability: float | None = None, positive: str = "unsafe", negative: str = "safe") -> dict[str, Any]:
    """Return a Chat Completion whose first word has these probabilities; without one the server gives no log probabilities."""
    choice: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", "logprobs": None}
    if probability is not None:
        choice["logprobs"] = {"content": token_list(text, probability, positive, negative)}
    return {"id": "c-1", "object": "chat.completion", "created": 1, "model": "guard", "choices": [choice]}


def token_list(text: str, probability: float, positive: str, negative: str) -> list[dict[str, Any]]:
    """Return one token for each word of a text; at each verdict the alternatives have these probabilities."""
    out: list[dict[str, Any]] = []
    for piece in _pieces(text):
        tops = [{"token": piece, "logprob": 0.0, "bytes": None}]
        if piece.strip().lower() in (positive, negative):
            shares = ((positive, probability), (negative, 1 - probability))
            tops = [{"token": word, "logprob": log(share), "bytes": None} for word, share in shares if share > 0]
        out.append({"token": piece, "logprob": 0.0, "bytes": None, "top_logprobs": tops})
    return out


def completion_answer(text: str, probability: float | None = None) -> dict[str, Any]:
    """Return a completion of ``yes`` or ``no`` with these probabilities."""
    probs: dict[str, Any] | None = None
    if probability is not None:
        tokens = token_list(text, probability, "yes", "no")
        tops = [{top["token"]: top["logprob"] for top in token["top_logprobs"]} for token in tokens]
        probs = {"tokens": [token["token"] for token in tokens], "token_logprobs": [0.0] * len(tokens), "top_logprobs": tops}
    return {"id": "c-1", "object": "text_completion", "choices": [{"index": 0, "text": text, "logprobs": probs, "finish_reason": "stop"}]}


def _pieces(text: str) -> list[str]:
    return re.findall(r"\s*[^\s]+|\s+$", text)
