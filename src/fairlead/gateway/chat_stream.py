"""A streamed chat answer: what may leave leaves at once, what may still become a match waits (law 2), tool calls leave whole."""

import asyncio
from collections.abc import AsyncIterator, Iterable

import aiohttp
import msgspec

from fairlead.core import InvalidInput, Segment, State
from fairlead.gateway.exchange import Exchange
from fairlead.gateway.http import Headers, HttpProblem, Send, Wire, error_body
from fairlead.gateway.tool_calls import check_call, explain
from fairlead.gateway.upstream import MAX_RESPONSE
from fairlead.guard import Spot, StreamGuard, adrive, guard_output
from fairlead.wire import DONE, CallDelta, CallRef, ChatChunk, ChatRequest, ChunkReader, Delta, Event, EventReader, Json, encode_event

_EVENT_STREAM: Headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]


_HEAD = ("id", "object", "created", "model", "system_fingerprint", "service_tier")
"""What stands beside the choices of a chunk."""


class _Call:
    __slots__ = ("arguments", "call", "tool")

    def __init__(self) -> None:
        self.call = ""
        self.tool = ""
        self.arguments: list[str] = []


class ChatStream:
    """Turns the upstream's chunks into the client's.

    Args:
        exchange: The Exchange.
        seen: Everything that the model saw, for the provenance of tool arguments.
        wanted: How many choices the request asked for.
    """

    def __init__(self, exchange: Exchange, seen: tuple[Segment, ...], wanted: int) -> None:
        self.guard = StreamGuard(exchange.context)
        self._exchange = exchange
        self._seen = seen
        self._wanted = wanted
        self._calls: dict[int, dict[int, _Call]] = {}
        self._open: set[int] = set()
        self._finished: set[int] = set()
        self._stopped: set[int] = set()
        self._placed = 0
        self._head: dict[str, Json] = {
            "id": exchange.context.exchange,
            "object": "chat.completion.chunk",
            "created": 0,
            "model": exchange.context.model,
        }
        self.ended = False
        """True when nothing more of the upstream is wanted."""
        self.begun = False
        """True once a chunk came."""

    async def feed(self, chunk: ChatChunk) -> list[bytes]:
        """Return the events that a chunk lets leave."""
        self.begun = True
        if chunk.unknown and not await self._pass_unknown(chunk):
            # The head of this chunk may hold what is unknown: the last one that was clean stays.
            self.ended = True
            return [event for choice in sorted(self._open or {0}) for event in self._stop(choice, {})]
        # Only what the API knows stands beside the choices: what is unknown never leaves in a stream, whatever the policy says of it.
        self._head = {key: chunk.body[key] for key in _HEAD if key in chunk.body}
        out: list[bytes] = []
        for delta in chunk.deltas:
            if delta.choice not in self._finished:
                out += await self._feed_choice(delta)
        if chunk.usage:
            out.append(self._event([], chunk.body.get("usage")))
        # The upstream goes on with a choice that was stopped here; once that is all it does, nothing more of it is wanted.
        self.ended = self.ended or (bool(self._stopped) and len(self._finished) >= self._wanted)
        return out

    async def close(self) -> list[bytes]:
        """Return what was still held when the upstream ended in good order."""
        out: list[bytes] = []
        for choice in sorted(self._open):
            out += await self._finish(choice, "stop", {})
        return out

    async def _feed_choice(self, delta: Delta) -> list[bytes]:
        choice = delta.choice
        self._open.add(choice)
        for call in delta.calls:
            self._add_call(choice, call)
        fields: dict[str, Json] = {"role": delta.role} if delta.role else {}
        for channel, text in delta.texts:
            released = self.guard.feed(choice, channel, text)
            if released.text:
                fields[channel] = released.text
            if released.blocked:
                return self._stop(choice, fields)
        if delta.finish:
            return await self._finish(choice, delta.finish, fields)
        return [self._event([_choice(choice, fields)])] if fields else []

    async def _finish(self, choice: int, finish: str, fields: dict[str, Json]) -> list[bytes]:
        for channel, released in self.guard.close(choice):
            if released.text:
                before = fields.get(channel)
                fields[channel] = (before if isinstance(before, str) else "") + released.text
            if released.blocked:
                return self._stop(choice, fields)
        calls = self._calls.pop(choice, {})
        if not calls:
            return self._end(choice, finish, fields)
        kept: list[Json] = []
        said: list[str] = []
        for position, call in sorted(calls.items()):
            ref = CallRef(
                f"/choices/{choice}/message/tool_calls/{position}/function/arguments", call.tool, call.call, "".join(call.arguments)
            )
            outcome = await check_call(self._exchange, ref, self._seen, self._placed)
            self._placed += 1
            if outcome.stopped:
                said.append(explain(outcome))
            else:
                function: dict[str, Json] = {"name": ref.tool, "arguments": ref.arguments}
                kept.append({"index": len(kept), "id": ref.call, "type": "function", "function": function})
        if said:
            before = fields.get("content")
            fields["content"] = "\n".join([*([before] if isinstance(before, str) and before else []), *said])
        if kept:
            fields["tool_calls"] = kept
        elif said:
            finish = "content_filter"
        return self._end(choice, finish, fields)

    def _add_call(self, choice: int, delta: CallDelta) -> None:
        call = self._calls.setdefault(choice, {}).setdefault(delta.position, _Call())
        call.call = delta.call or call.call
        call.tool += delta.tool
        call.arguments.append(delta.arguments)

    def _end(self, choice: int, finish: str, fields: dict[str, Json] | None = None) -> list[bytes]:
        self._finished.add(choice)
        self._open.discard(choice)
        events = [self._event([_choice(choice, fields)])] if fields else []
        return [*events, self._event([_choice(choice, {}, finish)])]

    def _stop(self, choice: int, fields: dict[str, Json]) -> list[bytes]:
        self._stopped.add(choice)
        return self._end(choice, "content_filter", fields)

    async def _pass_unknown(self, chunk: ChatChunk) -> bool:
        context = self._exchange.context
        policy = context.release.policy
        if policy.unknown == "allow":
            self.guard.passed(chunk.unknown)
            return True
        # Beside the record of the texts, which the same Exchange gets at its end.
        spot = Spot("output", f"unknown:{self._placed}")
        self._placed += 1
        outcome = await self._exchange.run(guard_output(context, (), chunk.unknown, spot=spot))
        return outcome.action in ("allow", "flag")

    def _event(self, choices: list[Json], usage: Json = None) -> bytes:
        body: dict[str, Json] = {**self._head, "choices": choices}
        if usage is not None:
            body["usage"] = usage
        return encode_event(msgspec.json.encode(body))


