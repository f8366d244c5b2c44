"""A text of megabytes in one piece holds up nobody else."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from gateway_bench import POLICY
from gateway_door import USER, Door, PiecesUpstream

from fairlead.gateway.stream import SLICE, slices
from fairlead.wire import CallDelta, Delta

CARD = "4111 1111 1111 1111"
LONG = "it is a quiet day, and so " * 60_000 + f"card {CARD} end"


class _Telling:
    """As much of a response as the gateway reads; says when its piece was handed over."""

    def __init__(self, piece: bytes, handed: asyncio.Event) -> None:
        self.status = 200
        self.content = self
        self._piece = piece
        self._handed = handed

    async def iter_any(self) -> AsyncIterator[bytes]:
        self._handed.set()
        yield self._piece
        yield b"data: [DONE]\n\n"

    def close(self) -> None:
        return

    def release(self) -> None:
        return


class _TellingUpstream(PiecesUpstream):
    def __init__(self, response: _Telling) -> None:
        super().__init__()
        self._response = response

    async def post(self, upstream: object, path: str, body: bytes, extra: object = None) -> Any:  # noqa: ARG002 - the port's signature
        return self._response


def test_others_are_answered_while_one_long_piece_is_looked_at(door: Door) -> None:
    piece = b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": LONG}}]}).encode() + b"\n\n"
    handed = asyncio.Event()
    door.upstream = _TellingUpstream(_Telling(piece, handed))
    # Relaxed: a stream that waits for the disk would let others go on too.
    door.start(POLICY.replace("audit: strict", "audit: relaxed"))
    served: list[str] = []

    def told(message: Any) -> None:
        if message["type"] == "http.response.body" and len(message["body"]) > SLICE:
            served.append("long")

    door.on_send = told

    async def others() -> None:
        await handed.wait()
        while "long" not in served:
            await door.converse("GET", "/healthz", b"", "")
            served.append("short")
            await asyncio.sleep(0)

    async def both() -> str:
        answer, _ = await asyncio.gather(
            door.converse("POST", "/v1/chat/completions", json.dumps({**USER, "stream": True}).encode(), door.token), others()
        )
        return answer.text()

    assert door.run(both()) == LONG.replace(CARD, "[PAYMENT_CARD]")
    assert served.index("long") > len(LONG) // SLICE // 2


def test_slices_of_a_delta_say_what_it_says_in_its_order() -> None:
    call = CallDelta(1, "call_1", "t", "{}")
    told = (("a", "x"), ("b", "y" * (2 * SLICE + 3)), ("c", "z"))
    parts = list(slices(Delta(0, told, (call,), "assistant", "stop", ("a", "b", "c"), (1,))))
    assert all(len(text) <= SLICE for part in parts for _, text in part.texts)
    assert [(name, "".join(text for part in parts for channel, text in part.texts if channel == name)) for name, _ in told] == list(told)
    assert [part.closed for part in parts if part.closed] == [("a",), ("b", "c")]
    assert [part.role for part in parts] == ["assistant", "", "", ""]
    assert (parts[-1].calls, parts[-1].finish, parts[-1].ends) == ((call,), "stop", (1,))
    assert not any(part.calls or part.finish or part.ends for part in parts[:-1])
