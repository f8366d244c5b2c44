"""The stream of an Anthropic Message: its events as Deltas, and what may leave as events.

Text and thinking leave while they flow. Everything else of a block (citations, a signature, a tool call, a tool's result) is held
until the block ends, is guarded whole, and leaves then. Shape: Anthropic API reference, "Streaming messages" (read November 2026).
"""

import msgspec

from fairlead.core import InvalidInput, Segment
from fairlead.wire.api import Chunk, Delta, Leaving, Made
from fairlead.wire.document import Json, object_of, read_object, text_of
from fairlead.wire.fields import Extraction, Node, walk
from fairlead.wire.interaction import CallRef
from fairlead.wire.messages_block import Block, Held
from fairlead.wire.messages_shapes import CALLS, DELTA_OF, EVENTS, RESPONSE, RESPONSE_UNKNOWN, UNFITTING, UNKNOWN_EVENT
from fairlead.wire.sse import Event, encode_event

STOPPED = "refusal"
"""The stop reason of an answer that the policy ended."""
STOP_REASONS = frozenset(
    {"end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", STOPPED, "model_context_window_exceeded"},
)
"""What the API knows; anything else is passed on as ``end_turn``."""

_ORDERED = frozenset({"message_start", "content_block_start", "content_block_stop", "message_delta"})
_BESIDE = ("usage", "context_management")
"""Fields of the event that ends a message that stand beside its delta."""
_ENDING = "/stop_reason"
"""Ends with the message; a message that the policy stops has none of its own."""
_ERRORS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
}


def error_of(status: int, code: str, message: str) -> dict[str, Json]:
    """Return an error in Anthropic's shape; ``code`` is our own, and stable."""
    kind = _ERRORS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message, "code": code}}


