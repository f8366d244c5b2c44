"""Law 10: offline first. Import, start and use need no download, no account and no phone-home."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from gateway_bench import POLICY

NOWHERE = "http://127.0.0.1:9"
PROGRAM = """
import json, sys
from ipaddress import ip_address
from pathlib import Path

tried = []

def is_here(address):
    return isinstance(address, (str, bytes)) or ip_address(address[0]).is_loopback

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.bind", "socket.sendmsg"):
        if not is_here(arguments[1]):
            tried.append([event, str(arguments[1])])
            raise OSError("no network")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo", "urllib.Request"):
        if event != "socket.getaddrinfo" or arguments[0] not in ("127.0.0.1", "localhost", None):
            tried.append([event, str(arguments[0])])
            raise OSError("no network")

sys.addaudithook(watch)
""".lstrip()

IMPORTS = """
import importlib, pkgutil
import fairlead

for found in pkgutil.walk_packages(fairlead.__path__, "fairlead."):
    if "migrations" not in found.name and not found.name.endswith("__main__"):
        importlib.import_module(found.name)
print(json.dumps({"tried": tried, "modules": len([name for name in sys.modules if name.startswith("fairlead.")])}))
"""

USE = """
from http.client import HTTPConnection
from fairlead import Guard
from fairlead.config import load_settings
from fairlead.gateway import Gateway
from fairlead.identity import ApiKey, publish_keys
from fairlead.testing import ScriptedModel, serving
from fairlead.wiring.data_plane import build_data_plane

with Guard.load("fairlead.yaml") as guard:
    checked = guard.check("my card is 4111 1111 1111 1111", "output").action

model, settings = ScriptedModel(), load_settings()
model.says("good day")
with serving(model) as upstream:
    policy = Path("fairlead.yaml")
    policy.write_text(policy.read_text().replace("http://127.0.0.1:9", upstream))
    key, token = ApiKey.issue(tenant="t1", name="tests", scopes=("chat", "check"))
    publish_keys(settings.data_dir / "keys.json", (key,))
    plane = build_data_plane(settings, policy, "worker-0")
    with serving(Gateway(plane), lifespan=True) as url:
        connection = HTTPConnection(url.removeprefix("http://"))
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "hello"}]})
        connection.request("POST", "/v1/chat/completions", body, {"authorization": f"Bearer {token}"})
        answer = json.load(connection.getresponse())
        connection.close()
print(json.dumps({"tried": tried, "checked": checked, "said": answer["choices"][0]["message"]["content"]}))
"""

LEAK = """
import socket
try:
    socket.socket().connect(("192.0.2.1", 80))
except OSError:
    pass
print(json.dumps({"tried": tried}))
"""


def run(program: str, folder: Path) -> Any:
    """Run a program with an empty home and an audit hook that lets no socket leave the machine."""
    (folder / "home").mkdir()
    (folder / "fairlead.yaml").write_text(POLICY.replace("UPSTREAM", NOWHERE))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM + program],
        env={"PATH": os.defpath, "HOME": str(folder / "home")},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_guard_and_gateway_work_and_reach_for_nothing_outside(tmp_path: Path) -> None:
    assert run(USE, tmp_path) == {"tried": [], "checked": "redact", "said": "good day"}
    written = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {"fairlead.yaml", ".fairlead", "home"}
    assert {path.relative_to(tmp_path / "home").parts[:2] for path in (tmp_path / "home").rglob("*") if path.is_file()} == {
        (".config", "fairlead")
    }, "keys, and nothing else"


def test_importing_every_module_reaches_for_nothing(tmp_path: Path) -> None:
    found = run(IMPORTS, tmp_path)
    assert found["tried"] == []
    assert found["modules"] > 100
    assert list((tmp_path / "home").rglob("*")) == []
    assert not (tmp_path / ".fairlead").exists()


def test_the_watch_would_have_seen_it(tmp_path: Path) -> None:
    assert run(LEAK, tmp_path)["tried"] == [["socket.connect", "('192.0.2.1', 80)"]]
