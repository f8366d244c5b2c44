"""Real gateway processes: a worker or a supervisor, its output in files, its end however a test wants it."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from gateway_bench import POLICY
from servers import free_port

from fairlead.core import Decision, decode
from fairlead.gateway import worker_socket
from fairlead.identity import ApiKey, publish_keys
from fairlead.journal import journals, read

T = TypeVar("T")
DEADLINE_S = 30.0


def eventually(condition: Callable[[], T | None], what: str) -> T:
    """Return what a condition gives once it is true; it is asked again and again until the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.01)  # between two questions; no test relies on its length
    raise AssertionError(f"not within {DEADLINE_S:.0f} s: {what}")


class GatewayProcess:
    """One ``fairlead gateway`` with a data folder, a home and a port of its own.

    Args:
        stack: Ends it when the test ends.
        folder: For everything that it writes.
    """

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self.folder = folder
        self.data, self.policy_file = folder / "data", folder / "fairlead.yaml"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.token = ""
        self._started = 0

    def start(self, upstream: str, *words: str, policy: str = POLICY) -> subprocess.Popen[bytes]:
        """Run ``fairlead gateway`` with these words until the test ends; ``--worker 0`` by default."""
        self.policy_file.write_text(policy.replace("UPSTREAM", upstream))
        if not self.token:
            key, self.token = ApiKey.issue(tenant="t1", name="tests", scopes=("chat", "check"))
            publish_keys(self.data / "keys.json", (key,))
        return self.restart(*words)

    def restart(self, *words: str) -> subprocess.Popen[bytes]:
        """Run it with the policy file as it is."""
        command = [sys.executable, "-m", "fairlead", "gateway", "--policy", str(self.policy_file), "--port", str(self.port)]
        self._started += 1
        with (self.folder / f"output-{self._started}.log").open("wb") as output:
            process = subprocess.Popen(
                [*command, *(words or ("--worker", "0"))],
                env={
                    "PATH": os.defpath,
                    "HOME": str(self.folder / "home"),
                    "FAIRLEAD_DATA": str(self.data),
                    "FAIRLEAD_CONFIG": str(self.folder / "config"),
                },
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._stack.callback(_end, process)
        return process

    @property
    def output(self) -> bytes:
        """What the processes wrote to stdout and stderr."""
        return b"".join(path.read_bytes() for path in sorted(self.folder.glob("output-*.log")))

    def client(self, worker: int | None = 0) -> httpx.Client:
        """A client of one worker, through its own socket; of whichever worker answers the port when it is None."""
        headers = {"authorization": f"Bearer {self.token}"}
        if worker is None:
            return self._stack.enter_context(httpx.Client(base_url=self.url, headers=headers, timeout=20))
        transport = httpx.HTTPTransport(uds=str(worker_socket(self.data, worker)))
        return self._stack.enter_context(httpx.Client(base_url="http://worker", headers=headers, timeout=20, transport=transport))

    def wait(self, worker: int = 0) -> httpx.Client:
        """Return a client of a worker once it is ready."""
        eventually(lambda: _listens(worker_socket(self.data, worker)), f"worker {worker} listens")
        client = self.client(worker)
        eventually(lambda: client.get("/readyz").status_code == 200, f"worker {worker} is ready")
        return client

    def decisions(self) -> list[Decision]:
        """Every Decision of every journal, as a reader finds them now."""
        entries = [entry for path in journals(self.data / "journal") for entry in read(path, 0, 1_000_000)]
        return [decode(entry.record.body, Decision) for entry in entries if entry.record.kind == "decision"]


def _listens(path: Path) -> bool:
    """Tell whether a server listens; httpx would leave its socket open when none does."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()


@pytest.fixture
def gateway_process(tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway that a test starts as a process."""
    with ExitStack() as stack:
        yield GatewayProcess(stack, tmp_path)