def _choice(index: int, delta: dict[str, Json], finish: str | None = None) -> dict[str, Json]:
    return {"index": index, "delta": delta, "finish_reason": finish}


async def stream_response(exchange: Exchange, response: aiohttp.ClientResponse, wire: Wire, parsed: ChatRequest) -> None:
    """Guard and send a streamed answer.

    The opening record is durable before the first byte, that of a tool call before the call, the final one before the end marker (law 3).

    Args:
        exchange: The Exchange.
        response: The upstream's response.
        wire: Both directions of the client's connection.
        parsed: The request.
    """
    wanted = parsed.body.get("n")
    stream = ChatStream(exchange, parsed.segments, wanted if isinstance(wanted, int) else 1)
    exchange.note(await adrive(stream.guard.opening(), exchange.serving.ports))
    await exchange.commit()
    await wire.send({"type": "http.response.start", "status": 200, "headers": [*_EVENT_STREAM, *exchange.headers()]})
    gone = asyncio.ensure_future(_until_gone(wire))
    # An upstream that is silent just now would not show that nobody waits any more: its connection is closed under the reader.
    gone.add_done_callback(lambda task: None if task.cancelled() else response.close())
    state: State = "interrupted"
    last = b""
    try:
        async for data in _events(stream, response, gone):
            # A tool call leaves whole, in the middle of the stream: its Decision is durable before it.
            await exchange.commit()
            await wire.send({"type": "http.response.body", "body": data, "more_body": True})
        if not gone.done():
            state, last = "final", b"".join(await stream.close()) + DONE
    except (InvalidInput, HttpProblem, aiohttp.ClientError, TimeoutError):
        last = encode_event(error_body("upstream_unavailable", "the model's server broke off or sent garbage", "server_error"))
    finally:
        gone.cancel()
        exchange.saw(stream.guard.segments())
        ending = await exchange.run(stream.guard.finish(state))
        await exchange.commit()
    if ending.failed:
        last = encode_event(error_body("guard_unavailable", "the guard could not check this answer to its end", "server_error"))
    await wire.send({"type": "http.response.body", "body": last, "more_body": False})


async def _events(stream: ChatStream, response: aiohttp.ClientResponse, gone: "asyncio.Future[None]") -> AsyncIterator[bytes]:
    """Give what may leave, joined per read of the upstream; ends at the end marker, or when the client is gone.

    Raises:
        InvalidInput: The upstream sends what is no chunk, no chunk at all, or without an end. What was good before it is given first.
    """
    reader, chunks = EventReader(), ChunkReader()
    size = 0
    async for data in response.content.iter_any():
        size += len(data)
        if gone.done():
            return
        out: list[bytes] = []
        try:
            _require_end(size)
            await _feed(stream, chunks, reader.feed(data), out)
        except InvalidInput:
            if out:
                yield b"".join(out)
            raise
        if out:
            yield b"".join(out)
        if stream.ended:
            return
    out = []
    await _feed(stream, chunks, reader.close(), out)
    if out:
        yield b"".join(out)
    if not stream.begun and not stream.ended:
        raise InvalidInput("the upstream's stream holds no chunk", mend="check that the upstream can stream")


async def _feed(stream: ChatStream, chunks: ChunkReader, events: Iterable[Event], out: list[bytes]) -> None:
    for event in events:
        if event.data == b"[DONE]":
            stream.ended = True
        elif not stream.ended:
            out += await stream.feed(chunks.read(event.data))


def _require_end(size: int) -> None:
    if size > MAX_RESPONSE:
        raise InvalidInput("the upstream's stream is too long", mend=f"streams are limited to {MAX_RESPONSE} bytes")


async def _until_gone(wire: Wire) -> None:
    while (await wire.receive())["type"] != "http.disconnect":
        pass


async def say_in_stream(exchange: Exchange, send: Send, model: str, text: str) -> None:
    """Send a refusal text as a stream of its own."""
    head: dict[str, Json] = {"id": exchange.context.exchange, "object": "chat.completion.chunk", "created": 0, "model": model}
    delta: dict[str, Json] = {"role": "assistant", "content": text}
    events = [{**head, "choices": [_choice(0, delta)]}, {**head, "choices": [_choice(0, {}, "content_filter")]}]
    await send({"type": "http.response.start", "status": 200, "headers": [*_EVENT_STREAM, *exchange.headers()]})
    await send({"type": "http.response.body", "body": b"".join(encode_event(msgspec.json.encode(event)) for event in events) + DONE})
