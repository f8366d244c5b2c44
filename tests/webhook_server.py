"""A webhook's server, and what is posted to it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer


class Chat:
    """A webhook's server that keeps what is posted, and answers as it is told."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, bytes]] = []
        self.status = 200
        chat = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                chat.posted.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(chat.status)
                self.send_header("location", "/elsewhere")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/secret?key=1"

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Answer while the context lasts."""
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        try:
            yield
        finally:
            self.server.shutdown()
            thread.join()
            self.server.server_close()
