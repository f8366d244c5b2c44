"""The demonstration's servers start, are waited for, and never outlive it; its policy copies lose exactly what they should."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import yaml

from fairlead.cli.loop.policies import rule_ids, without_rule, working_copy
from fairlead.cli.loop.servers import Servers
from fairlead.core import NotFound, Unavailable, UsageError

POLICY = """
fairlead: 1
system: s
owner: o
upstream: {default: {provider: openai}, big: {provider: openai}}
rules:
  - {id: a, at: input, entity: pii, do: redact}
  - {id: b, at: output, entity: secret, do: block}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def crash_model(port: int) -> tuple[str, list[str], str]:
    return "crash-model", ["crash-model", "--host", "127.0.0.1", "--port", str(port)], f"http://127.0.0.1:{port}/healthz"


def test_server_answers_inside_the_block_and_is_gone_after_it(tmp_path: Path) -> None:
    name, words, url = crash_model(free_port())
    with Servers(tmp_path / "logs") as servers:
        servers.start(name, words, url)
        assert httpx.get(url).json() == {"status": "ok"}
        with pytest.raises(UsageError, match="answers there already"):
            servers.start("second", words, url)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_whatever_ends_the_demonstration_ends_its_servers(tmp_path: Path, number: signal.Signals) -> None:
    name, words, url = crash_model(free_port())
    script = (
        "import signal, sys, pathlib; from fairlead.cli.loop.servers import Servers\n"
        # What a shell does to a job in the background.
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        f"with Servers(pathlib.Path({str(tmp_path)!r})) as servers:\n"
        f"    servers.start({name!r}, {words!r}, {url!r}); print('up', flush=True); servers.watch()\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        process.send_signal(number)
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


def test_server_that_ends_is_named_with_its_log(tmp_path: Path) -> None:
    with Servers(tmp_path) as servers, pytest.raises(Unavailable, match="ended before it was ready") as raised:
        servers.start("broken", ["no-such-command"], f"http://127.0.0.1:{free_port()}/healthz")
    assert raised.value.where.endswith("broken.log")
    assert "no-such-command" in (tmp_path / "broken.log").read_text()


def test_working_copy_asks_this_model_and_keeps_the_rest(tmp_path: Path) -> None:
    source = tmp_path / "fairlead.yaml"
    source.write_text(POLICY)
    source.with_name("tools.cedar").write_text("// cedar")
    copy = working_copy(source, tmp_path / "copy", base_url="http://127.0.0.1:1/v1", model="m", key="env:K")
    was, now = yaml.safe_load(POLICY), yaml.safe_load(copy.read_text())
    upstream = {"provider": "openai", "base_url": "http://127.0.0.1:1/v1", "model": "m", "key": "env:K"}
    assert now == was | {"upstream": {"default": upstream, "big": upstream}}
    assert "&" not in copy.read_text()
    assert copy.with_name("tools.cedar").read_text() == "// cedar"


def test_planted_policy_lacks_one_rule(tmp_path: Path) -> None:
    source = tmp_path / "fairlead.yaml"
    source.write_text(POLICY)
    assert rule_ids(without_rule(source, tmp_path / "planted", "a")) == ("b",)
    with pytest.raises(NotFound, match="no such rule"):
        without_rule(source, tmp_path / "planted", "c")


def test_missing_policy_is_told_plainly(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such policy"):
        rule_ids(tmp_path / "fairlead.yaml")
