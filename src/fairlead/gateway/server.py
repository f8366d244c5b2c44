"""One gateway worker, and the supervisor that keeps several of them running."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import uvicorn

from fairlead.core import UsageError
from fairlead.gateway.app import Gateway
from fairlead.gateway.protocol import PatientProtocol
from fairlead.wiring.data_plane import DataPlane

RESTART_PAUSE_S = 0.2
"""A worker that dies is started again after so long; one that dies again at once, after twice as long each time."""
LONGEST_PAUSE_S = 10.0
SETTLED_S = 10.0
"""A worker that lived so long was well: its next death is its first."""


def worker_socket(data_dir: Path, worker: int) -> Path:
    """Return the path of the socket that reaches exactly this worker."""
    return data_dir / "run" / f"worker-{worker}.sock"


class _Worker(uvicorn.Server):
    """A server that stops when the process that started it is gone: nobody would start it again, or tell it to stop."""

    def __init__(self, config: uvicorn.Config, parent: int) -> None:
        super().__init__(config)
        self._parent = parent

    async def on_tick(self, counter: int) -> bool:
        """Look whether to stop; called ten times a second."""
        orphaned = bool(self._parent) and os.getppid() != self._parent
        return await super().on_tick(counter) or orphaned


def serve_worker(plane: DataPlane, host: str, port: int, unix: Path, *, supervised: bool = False) -> None:
    """Serve until told to stop; requests in flight are finished first.

    Args:
        plane: The data plane.
        host: Address to listen on.
        port: Port, shared by all workers of the machine.
        unix: Socket of this worker alone, for probes.
        supervised: Whether to stop when the process that started this one is gone.
    """
    parent = os.getppid() if supervised else 0
    config = uvicorn.Config(
        Gateway(plane),
        loop="uvloop",
        http=PatientProtocol,
        lifespan="on",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # who asks is told by the key alone
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=10,
        timeout_keep_alive=75,
    )
    unix.parent.mkdir(parents=True, exist_ok=True)
    unix.unlink(missing_ok=True)
    local = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    local.bind(str(unix))
    unix.chmod(0o600)
    shared = shared_socket(host, port)
    try:
        _Worker(config, parent).run(sockets=[shared, local])
    finally:
        unix.unlink(missing_ok=True)


def shared_socket(host: str, port: int) -> socket.socket:
    """Return a bound socket that several processes may listen on.

    Raises:
        UsageError: The port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    shared = socket.socket(family, socket.SOCK_STREAM)
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        shared.bind((host, port))
    except OSError as error:
        shared.close()
        raise UsageError("the port is taken", where=f"{host}:{port}", mend="set another port, or stop what listens there") from error
    return shared


class _Post:
    """The place of one worker: who fills it, and when it may be filled again."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.process: subprocess.Popen[bytes] | None = None
        self._since = 0.0
        self._pause = 0.0
        self._again = 0.0

    def vacant(self, now: float) -> bool:
        """Tell whether a worker is to be started here now."""
        if self.process is None:
            return now >= self._again
        if self.process.poll() is None:
            return False
        self.process = None
        settled = now - self._since >= SETTLED_S
        self._pause = RESTART_PAUSE_S if settled or not self._pause else min(2 * self._pause, LONGEST_PAUSE_S)
        self._again = now + self._pause
        return False

    def fill(self, process: "subprocess.Popen[bytes]", now: float) -> None:
        """Take a worker that was started."""
        self.process, self._since = process, now


class Supervisor:
    """Starts workers, starts them again when they die, and stops them together.

    Args:
        policy: The policy file that the workers serve.
        workers: How many.
        host: Address to listen on.
        port: Port that they share.
    """

    def __init__(self, policy: Path, workers: int, host: str, port: int) -> None:
        self._command = [sys.executable, "-m", "fairlead", "gateway", "--policy", str(policy), "--host", host, "--port", str(port)]
        self._workers = [_Post(number) for number in range(workers)]
        self._stopping = False

    def run(self) -> None:
        """Keep the workers running until SIGTERM or SIGINT."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        try:
            while not self._stopping:
                for post in self._workers:
                    if post.vacant(time.monotonic()):
                        post.fill(self._start(post.number), time.monotonic())
                time.sleep(RESTART_PAUSE_S)
        finally:
            self._end()

    def _start(self, number: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([*self._command, "--worker", str(number)], start_new_session=True)  # noqa: S603 - our own command line

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _end(self) -> None:
        running = [post.process for post in self._workers if post.process is not None and post.process.poll() is None]
        for process in running:
            process.terminate()
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=15)
            if process.poll() is None:
                process.kill()
