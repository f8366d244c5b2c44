"""A streamed answer of any API: what may leave leaves at once, what may still become a match waits (law 2), tool calls leave whole."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import NamedTuple

import aiohttp

from fairlead.core import InvalidInput, Segment, State
from fairlead.gateway.http import Headers, HttpProblem, Wire
from fairlead.gateway.tool_calls import check_call
from fairlead.gateway.upstream import MAX_RESPONSE
from fairlead.guard import Released, Spot, StreamGuard, adrive, explain, guard_output, tokens_in
from fairlead.wire import CallRef, Chunk, Codec, Delta, Event, EventReader, Interaction, Leaving, Usage, larger, usage_of
from fairlead.wiring.exchange import Exchange

EVENT_STREAM: Headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache")]

SLICE = 32_768
"""Characters of a text that are looked at before other requests have their turn: some milliseconds with every pattern there is."""


class _Call:
    __slots__ = ("arguments", "call", "tool")

    def __init__(self) -> None:
        self.call = ""
        self.tool = ""
        self.arguments: list[str] = []


class _Choice:
    """What must be remembered of a choice that goes on."""

    __slots__ = ("calls", "kept", "said", "waiting")

    def __init__(self) -> None:
        self.calls: dict[int, _Call] = {}
        self.waiting: list[tuple[Leaving, dict[str, str]]] = []
        """What ends parts that are not decided to their end yet, and what came after it; with the texts that leave with each."""
        self.kept = 0
        self.said = 0


class AnswerStream:
    """Turns the upstream's events into the client's.

    Args:
        exchange: The Exchange.
        codec: Reads and writes the API's events.
        seen: Everything that the model saw, for the provenance of tool arguments.
        wanted: How many choices the request asked for.
    """

    def __init__(self, exchange: Exchange, codec: Codec, seen: tuple[Segment, ...], wanted: int) -> None:
        self.guard = StreamGuard(exchange.context, codec.path)
        self.codec = codec
        self._exchange = exchange
        self._seen = seen
        self._wanted = wanted
        self._open: dict[int, _Choice] = {}
        self._finished: set[int] = set()
        self._stopped: set[int] = set()
        self._placed = 0
        self.ended = False
        """True when nothing more of the upstream is wanted."""
        self.begun = False
        """True once a chunk came."""
        self.usage: Usage | None = None
        """Tokens, as far as the upstream reported them."""

    async def feed(self, chunk: Chunk) -> list[bytes]:
        """Return the events that a chunk lets leave."""
        self.ended = self.ended or chunk.ended
        self.usage = larger(self.usage, usage_of(chunk.body))
        if chunk.ended and not chunk.deltas:
            return []
        self.begun = True
        if chunk.unknown and not await self._pass_unknown(chunk):
            # The head of this chunk may hold what is unknown: the last one that was clean stays.
            self.ended = True
            return [event for choice in sorted(self._open or {0}) for event in self._stop(choice, {})]
        out = self.codec.accept(chunk)
        for delta in chunk.deltas:
            if delta.choice not in self._finished:
                out += await (self._feed_choice(delta) if _is_short(delta) else self._feed_sliced(delta))
        # The upstream goes on with a choice that was stopped here; once that is all it does, nothing more of it is wanted.
        self.ended = self.ended or (bool(self._stopped) and len(self._finished) >= self._wanted)
        return out

    async def close(self) -> list[bytes]:
        """Return what was still held when the upstream ended in good order."""
        out: list[bytes] = []
        for choice in sorted(self._open):
            out += await self._finish(Delta(choice, finish="stop"), {})
        return out

    async def _feed_sliced(self, delta: Delta) -> list[bytes]:
        """Take a delta with a long text slice by slice, and let other requests go on between them; a cut changes nothing (law 2)."""
        out: list[bytes] = []
        for part in slices(delta):
            if delta.choice not in self._finished:
                out += await self._feed_choice(part)
                await asyncio.sleep(0)
        return out

    async def _feed_choice(self, delta: Delta) -> list[bytes]:
        choice = delta.choice
        state = self._open.get(choice)
        if state is None:
            state = self._open[choice] = _Choice()
        for call in delta.calls:
            held = state.calls.setdefault(call.position, _Call())
            held.call = call.call or held.call
            held.tool += call.tool
            held.arguments.append(call.arguments)
        texts: dict[str, str] = {}
        if (state.waiting and delta.calls and self._put(state, self.guard.settle(choice), texts)) or self._read_texts(delta, state, texts):
            return self._stop(choice, texts)
        if delta.finish:
            return await self._finish(delta, texts)
        if delta.closed or delta.ends:
            calls, said = await self._decide_calls(choice, state, delta.ends)
            return self._leave(state, Leaving(choice, delta.role, texts, delta.closed, delta.ends, calls, said), texts)
        if state.waiting:
            return self._leave(state, Leaving(choice, delta.role, texts), texts)
        return self.codec.write(Leaving(choice, delta.role, texts)) if texts or delta.role else []

    def _read_texts(self, delta: Delta, state: _Choice, texts: dict[str, str]) -> bool:
        """Guard the texts of a delta and the ends of channels; tell whether the choice must be stopped."""
        choice, closed = delta.choice, delta.closed
        told = dict(delta.texts) if closed else {}
        # What ended before this delta has ended before any of its texts began.
        for channel in closed:
            if channel not in told and self._put(state, self.guard.close(choice, channel), texts):
                return True
        for channel, text in delta.texts:
            released = self.guard.feed(choice, channel, text)
            if released.before and self._put(state, released.before, texts):
                return True
            if released.text:
                texts[channel] = texts.get(channel, "") + released.text
            if released.blocked or (channel in closed and self._put(state, self.guard.close(choice, channel), texts)):
                return True
        return False

    async def _finish(self, delta: Delta, texts: dict[str, str]) -> list[bytes]:
        choice = delta.choice
        state = self._open[choice]
        if self._put(state, self.guard.close(choice), texts):
            return self._stop(choice, texts)
        calls, said = await self._decide_calls(choice, state, tuple(sorted(state.calls)))
        finish = self.codec.stopped if state.said and not state.kept else delta.finish
        self._end(choice)
        return self._leave(state, Leaving(choice, delta.role, texts, delta.closed, delta.ends, calls, said, finish), texts)

    def _put(self, state: _Choice, pieces: Iterable[tuple[str, Released]], texts: dict[str, str]) -> bool:
        """Add what is released to what it leaves with; tell whether the choice must be stopped."""
        for channel, released in pieces:
            place = next((place for place, (leaving, _) in enumerate(state.waiting) if channel in leaving.closed), -1)
            into = state.waiting[place][1] if place >= 0 else texts
            if released.text:
                into[channel] = into.get(channel, "") + released.text
            if released.blocked:
                if place >= 0:
                    # The part that is stopped here does not come to its end.
                    texts.update({name: text for _, held in state.waiting[place:] for name, text in held.items()})
                    del state.waiting[place:]
                return True
        return False

    def _leave(self, state: _Choice, leaving: Leaving, texts: dict[str, str]) -> list[bytes]:
        """Return the events of what may leave now: in order, and of a part that waits nothing that comes after it."""
        out: list[bytes] = []
        waiting = [*state.waiting, (leaving, texts)]
        while waiting and not self.guard.holds(leaving.choice, waiting[0][0].closed):
            out += self._written(waiting.pop(0)[0])
        state.waiting = waiting
        return out

    def _written(self, leaving: Leaving) -> list[bytes]:
        told = leaving.texts or leaving.role or leaving.closed or leaving.ends or leaving.finish
        return self.codec.write(leaving) if told else []

    async def _decide_calls(
        self, choice: int, state: _Choice, ends: tuple[int, ...]
    ) -> tuple[tuple[tuple[int, CallRef], ...], tuple[tuple[int, str], ...]]:
        """Decide about the tool calls that end: those that may be made, and what is said of the others."""
        calls: list[tuple[int, CallRef]] = []
        said: list[tuple[int, str]] = []
        for position in ends:
            call = state.calls.pop(position, None)
            if call is None:
                continue
            ref = CallRef(self.codec.call_path(choice, position), call.tool, call.call, "".join(call.arguments))
            outcome = await check_call(self._exchange, ref, self._seen, self._placed)
            self._placed += 1
            if outcome.stopped:
                said.append((position, explain(outcome)))
            else:
                calls.append((position, ref._replace(arguments=outcome.texts.get(ref.path, ref.arguments))))
        state.kept += len(calls)
        state.said += len(said)
        return tuple(calls), tuple(said)

    def _end(self, choice: int) -> None:
        self._finished.add(choice)
        self._open.pop(choice, None)

    def _stop(self, choice: int, texts: dict[str, str]) -> list[bytes]:
        self._stopped.add(choice)
        state = self._open.get(choice)
        out = [event for leaving, _ in (state.waiting if state is not None else ()) for event in self._written(leaving)]
        self._end(choice)
        return out + self.codec.write(Leaving(choice, texts=texts, finish=self.codec.stopped))

    async def _pass_unknown(self, chunk: Chunk) -> bool:
        if self._exchange.context.release.policy.unknown == "allow":
            self.guard.passed(chunk.unknown)
            return True
        # Beside the record of the texts, which the same Exchange gets at its end.
        spot = Spot("output", f"unknown:{self._placed}")
        self._placed += 1
        outcome = await self._exchange.decide(lambda context: guard_output(context, (), chunk.unknown, spot=spot))
        return outcome.action in ("allow", "flag")


def slices(delta: Delta) -> Iterator[Delta]:
    """Yield a delta as several, without a text longer than :data:`SLICE`; calls, and how the choice goes on, are in the last."""
    for place, (channel, text) in enumerate(delta.texts):
        told = {name for name, _ in delta.texts[place:]}
        if place and len(text) > SLICE:
            # What ended before this text began has ended before its first slice.
            yield Delta(delta.choice, delta.texts[:place], role=delta.role, closed=tuple(one for one in delta.closed if one not in told))
            delta = delta._replace(texts=delta.texts[place:], role="", closed=tuple(one for one in delta.closed if one in told))
            yield from slices(delta)
            return
        for start in range(0, len(text) - SLICE, SLICE):
            yield Delta(delta.choice, ((channel, text[start : start + SLICE]),), role="" if start else delta.role)
            delta = delta._replace(texts=((channel, text[start + SLICE :]), *delta.texts[1:]), role="")
    yield delta


def _is_short(delta: Delta) -> bool:
    for _, text in delta.texts:  # noqa: SIM110 - on every chunk: all() of a generator takes three times as long
        if len(text) > SLICE:
            return False
    return True


class Streamed(NamedTuple):
    """What comes from an upstream, and how it is read and told."""

    response: aiohttp.ClientResponse
    reader: EventReader
    """Gives events of the client's API."""
    codec: Codec
    """Reads and writes these."""


