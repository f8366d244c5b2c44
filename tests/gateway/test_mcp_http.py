"""Streamable HTTP, towards clients and towards servers: keys, hosts, origins, sessions, former versions, messages with two readings."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from mcp_bench import NOTES, McpBench, mcp_bench

from fairlead.gateway.mcp import McpHttp
from fairlead.identity import ApiKey, publish_keys
from fairlead.testing import serving

__all__ = ["mcp_bench"]
ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}
CALL = '{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"read_note","arguments":{"name":"a"}}}'


@contextmanager
def _door(bench: McpBench) -> Iterator[tuple[str, dict[str, str]]]:
    """Serve, with a key for each of two tenants; yield the address, and a token by tenant."""
    issued = {tenant: ApiKey.issue(tenant=tenant, name="agent", scopes=("mcp",)) for tenant in ("t1", "t2")}
    other, token = ApiKey.issue(tenant="t1", name="other", scopes=("chat",))
    publish_keys(bench.settings.data_dir / "keys.json", (*(key for key, _ in issued.values()), other))
    with serving(McpHttp(bench.plane), lifespan=True) as url:
        yield f"{url}/mcp", {**{tenant: made for tenant, (_, made) in issued.items()}, "chat": token}


def _initialize(version: str) -> str:
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})


def _event(answer: httpx.Response) -> Any:
    """The one message of an answer."""
    if answer.headers["content-type"].startswith("application/json"):
        return answer.json()
    return json.loads(next(line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: {")))


def test_a_client_is_served_over_http_in_both_eras(mcp_bench: McpBench) -> None:
    mcp_bench.start({"notes": NOTES})

    async def conversation(url: str, token: str, mode: Any) -> Any:
        http = httpx2.AsyncClient(headers={"authorization": f"Bearer {token}"})
        async with http, Client(streamable_http_client(url, http_client=http), mode=mode) as client:
            assert len((await client.list_tools()).tools) == 3
            return client.protocol_version, await client.call_tool("read_note", {"name": "a"})

    with _door(mcp_bench) as (url, tokens):
        for tenant, mode, version in (("t1", "legacy", "2025-11-25"), ("t2", "auto", "2026-07-28")):
            spoken, result = anyio.run(conversation, url, tokens[tenant], mode)
            assert (spoken, result.is_error) == (version, False)
    heard = (mcp_bench.folder / "notes.json.heard").read_text(encoding="utf-8")
    assert heard.count('"initialize"') == 2  # law 9: each tenant has a connection of its own
    assert not [token for token in tokens.values() if token in heard]
    assert {decision.tenant for decision in mcp_bench.decisions()} == {"t1", "t2"}


@pytest.fixture
def http(mcp_bench: McpBench) -> Iterator[tuple[McpBench, httpx.Client, dict[str, str]]]:
    """A door, a client with the key of the first tenant, and all tokens."""
    mcp_bench.start({"notes": NOTES})
    with _door(mcp_bench) as (url, tokens), httpx.Client(headers={**ACCEPT, "authorization": f"Bearer {tokens['t1']}"}) as client:
        client.base_url = url.removesuffix("/mcp")
        yield mcp_bench, client, tokens


@pytest.mark.parametrize("version", ["2025-06-18", "2025-03-26", pytest.param("2024-11-05", marks=pytest.mark.slow)])
def test_former_versions_are_spoken(http: tuple[McpBench, httpx.Client, dict[str, str]], version: str) -> None:
    bench, client, tokens = http
    greeted = client.post("/mcp", content=_initialize(version))
    assert _event(greeted)["result"]["protocolVersion"] == version
    session = {"mcp-session-id": greeted.headers["mcp-session-id"], "mcp-protocol-version": version}
    client.post("/mcp", content='{"jsonrpc":"2.0","method":"notifications/initialized"}', headers=session)
    result = _event(client.post("/mcp", content=CALL, headers=session))["result"]
    assert result["content"] == [{"type": "text", "text": "note: lunch at noon"}]
    # A session belongs to the key that opened it.
    stolen = client.post("/mcp", content=CALL, headers={**session, "authorization": f"Bearer {tokens['t2']}"})
    assert stolen.status_code == 404
    assert len(bench.heard("notes", "tools/call")) == 1


def test_who_may_not_is_told_so_and_nothing_is_executed(http: tuple[McpBench, httpx.Client, dict[str, str]]) -> None:
    bench, client, tokens = http
    for headers, status in (
        ({"authorization": ""}, 401),
        ({"authorization": "Bearer fl_no_such"}, 401),
        ({"authorization": f"Bearer {tokens['chat']}"}, 401),
        ({"origin": "https://evil.example"}, 403),
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example:80"}, 421),
        ({"content-type": "text/plain"}, 400),
    ):
        assert client.post("/mcp", content=_initialize("2025-06-18"), headers=headers).status_code == status, headers
    assert bench.decisions() == []
    assert bench.heard("notes", "initialize") == []


def test_a_message_with_two_readings_is_refused_recorded_and_goes_nowhere(http: tuple[McpBench, httpx.Client, dict[str, str]]) -> None:
    bench, client, _ = http
    twice = CALL.replace('"name":"a"', '"name":"a","name":"b"')
    deep = CALL.replace('"a"', "[" * 90 + "]" * 90)
    wrong = [
        (twice, -32600, 7),
        (CALL.replace('"id":7', '"id":7,"id":8'), -32600, 8),
        (deep, -32600, 7),
        (CALL.replace('"a"', "[" * 90_000 + "]" * 90_000), -32600, None),
        (CALL.replace('"a"', "NaN"), -32700, 7),
        (CALL[:-1], -32700, None),
        (f"[{CALL},{CALL}]", -32600, None),
        ('{"jsonrpc":"1.0","id":7,"method":"ping"}', -32600, 7),
        ('{"jsonrpc":"2.0","id":{},"method":"ping"}', -32600, None),
        ("\udcff", -32700, None),
    ]
    for raw, code, known in wrong:
        answer = client.post("/mcp", content=raw.encode("utf-8", "surrogateescape"))
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == code, raw[:80]
        assert answer.json()["id"] == known, raw[:80]
    assert bench.rules() == ["mcp.malformed"] * len(wrong)
    assert bench.heard("notes", "tools/call") == []
    kept = b"".join(path.read_bytes() for path in bench.settings.data_dir.rglob("*") if path.is_file())
    assert b"tools/call" not in kept  # law 4: by its fingerprint only


def test_a_server_over_http_gets_the_policys_token_only(mcp_bench: McpBench, monkeypatch: pytest.MonkeyPatch) -> None:
    server = MCPServer("notes")
    seen: list[dict[str, str]] = []

    @server.tool()
    def read_note(name: str) -> str:
        """Return a note."""
        return f"note {name}"

    inner: Any = server.streamable_http_app()

    async def watched(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.append({name.decode(): value.decode() for name, value in scope["headers"]})
        await inner(scope, receive, send)

    monkeypatch.setenv("NOTES_TOKEN", "s3cret")
    with serving(watched, lifespan=True) as url:
        text = mcp_bench.policy_file
        mcp_bench.start({"old": {**NOTES, "tools": []}})
        policy = text.read_text(encoding="utf-8").partition("    old:")[0] + f"    notes: {{url: {url}/mcp, key: env:NOTES_TOKEN}}\n"
        Path(text).write_text(policy, encoding="utf-8")
        mcp_bench.pin()
        mcp_bench.plane.reload()
        with _door(mcp_bench) as (door, tokens):
            headers = {**ACCEPT, "authorization": f"Bearer {tokens['t1']}", "cookie": "a=b", "x-api-key": "k"}
            with httpx.Client(headers=headers) as client:
                session = {"mcp-session-id": client.post(door, content=_initialize("2025-06-18")).headers["mcp-session-id"]}
                client.post(door, content='{"jsonrpc":"2.0","method":"notifications/initialized"}', headers=session)
                result = _event(client.post(door, content=CALL, headers=session))["result"]
    assert result["content"][0]["text"] == "note a"
    assert {one.get("authorization") for one in seen} == {"Bearer s3cret"}
    assert not [one for one in seen if "cookie" in one or "x-api-key" in one]
