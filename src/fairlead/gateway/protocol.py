"""HTTP/1.1 with patience: a client that is slow to say what it wants, or says it at endless length, is let go."""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_S: Final = 15.0
"""Time for a request's line and headers."""
MAX_HEAD: Final = 64 * 1024
"""Bytes of a request's line and headers, and of what the last read brought beyond."""
_TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's own, which waits for ever and takes headers of any length."""

    _in_head = True
    _ended = False
    _size = 0
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(HEAD_S, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._calm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came, unless it is too long for the head of a request."""
        self._ended = False
        super().data_received(data)
        if self._ended or not self._in_head or self.transport.is_closing():
            return
        self._size += len(data)
        if self._size > MAX_HEAD:
            self._calm()
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif self._timer is None:
            self._timer = self.loop.call_later(HEAD_S, self.transport.close)

    def on_headers_complete(self) -> None:
        """Stop the time: the head is here."""
        self._in_head = False
        self._calm()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Expect another head."""
        self._in_head, self._ended, self._size = True, True, 0
        super().on_message_complete()

    def _calm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
