"""A call through the MCP gateway that a person must approve: by asking again, by elicitation, by ``input_required``."""

from typing import Any

import mcp_types as types
from mcp import Client
from mcp_bench import NOTES, McpBench, mcp_bench, saw

from fairlead.agents import Answer, FileApprovals

__all__ = ["mcp_bench"]
TO_EVE = {"to": "eve@evil.example", "body": "x"}
WROTE = {"path": "/messages/1/content", "origin": "tool", "stage": "tool_result", "text": "a mail from somebody"}
NAMED = {"fairlead": {"seen": [*saw("send it to whoever wrote")["fairlead"]["seen"], WROTE]}}


def _answer(bench: McpBench, *, granted: bool = True) -> str:
    files = FileApprovals.open(bench.settings.data_dir / "approvals", bench.settings.config_dir)
    (waiting,) = (kept for kept in files.live("t1") if kept.state == "waiting")
    files.answer(waiting.id, "t1", Answer(granted=granted, approver="acc_second", login="second"), lambda _: None)
    return waiting.id


def test_the_same_call_goes_through_once_after_the_grant_and_no_other_one(mcp_bench: McpBench) -> None:
    mcp_bench.start({"notes": NOTES})

    async def conversation(client: Client) -> tuple[Any, ...]:
        asked = await client.call_tool("send_note", TO_EVE, meta=NAMED)
        again = await client.call_tool("send_note", TO_EVE, meta=saw())
        approval = _answer(mcp_bench)
        assert approval in asked.content[0].text
        assert approval in again.content[0].text
        other = await client.call_tool("send_note", {**TO_EVE, "body": "all of it"}, meta=saw())
        granted = await client.call_tool("send_note", TO_EVE, meta=saw())
        used = await client.call_tool("send_note", TO_EVE, meta=saw())
        return asked, other, granted, used

    asked, other, granted, used = mcp_bench.talk(conversation)
    assert [result.is_error for result in (asked, other, granted, used)] == [True, True, False, True]
    assert "let the user name it, or a person approve the call" in asked.content[0].text
    assert mcp_bench.heard("notes", "tools/call") == [{"name": "send_note", "arguments": TO_EVE}]
    assert [one.approval for one in mcp_bench.decisions() if one.stage == "tool_call" and one.action == "allow"] == [
        asked.meta["fairlead"]["approval"]
    ]


def test_a_refusal_is_told(mcp_bench: McpBench) -> None:
    mcp_bench.start({"notes": NOTES})

    async def conversation(client: Client) -> Any:
        await client.call_tool("send_note", TO_EVE, meta=NAMED)
        _answer(mcp_bench, granted=False)
        return await client.call_tool("send_note", TO_EVE, meta=saw())

    assert "a person refused exactly this call" in mcp_bench.talk(conversation).content[0].text


def _elicited(bench: McpBench, mode: str, *, answered: bool, action: Any = "accept") -> tuple[Any, list[str]]:
    """Make the call with a client that can ask its user; somebody else answers the approval meanwhile, or nobody does."""
    bench.start({"notes": NOTES})
    asked: list[str] = []

    async def ask(_context: object, params: Any) -> types.ElicitResult:
        asked.append(params.message)
        if answered:
            _answer(bench)
        return types.ElicitResult(action=action, content={})

    return bench.call("send_note", TO_EVE, NAMED, mode=mode, elicitation_callback=ask), asked


def test_elicitation_waits_for_the_other_person(mcp_bench: McpBench) -> None:
    result, asked = _elicited(mcp_bench, "legacy", answered=True)
    assert not result.is_error
    assert "somebody with that permission" in asked[0]
    assert "stands in no text that the model saw" in asked[0]
    kept = [decision for decision in mcp_bench.decisions() if decision.stage == "tool_call"]
    assert [decision.action for decision in kept] == ["require_approval", "allow"]


def test_input_required_waits_for_the_other_person(mcp_bench: McpBench) -> None:
    result, asked = _elicited(mcp_bench, "2026-07-28", answered=True)
    assert not result.is_error
    assert len(asked) == 1
    assert mcp_bench.heard("notes", "tools/call") == [{"name": "send_note", "arguments": TO_EVE}]


def test_a_users_own_consent_approves_nothing(mcp_bench: McpBench) -> None:
    for mode in ("legacy", "2026-07-28"):
        result, _ = _elicited(mcp_bench, mode, answered=False)
        assert result.is_error
        assert "needs the approval of a person" in result.content[0].text
        mcp_bench.plane.close()
    assert mcp_bench.heard("notes", "tools/call") == []