async def stream_response(exchange: Exchange, streamed: Streamed, wire: Wire, parsed: Interaction) -> None:
    """Guard and send a streamed answer.

    The opening record is durable before the first byte, that of a tool call before the call, the final one before the end marker (law 3).

    Args:
        exchange: The Exchange.
        streamed: The upstream's response.
        wire: Both directions of the client's connection.
        parsed: The request.
    """
    response, _, codec = streamed
    stream = AnswerStream(exchange, codec, parsed.segments, parsed.wanted)
    exchange.note(await adrive(stream.guard.opening(), exchange.serving.ports))
    await exchange.commit()
    await wire.send({"type": "http.response.start", "status": 200, "headers": [*EVENT_STREAM, *exchange.headers()]})
    gone = asyncio.ensure_future(_until_gone(wire))
    # An upstream that is silent just now would not show that nobody waits any more: its connection is closed under the reader.
    gone.add_done_callback(lambda task: None if task.cancelled() else response.close())
    state: State = "interrupted"
    last = b""
    try:
        async for data in _events(stream, streamed, gone):
            # A tool call leaves whole, in the middle of the stream: its Decision is durable before it.
            await exchange.commit()
            await wire.send({"type": "http.response.body", "body": data, "more_body": True})
            exchange.left()
        if not gone.done():
            state, last = "final", b"".join(await stream.close()) + codec.end()
    except (InvalidInput, HttpProblem, aiohttp.ClientError, TimeoutError):
        last = codec.failure("upstream_unavailable", "the model's server broke off or sent garbage")
    finally:
        gone.cancel()
        said = stream.guard.segments()
        written = Usage(0, tokens_in(said))
        exchange.usage = larger(stream.usage or Usage(tokens_in(parsed.segments), 0), written) or written
        exchange.saw(said)
        exchange.put_beside(stream.guard.again(state))
        ending = await exchange.run(stream.guard.finish(state))
        await exchange.commit()
    if ending.failed:
        last = codec.failure("guard_unavailable", "the guard could not check this answer to its end")
    await wire.send({"type": "http.response.body", "body": last, "more_body": False})
    if not ending.failed:
        exchange.left()


