"""Pseudonyms through the gateway: the model never sees the value, the client never sees the name, no record holds either's secret."""

import json
from typing import Any

import pytest
from gateway_bench import POLICY
from gateway_door import Answer, Door
from messages_wire import call, streamed
from messages_wire import reply as message_reply
from responses_wire import events as response_events
from responses_wire import function_call, message, wire
from responses_wire import reply as response_reply

from fairlead.identity import ApiKey, publish_keys

MAIL, CARD = "bob@example.com", "4111 1111 1111 1111"
SAID = f"write to {MAIL}"
UP = "rules:\n  - {id: up, at: [input, tool_result], entity: [email, payment_card], do: redact, operator: pseudonym}\n"
RULES = POLICY.replace("  - {id: no-mail-out, at: output, entity: email, do: redact}\n", "").replace("rules:\n", UP)
ANTHROPIC = "  claude: {provider: anthropic, base_url: 'http://127.0.0.1:9'}\n"
TOOL = "  - {tool: write_mail, when: {to: {domain_in: [example.com]}, provenance: {to: [user]}}}\n"
BOTH = (
    RULES.replace(
        'upstream: {default: {provider: openai, base_url: "UPSTREAM"}}\n',
        'upstream:\n  default: {provider: openai, base_url: "UPSTREAM"}\n' + ANTHROPIC,
    )
    + TOOL
)
APIS = {
    "/v1/chat/completions": {"model": "m", "messages": [{"role": "user", "content": SAID}]},
    "/v1/messages": {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": SAID}]},
    "/v1/responses": {"model": "m", "input": SAID},
}


def whole(path: str, text: str, arguments: str) -> Any:
    """An answer with a text and a tool call."""
    if path == "/v1/chat/completions":
        made = {"id": "c1", "type": "function", "function": {"name": "write_mail", "arguments": arguments}}
        said = {"role": "assistant", "content": text, "tool_calls": [made]}
        return {"id": "r", "choices": [{"index": 0, "message": said, "finish_reason": "tool_calls"}]}
    if path == "/v1/messages":
        return message_reply(text, call("write_mail", json.loads(arguments)), stop="tool_use")
    return response_reply(message(text), function_call("write_mail", arguments))


def ask(door: Door, path: str, pieces: list[bytes], token: str = "", **extra: Any) -> Answer:
    door.upstream.script.append(pieces)
    return door.ask({**APIS[path], **extra}, path=path, token=token)


def named(door: Door, path: str, **extra: Any) -> str:
    """What the model is told instead of the address."""
    ask(door, path, [json.dumps(whole(path, "fine", "{}")).encode()], **extra)
    sent = json.dumps(door.upstream.requests[-1])
    assert MAIL not in sent
    return sent.partition("write to ")[2].partition('"')[0]


def events(path: str, answer: Any) -> bytes:
    """The same answer as a stream."""
    if path == "/v1/messages":
        return b"".join(streamed(answer, 1))
    if path == "/v1/responses":
        return b"".join(wire(response_events(answer, 1)))
    said = answer["choices"][0]["message"]
    deltas = [{"role": "assistant"}, *({"content": letter} for letter in said["content"])]
    calls = said["tool_calls"][0]
    deltas += [{"tool_calls": [{"index": 0, **calls, "function": {"name": "write_mail", "arguments": ""}}]}]
    deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": letter}}]} for letter in calls["function"]["arguments"]]
    chunks = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas] + [
        {"index": 0, "delta": {}, "finish_reason": "tool_calls"}
    ]
    head = {"id": "r", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return b"".join(b"data: " + json.dumps({**head, "choices": [one]}).encode() + b"\n\n" for one in chunks) + b"data: [DONE]\n\n"


@pytest.mark.parametrize("size", [0, 1, 7])
@pytest.mark.parametrize("path", APIS)
def test_the_model_sees_a_name_and_the_client_the_value(door: Any, path: str, size: int) -> None:
    door.start(BOTH)
    scope = {"fairlead": {"trajectory": "t_1"}}
    name = named(door, path, **scope)
    assert name.startswith("EMAIL_")
    answer = whole(path, f"Sent to {name}.", json.dumps({"to": name}))
    if size:
        data = events(path, answer)
        got = ask(door, path, [data[start : start + size] for start in range(0, len(data), size)], stream=True, **scope)
    else:
        got = ask(door, path, [json.dumps(answer).encode()], **scope)
    assert got.status == 200
    assert got.ended
    told = got.body.decode()
    assert name not in told
    assert told.count(MAIL) >= 2
    decisions = [one for one in door.decisions(got.headers["x-fairlead-exchange"]) if one.state == "final"]
    assert sorted((one.stage, one.action, one.restored) for one in decisions if one.restored) == [
        ("output", "allow", 1),
        ("tool_call", "allow", 1),
    ]
    assert MAIL.encode() not in door.files()


def test_the_value_of_one_tenant_comes_back_to_no_other(door: Any) -> None:
    door.start(RULES)
    keys = [ApiKey.issue(tenant=tenant, name="tests", scopes=("chat",)) for tenant in ("acme", "acme2")]
    publish_keys(door.settings.data_dir / "keys.json", tuple(key for key, _ in keys))
    (_, own), (_, other) = keys
    path, scope = "/v1/chat/completions", {"fairlead": {"trajectory": "t_1"}}
    name = named(door, path, token=own, **scope)
    answer = [json.dumps(whole(path, f"It is {name}.", "{}")).encode()]
    assert MAIL in ask(door, path, answer, token=own, **scope).body.decode()
    typed = {"messages": [{"role": "user", "content": name}]}
    told = ask(door, path, answer, token=other, **scope, **typed).body.decode()
    assert MAIL not in told
    assert name in told


def test_the_metrics_count_what_came_back_and_hold_no_content(door: Any) -> None:
    door.start(RULES)
    path, scope = "/v1/chat/completions", {"fairlead": {"trajectory": "t_1"}}
    name = named(door, path, **scope)
    gone = "EMAIL_" + "A" * 16
    ask(door, path, [json.dumps(whole(path, f"{name} {gone}", "{}")).encode()], **scope)
    metrics = door.get("/metrics").body.decode()
    assert 'fairlead_pseudonyms_total{outcome="restored",system="test-system"} 1.0' in metrics
    assert 'fairlead_pseudonyms_total{outcome="unknown",system="test-system"} 1.0' in metrics
    assert MAIL not in metrics
    assert name not in metrics
