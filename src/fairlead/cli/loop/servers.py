"""The servers of the demonstration: started, waited for, and stopped together, whatever happens in between."""

import contextlib
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

import httpx

from fairlead.core import Unavailable, UsageError

START_S = 30.0
"""A server that does not answer within this is not going to."""
STOP_S = 15.0
_POLL_S = 0.05
_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Servers:
    """Runs ``fairlead`` commands as processes of their own; leaving the block stops them all, the last started first.

    Args:
        logs: Folder of their output.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._before: dict[signal.Signals, signal.Handlers | Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> Self:
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        if threading.current_thread() is threading.main_thread():
            # Whoever ends this process some other way than by Ctrl-C means the servers too; a shell that starts it in the
            # background has it ignore Ctrl-C's signal.
            self._before = {number: signal.signal(number, _interrupt) for number in _ENDINGS}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for name in reversed(list(self._running)):
            self.stop(name)
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def start(self, name: str, words: Sequence[str], url: str) -> None:
        """Start ``fairlead`` with these words and wait until it answers.

        Args:
            name: How its log is called.
            words: Words after ``fairlead``.
            url: Answers with a status below 500 when it is ready.

        Raises:
            UsageError: Something else answers there already.
            Unavailable: It ended, or does not answer in time.
        """
        if _answers(url):
            raise UsageError(
                "another program answers there already", where=url, mend="stop it, or set another port (see docs/reference/settings.md)"
            )
        log = self._logs / f"{name}.log"
        with log.open("wb") as output:
            # A session of its own, so that Ctrl-C reaches only this process, which then stops the servers in order.
            self._running[name] = subprocess.Popen(  # noqa: S603 - our own command line
                [sys.executable, "-m", "fairlead", *words],
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._wait(name, url, log)

    def stop(self, name: str) -> None:
        """Stop one server; its requests in flight are finished first."""
        process = self._running.pop(name)
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=STOP_S)
        if process.poll() is None:
            process.kill()
            process.wait()

    def watch(self) -> None:
        """Return when one of the servers ends.

        Raises:
            Unavailable: It names which.
        """
        while True:
            for name, process in self._running.items():
                if process.poll() is not None:
                    raise Unavailable(f"the {name} ended", where=str(self._logs / f"{name}.log"), mend="its log says why")
            time.sleep(10 * _POLL_S)

    def _wait(self, name: str, url: str, log: Path) -> None:
        process = self._running[name]
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            if process.poll() is not None:
                raise Unavailable(f"the {name} ended before it was ready", where=str(log), mend="its log says why")
            if _answers(url):
                return
            time.sleep(_POLL_S)
        raise Unavailable(f"the {name} does not answer within {START_S:g} s", where=url, mend=f"see {log}")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """End the block; from here on impatience must not leave a server behind."""
    for number in _ENDINGS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2.0, trust_env=False).status_code < 500
    except httpx.HTTPError:
        return False
