"""A delegation over the gateway: the chain comes in a header, is checked for every tool call, is kept nowhere, and can be revoked."""

from typing import Any

import httpx
import pytest

pytest.importorskip("biscuit_auth", reason="the extra delegation is not installed")

from fairlead.guard import FileLevers, Lever, write_levers
from fairlead.integrations import Delegation, Grant, Narrowing, narrow, revocation_ids

POLICY = """\
fairlead: 1
system: test-system
owner: tests
tier: high
upstream: {default: {provider: openai, base_url: "UPSTREAM"}}
tools:
  - {tool: search_docs, allow: true}
  - {tool: send_email, allow: true}
"""


def calls(bench: Any, call: Any, token: str, tool: str = "send_email", inside: str = "") -> str:
    """Return what comes of a call that the model wants: its name, or what is said instead."""
    bench.model.says("", tool_calls=[call(tool, {"to": "kim@a.test"})])
    headers = {"authorization": f"Bearer {bench.token}", "x-fairlead-delegation": token}
    said = {"user": "u1", "trajectory": "t_1", "delegation": inside}
    body = {"model": "m", "messages": [{"role": "user", "content": "go"}], "fairlead": said}
    message = httpx.post(f"{bench.url}/v1/chat/completions", json=body, headers=headers, timeout=20).json()["choices"][0]["message"]
    return str(message["tool_calls"][0]["function"]["name"] if message.get("tool_calls") else message["content"])


def test_the_chain_in_the_header_narrows_every_call_and_can_be_revoked(bench: Any, call: Any) -> None:
    bench.start(POLICY)
    delegation = Delegation.open(bench._settings.config_dir, FileLevers(bench.levers_file))
    grant = Grant(tenant="t1", user="u1", trajectory="t_1", tools=("search_docs", "send_email"), expires_us=1 << 52)
    token = delegation.mint(grant)
    hop = narrow(token, Narrowing(tools=("search_docs",)), delegation.key)
    assert calls(bench, call, "") == calls(bench, call, token) == "send_email"
    assert calls(bench, call, hop, "search_docs") == "search_docs"
    assert "tools.delegation" in calls(bench, call, hop)
    assert "tools.delegation" in calls(bench, call, "nonsense")
    assert "tools.delegation" in calls(bench, call, "", inside=hop)
    assert {decision.rule for decision in bench.decisions() if decision.action == "block"} == {"tools.delegation"}
    assert not [entry for entry in bench.decisions() if token[:20] in str(entry)]
    write_levers(bench.levers_file, (Lever(id="lev_1", kind="token", target=revocation_ids(token)[0], by="acc_1", at_us=0, tenant="t1"),))
    assert "was revoked" in calls(bench, call, hop, "search_docs")


def test_the_decision_api_takes_the_chain_too(bench: Any) -> None:
    bench.start(POLICY)
    delegation = Delegation.open(bench._settings.config_dir, FileLevers(bench.levers_file))
    token = delegation.mint(Grant(tenant="t1", user="u1", trajectory="t_2", tools=("send_email",), expires_us=1 << 52))
    body = {"stage": "tool_call", "tool_call": {"name": "send_email", "arguments": {}}, "user": "u1"}
    for trajectory, action in (("t_2", "allow"), ("t_1", "block")):
        headers = {"authorization": f"Bearer {bench.token}", "x-fairlead-delegation": token}
        answer = httpx.post(f"{bench.url}/v1/guard/check", json={**body, "trajectory": trajectory}, headers=headers, timeout=20)
        assert answer.json()["decision"]["action"] == action
