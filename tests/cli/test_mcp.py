"""``fairlead mcp review | pin``: what a person sees before he pins, and what is written."""

import json
from typing import Any

import pytest
from mcp_bench import NOTES, READ, McpBench, mcp_bench

from fairlead.cli import main
from fairlead.policy import Pins, read_pins

__all__ = ["mcp_bench"]


def _json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    return json.loads(capsys.readouterr().out)


def test_what_is_reviewed_is_what_is_pinned(mcp_bench: McpBench, capsys: pytest.CaptureFixture[str]) -> None:
    hidden = {**READ, "description": "Return\u200b a note."}
    mcp_bench.start({"notes": {**NOTES, "tools": [hidden, *NOTES["tools"][1:]]}, "gone": {**NOTES, "tools": []}}, pins=False)
    mcp_bench.write_pins(Pins(servers={"gone": {"old": "sha256:" + "0" * 64}}))
    mcp_bench.script("gone", {"tools": 7})
    (mcp_bench.folder / "gone.json").unlink()  # it will not even start
    policy = ("--policy", str(mcp_bench.policy_file), "--json")
    reviewed = _json(capsys, "mcp", "review", *policy)
    assert [(entry["tool"], entry["pin"], entry["withheld"]) for entry in reviewed["definitions"]] == [
        ("read_note", "new", "mcp.hidden"),
        ("send_note", "new", ""),
        ("delete_note", "new", ""),
    ]
    assert "\\u200b" in reviewed["definitions"][0]["description"]
    assert reviewed["silent"] == ["gone"]
    pinned = _json(capsys, "mcp", "pin", *policy)
    assert pinned == reviewed
    pins = read_pins(mcp_bench.policy_file.with_name("mcp-pins.json").read_text(encoding="utf-8"))
    assert pins.of("notes", "send_note") == reviewed["definitions"][1]["digest"]
    assert pins.of("gone", "old")  # a server that does not answer keeps its pins
    assert {entry["pin"] for entry in _json(capsys, "mcp", "review", *policy)["definitions"]} == {"same"}


def test_a_policy_without_servers_and_damaged_pins_are_told(mcp_bench: McpBench, capsys: pytest.CaptureFixture[str]) -> None:
    mcp_bench.start({"notes": NOTES})
    policy = mcp_bench.policy_file.read_text(encoding="utf-8")
    for text, pins, told in (
        (policy.partition("mcp:")[0], "", "the policy names no MCP servers"),
        (policy, '{"version": 2}', "mcp-pins.json"),
        (policy + "  keys: {a: [no_such_tool]}\n", "", "there is no tool 'no_such_tool'"),
        (policy.replace("command:", "url: 'https://a', command:"), "", "a server has either a 'command' or a 'url'"),
    ):
        mcp_bench.policy_file.write_text(text, encoding="utf-8")
        mcp_bench.policy_file.with_name("mcp-pins.json").write_text(pins, encoding="utf-8")
        with pytest.raises(SystemExit) as ended:
            main(["mcp", "review", "--policy", str(mcp_bench.policy_file)])
        assert ended.value.code == 2
        assert told in capsys.readouterr().err
