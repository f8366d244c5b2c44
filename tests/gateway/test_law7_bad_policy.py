"""Law 7: a bad file never takes the service down; the last good release stays, and a good one swaps without a dropped request."""

import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from gateway_bench import POLICY
from gateway_process import eventually

from fairlead.core import FairleadError
from fairlead.testing import PacedModel, ScriptedModel, serving
from fairlead.testing.paced import Gate

CARD = "4111 1111 1111 1111"
OTHER = POLICY.replace("  - {id: no-cards-out, at: output, entity: payment_card, do: redact}\n", "")
WHOLE = {"choices": [{"index": 0, "message": {"role": "assistant", "content": f"card {CARD}"}, "finish_reason": "stop"}]}
chunk = ScriptedModel.chunk


def written(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(text.replace("UPSTREAM", "http://127.0.0.1:9")) and None


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{level}: &a{level} [*a{level - 1}, *a{level - 1}]\n" for level in range(1, 40))
BAD: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "a folder": folder,
    "empty": written(""),
    "binary": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "no YAML": written("rules: [{"),
    "half written": written(POLICY[: len(POLICY) // 2]),
    "an unknown key": written(POLICY + "modee: shadow\n"),
    "an unknown entity": written(POLICY.replace("payment_card", "credit_cart")),
    "an unknown upstream": written(POLICY.replace("do: block}", "do: route, to: nowhere}")),
    "a list": written("- a\n- b\n"),
    "very deep": written("x: " + "[" * 50_000),
    "an alias bomb": written(BOMB),
    "bad Cedar beside it": lambda path: path.with_name("tools.cedar").write_text("permit(principal, action, resource) when {"),
    "another audit": written(POLICY.replace("audit: strict", "audit: relaxed")),
}


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_file_leaves_the_last_good_release_in_force(door: Any, bad: str) -> None:
    door.start()
    before = door.whole(WHOLE)
    BAD[bad](door.policy_file)
    assert door.plane.policy_changed()
    with pytest.raises(FairleadError):
        door.plane.reload()
    after = door.whole(WHOLE)
    assert json.loads(after.body)["choices"][0]["message"]["content"] == "card [PAYMENT_CARD]"
    assert after.headers["x-fairlead-release"] == before.headers["x-fairlead-release"]
    health = json.loads(door.get("/readyz").body)
    assert health["ready"]
    assert health["policy_problem"]
    assert health["policy_errors"] == 1


def test_an_error_in_the_parser_itself_is_a_refusal_too(door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    door.start()
    monkeypatch.setattr("fairlead.wiring.policy_files.load_policy", lambda *_: 1 / 0)
    with pytest.raises(FairleadError, match="can't be compiled"):
        door.plane.reload()
    assert door.plane.health().policy_problem == "invalid-input"


def test_a_mended_file_is_taken_over_and_the_problem_is_gone(door: Any) -> None:
    door.start()
    door.policy_file.write_text("{")
    with pytest.raises(FairleadError):
        door.plane.reload()
    door.policy_file.write_text(OTHER.replace("UPSTREAM", "http://127.0.0.1:9"))
    door.plane.reload()
    assert json.loads(door.whole(WHOLE).body)["choices"][0]["message"]["content"] == f"card {CARD}"
    assert door.plane.health().policy_problem == ""


def readyz(bench: Any) -> Any:
    return httpx.get(f"{bench.url}/readyz").json()


def ask(bench: Any, client: Any = httpx, *, stream: bool = False) -> Any:
    body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "stream": stream}
    request = {"json": body, "headers": {"authorization": f"Bearer {bench.token}"}, "timeout": 20}
    url = f"{bench.url}/v1/chat/completions"
    return client.stream("POST", url, **request) if stream else client.post(url, **request)


def test_a_bad_file_written_while_serving_is_seen_and_changes_nothing(bench: Any) -> None:
    bench.start().model.says(f"card {CARD}")
    release = readyz(bench)["release"]
    bench.policy_file.write_text("fairlead: 2\n")
    health = eventually(lambda: (found := readyz(bench))["policy_problem"] and found, "the problem is shown")
    assert (health["release"], health["ready"]) == (release, True)
    answer = ask(bench)
    assert answer.json()["choices"][0]["message"]["content"] == "card [PAYMENT_CARD]"
    assert answer.headers["x-fairlead-release"] == release
    # Afterwards the files are still watched.
    bench.write_policy(OTHER)
    eventually(lambda: readyz(bench)["release"] != release, "the good policy is taken over")
    assert readyz(bench)["policy_problem"] == ""


class Hammer:
    """Clients that ask without a pause while the block runs."""

    def __init__(self, bench: Any) -> None:
        self._bench = bench
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(3)]
        self.seen: set[tuple[str, str]] = set()
        """Release and text of every answer."""
        self.dropped: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        with httpx.Client() as client:
            while not self._stop.is_set():
                try:
                    answer = ask(self._bench, client)
                    self.seen.add((answer.headers["x-fairlead-release"], answer.json()["choices"][0]["message"]["content"]))
                except (httpx.HTTPError, KeyError) as error:
                    self.dropped.append(repr(error))


def test_policies_swap_without_a_dropped_request(bench: Any) -> None:
    bench.start()
    for _ in range(20_000):
        bench.model.says(f"card {CARD}")
    expected = {(readyz(bench)["release"], "card [PAYMENT_CARD]")}
    with Hammer(bench) as hammer:
        for policy, text in ((OTHER, f"card {CARD}"), (POLICY, "card [PAYMENT_CARD]"), (OTHER, f"card {CARD}")):
            before = readyz(bench)["release"]
            bench.write_policy(policy)
            eventually(lambda before=before: readyz(bench)["release"] != before, "the swap")
            expected.add((readyz(bench)["release"], text))
            eventually(lambda: expected <= hammer.seen, "answers under the new release")
    assert hammer.dropped == []
    assert hammer.seen == expected, "each answer is what the release that it names decides"


def test_a_worker_that_is_killed_while_the_file_is_bad_comes_back_with_the_last_good_policy(gateway_process: Any) -> None:
    model = ScriptedModel()
    with serving(model) as upstream:
        worker = gateway_process.start(upstream)
        release = gateway_process.wait().get("/readyz").json()["release"]
        gateway_process.policy_file.write_text("fairlead: 2\n")
        worker.kill()
        worker.wait()
        gateway_process.restart()
        client = gateway_process.wait()
        health = client.get("/readyz").json()
        assert (health["release"], health["policy_errors"]) == (release, 1)
        assert health["policy_problem"]
        model.says(f"card {CARD}")
        answer = client.post("/v1/chat/completions", json={"model": "m", "messages": [{"role": "user", "content": "hello"}]})
        assert answer.json()["choices"][0]["message"]["content"] == "card [PAYMENT_CARD]"


def test_whoever_starts_a_gateway_with_a_bad_file_is_told_and_gets_none(gateway_process: Any) -> None:
    with serving(ScriptedModel()) as upstream:
        served = gateway_process.start(upstream, "--workers", "1")
        gateway_process.wait()
        served.terminate()
        served.wait()
        gateway_process.policy_file.write_text("fairlead: 2\n")
        assert gateway_process.restart("--workers", "1").wait(30) == 2
        assert b"fairlead.yaml:1" in gateway_process.output


def test_a_stream_in_flight_keeps_the_release_that_it_began_with(bench: Any) -> None:
    model, gate = PacedModel(), Gate()
    model.streams(chunk({"content": "begin "}), gate, chunk({"content": f"card {CARD}"}), chunk({}, finish="stop"), b"data: [DONE]\n\n")
    with serving(model) as upstream:
        bench.upstream = upstream
        bench.start()
        with ask(bench, stream=True) as answer:
            pieces = answer.iter_bytes()
            begun = next(pieces)
            old = answer.headers["x-fairlead-release"]
            bench.write_policy(OTHER)
            eventually(lambda: readyz(bench)["release"] != old, "the swap")
            gate.set_result(None)
            text = (begun + b"".join(pieces)).decode()
    assert "[PAYMENT_CARD]" in text
    assert CARD not in text
    assert {decision.release for decision in bench.decisions()} == {old}
