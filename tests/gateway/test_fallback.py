"""An upstream that does not answer: another stands in for it, as long as nothing has reached the client; a broken one is left alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from gateway_bench import POLICY, Bench
from hypothesis import given
from hypothesis import strategies as st

from fairlead.gateway.breaker import FAILURES, OPEN_US, RETRY_RESERVE, Breakers
from fairlead.testing import FixedClock, ScriptedModel, serving

SENTENCE = "the quarterly figures are secret"
ONE = 'upstream: {default: {provider: openai, base_url: "UPSTREAM"}}'
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def spare() -> Iterator[tuple[ScriptedModel, str]]:
    """A second model's server, and where it is."""
    model = ScriptedModel()
    with serving(model) as url:
        yield model, url


def two(spare: str, *, default: str = "", first: str = "UPSTREAM", backup: str = "") -> str:
    """The usual policy with an upstream that another stands in for."""
    return POLICY.replace(
        ONE,
        f"""upstream:
  default: {{provider: openai, base_url: "{first}", fallback: backup{default}}}
  backup: {{provider: openai, base_url: "{spare}", model: other{backup}}}""",
    )


def post(bench: Bench, **extra: Any) -> httpx.Response:
    body = {"model": "m", "messages": [{"role": "user", "content": SENTENCE}], **extra}
    return httpx.post(f"{bench.url}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {bench.token}"}, timeout=20)


def metric(bench: Bench, upstream: str, outcome: str) -> float:
    assert bench.plane is not None
    line = f'fairlead_upstream_requests_total{{outcome="{outcome}",upstream="{upstream}"}} '
    return sum(float(text.removeprefix(line)) for text in bench.plane.metrics().decode().splitlines() if text.startswith(line))


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 502, 503, 504, 529])
def test_another_upstream_stands_in_for_one_that_can_not_answer(bench: Bench, spare: tuple[ScriptedModel, str], status: int) -> None:
    other, url = spare
    bench.start(two(url)).model.sends([SENTENCE.encode()], status=status)
    other.says("mail me at bob@example.com")
    answer = post(bench)
    assert answer.status_code == 200
    assert answer.headers["x-fairlead-upstream"] == "backup"
    assert "bob@" not in answer.text  # guarded like any other
    assert [request["model"] for request in (*bench.model.requests, *other.requests)] == ["m", "other"]
    assert metric(bench, "backup", "answered") == 1
    assert [decision.stage for decision in bench.decisions()] == ["input", "output"]


def test_a_stream_may_come_from_another_upstream(bench: Bench, spare: tuple[ScriptedModel, str]) -> None:
    other, url = spare
    bench.start(two(url, first=NOWHERE))
    other.streams("all is well.\n")
    answer = post(bench, stream=True)
    assert answer.headers["x-fairlead-upstream"] == "backup"
    assert "well." in answer.text
    assert answer.text.rstrip().endswith("[DONE]")


@pytest.mark.parametrize("status", [400, 404, 413, 422])
def test_what_any_server_would_refuse_is_told_at_once(bench: Bench, spare: tuple[ScriptedModel, str], status: int) -> None:
    other, url = spare
    bench.start(two(url)).model.sends([b"{}"], status=status)
    assert post(bench).status_code == status
    assert other.requests == []


def test_what_has_begun_to_leave_is_not_asked_for_again(bench: Bench, spare: tuple[ScriptedModel, str]) -> None:
    other, url = spare
    bench.start(two(url, default=", retries: 3")).model.sends([bench.model.chunk({"content": "all is "}), b"data: nonsense\n\n"])
    answer = post(bench, stream=True)
    assert "all is" in answer.text
    assert "[DONE]" not in answer.text
    assert other.requests == []
    assert len(bench.model.requests) == 1


def test_an_upstream_is_asked_again_as_often_as_the_policy_says(bench: Bench, spare: tuple[ScriptedModel, str]) -> None:
    _, url = spare
    bench.start(two(url, default=", retries: 2"))
    for status in (503, 529):
        bench.model.sends([b"{}"], status=status)
    bench.model.says("at last")
    assert "at last" in post(bench).text
    assert len(bench.model.requests) == 3
    assert metric(bench, "default", "refused") == 2


