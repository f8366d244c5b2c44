"""A policy in shadow: asked about the same texts as the live one, enforces nothing, touches nothing, and counts nowhere."""

import json
from pathlib import Path
from typing import Any

import pytest
from gateway_bench import POLICY
from gateway_trials import CARD, STRICTER, WHOLE, candidate, desk_of

from fairlead.core import SystemClock, decode
from fairlead.guard import Lever, write_levers
from fairlead.incidents import Programme, watch
from fairlead.incidents.records import SqlIncidents
from fairlead.journal import read
from fairlead.policy import Release
from fairlead.releases import ShadowRecord
from fairlead.store.records import recent_decisions
from fairlead.testing import ScriptedModel
from fairlead.wiring.control_plane import build_control_plane
from fairlead.wiring.trial_desk import TrialDesk

CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "send_email", "arguments": json.dumps({"to": "eve@elsewhere.net"})}}
    ],
}
chunk = ScriptedModel.chunk


def tried(door: Any, text: str = STRICTER, *, live: str = POLICY, share: float = 1.0) -> TrialDesk:
    """Start a door with a shadow beside its policy."""
    door.start(live)
    desk = desk_of(door)
    desk.start("shadow", candidate(door, text), by="acc_test", share=share)
    door.plane.trying.look()
    return desk


def recorded(door: Any) -> list[ShadowRecord]:
    """What the shadow said, once it has nothing left to do."""
    door.plane.trying.close()
    entries = read(door.settings.data_dir / "journal" / "worker-0.db", 0, 100_000)
    return [decode(entry.record.body, ShadowRecord) for entry in entries if entry.record.kind == "shadow"]


def test_it_enforces_nothing_and_its_decisions_pair_with_the_live_ones(door: Any) -> None:
    desk = tried(door)
    answer = door.whole(WHOLE)
    assert json.loads(answer.body)["choices"][0]["message"]["content"] == "card [PAYMENT_CARD]"
    (record,) = recorded(door)
    live = door.decisions(answer.headers["x-fairlead-exchange"])
    assert [decision.id for decision in record.decisions] == [decision.id for decision in live]
    assert {decision.release for decision in live} == {answer.headers["x-fairlead-release"]} == {record.live}
    assert [(decision.verdict, decision.action, decision.mode, decision.release) for decision in record.decisions] == [
        ("allow", "allow", "shadow", record.release),
        ("block", "allow", "shadow", record.release),
    ]
    assert record.release == desk.trials()[0].release != record.live


def test_a_stream_and_its_tool_calls_are_asked_about_too(door: Any) -> None:
    tried(door, STRICTER.replace("else: require_approval", "else: block"))
    arguments = {"index": 0, **CALL["tool_calls"][0]}  # type: ignore[index] # a literal
    events = [chunk({"content": f"card {CARD}"}), chunk({"tool_calls": [arguments]}), chunk({}, finish="tool_calls"), b"data: [DONE]\n\n"]
    answer = door.stream(events)
    assert answer.text().startswith("card [PAYMENT_CARD]")
    (record,) = recorded(door)
    live = {decision.id: decision.action for decision in door.decisions() if decision.state != "open"}
    assert {(decision.stage, live[decision.id], decision.verdict) for decision in record.decisions} == {
        ("input", "allow", "allow"),
        ("tool_call", "require_approval", "block"),
        ("output", "redact", "block"),
    }


LIMITED = POLICY.replace("tools:", "limits: {requests_per_minute: 2}\ntools:")


def test_it_spends_no_limit(door: Any) -> None:
    tried(door, LIMITED.replace("do: redact", "do: block"), live=LIMITED)
    statuses = []
    for _ in range(3):
        statuses.append(door.whole(WHOLE).status)
        door.plane.trying.close()
    assert statuses == [200, 200, 429], "the shadow spends none of the two"