class MessagesCodec:
    """Reads and writes the events of one stream.

    Args:
        made: What a message of the gateway's own making names, until the upstream's began.
    """

    needs_end = True
    stopped = STOPPED
    __slots__ = (
        "_begun",
        "_channels",
        "_cut",
        "_denied",
        "_ended",
        "_ending",
        "_head",
        "_made",
        "_number",
        "_open",
        "_seen",
        "_tokens",
        "_waiting",
    )

    def __init__(self, made: Made) -> None:
        self._made = made
        self._head: Held | None = None
        self._ending: Held | None = None
        self._begun = False
        """Whether the client knows that there is a message."""
        self._ended = False
        """Whether the upstream said why its message ends."""
        self._seen: set[int] = set()
        self._open: dict[int, Block] = {}
        """By the number that the upstream gave."""
        self._waiting: dict[int, Block] = {}
        """By place: what has not left to its end."""
        self._channels: dict[str, Block] = {}
        self._number = 0
        self._denied: set[str] = set()
        self._tokens = 0
        self._cut = False
        """Whether a block could not be edited and was left out: then the policy ended the answer, whatever the upstream says."""

    def read(self, event: Event) -> Chunk:
        """Take an event apart."""
        body = read_object(event.data)
        kind = body.get("type")
        if kind == "content_block_delta":
            return self._read_delta(body)
        if not isinstance(kind, str):
            raise _broken("an event of the stream has no type")
        if kind == "error":
            raise _broken("the upstream broke off with an error")
        if kind == "message_stop":
            if not self._ended:
                raise _broken("the stream stops before its message ends")
            return Chunk(body, ended=True)
        unknown = _unknown(EVENTS.get(kind, UNKNOWN_EVENT), body)
        if kind not in _ORDERED or (self._ended and kind == "message_delta"):
            return Chunk(body, unknown=unknown)
        if self._ended or (self._head is None) is not (kind == "message_start"):
            raise _broken("an event of the stream is out of order")
        return Chunk(body, (self._step(kind, body),), unknown)

    def accept(self, chunk: Chunk) -> list[bytes]:
        """Pass a sign of life on."""
        return [_event({"type": "ping"})] if self._begun and chunk.body.get("type") == "ping" else []

    def write(self, leaving: Leaving) -> list[bytes]:
        """Return the events that tell what may leave."""
        out = [] if self._begun else [self._begin(leaving)]
        for channel, text in leaving.texts.items():
            block = self._channels.get(channel)
            if block is not None and text:
                block.left.append(text)
                out += self._show(block)
                out.append(_delta(block.number, {"type": block.delta, block.field: text}))
        calls, said = dict(leaving.calls), dict(leaving.said)
        for place in leaving.ends:
            block = self._waiting.pop(place)
            if place in said:
                self._denied.add(text_of(block.body.get("id")))
                out += self._whole({"type": "text", "text": ""}, {"type": "text_delta", "text": said[place]})
            elif block.held is not None and block.held.put(leaving.texts):
                out += self._leave(block, calls.get(place))
            else:
                self._cut = self._cut or block.held is not None
            self._channels.pop(block.channel, None)
        return [*out, *self._finish(leaving)] if leaving.finish else out

    def say(self, text: str) -> bytes:
        """Return a stream that says one text, stopped by the policy."""
        events = [self._begin(Leaving(0)), *self._whole({"type": "text", "text": ""}, {"type": "text_delta", "text": text})]
        return b"".join([*events, *self._finish(Leaving(0, finish=STOPPED)), self.end()])

    def path(self, choice: int, channel: str) -> str:  # noqa: ARG002 - a message has one choice
        """Return the pointer that a channel's text has in a whole response: it is the channel's name."""
        return channel

    def call_path(self, choice: int, position: int) -> str:  # noqa: ARG002 - a message has one choice
        """Return the pointer that a call's arguments have in a whole response."""
        return f"/content/{position}/input"

    def end(self) -> bytes:
        """Return the end marker."""
        return _event({"type": "message_stop"})

    def failure(self, code: str, message: str) -> bytes:
        """Return the event that ends a stream before its time."""
        return _event(error_of(503, code, message))

    def _step(self, kind: str, body: dict[str, Json]) -> Delta:
        if kind == "message_start":
            return self._start(body)
        if kind == "content_block_start":
            return self._start_block(body)
        return self._end_block(body) if kind == "content_block_stop" else self._end(body)

    def _start(self, body: dict[str, Json]) -> Delta:
        message = object_of(body.get("message"))
        if message.get("content") != []:
            raise _broken("a message of the stream does not begin empty")
        self._head = Held(message, RESPONSE, "")
        self._count(message)
        told = self._head.told
        return Delta(0, tuple(told.items()), role="assistant", closed=tuple(told))

    def _start_block(self, body: dict[str, Json]) -> Delta:
        index, block = body.get("index"), body.get("content_block")
        if type(index) is not int or index < 0 or index in self._seen or not isinstance(block, dict):
            raise _broken("a block of the stream starts twice, or under no number")
        here = Block(len(self._seen), block)
        self._seen.add(index)
        self._open[index] = self._waiting[here.place] = here
        if here.channel:
            self._channels[here.channel] = here
        return here.begin()

    def _read_delta(self, body: dict[str, Json]) -> Chunk:
        index, delta = body.get("index"), object_of(body.get("delta"))
        here = self._open.get(index) if type(index) is int else None
        if here is None:
            raise _broken("a delta of the stream is for no open block")
        kind, text = delta.get("type"), delta.get(here.field)
        plain = kind == here.delta and isinstance(text, str) and len(body) == len(delta) + 1 == 3
        unknown = () if plain else _unknown(DELTA_OF.get(here.kind, UNFITTING), body)
        if here.field and kind == here.delta:
            return Chunk(body, (here.go_on(text_of(text)),), unknown)
        here.add(kind, delta)
        return Chunk(body, unknown=unknown)

    def _end_block(self, body: dict[str, Json]) -> Delta:
        index = body.get("index")
        here = self._open.pop(index, None) if type(index) is int else None
        if here is None:
            raise _broken("a block of the stream stops that is not open")
        return here.end()

    def _end(self, body: dict[str, Json]) -> Delta:
        self._count(body)
        delta = object_of(body.get("delta"))
        reason = delta.get("stop_reason")
        if not reason:
            return Delta(0)
        self._ended = True
        # A block that the upstream forgot to stop has stopped now.
        parts = [here.end() for here in self._open.values()]
        self._open.clear()
        self._ending = Held({**delta, **{key: body[key] for key in _BESIDE if key in body}}, RESPONSE, "")
        told = self._ending.told
        return Delta(
            0,
            texts=(*(text for part in parts for text in part.texts), *told.items()),
            calls=tuple(call for part in parts for call in part.calls),
            finish=reason if isinstance(reason, str) and reason in STOP_REASONS else "end_turn",
            closed=(*told, _ENDING),
            ends=tuple(place for part in parts for place in part.ends),
        )

    def _count(self, body: dict[str, Json]) -> None:
        tokens = object_of(body.get("usage")).get("output_tokens")
        self._tokens = tokens if isinstance(tokens, int) else self._tokens

    def _begin(self, leaving: Leaving) -> bytes:
        self._begun = True
        if leaving.role and self._head is not None and self._head.put(leaving.texts):
            return _event({"type": "message_start", "message": self._head.body})
        return _event({"type": "message_start", "message": message_of(self._made, [], None)})

    def _show(self, block: Block) -> list[bytes]:
        """Start a block that streams, once."""
        if block.number >= 0:
            return []
        block.number = self._next()
        signed: dict[str, Json] = {"signature": ""} if block.kind == "thinking" else {}
        return [_start(block.number, {"type": block.kind, block.field: "", **signed})]

    def _whole(self, body: dict[str, Json], delta: dict[str, Json] | None = None) -> list[bytes]:
        number = self._next()
        return [_start(number, body), *([] if delta is None else [_delta(number, delta)]), _stop(number)]

    def _leave(self, block: Block, ref: CallRef | None) -> list[bytes]:
        """Return the rest of a block that has ended."""
        body = block.body
        if block.kind in CALLS:
            return [] if ref is None else self._whole(body, {"type": "input_json_delta", "partial_json": ref.arguments})
        if not block.channel:
            of_denied = text_of(body.get("tool_use_id")) in self._denied - {""}
            return [] if of_denied else self._whole(body)
        rest: list[dict[str, Json]] = [{"type": "citations_delta", "citation": one} for one in block.citations()]
        if block.signature and block.sealed():
            rest.append({"type": "signature_delta", "signature": block.signature})
        return [*self._show(block), *(_delta(block.number, delta) for delta in rest), _stop(block.number)]

    def _finish(self, leaving: Leaving) -> list[bytes]:
        out = [_stop(block.number) for block in self._channels.values() if block.number >= 0]
        delta: dict[str, Json] = {"stop_sequence": None}
        beside: dict[str, Json] = {"usage": {"output_tokens": self._tokens}}
        # What the policy stops may stand in the upstream's own ending.
        if self._ending is not None and _ENDING in leaving.closed and self._ending.put(leaving.texts):
            ending = self._ending.body
            beside |= {key: ending[key] for key in _BESIDE if key in ending}
            delta = {key: value for key, value in ending.items() if key not in _BESIDE}
        return [
            *out,
            _event({"type": "message_delta", "delta": {**delta, "stop_reason": STOPPED if self._cut else leaving.finish}, **beside}),
        ]

    def _next(self) -> int:
        self._number += 1
        return self._number - 1


