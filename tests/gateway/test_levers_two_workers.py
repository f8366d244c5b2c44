"""A lever that one process pulls is obeyed by every worker on its next request, also by one that was killed and came back."""

import json
import signal
from typing import Any

import httpx
import psutil
import pytest
from gateway_process import eventually

from fairlead.guard import Lever, write_levers
from fairlead.testing import ScriptedModel, serving

LEVER = Lever(id="lev_1", kind="tool", target="search_docs", by="acc_1", at_us=1)
CALL = {"id": "c", "type": "function", "function": {"name": "search_docs", "arguments": "{}"}}
BODY = {"model": "m", "messages": [{"role": "user", "content": "hello"}]}


def allowed(client: httpx.Client) -> bool:
    """Send a real request whose answer calls the tool, and tell whether the call came through."""
    answer = client.post("/v1/chat/completions", json=BODY)
    assert answer.status_code == 200
    message = answer.json()["choices"][0]["message"]
    assert ("tool_calls" in message) != ("stopped by the policy" in (message["content"] or ""))
    return "tool_calls" in message


def worker_process(supervisor: int, worker: int) -> psutil.Process | None:
    """Return the process of a worker, if it runs."""
    for process in psutil.Process(supervisor).children():
        words = process.cmdline() if process.status() != psutil.STATUS_ZOMBIE else []
        if words[-2:] == ["--worker", str(worker)]:
            return process
    return None


@pytest.fixture
def model() -> ScriptedModel:
    """A model that always calls the tool."""
    model = ScriptedModel()
    for _ in range(2_000):
        model.says("", tool_calls=[CALL])
    return model


def test_both_workers_obey_on_the_next_request_and_after_a_restart(gateway_process: Any, model: ScriptedModel) -> None:
    with serving(model) as upstream:
        supervisor = gateway_process.start(upstream, "--workers", "2")
        first, second = gateway_process.wait(0), gateway_process.wait(1)
        names = [client.get("/readyz").json()["worker"] for client in (first, second)]
        assert names == ["worker-0", "worker-1"]
        assert [allowed(first), allowed(second)] == [True, True]

        write_levers(gateway_process.data / "levers.json", (LEVER,))
        assert [allowed(first), allowed(second)] == [False, False], "on the very next request"

        killed = worker_process(supervisor.pid, 1)
        assert killed is not None
        killed.send_signal(signal.SIGKILL)
        assert not allowed(first), "the other worker serves on"
        eventually(lambda: (now := worker_process(supervisor.pid, 1)) and now.pid != killed.pid, "the worker is started again")
        back = gateway_process.wait(1)
        assert not allowed(back), "its very first request"

        write_levers(gateway_process.data / "levers.json", ())
        assert [allowed(first), allowed(back)] == [True, True]


def test_a_damaged_lever_file_keeps_what_was_pulled_in_both_workers(gateway_process: Any, model: ScriptedModel) -> None:
    with serving(model) as upstream:
        gateway_process.start(upstream, "--workers", "2")
        workers = [gateway_process.wait(0), gateway_process.wait(1)]
        path = gateway_process.data / "levers.json"
        write_levers(path, (LEVER,))
        assert [allowed(client) for client in workers] == [False, False]
        for damage in ("", "[{", json.dumps([{"kind": "tool"}])):
            path.write_text(damage)
            assert [allowed(client) for client in workers] == [False, False]
        path.unlink()
        assert [allowed(client) for client in workers] == [False, False]
        assert all(client.get("/readyz").json()["levers_unreadable"] for client in workers)


def test_a_worker_that_starts_again_without_the_lever_file_serves_nothing(gateway_process: Any, model: ScriptedModel) -> None:
    with serving(model) as upstream:
        supervisor = gateway_process.start(upstream, "--workers", "2")
        first = gateway_process.wait(0)
        gateway_process.wait(1)
        write_levers(gateway_process.data / "levers.json", (LEVER,))
        assert not allowed(first)
        (gateway_process.data / "levers.json").unlink()
        killed = worker_process(supervisor.pid, 1)
        assert killed is not None
        killed.send_signal(signal.SIGKILL)
        eventually(lambda: b"levers-gone" in gateway_process.output, "the worker says why it does not start")
        assert not allowed(first), "the other one keeps what it knew"


def test_the_workers_end_with_their_supervisor(gateway_process: Any, model: ScriptedModel) -> None:
    with serving(model) as upstream:
        supervisor = gateway_process.start(upstream, "--workers", "2")
        gateway_process.wait(0), gateway_process.wait(1)
        workers = [worker_process(supervisor.pid, number) for number in (0, 1)]
        shared = gateway_process.client(None)
        assert allowed(shared), "the port that they share"
        supervisor.send_signal(signal.SIGTERM)
        supervisor.wait(20)
        assert [worker is not None and worker.is_running() for worker in workers] == [False, False]


def test_the_workers_end_with_a_supervisor_that_was_killed(gateway_process: Any, model: ScriptedModel) -> None:
    with serving(model) as upstream:
        supervisor = gateway_process.start(upstream, "--workers", "2")
        gateway_process.wait(0), gateway_process.wait(1)
        workers = [worker_process(supervisor.pid, number) for number in (0, 1)]
        supervisor.kill()
        supervisor.wait(20)
        eventually(lambda: not any(worker is not None and worker.is_running() for worker in workers), "the workers end too")
