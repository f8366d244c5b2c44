"""Runs a command of an agent where it can do little: no network, one folder, little memory, little time. Or not at all.

Namespaces keep it from the network and from other processes, Landlock from files, a filter of system calls from sockets of any kind, limits
from memory, time and size. All of them must be there: a machine that lacks one runs nothing. The kernel itself is shared, and memory is
limited for each process, not for all together.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from fairlead.core import InvalidInput
from fairlead.integrations.errors import SandboxMissing

_CONFINE = Path(__file__).with_name("confine.py")
SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/alternatives")
"""What every command may read and execute."""
_NOBODY = 65534


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a command may use."""

    seconds: float = 10.0
    """Wall time; then it is killed with all that it started."""
    cpu_seconds: int = 10
    """Of each process."""
    memory_bytes: int = 512 << 20
    """Address space of each process."""
    file_bytes: int = 16 << 20
    """Of each file, its output included."""
    processes: int = 32
    files: int = 64
    """Open at once, in each process."""


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a command."""

    code: int
    """Exit status; 128 and the signal's number for one that was killed."""
    output: bytes
    errors: bytes
    timed_out: bool = False


class Sandbox:
    """Runs commands for code and shell tools.

    Args:
        limits: What each may use.
        readable: Folders and files beside the system's that each may read and execute.
        environment: Its whole environment; nothing of this process's own gets in.
    """

    def __init__(self, limits: Limits | None = None, *, readable: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> None:
        self._limits = limits or Limits()
        self._readable = (*SYSTEM, *readable)
        self._environment = dict(environment or {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"})

    def run(self, command: Sequence[str], files: Mapping[str, bytes] | None = None, given: bytes = b"") -> Ran:
        """Run a command in an empty folder that is gone afterwards.

        Args:
            command: Program and arguments; no shell is in between.
            files: Name and content of each file that lies in the folder.
            given: Its standard input.

        Raises:
            SandboxMissing: This machine can't isolate it; nothing was run.
            InvalidInput: No command, no such program, or a file's name is not a plain one.
        """
        program = shutil.which(command[0], path=self._environment.get("PATH", "")) if command else None
        if program is None:
            raise InvalidInput("there is no such program", where="command", mend="give the path of a program of this machine")
        with tempfile.TemporaryDirectory(prefix="fairlead-sandbox-") as place:
            folder = Path(place) / "work"
            folder.mkdir(mode=0o700)
            for name, content in (files or {}).items():
                if name != Path(name).name or name in ("", ".", ".."):
                    raise InvalidInput("a file's name is not a plain one", where="files", mend="give names without folders")
                (folder / name).write_bytes(content)
            Path(place).chmod(0o711)
            _hand_over(folder)
            return self._run([program, *command[1:]], Path(place), given)

    def _run(self, command: Sequence[str], place: Path, given: bytes) -> Ran:
        status, told = os.pipe()
        paths = [place / name for name in ("input", "output", "errors")]
        paths[0].write_bytes(given)
        try:
            with paths[0].open("rb") as source, paths[1].open("wb") as output, paths[2].open("wb") as errors:
                process = subprocess.Popen(  # noqa: S603 - running it, confined, is what this is for
                    [sys.executable, "-I", "-S", str(_CONFINE), self._orders(place / "work", told), *command],
                    stdin=source,
                    stdout=output,
                    stderr=errors,
                    env={},
                    pass_fds=(told,),
                    start_new_session=True,
                )
            os.close(told)
            told = -1
            timed_out = self._wait(process)
            refusal = os.read(status, 500).decode(errors="replace")
        finally:
            os.close(status)
            if told >= 0:
                os.close(told)
        if refusal != "+":
            mend = "run it on a Linux with Landlock and user namespaces, or run no code"
            raise SandboxMissing(
                f"this machine can't isolate a command ({refusal.lstrip('+') or 'it ended early'})", where="sandbox", mend=mend
            )
        code = process.returncode if process.returncode >= 0 else 128 - process.returncode
        return Ran(code=code, output=paths[1].read_bytes(), errors=paths[2].read_bytes(), timed_out=timed_out)

    def _wait(self, process: "subprocess.Popen[bytes]") -> bool:
        try:
            process.wait(self._limits.seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
        return False

    def _orders(self, folder: Path, status: int) -> str:
        limits = self._limits
        orders = {
            "status": status,
            "folder": str(folder),
            "readable": self._readable,
            "environment": self._environment,
            "limits": {
                "CPU": limits.cpu_seconds,
                "AS": limits.memory_bytes,
                "FSIZE": limits.file_bytes,
                "NPROC": limits.processes,
                "NOFILE": limits.files,
                "CORE": 0,
            },
        }
        return json.dumps(orders)


def _hand_over(folder: Path) -> None:
    """Give a folder to the user that the command runs as."""
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            os.chown(path, _NOBODY, _NOBODY)
