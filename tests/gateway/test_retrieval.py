"""Retrieved documents in requests: those that the user may not read never reach the model, and a source can be contained."""

import json
from typing import Any

import httpx

from fairlead.guard import Lever, write_levers
from fairlead.incidents.probe import _judge, _request

POLICY = """\
fairlead: 1
system: test-system
owner: tests
tier: high
upstream: {default: {provider: openai, base_url: "UPSTREAM"}}
tools: [{tool: search, allow: true, stage: retrieval}]
retrieval: {require: {acl: user, tenant: own}}
"""
MINE = {"text": "lamps come back", "source": "wiki", "tenant": "t1", "readers": ["support"]}
THEIRS = {"text": "salaries", "metadata": {"source": "wiki", "tenant": "t1", "readers": ["hr"]}}


def ask(bench: Any, result: str) -> str:
    """Send a tool's result through the gateway and return what the model got of it."""
    call = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": "{}"}}
    messages: list[Any] = [{"role": "user", "content": "q"}, {"role": "assistant", "tool_calls": [call]}]
    messages.append({"role": "tool", "tool_call_id": "c1", "content": result})
    bench.model.says("ok")
    bench.client().chat.completions.create(model="m", messages=messages, extra_body={"fairlead": {"user": "rita", "groups": ["support"]}})
    got: str = bench.model.requests[-1]["messages"][2]["content"]
    return got


def test_what_the_user_may_not_read_does_not_reach_the_model(bench: Any) -> None:
    bench.start(POLICY)
    assert json.loads(ask(bench, json.dumps([THEIRS, MINE]))) == [MINE]
    assert json.loads(ask(bench, json.dumps({"documents": [MINE, THEIRS]}))) == {"documents": [MINE]}
    assert ask(bench, json.dumps([MINE])) == json.dumps([MINE])
    assert ask(bench, "no metadata") == ""
    assert ask(bench, json.dumps([THEIRS])[:-2] + ', "readers": ["support"]}]') == ""
    withheld = [one for one in bench.decisions() if one.rule == "retrieval.acl"]
    assert withheld
    assert b"salaries" not in bench.journal_bytes()


def test_a_contained_source_is_withheld_as_the_probe_asks(bench: Any) -> None:
    bench.start(POLICY)
    lever = Lever(id="lev_1", kind="source", target="wiki", by="acc_1", at_us=0, tenant="t1")
    path, body = _request(lever)
    headers = {"authorization": f"Bearer {bench.token}", "content-type": "application/json"}
    assert not _judge("w", httpx.post(bench.url + path, content=body, headers=headers), lever).effective
    write_levers(bench.levers_file, (lever,))
    assert _judge("w", httpx.post(bench.url + path, content=body, headers=headers), lever).effective
