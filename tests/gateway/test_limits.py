"""Limits at the gateway: per key, tenant, user and tool; tokens and cost as the model's server counts them."""

import json
from typing import Any

import pytest
from gateway_bench import POLICY
from gateway_door import USER, Door
from gateway_process import eventually

from fairlead.core import InvalidInput
from fairlead.testing import ScriptedModel, serving

CHAT = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "fine"}, "finish_reason": "stop"}]}
MESSAGE = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "fine"}],
    "stop_reason": "end_turn",
}
GARBAGE = [{}, {"prompt_tokens": -5}, {"prompt_tokens": "many"}, {"prompt_tokens": True}, [], "x", {"prompt_tokens": 10**15}]
USED = b'data: {"choices": [], "usage": {"prompt_tokens": 50, "completion_tokens": 50}}\n\n'
chunk = ScriptedModel.chunk


def limited(limits: str, *, provider: str = "openai") -> str:
    return POLICY.replace("provider: openai", f"provider: {provider}") + f"limits: {limits}\n"


def ask(door: Door, usage: Any = None, **extra: Any) -> Any:
    body = {**CHAT, "usage": usage} if usage is not None else CHAT
    door.upstream.script.clear()
    return door.whole(body, **extra)


def test_tokens_count_as_the_model_counts_them(door: Any) -> None:
    door.start(limited("{tokens_per_day: 100}"))
    assert ask(door, {"prompt_tokens": 60, "completion_tokens": 40, "total_tokens": 100}).status == 200
    answer = ask(door)
    assert (answer.status, door.decisions()[-1].rule) == (429, "limit:tokens_per_day")
    assert int(answer.headers["retry-after"]) > 3600
    assert json.loads(answer.body)["error"]["code"] == "rate_limit_exceeded"


def test_tokens_that_were_expected_and_not_taken_are_given_back(door: Any) -> None:
    door.start(limited("{tokens_per_day: 100}"))
    long = [{"role": "user", "content": "word " * 64}]
    for _ in range(5):
        assert ask(door, {"prompt_tokens": 2, "completion_tokens": 1}, messages=long).status == 200
    assert ask(door, messages=[{"role": "user", "content": "word " * 100}]).status == 429


def test_a_request_that_no_model_was_asked_for_takes_no_tokens(door: Any) -> None:
    door.start(limited("{tokens_per_day: 100}"))
    secret = [{"role": "user", "content": "AKIA" + "IOSFODNN7EXAMPLQ" + " word" * 60}]
    assert [ask(door, messages=secret).status for _ in range(4)] == [400] * 4


@pytest.mark.parametrize("garbage", GARBAGE)
def test_a_usage_that_is_none_is_estimated(door: Any, garbage: Any) -> None:
    door.start(limited("{tokens_per_day: 100}").replace("unknown: block", "unknown: allow"))
    assert ask(door, garbage, messages=[{"role": "user", "content": "word " * 78}]).status in (200, 502)
    assert ask(door, messages=[{"role": "user", "content": "word " * 20}]).status == 429


STREAMS = {
    "reported": [chunk({"content": "fine"}), chunk({}, finish="stop"), USED, b"data: [DONE]\n\n"],
    "estimated": [chunk({"content": "word " * 79 + "\n"}), chunk({}, finish="stop"), b"data: [DONE]\n\n"],
}


@pytest.mark.parametrize("kind", STREAMS)
def test_the_tokens_of_a_stream_count(door: Any, kind: str) -> None:
    door.start(limited("{tokens_per_day: 100}"))
    assert door.stream(STREAMS[kind]).status == 200
    assert ask(door, messages=[{"role": "user", "content": "word " * 8}]).status == 429


def test_the_tokens_of_messages_count_with_those_of_caches(door: Any) -> None:
    door.start(limited("{tokens_per_day: 100}", provider="anthropic"))
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hello"}]}
    usage = {"input_tokens": 1, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 4, "output_tokens": 5}
    door.upstream.script.append([json.dumps({**MESSAGE, "usage": usage}).encode()])
    assert door.ask(body, path="/v1/messages").status == 200
    answer = door.ask(body, path="/v1/messages")
    assert answer.status == 429
    assert json.loads(answer.body)["error"]["type"] == "rate_limit_error"