async def _events(stream: AnswerStream, streamed: Streamed, gone: "asyncio.Future[None]") -> AsyncIterator[bytes]:
    """Give what may leave, joined per read of the upstream; ends at the end marker, or when the client is gone.

    Raises:
        InvalidInput: The upstream sends what is no chunk, no chunk at all, or without an end. What was good before it is given first.
    """
    reader = streamed.reader
    size = 0
    async for data in streamed.response.content.iter_any():
        size += len(data)
        if gone.done():
            return
        out: list[bytes] = []
        try:
            _require_end(size)
            await _feed(stream, reader.feed(data), out)
        except InvalidInput:
            if out:
                yield b"".join(out)
            raise
        if out:
            yield b"".join(out)
        if stream.ended:
            return
    out = []
    await _feed(stream, reader.close(), out)
    if out:
        yield b"".join(out)
    if not stream.ended and (stream.codec.needs_end or not stream.begun):
        raise InvalidInput("the upstream's stream holds no chunk, or not the last one", mend="check that the upstream can stream")


async def _feed(stream: AnswerStream, events: Iterable[Event], out: list[bytes]) -> None:
    for event in events:
        if not stream.ended:
            out += await stream.feed(stream.codec.read(event))


def _require_end(size: int) -> None:
    if size > MAX_RESPONSE:
        raise InvalidInput("the upstream's stream is too long", mend=f"streams are limited to {MAX_RESPONSE} bytes")


async def _until_gone(wire: Wire) -> None:
    while (await wire.receive())["type"] != "http.disconnect":
        pass
