"""``fairlead mcp serve`` as the process that a client starts."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from mcp_bench import NOTES, McpBench, mcp_bench

from fairlead.guard import Lever, write_levers

__all__ = ["mcp_bench"]


def _message(method: str, params: Any = None, number: int | None = None) -> str:
    said = {"jsonrpc": "2.0", "method": method, "params": params or {}}
    return json.dumps(said if number is None else {**said, "id": number})


def _say(bench: McpBench, *lines: str, last: int) -> tuple[list[Any], bytes]:
    """Start the gateway as a process, say these lines, and return its messages up to the last one and what it wrote to stderr."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fairlead", "mcp", "serve", "--policy", str(bench.policy_file), "--tenant", "t1"],
        env={
            "PATH": os.defpath,
            "HOME": str(bench.folder),
            "FAIRLEAD_DATA": str(bench.settings.data_dir),
            "FAIRLEAD_CONFIG": str(bench.settings.config_dir),
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        cwd=bench.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape"))
        process.stdin.flush()
        answers: list[Any] = []
        while not answers or answers[-1].get("id") != last:
            answers.append(json.loads(process.stdout.readline()))
        process.stdin.close()
        logged = process.stderr.read()
    assert process.returncode == 0
    return answers, logged


def test_a_client_of_a_former_version_talks_to_the_process(mcp_bench: McpBench) -> None:
    """Also over lines that are no messages: each gets its answer, and the conversation goes on; nothing is logged."""
    mcp_bench.start({"notes": NOTES})
    call = {"name": "read_note", "arguments": {"name": "a"}}
    answers, logged = _say(
        mcp_bench,
        _message("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}, 1),
        _message("notifications/initialized"),
        '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"read_note","name":"delete_note"}}',
        "SECRET no message",
        "SECRET \udcff",
        "[" * 100_000,
        _message("tools/call", {"arguments": {"SECRET": 1}}, 3),
        _message("tools/call", call, 4),
        last=4,
    )
    by_id = {answer.get("id"): answer for answer in answers}
    assert by_id[1]["result"]["protocolVersion"] == "2025-06-18"
    assert by_id[2]["error"]["message"] == "a name is there twice in one object"
    assert by_id[3]["error"]["code"] == -32602
    assert sum(answer.get("id") is None for answer in answers) == 3
    assert mcp_bench.rules().count("mcp.malformed") == 5
    assert b"SECRET" not in logged
    assert [one for one in mcp_bench.decisions() if one.tool == "read_note" and one.stage == "tool_call" and one.tenant == "t1"]


def test_a_pulled_lever_stops_the_tool(mcp_bench: McpBench) -> None:
    mcp_bench.start({"notes": NOTES})
    lever = Lever(id="lev_1", kind="tool", target="read_note", by="acc_1", at_us=1)
    write_levers(mcp_bench.settings.data_dir / "levers.json", (lever,))
    assert mcp_bench.call("read_note", {}).is_error
    assert mcp_bench.rules() == ["lever:tool:read_note"]
    assert mcp_bench.heard("notes", "tools/call") == []


def test_no_content_is_kept(mcp_bench: McpBench) -> None:
    """Law 4: neither what was asked nor what came back is in any file of ours."""
    canary = "canary-7f3a91"
    answers = {"read_note": {"content": [{"type": "text", "text": f"{canary}-result"}]}}
    mcp_bench.start({"notes": {**NOTES, "answers": answers}})
    mcp_bench.call("read_note", {"name": canary}, {"fairlead": {"seen": [], "user": f"{canary}-user"}})
    mcp_bench.call(f"{canary}-tool", {})
    assert mcp_bench.heard("notes", "tools/call")[0]["arguments"] == {"name": canary}
    files = [path for path in Path(mcp_bench.settings.data_dir).rglob("*") if path.is_file()]
    assert files
    assert canary.encode() not in b"".join(path.read_bytes() for path in files)
