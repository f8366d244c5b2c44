"""Law 3: a response leaves only after its Decision is durable; kill -9 at any instant loses none."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway_bench import POLICY
from gateway_process import eventually

from fairlead.testing import PacedModel, ScriptedModel, serving
from fairlead.testing.paced import Gate

ANSWER = "the answer that waits"
DONE = b"data: [DONE]\n\n"
chunk = ScriptedModel.chunk
STREAM = [chunk({"content": ANSWER}), chunk({}, finish="stop"), DONE]
WHOLE = {"choices": [{"index": 0, "message": {"role": "assistant", "content": ANSWER}, "finish_reason": "stop"}]}


OPENING = 'instr(NEW.body, \'"state":"open"\') > 0'
ENDING = 'instr(NEW.body, \'"stage":"output"\') > 0 AND instr(NEW.body, \'"state":"open"\') = 0'


@contextmanager
def journal_that_refuses(folder: Path, when: str = "1") -> Iterator[None]:
    """A journal whose file takes no more records, or none of a kind."""
    with closing(sqlite3.connect(folder / "data" / "journal" / "worker-0.db", isolation_level=None)) as other:
        other.execute(f"CREATE TRIGGER refuse BEFORE INSERT ON entry WHEN {when} BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
        yield
        other.execute("DROP TRIGGER refuse")


def assert_unavailable(answer: Any) -> None:
    assert answer.status == 503
    assert b"guard_unavailable" in answer.body
    assert ANSWER.encode() not in answer.body
    assert "x-fairlead-exchange" not in answer.headers, "an Exchange that is named has its Decisions in the journal"


def test_an_answer_whose_decision_is_not_durable_does_not_leave(door: Any) -> None:
    door.start()
    with journal_that_refuses(door.folder):
        assert_unavailable(door.whole(WHOLE))
    answer = door.whole(WHOLE)
    assert answer.status == 200
    assert [decision.stage for decision in door.decisions(answer.headers["x-fairlead-exchange"])] == ["input", "output"]


def test_a_stream_whose_opening_record_is_not_durable_does_not_begin(door: Any) -> None:
    door.start()
    with journal_that_refuses(door.folder, OPENING):
        assert_unavailable(door.stream(STREAM))


def test_a_stream_whose_final_record_is_not_durable_has_no_end_marker(door: Any) -> None:
    door.start()
    with journal_that_refuses(door.folder, ENDING):
        answer = door.stream(STREAM)
    assert answer.status == 200
    assert not answer.ended
    assert DONE not in answer.body


def test_a_client_sees_a_cut_connection_and_not_the_end_of_such_a_stream(bench: Any) -> None:
    bench.start().model.sends(STREAM, content_type=b"text/event-stream")
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "stream": True}
    with journal_that_refuses(bench.policy_file.parent, ENDING), pytest.raises(httpx.RemoteProtocolError):
        httpx.post(f"{bench.url}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {bench.token}"})


def test_a_refusal_whose_decision_is_not_durable_does_not_leave(door: Any) -> None:
    door.start()
    with journal_that_refuses(door.folder):
        answer = door.ask({"model": "m", "messages": [{"role": "user", "content": "AKIA" + "IOSFODNN7EXAMPLQ"}]})
    assert_unavailable(answer)


def test_a_check_whose_decision_is_not_durable_is_not_answered(door: Any) -> None:
    door.start()
    with journal_that_refuses(door.folder):
        assert door.ask({"stage": "input", "text": "hello"}, path="/v1/guard/check").status == 503


def test_an_upstream_without_its_key_is_told_with_a_durable_decision(door: Any) -> None:
    door.start(POLICY.replace('base_url: "UPSTREAM"', 'base_url: "UPSTREAM", key: "env:FAIRLEAD_TEST_NO_SUCH_KEY"'))
    answer = door.ask({"model": "m", "messages": [{"role": "user", "content": "hello"}]})
    assert answer.status == 503
    assert [decision.stage for decision in door.decisions(answer.headers["x-fairlead-exchange"])] == ["input"]


BUDGET = POLICY.replace("outputs: untrusted}", "outputs: untrusted, budget: {calls: 1}}")
CALL = {"id": "c1", "type": "function", "function": {"name": "search_docs", "arguments": "{}"}}
CALLING = {"choices": [{"index": 0, "message": {"role": "assistant", "tool_calls": [CALL]}, "finish_reason": "tool_calls"}]}
CALLING_STREAM = [chunk({"tool_calls": [{"index": 0, **CALL}]}), chunk({}, finish="tool_calls"), DONE]


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_a_tool_call_that_did_not_leave_costs_nothing_and_one_that_left_does(door: Any, streamed: bool) -> None:  # noqa: FBT001 - a parameter of a test
    door.start(BUDGET)

    def calls() -> bool:
        script = CALLING_STREAM if streamed else [json.dumps(CALLING).encode()]
        door.upstream.script.append(script)
        body = {"model": "m", "messages": [{"role": "user", "content": "look"}], "stream": streamed, "fairlead": {"trajectory": "t_1"}}
        return b'"arguments"' in door.ask(body).body

    with journal_that_refuses(door.folder, 'instr(NEW.body, \'"stage":"tool_call"\') > 0'):
        assert not calls()
    assert calls()
    assert not calls()


def test_at_every_byte_that_leaves_the_decisions_before_it_are_durable(door: Any) -> None:
    door.start()
    seen: list[list[tuple[str, str]]] = []
    door.on_send = lambda _: seen.append([(decision.stage, decision.state) for decision in door.decisions()])
    door.stream(STREAM)
    opened = [("input", "final"), ("output", "open")]
    assert seen[0] == seen[1] == opened
    assert seen[-1] == [*opened, ("output", "final")]
    seen.clear()
    door.whole(WHOLE)
    assert seen[0][3:] == [("input", "final"), ("output", "final")]


def test_a_tool_call_leaves_a_stream_only_after_its_own_decision_is_durable(door: Any) -> None:
    door.start()
    recorded: list[set[str]] = []
    door.on_send = lambda message: b"tool_calls" in message.get("body", b"") and recorded.append({one.stage for one in door.decisions()})
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": "search_docs", "arguments": "{}"}}
    door.stream([chunk({"tool_calls": [call]}), chunk({}, finish="tool_calls"), DONE])
    assert recorded == [{"input", "output", "tool_call"}]


def ask(client: httpx.Client, *, stream: bool) -> Any:
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "stream": stream}
    return client.stream("POST", "/v1/chat/completions", json=body)


def test_a_worker_killed_in_the_middle_of_a_stream_leaves_it_interrupted(gateway_process: Any) -> None:
    model, gate = PacedModel(), Gate()
    model.streams(chunk({"content": "the beginning "}), gate)
    with serving(model) as upstream:
        worker = gateway_process.start(upstream)
        with ask(gateway_process.wait(), stream=True) as answer:
            pieces = answer.iter_bytes()
            assert b"the beginning" in next(pieces)
            exchange = answer.headers["x-fairlead-exchange"]
            while_running = [decision.state for decision in gateway_process.decisions()]
            worker.kill()
            with pytest.raises(httpx.RemoteProtocolError):
                list(pieces)
        gate.set_result(None)
        worker.wait()
    assert while_running == ["final", "open"]
    found = [(decision.exchange, decision.stage, decision.state) for decision in gateway_process.decisions()]
    assert found == [(exchange, "input", "final"), (exchange, "output", "interrupted")]


class Crowd:
    """Clients that ask for answers until the worker is gone, and what they were answered."""

    def __init__(self, clients: Sequence[httpx.Client], *, stream: bool) -> None:
        self.answered: dict[str, bool] = {}
        """Exchange to whether its answer came whole."""
        self._stream = stream
        self._threads = [threading.Thread(target=self._ask, args=(client,)) for client in clients]
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        for thread in self._threads:
            thread.join(30)

    def _ask(self, client: httpx.Client) -> None:
        try:
            while True:
                with ask(client, stream=self._stream) as answer:
                    exchange = answer.headers["x-fairlead-exchange"]
                    self.answered[exchange] = False
                    self.answered[exchange] = (DONE if self._stream else ANSWER.encode()) in answer.read()
        except httpx.TransportError:
            return


@pytest.mark.parametrize("stream", [True, False])
def test_every_answer_of_a_worker_that_is_killed_has_its_decisions(gateway_process: Any, stream: bool) -> None:  # noqa: FBT001 - a parameter of the test
    model = ScriptedModel()
    for _ in range(10_000):
        model.sends(STREAM if stream else [json.dumps(WHOLE).encode()])
    with serving(model) as upstream:
        worker = gateway_process.start(upstream)
        gateway_process.wait()
        crowd = Crowd([gateway_process.client() for _ in range(4)], stream=stream)
        eventually(lambda: len(crowd.answered) >= 60, "enough answers")
        worker.kill()
        crowd.join()
        worker.wait()
    recorded: dict[str, set[tuple[str, str]]] = {}
    for decision in gateway_process.decisions():
        recorded.setdefault(decision.exchange, set()).add((decision.stage, decision.state))
    for exchange, whole in crowd.answered.items():
        assert ("input", "final") in recorded[exchange]
        assert recorded[exchange] & {("output", "final"), *([] if whole else [("output", "interrupted")])}