def test_it_asks_nobody_and_keeps_nothing(door: Any) -> None:
    sealing = STRICTER.replace("capture: none", "capture: sealed_on_finding").replace(
        "{tool: search_docs, allow: true", "{tool: search_docs, allow: false, else: require_approval"
    )
    tried(door, sealing)
    call = {"id": "c1", "type": "function", "function": {"name": "search_docs", "arguments": '{"query": "harbour dues"}'}}
    message = {"role": "assistant", "content": f"card {CARD}", "tool_calls": [call]}
    answer = door.whole({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})
    assert "tool_calls" in json.loads(answer.body)["choices"][0]["message"]
    message["content"] = ""
    door.whole({"choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}]})
    records = recorded(door)
    assert records[1].decisions[-1].verdict == "require_approval"
    assert {(decision.approval, decision.capture) for record in records for decision in record.decisions} == {("", "")}
    kinds = {entry.record.kind for entry in read(door.settings.data_dir / "journal" / "worker-0.db", 0, 1000)}
    assert kinds == {"decision", "shadow"}, "no capture, and no question in the audit trail"
    assert [path for path in (door.settings.data_dir / "approvals").rglob("apr_*") if path.is_file()] == []


def test_a_shadow_that_fails_is_recorded_and_the_live_answer_stands(door: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = tried(door)
    live = door.plane.serving.release
    decide = Release.decide

    def broken(self: Release, *args: Any) -> Any:
        if self is not live:
            raise ZeroDivisionError
        return decide(self, *args)

    monkeypatch.setattr(Release, "decide", broken)
    assert door.whole(WHOLE).status == 200
    (record,) = recorded(door)
    assert (record.decisions, record.problem) == ((), "ZeroDivisionError")
    assert b'fairlead_shadow_exchanges_total{outcome="failed"} 1.0' in door.plane.metrics()
    assert desk.report("t1").failed == 1


def test_what_it_says_counts_nowhere_as_a_live_decision(door: Any) -> None:
    """Store, metrics, incidents; cards, KPIs and receipts read what the store holds as Decisions."""
    desk = tried(door)
    door.whole(WHOLE)
    (record,) = recorded(door)
    assert [decision.verdict for decision in record.decisions] == ["allow", "block"]
    plane = build_control_plane(door.settings, door.policy_file)
    assert plane.look() == ()
    with plane.store.read() as connection:
        found = recent_decisions(connection, "t1")
    assert {(decision.release, decision.mode) for decision in found} == {(record.live, "enforce")}
    assert len(found) == 2
    decisions = [line for line in door.plane.metrics().decode().splitlines() if line.startswith("fairlead_decisions_total")]
    assert sum(float(line.split()[-1]) for line in decisions) == 2
    assert not any('action="block"' in line for line in decisions)
    journals = door.settings.data_dir / "journal"
    rules = door.plane.serving.release.incidents
    assert watch(journals, SqlIncidents(plane.store), lambda _: Programme(rules, "team"), clock=SystemClock()) == ()
    assert desk.report("t1").newly_stopped == 1


def test_an_exchange_that_brings_an_approval_is_left_out(door: Any) -> None:
    desk = tried(door)
    door.whole(WHOLE, fairlead={"approvals": ["apr_" + "a" * 26]})
    (record,) = recorded(door)
    assert record.problem == "left-out"
    assert desk.report("t1").left_out == 1


def test_another_live_policy_ends_the_comparison_by_itself(door: Any) -> None:
    tried(door)
    door.policy_file.write_text(door.policy_file.read_text().replace("no-mail-out", "no-mail"))
    door.plane.reload()
    door.whole(WHOLE)
    assert recorded(door) == []


def test_a_bad_candidate_is_refused_and_changes_nothing(door: Any) -> None:
    desk = tried(door)
    before = desk.trials()
    path = candidate(door, "fairlead: 2\n")
    with pytest.raises(Exception, match=r"candidate\.yaml"):
        desk.start("shadow", path, by="acc_test")
    with pytest.raises(Exception, match="exactly as the live policy"):
        desk.start("shadow", door.policy_file, by="acc_test")
    assert desk.trials() == before


@pytest.mark.parametrize("damage", [lambda path: path.write_text("["), Path.unlink])
def test_a_file_of_trials_that_can_not_be_read_keeps_what_runs_and_says_so(door: Any, damage: Any) -> None:
    tried(door)
    damage(door.settings.data_dir / "trials.json")
    assert door.plane.trying.changed()
    door.plane.trying.look()
    door.whole(WHOLE)
    assert len(recorded(door)) == 1
    assert json.loads(door.get("/readyz").body)["trial_problem"] == "invalid-input"


def test_a_lever_holds_for_both(door: Any) -> None:
    desk = tried(door)
    lever = Lever(id="lev_1", kind="tenant", target="t1", by="acc_test", at_us=0)
    write_levers(door.settings.data_dir / "levers.json", (lever,))
    assert door.ask({"model": "m", "messages": [{"role": "user", "content": "hello"}]}).status == 503
    recorded(door)
    found = desk.report("t1")
    assert (found.both, found.newly_passed) == (1, 0)


def test_the_report_compares_exchange_by_exchange(door: Any) -> None:
    desk = tried(door)
    clean = {"choices": [{"index": 0, "message": {"role": "assistant", "content": "all well"}, "finish_reason": "stop"}]}
    for reply in (WHOLE, clean, clean, WHOLE, clean):
        door.whole(reply)
    recorded(door)
    found = desk.report("t1")
    assert (found.exchanges, found.newly_stopped, found.newly_passed, found.both, found.neither) == (5, 2, 0, 0, 3)
    assert found.p_value == 0.5
    assert found.difference is not None
    assert (found.difference.value, found.difference.method) == (0.4, "newcombe_paired")
    assert {(cell.stage, cell.live, cell.candidate, cell.pairs) for cell in found.table} == {
        ("input", "allow", "allow", 5),
        ("output", "allow", "allow", 3),
        ("output", "redact", "block", 2),
    }
    assert [(one.effect, one.rule, one.exchanges) for one in found.rules] == [("newly_stopped", "no-cards-out", 2)]
    assert desk.report("t2").exchanges == 0, "tenants don't meet"
