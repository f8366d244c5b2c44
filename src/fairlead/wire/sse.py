"""Server-sent events, incrementally: bytes split anywhere in, whole events out (WHATWG HTML, section 9.2.6)."""

import re
from typing import NamedTuple

from fairlead.core import InvalidInput

MAX_EVENT = 16 * 1024 * 1024
"""An event longer than this many bytes is refused."""

_BOM = b"\xef\xbb\xbf"
"""A stream may begin with it; it is no part of the first line."""
_LONGEST_END = 4
_END_OF_EVENT = re.compile(rb"\r\n\r\n|\n\n|\r\r|\r\n\n|\n\r\n")


class Event(NamedTuple):
    """One event."""

    data: bytes
    """The data lines, joined by newlines."""
    name: str = ""
    """The event's type; empty for the default one."""


class EventReader:
    """Takes bytes as they come from a socket and gives whole events.

    Raises:
        InvalidInput: An event grew past :data:`MAX_EVENT`.
    """

    __slots__ = ("_begun", "_buffer", "_searched")

    def __init__(self) -> None:
        self._begun = False
        self._buffer = b""
        self._searched = 0  # no event ends before this place of the buffer

    def feed(self, data: bytes) -> list[Event]:
        """Return the events that these bytes complete, in order; comments and keep-alives give none."""
        buffer = self._buffer + data if self._buffer else data
        if not self._begun and len(buffer) >= len(_BOM):
            self._begun, buffer = True, buffer.removeprefix(_BOM)
        # A lone CR at the end may be half of CRLF; wait for what follows.
        events: list[Event] = []
        position = 0
        for match in _END_OF_EVENT.finditer(buffer, self._searched):
            if match.end() == len(buffer) and match.group().endswith(b"\r"):
                break
            event = _parse(buffer[position : match.start()])
            position = match.end()
            if event is not None:
                events.append(event)
        self._buffer = buffer[position:]
        self._searched = max(0, len(self._buffer) - _LONGEST_END + 1)
        if len(self._buffer) > MAX_EVENT:
            raise InvalidInput("an event of the stream is too long", mend=f"events are limited to {MAX_EVENT} bytes")
        return events

    def close(self) -> list[Event]:
        """Return what an upstream that forgot the last blank line left."""
        rest, self._buffer = self._buffer, b""
        event = _parse(rest)
        return [] if event is None else [event]


def _parse(block: bytes) -> Event | None:
    if block.startswith(b"data: ") and b"\n" not in block and b"\r" not in block:
        return Event(block[6:])
    lines: list[bytes] = []
    name = ""
    for line in block.splitlines():
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            lines.append(value)
        elif field == b"event":
            name = value.decode("utf-8", "replace")
    return Event(b"\n".join(lines), name) if lines else None


def encode_event(data: bytes, name: bytes = b"") -> bytes:
    """Return one event as bytes; the data must hold no newline, as JSON from an encoder does not."""
    return b"event: " + name + b"\ndata: " + data + b"\n\n" if name else b"data: " + data + b"\n\n"


DONE = encode_event(b"[DONE]")