def test_the_last_failure_is_told_when_nobody_answers(bench: Bench, spare: tuple[ScriptedModel, str]) -> None:
    other, url = spare
    bench.start(two(url, first=NOWHERE))
    other.sends([SENTENCE.encode()], status=429)
    answer = post(bench)
    assert answer.status_code == 429
    assert SENTENCE not in answer.text
    assert "x-fairlead-upstream" not in answer.headers


def test_a_broken_upstream_is_left_alone_and_the_client_told_when_to_come_back(bench: Bench) -> None:
    bench.upstream = NOWHERE
    bench.start()
    assert [post(bench).status_code for _ in range(FAILURES)] == [502] * FAILURES
    answer = post(bench)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
    assert metric(bench, "default", "left_alone") == 1
    assert len(bench.decisions()) == FAILURES + 1


def test_a_missing_key_of_one_upstream_leaves_the_other(bench: Bench, spare: tuple[ScriptedModel, str]) -> None:
    other, url = spare
    bench.start(two(url, default=", key: env:FAIRLEAD_TEST_NO_SUCH_KEY"))
    other.says("ok")
    assert post(bench).headers["x-fairlead-upstream"] == "backup"
    assert metric(bench, "default", "no_key") == 1


def test_a_key_in_a_file_is_read_at_each_request(bench: Bench, tmp_path: Path) -> None:
    key = tmp_path / "model.key"
    key.write_text("first-key\n", encoding="utf-8")
    bench.start(POLICY.replace(ONE, f'upstream: {{default: {{provider: openai, base_url: "UPSTREAM", key: "file:{key}"}}}}'))
    for value in ("first-key", "second-key"):
        key.write_text(value + "\n", encoding="utf-8")
        bench.model.says("ok")
        assert post(bench).status_code == 200
        assert bench.model.asked[-1][1]["authorization"] == f"Bearer {value}"
    key.unlink()
    assert post(bench).status_code == 503
    assert b"second-key" not in bench.journal_bytes()


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_try_later() -> None:
    clock = FixedClock()
    breakers = Breakers(clock)
    for _ in range(FAILURES):
        assert breakers.admits("a")
        breakers.failed("a")
    assert not breakers.admits("a")
    assert breakers.admits("b")  # each has its own
    clock.advance(OPEN_US)
    assert breakers.admits("a")
    assert not breakers.admits("a")  # one at a time
    breakers.failed("a")
    assert not breakers.admits("a")
    clock.advance(OPEN_US)
    assert breakers.admits("a")
    breakers.abandoned("a")  # its client left
    assert breakers.admits("a")
    breakers.succeeded("a")
    assert all(breakers.admits("a") for _ in range(3))


@given(st.lists(st.booleans(), max_size=300))
def test_retries_stay_a_fifth_of_the_requests(asked: list[bool]) -> None:
    breakers = Breakers(FixedClock())
    requests = retries = 0
    for retry in asked:
        if retry:
            retries += breakers.may_retry("a")
        else:
            requests += breakers.admits("a")
    assert retries <= RETRY_RESERVE + 0.2 * requests + 1e-6


def test_clients_choose_an_upstream_by_the_name_that_it_lists(bench: Bench, spare: tuple[ScriptedModel, str]) -> None:
    other, url = spare
    bench.start(two(url, default="", backup=", models: [fast, faster]").replace(", fallback: backup", ""))
    for name, model in (("fast", other), ("faster", other), ("anything", bench.model)):
        model.says("ok")
        assert post(bench, model=name).status_code == 200
    assert [request["model"] for request in other.requests] == ["other", "other"]
    assert [request["model"] for request in bench.model.requests] == ["anything"]
    listed = httpx.get(f"{bench.url}/v1/models", headers={"authorization": f"Bearer {bench.token}"}).json()["data"]
    assert [one["id"] for one in listed] == ["fast", "faster"]
