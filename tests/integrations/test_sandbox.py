"""The sandbox: what an agent's code must not do it can't, and where the machine can't isolate nothing is run."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from fairlead.core import InvalidInput
from fairlead.integrations import SandboxMissing
from fairlead.integrations.sandbox import Limits, Ran, Sandbox, runner

SMALL = Limits(seconds=5.0, cpu_seconds=1, memory_bytes=128 << 20, file_bytes=64 << 10, processes=16)


def isolates() -> bool:
    try:
        return Sandbox(SMALL).run(["true"]).code == 0
    except SandboxMissing:
        return False


needs_isolation = pytest.mark.skipif(not isolates(), reason="this machine has no Landlock or no user namespaces for everybody")


def run(script: str, limits: Limits = SMALL, **more: bytes) -> Ran:
    return Sandbox(limits).run(["/bin/bash", "-c", script], files={f"{name}.txt": data for name, data in more.items()})


@needs_isolation
def test_a_command_runs_in_a_folder_of_its_own_with_its_files_and_input() -> None:
    ran = Sandbox(SMALL).run(["/bin/sh", "-c", "cat; cat a.txt; echo new > b; cat b; exit 3"], files={"a.txt": b"file "}, given=b"given ")
    assert (ran.code, ran.output, ran.errors, ran.timed_out) == (3, b"given file new\n", b"", False)


@needs_isolation
def test_nothing_of_the_environment_gets_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    ran = run("env; cat /proc/self/environ /proc/1/environ")
    assert b"canary" not in ran.output + ran.errors
    assert b"OPENAI" not in ran.output


@needs_isolation
def test_there_is_no_network_not_even_loopback() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ran = run(f"exec 3<>/dev/tcp/127.0.0.1/{server.getsockname()[1]} && echo reached; exec 3<>/dev/udp/127.0.0.1/53 && echo sent")
        assert b"reached" not in ran.output
        assert b"sent" not in ran.output
        server.settimeout(0.05)
        with pytest.raises(TimeoutError):
            server.accept()


@needs_isolation
def test_no_socket_of_the_file_system_is_reached() -> None:
    ran = Sandbox(SMALL).run(["/usr/bin/perl", "-e", "use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0) or die qq(denied: $!); print 1"])
    assert ran.code != 0
    assert b"denied: Operation not permitted" in ran.errors


@needs_isolation
def test_a_file_outside_is_neither_read_nor_written() -> None:
    with tempfile.TemporaryDirectory() as place:
        outside = Path(place)
        outside.chmod(0o777)
        secret = outside / "secret"
        secret.write_text("canary")
        secret.chmod(0o666)
        script = f"cat {secret} /etc/passwd /etc/hostname; echo x > {outside}/new; echo x > {secret}; ln -s {secret} link; cat link; ls /"
        assert run(script).output == b""
        assert secret.read_text() == "canary"
        assert not (outside / "new").exists()


@needs_isolation
def test_a_fork_bomb_ends_with_the_command() -> None:
    ran = run("f() { f | f & }; f; sleep 60", Limits(seconds=1.0, processes=16, cpu_seconds=1))
    assert ran.timed_out or b"fork" in ran.errors
    left = subprocess.run(["/bin/ps", "-eo", "args"], capture_output=True, check=False).stdout
    assert b"sleep 60" not in left


@needs_isolation
def test_what_it_leaves_running_is_killed_too() -> None:
    ran = run("setsid sleep 61 > /dev/null 2>&1 & echo started")
    assert ran.output == b"started\n"
    assert b"sleep 61" not in subprocess.run(["/bin/ps", "-eo", "args"], capture_output=True, check=False).stdout


@needs_isolation
def test_memory_time_and_size_are_limited() -> None:
    assert run("x=$(head -c 400000000 /dev/zero | tr '\\0' 'a'); echo ${#x}").output != b"400000000\n"
    assert run("while :; do :; done").code == 128 + 9
    slow = run("sleep 60", Limits(seconds=0.3))
    assert (slow.timed_out, slow.code) == (True, 137)
    ran = run("head -c 1000000 /dev/zero; head -c 1000000 /dev/zero > big; wc -c < big")
    assert len(ran.output) <= 64 << 10


@needs_isolation
def test_it_cannot_leave_or_make_namespaces_or_look_at_others() -> None:
    ran = run("unshare -Ur true; kill -9 1; kill -9 -1; cat /proc/1/maps; echo still")
    assert b"still" in ran.output
    assert ran.errors


@pytest.mark.parametrize("reason", ["", "namespaces: Operation not permitted"])
def test_where_nothing_isolates_nothing_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, reason: str) -> None:
    broken = tmp_path / "confine.py"
    broken.write_text(f"import json, os, sys\nos.write(json.loads(sys.argv[1])['status'], {reason!r}.encode())\nsys.exit(0)\n")
    monkeypatch.setattr(runner, "_CONFINE", broken)
    with pytest.raises(SandboxMissing) as refused:
        Sandbox(SMALL).run(["true"])
    assert (reason or "ended early") in refused.value.what


@pytest.mark.parametrize("step", ["unshare", "syscall", "prctl"])
def test_each_step_that_fails_stops_the_command(tmp_path: Path, step: str) -> None:
    """Run the real script with one of the kernel's answers being no."""
    script = tmp_path / "confine.py"
    text = Path(runner.__file__).with_name("confine.py").read_text(encoding="utf-8")
    script.write_text(text.replace("def main()", f"_libc.{step} = lambda *_: -1\n\n\ndef main()", 1), encoding="utf-8")
    status, told = os.pipe()
    orders = {"status": told, "folder": str(tmp_path), "readable": ["/usr", "/bin", "/lib", "/lib64"], "environment": {}, "limits": {}}
    command = [sys.executable, "-I", "-S", str(script), json.dumps(orders), "/bin/echo", "ran"]
    done = subprocess.run(command, pass_fds=(told,), capture_output=True, check=False)
    os.close(told)
    said = os.read(status, 500)
    os.close(status)
    assert (done.stdout, said[:1] != b"+", done.returncode) == (b"", True, 126)


def test_a_program_or_file_that_makes_no_sense_is_refused() -> None:
    for command in ([], ["no-such-program"], ["/etc/passwd"]):
        with pytest.raises(InvalidInput):
            Sandbox(SMALL).run(command)
    for name in ("../x", "a/b", "", ".", "/etc/x"):
        with pytest.raises(InvalidInput):
            Sandbox(SMALL).run(["true"], files={name: b""})