def message_of(made: Made, content: list[Json], reason: str | None) -> dict[str, Json]:
    """Return a message of the gateway's own making."""
    usage: dict[str, Json] = {"input_tokens": 0, "output_tokens": 0}
    body: dict[str, Json] = {"id": made.exchange, "type": "message", "role": "assistant", "model": made.model, "content": content}
    return {**body, "stop_reason": reason, "stop_sequence": None, "usage": usage}


def _unknown(node: Node, body: dict[str, Json]) -> tuple[Segment, ...]:
    out = Extraction()
    walk(node, body, "", out, RESPONSE_UNKNOWN)
    # What is known and no short token is guarded with the part that it stands in.
    return tuple(out.unknown)


def _broken(what: str) -> InvalidInput:
    return InvalidInput(what, mend="check that the upstream speaks Messages")


def _event(body: dict[str, Json]) -> bytes:
    return encode_event(msgspec.json.encode(body), text_of(body["type"]).encode())


def _start(number: int, block: dict[str, Json]) -> bytes:
    return _event({"type": "content_block_start", "index": number, "content_block": block})


def _delta(number: int, delta: dict[str, Json]) -> bytes:
    return _event({"type": "content_block_delta", "index": number, "delta": delta})


def _stop(number: int) -> bytes:
    return _event({"type": "content_block_stop", "index": number})
