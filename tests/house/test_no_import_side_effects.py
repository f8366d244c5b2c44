"""Importing Fairlead does nothing: no file is written, no socket opened, no thread or process started, no setting needed (law 10)."""

import json

import pytest
from house.tree import modules, python

WATCH = """
import importlib, json, os, sys, threading
sys.dont_write_bytecode = True
seen = []
WRITES = ("os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.copyfile", "shutil.rmtree", "sqlite3.connect")
WRITES += ("tempfile.mkdtemp", "tempfile.mkstemp")
STARTS = ("subprocess.Popen", "os.system", "os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "pty.spawn")

def hook(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        if set(mode or "") & set("wax+") or (mode is None and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)):
            seen.append(f"open {path} {mode}")
    elif event.startswith("socket.") and event not in ("socket.__new__", "socket.gethostname"):
        seen.append(event)
    elif event in WRITES or event in STARTS:
        seen.append(f"{event} {arguments[:1]}")

start = threading.Thread.start
threading.Thread.start = lambda thread: (seen.append(f"thread {thread.name}"), start(thread))[1]
sys.addaudithook(hook)
for name in NAMES:
    importlib.import_module(name)
print(json.dumps({"seen": seen, "threads": [thread.name for thread in threading.enumerate()]}))
"""


def _watched(names: list[str]) -> dict[str, list[str]]:
    told: dict[str, list[str]] = json.loads(python(WATCH.replace("NAMES", repr(names)), environment={}))
    return told


def test_importing_every_module_does_nothing() -> None:
    told = _watched(modules())
    assert told["seen"] == []
    assert told["threads"] == ["MainThread"]


@pytest.mark.parametrize(
    "code",
    [
        "open('/dev/null', 'w')",
        "os.close(os.open('/dev/null', os.O_WRONLY))",
        "threading.Thread(target=int).start()",
        "import socket; socket.getaddrinfo('127.0.0.1', 1)",
        "import tempfile; tempfile.mkdtemp()",
    ],
)
def test_the_watch_sees_what_it_watches_for(code: str) -> None:
    """Or an empty list would prove nothing."""
    told = json.loads(python(WATCH.replace("for name in", f"{code}\nfor name in").replace("NAMES", "[]")))
    assert told["seen"]
