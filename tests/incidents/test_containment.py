"""A lever is pulled in the file that workers read, and proven by a real request through each worker's own socket."""

import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from incidents.support import opened

from fairlead.core import InvalidInput, NotFound, Refused, UsageError
from fairlead.guard import FileLevers, LeverKind, read_levers
from fairlead.incidents import Containing, Containment, LeverFile, LeverUnprobed, SecondPersonNeeded, SocketProber
from fairlead.testing import FixedClock
from fairlead.testing.unix import serving_unix


class Worker:
    """A gateway worker as far as a probe can see it: it obeys the lever file, unless it is broken in the way that is asked for."""

    def __init__(self, levers: Path, fault: str = "") -> None:
        self._levers = FileLevers(levers)
        self._fault = fault
        self.tokens: list[str] = []

    async def __call__(self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        body = json.loads((await receive())["body"])
        self.tokens.append(dict(scope["headers"])[b"authorization"].decode())
        status, answer = self._chat(body) if scope["path"] == "/v1/chat/completions" else self._check(body)
        headers = [(b"content-type", b"application/json"), (b"x-fairlead-exchange", b"x_probe")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})

    def _check(self, body: Any) -> tuple[int, Any]:
        tool = body["tool_call"]["name"]
        held = any(lever.holds("tool", tool, "t1") for lever in self._levers.current())
        decided = {"id": "d_1", "exchange": "x_probe", "action": "block", "rule": f"lever:tool:{tool}"}
        match self._fault:
            case "refuses":
                return 401, {"error": {"code": "invalid_api_key"}}
            case "garbage":
                return 200, ["no decision"]
            case "deaf":
                return 200, {"decision": decided | {"action": "allow", "rule": ""}}
            case "blocks otherwise":
                return 200, {"decision": decided | {"rule": "tool:denied"}}
        return 200, {"decision": decided if held else decided | {"action": "allow", "rule": ""}}

    def _chat(self, body: Any) -> tuple[int, Any]:
        targets: tuple[tuple[LeverKind, str], ...] = (("tenant", "t1"), ("system", "assistant"), ("model", body["model"]))
        held = any(lever.holds(kind, target, "t1") for kind, target in targets for lever in self._levers.current())
        return (503, {"error": {"code": "contained"}}) if held else (200, {"choices": []})


class House:
    """A data folder with workers."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self.levers = folder / "levers.json"
        self._stack = stack
        prober = SocketProber(folder / "run", lambda tenant: f"fl_{tenant}", "t1")
        self.containing = Containing(LeverFile(self.levers, folder / "journal"), prober, FixedClock())
        self.incident = opened()

    def worker(self, number: int, fault: str = "") -> Worker:
        worker = Worker(self.levers, fault)
        self._stack.enter_context(serving_unix(worker, self.folder / "run" / f"worker-{number}.sock"))
        return worker

    def contain(self, kind: LeverKind = "tool", target: str = "send_email", actor: str = "acc_alice") -> Containment:
        lever, _ = self.containing.pull(self.incident, kind, target, actor=actor, reason="stop it")
        return self.containing.prove(lever)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with ExitStack() as stack:
        yield House(tmp_path, stack)


def test_every_worker_gets_a_real_request_and_the_lever_file_says_who_pulled_what(house: House) -> None:
    workers = [house.worker(0), house.worker(1)]
    containment = house.contain()
    assert containment.effective
    assert [probe.worker for probe in containment.probes] == ["worker-0", "worker-1"]
    assert all(probe.exchange == "x_probe" and probe.took_ms > 0 for probe in containment.probes)
    assert [worker.tokens for worker in workers] == [["Bearer fl_t1"], ["Bearer fl_t1"]]
    (lever,) = read_levers(house.levers)
    assert (lever.kind, lever.target, lever.by, lever.tenant, lever.incident) == (
        "tool",
        "send_email",
        "acc_alice",
        "t1",
        house.incident.id,
    )


@pytest.mark.parametrize("fault", ["deaf", "refuses", "garbage", "blocks otherwise"])
def test_one_worker_that_does_not_obey_leaves_it_unproven_and_is_named(house: House, fault: str) -> None:
    house.worker(0)
    house.worker(1, fault)
    containment = house.contain()
    assert not containment.effective
    assert containment.failing == ("worker-1",)
    assert containment.probes[1].problem
    assert read_levers(house.levers), "the lever stays pulled"


def test_a_dead_worker_is_not_waited_for_and_a_house_without_workers_proves_nothing(house: House) -> None:
    assert not house.contain().effective
    with serving_unix(Worker(house.levers), house.folder / "run" / "worker-0.sock"):
        pass
    house.worker(1)
    assert [probe.worker for probe in house.contain().probes] == ["worker-1"]


def test_the_same_lever_is_pulled_once_and_probed_again(house: House) -> None:
    assert not house.contain().effective
    house.worker(0)
    assert house.contain(actor="acc_bob").effective
    assert [lever.by for lever in read_levers(house.levers)] == ["acc_alice"]


@pytest.mark.parametrize(("kind", "target"), [("model", "gpt-x"), ("system", "assistant"), ("tenant", "t1")])
def test_levers_on_model_system_and_tenant_are_proven_too(house: House, kind: LeverKind, target: str) -> None:
    house.worker(0)
    assert house.contain(kind, target).effective
    (lever,) = read_levers(house.levers)
    house.containing.release(house.incident, lever.id, actor="acc_bob")
    assert not house.containing.prove(lever).effective


def test_a_lever_that_no_request_can_prove_is_not_pulled(house: House) -> None:
    with pytest.raises(LeverUnprobed):
        house.contain("key", "key_1")
    with pytest.raises(UsageError):
        house.contain("tool", "")
    assert read_levers(house.levers) == ()


def test_release_takes_one_lever_and_a_second_person(house: House) -> None:
    house.contain()
    house.contain(target="create_ticket")
    first, second = read_levers(house.levers)
    with pytest.raises(SecondPersonNeeded):
        house.containing.release(house.incident, first.id, actor="acc_alice")
    with pytest.raises(NotFound):
        house.containing.release(house.incident, "lev_other", actor="acc_bob")
    assert read_levers(house.levers) == (first, second)
    house.containing.release(house.incident, first.id, actor="acc_bob")
    assert read_levers(house.levers) == (second,)


def test_a_damaged_lever_file_is_an_error_and_stays_as_it_is(house: House) -> None:
    house.levers.write_text("{")
    with pytest.raises(InvalidInput):
        house.contain()
    assert house.levers.read_text() == "{"


def test_a_worker_without_a_key_to_probe_with_is_unproven(house: House) -> None:
    house.worker(0)

    def no_key(_tenant: str) -> str:
        raise Refused("there is no key")

    prober = SocketProber(house.folder / "run", no_key, "t1")
    containment = Containing(LeverFile(house.levers, house.levers.parent / "journal"), prober, FixedClock())
    lever, _ = containment.pull(house.incident, "tool", "send_email", actor="acc_alice", reason="stop it")
    assert containment.prove(lever).failing == ("worker-0",)
