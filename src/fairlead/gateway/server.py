"""One gateway worker, and the supervisor that keeps several of them running."""

import contextlib
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
from fairlead.wiring.data_plane import DataPlane

RESTART_PAUSE_S = 0.2
"""A worker that dies is started again after so long."""


def worker_socket(data_dir: Path, worker: int) -> Path:
    """Return the path of the socket that reaches exactly this worker."""
    return data_dir / "run" / f"worker-{worker}.sock"


def serve_worker(plane: DataPlane, host: str, port: int, unix: Path) -> None:
    """Serve until told to stop; requests in flight are finished first.

    Args:
        plane: The data plane.
        host: Address to listen on.
        port: Port, shared by all workers of the machine.
        unix: Socket of this worker alone, for probes.
    """
    config = uvicorn.Config(
        Gateway(plane),
        loop="uvloop",
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
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
    shared = _shared_socket(host, port)
    try:
        uvicorn.Server(config).run(sockets=[shared, local])
    finally:
        unix.unlink(missing_ok=True)


def _shared_socket(host: str, port: int) -> socket.socket:
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
        self._processes: list[subprocess.Popen[bytes] | None] = [None] * workers
        self._stopping = False

    def run(self) -> None:
        """Keep the workers running until SIGTERM or SIGINT."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        try:
            while not self._stopping:
                for number, process in enumerate(self._processes):
                    if process is None or process.poll() is not None:
                        self._processes[number] = self._start(number)
                time.sleep(RESTART_PAUSE_S)
        finally:
            self._end()

    def _start(self, number: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([*self._command, "--worker", str(number)], start_new_session=True)  # noqa: S603 - our own command line

    def _stop(self, _signal: int, _frame: FrameType | None) -> None:
        self._stopping = True

    def _end(self) -> None:
        running = [process for process in self._processes if process is not None and process.poll() is None]
        for process in running:
            process.terminate()
        for process in running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=15)
            if process.poll() is None:
                process.kill()
