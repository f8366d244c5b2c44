"""Servers in processes of their own, and what they use: CPU time by the kernel's clock of the process, memory by ``/proc``."""

import contextlib
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

BENCH = Path(__file__).resolve().parent
START_S = 120.0
KEY = "sk-bench"
"""What stands where a provider's key would."""


class Server(NamedTuple):
    """A running server."""

    pid: int
    port: int
    token: str
    """What its clients present."""
    ready_s: float
    """Wall time from its start until it said that it is ready."""

    def cpu_s(self) -> float:
        """Return the CPU time that it and its children have used so far, in seconds."""
        return sum(_cpu_s(pid) for pid in _family(self.pid))

    def rss_mb(self) -> float:
        """Return its resident memory and that of its children now, in MB (1,000,000 bytes)."""
        return sum(_rss_kib(pid) for pid in _family(self.pid)) * 1024 / 1e6


def _cpu_s(pid: int) -> float:
    clock = (~pid << 3) | 2  # Linux: the scheduler's clock of another process, in nanoseconds, threads that ended included
    with contextlib.suppress(OSError):
        return time.clock_gettime(clock)
    return 0.0


def _rss_kib(pid: int) -> int:
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1])
    return 0


def _family(pid: int) -> list[int]:
    found = [pid]
    with contextlib.suppress(OSError):
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [one for child in children.read_text(encoding="utf-8").split() for one in _family(int(child))]
    return found


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment(home: Path, **extra: str) -> dict[str, str]:
    """Return an environment that says nothing of the person who runs the bench."""
    path = os.environ.get("PATH", "/usr/bin:/bin")  # noqa: TID251 - a started process must find its programs
    return {"PATH": path, "HOME": str(home), "LANG": "C.UTF-8", "OPENAI_API_KEY": KEY, **extra}


@contextlib.contextmanager
def served(
    command: Sequence[str], port: int, *, ready: str, environment: Mapping[str, str], token: str = KEY, cwd: Path = BENCH
) -> Iterator[Server]:
    """Run a server until the block ends.

    Args:
        command: Its command line.
        port: Where it will listen.
        ready: Path that answers 200 once it is ready.
        environment: All of its environment.
        token: What its clients present.
        cwd: Where it runs.

    Raises:
        RuntimeError: It ended, or was not ready in time.
    """
    with tempfile.TemporaryFile() as log:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=dict(environment), cwd=cwd, stdout=log, stderr=log)
        try:
            while not _ready(port, ready):
                if process.poll() is not None or time.perf_counter() - start > START_S:
                    log.seek(0)
                    raise RuntimeError(f"{' '.join(command)} did not start:\n{log.read().decode(errors='replace')[-2000:]}")
                time.sleep(0.005)
            yield Server(process.pid, port, token, time.perf_counter() - start)
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            if process.poll() is None:
                process.kill()
                process.wait()


def _ready(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextlib.contextmanager
def served_app(app: str, **extra: str) -> Iterator[Server]:
    """Serve an ASGI application of this folder with uvicorn, uvloop and httptools, as the gateway is served.

    Args:
        app: ``module:name``.
        extra: Variables that it reads.
    """
    port = free_port()
    flags = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning", "--lifespan", "off"]
    flags += ["--timeout-keep-alive", "300"]  # a pooled connection that is idle for a round must not be closed under its owner
    command = [sys.executable, "-m", "uvicorn", app, "--port", str(port), *flags]
    with (
        tempfile.TemporaryDirectory() as home,
        served(command, port, ready="/ready", environment=clean_environment(Path(home), **extra)) as server,
    ):
        yield server