def test_cost_counts_by_the_prices_of_the_model_and_an_unknown_one_is_dear(door: Any) -> None:
    prices = "cost_per_million: {cheap: {in: 1, out: 1}, dear: {in: 1000, out: 1000}}"
    door.start(limited("{cost_per_day: 1, " + prices + "}"))
    usage = {"prompt_tokens": 300, "completion_tokens": 200}
    assert [ask(door, usage, model="cheap").status for _ in range(8)] == [200] * 8
    assert [ask(door, usage, model="never-heard-of").status for _ in range(3)] == [200, 200, 429]
    assert door.decisions()[-1].rule == "limit:cost_per_day"


def test_each_user_has_a_budget_and_those_without_a_name_share_one(door: Any) -> None:
    door.start(limited("{per: {user: {requests_per_minute: 1}}}"))
    for user in ("ann", "bob", "an"):
        assert [ask(door, fairlead={"user": user}).status for _ in range(2)] == [200, 429]
    assert [ask(door).status for _ in range(2)] == [200, 429]
    assert door.decisions()[-1].rule == "limit:user.requests_per_minute"


def test_a_refused_request_spends_of_no_limit(door: Any) -> None:
    door.start(limited("{requests_per_minute: 3, per: {user: {requests_per_minute: 1}}}"))
    assert [ask(door, fairlead={"user": "ann"}).status for _ in range(9)] == [200, *[429] * 8]
    assert [ask(door, fairlead={"user": name}).status for name in ("bob", "eve", "dan")] == [200, 200, 429]


CALL = {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "function": {"name": "search_docs", "arguments": "{}"}}]}


def test_a_tool_is_called_as_often_as_its_limit_says(door: Any) -> None:
    door.start(limited("{per: {tool: {search_docs: {calls_per_hour: 2}}}}"))
    answers = []
    for _ in range(3):
        door.upstream.script.append([json.dumps({"choices": [{"index": 0, "message": CALL, "finish_reason": "tool_calls"}]}).encode()])
        answers.append(b'"tool_calls"' in door.ask(USER).body)
    assert answers == [True, True, False]
    last = door.decisions()[-1]
    assert (last.action, last.rule, last.findings[-1].hazard) == ("block", "limit:tool.calls_per_hour", "unbounded_consumption")


@pytest.mark.parametrize(
    ("limits", "line"),
    [
        ("{requests_per_hour: 1}", "requests_per_hour"),
        ("{per: {team: {requests_per_minute: 1}}}", "team"),
        ("{per: {tool: {send_mail: {calls_per_hour: 1}}}}", "send_mail"),
        ("{per: {tool: {send_email: {calls_per_day: 1}}}}", "calls_per_day"),
        ("{cost_per_day: 5}", "cost_per_million"),
        ("{cost_per_day: 5, cost_per_million: {m: {in: 1}}}", "out"),
        ("{requests_per_minute: 0}", "requests_per_minute"),
        ("{tokens_per_day: -1}", "tokens_per_day"),
    ],
)
def test_a_limit_that_is_none_is_refused_with_its_line(door: Any, limits: str, line: str) -> None:
    with pytest.raises(InvalidInput) as told:
        door.start(limited(limits))
    assert "fairlead.yaml:" in str(told.value) or "fairlead.yaml:" in told.value.where
    assert line in f"{told.value.what} {told.value.where} {told.value.mend} {told.value}"


def test_all_workers_together_grant_what_one_might(gateway_process: Any) -> None:
    model = ScriptedModel()
    for _ in range(40):
        model.sends([json.dumps(CHAT).encode()])
    with serving(model) as upstream:
        gateway_process.start(upstream, "--workers", "2", policy=limited("{requests_per_minute: 12}"))
        clients = [gateway_process.wait(worker) for worker in (0, 1)]
        statuses = [clients[number % 2].post("/v1/chat/completions", json=USER).status_code for number in range(20)]
    assert statuses.count(200) == 12
    assert statuses.count(429) == 8
    assert eventually((gateway_process.data / "limits").exists, "one file")
