"""A real server in a thread, on a free port, for tests that talk to it with real clients."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from uvicorn._types import ASGIApplication


@contextmanager
def serving(app: ASGIApplication, *, lifespan: bool = False, http: type[asyncio.Protocol] | None = None) -> Iterator[str]:
    """Serve an ASGI application until the block ends.

    Args:
        app: The application.
        lifespan: Whether it takes part in the lifespan protocol.
        http: Who speaks HTTP; uvicorn's own by default.

    Yields:
        Its base URL, ``http://127.0.0.1:<port>``.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    started = threading.Event()
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on" if lifespan else "off",
        timeout_graceful_shutdown=2,
        http=http or "auto",
    )
    server = _Announced(config, started)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    if not started.wait(20):
        raise RuntimeError("the server did not start")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


class _Announced(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, started: threading.Event) -> None:
        super().__init__(config)
        self._announce = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self._announce.set()
