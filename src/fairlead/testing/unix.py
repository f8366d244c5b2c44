"""A real server on a Unix socket in a thread: what a gateway worker's probe socket is."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from uvicorn._types import ASGIApplication


@contextmanager
def serving_unix(app: ASGIApplication, path: Path) -> Iterator[Path]:
    """Serve an ASGI application on a Unix socket until the block ends; the socket's file stays, as after a kill.

    Args:
        app: The application.
        path: Where the socket is made.

    Yields:
        The path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    started = threading.Event()
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2)
    server = _Announced(config, started)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    if not started.wait(20):
        raise RuntimeError("the server did not start")
    try:
        yield path
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
