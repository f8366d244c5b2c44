"""A bounded load: so many connections, each with one request at a time, for so long; every answer is looked at."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from processes import Server
from texts import prose

BODIES = 64
"""So many different requests are sent in turn, so that nobody can answer from a cache."""
REQUEST_BYTES = 1024


class Load(NamedTuple):
    """One measurement."""

    requests: int
    cpu_ms: float
    """CPU of the server per request, failed ones counted."""
    failed: int
    """Answers that were no 200."""
    latencies_ms: tuple[float, ...]
    """Sorted."""

    def percentile(self, share: float) -> float:
        """Return a latency, in milliseconds, by the nearest rank."""
        return self.latencies_ms[min(len(self.latencies_ms) - 1, int(share * len(self.latencies_ms)))]


def bodies(model: str, *, stream: bool = False) -> tuple[bytes, ...]:
    """Return requests of exactly 1 KB of JSON: a system message and a user's text."""
    return tuple(_body(model, number, stream=stream) for number in range(BODIES))


def _body(model: str, number: int, *, stream: bool) -> bytes:
    def encode(text: str) -> bytes:
        messages = [{"role": "system", "content": "You are a helpful assistant."}, {"role": "user", "content": text}]
        return json.dumps({"model": model, "messages": messages, **({"stream": True} if stream else {})}, separators=(",", ":")).encode()

    return encode(prose(REQUEST_BYTES - len(encode("")), seed=number))


def load(server: Server, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Send requests for so many seconds after a quarter as long to warm up.

    Raises:
        RuntimeError: A stream has no end marker.
    """
    raw = [_http(body, server) for body in requests]
    return asyncio.run(_load(server, raw, connections, seconds))


def _http(body: bytes, server: Server) -> bytes:
    head = (
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {server.token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _load(server: Server, raw: Sequence[bytes], connections: int, seconds: float) -> Load:
    opened = [await asyncio.open_connection("127.0.0.1", server.port, limit=1 << 20) for _ in range(connections)]
    try:
        await _phase(opened, raw, seconds / 4)
        before = server.cpu_s()
        latencies, failed = await _phase(opened, raw, seconds)
        cpu_s = server.cpu_s() - before
    finally:
        for _, writer in opened:
            writer.close()
    return Load(len(latencies), cpu_s * 1000 / len(latencies), failed, tuple(sorted(latencies)))


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _phase(opened: Sequence[Connection], raw: Sequence[bytes], seconds: float) -> tuple[list[float], int]:
    """Let every connection send until the time is over; what was begun is finished, so that all CPU belongs to counted requests."""
    latencies: list[float] = []
    end = time.perf_counter() + seconds
    work = [_work(connection, raw, number, end, latencies.append) for number, connection in enumerate(opened)]
    return latencies, sum(await asyncio.gather(*work))


async def _work(connection: Connection, raw: Sequence[bytes], first: int, end: float, done: Callable[[float], None]) -> int:
    reader, writer = connection
    number, failed = first, 0
    while time.perf_counter() < end:
        start = time.perf_counter()
        writer.write(raw[number % len(raw)])
        failed += not await _answer(reader)
        done((time.perf_counter() - start) * 1000)
        number += 1
    return failed


async def _answer(reader: asyncio.StreamReader) -> bool:
    """Read an answer to its end; False when it is no 200."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    good = head.startswith(b"http/1.1 200")
    if b"content-length:" in head:
        await reader.readexactly(int(head.partition(b"content-length:")[2].partition(b"\r\n")[0]))
        return good
    tail = b""
    while size := int(await reader.readuntil(b"\r\n"), 16):
        tail = tail[-64:] + (await reader.readexactly(size + 2))[:-2]
    await reader.readexactly(2)
    if good and b"text/event-stream" in head and b"[DONE]" not in tail[-64:]:
        raise RuntimeError("a stream ended without its end marker")
    return good
