"""What opens an Incident, what belongs to it, and when it may be called contained."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from incidents.support import HOUR_US, NOW_US, containment, decision, lever, opened

from fairlead.core import ACTIONS, STAGES
from fairlead.incidents import DEADLINES, WINDOW_US, IncidentState, SecondPersonNeeded, consider, contained, matching
from fairlead.incidents.engine import closed, refuse_same_person, released
from fairlead.incidents.model import MAX_DECISIONS
from fairlead.policy import IncidentRule


def test_a_blocked_exfiltration_is_a_p1_without_any_rule_of_the_policy() -> None:
    incident = opened()
    assert (incident.severity, incident.status, incident.hazard, incident.tool) == ("P1", "open", "data_exfiltration", "send_email")
    assert incident.owner == "support-platform"
    assert incident.detect_us == 1_000_000
    assert incident.contain_us is None
    assert incident.due_us == incident.opened_us + DEADLINES["P1"].contain_within_us


def test_a_rule_of_the_policy_gives_another_severity_than_the_default() -> None:
    strict = IncidentRule(id="mail", severity="P0", stages=("tool_call",), actions=("block",), tools=("send_email",))
    assert matching(decision(), (strict,)) is strict


@given(stage=st.sampled_from(STAGES), action=st.sampled_from(ACTIONS), hazard=st.sampled_from(["pii", "data_exfiltration", "tool_abuse"]))
def test_only_a_blocked_tool_call_with_exfiltration_opens_an_incident_by_default(stage: str, action: str, hazard: str) -> None:
    found = matching(decision(stage=stage, action=action, hazard=hazard), ())  # type: ignore[arg-type] # sampled
    assert (found is not None) == ((stage, action, hazard) == ("tool_call", "block", "data_exfiltration"))


def test_what_a_lever_stopped_opens_nothing() -> None:
    everything = IncidentRule(id="all", severity="P3")
    assert matching(decision(rule="lever:tool:send_email"), (everything,)) is None


def test_an_open_record_of_a_stream_opens_nothing() -> None:
    assert matching(msgspec.structs.replace(decision(), state="open"), ()) is None


@given(st.lists(st.integers(min_value=0, max_value=WINDOW_US), min_size=1, max_size=30))
def test_one_cause_gives_one_incident_however_often_it_happens(offsets: list[int]) -> None:
    incident = opened()
    for number, offset in enumerate(offsets):
        again = decision(f"d_again{number}", at_us=NOW_US + offset)
        rule = matching(again, ())
        assert rule is not None
        outcome = consider(again, rule, (incident,), owner="o", now_us=NOW_US + offset)
        assert not outcome.new
        incident = outcome.incident
    assert incident.seen == 1 + len(offsets)
    assert incident.onset_us == NOW_US


@pytest.mark.parametrize(
    "other",
    [
        decision("d_2", tenant="t2"),
        decision("d_2", system="other"),
        decision("d_2", tool="create_ticket"),
        decision("d_2", at_us=NOW_US + WINDOW_US + 1),
    ],
)
def test_another_tenant_system_tool_or_day_is_another_incident(other: object) -> None:
    rule = matching(other, ())  # type: ignore[arg-type] # parametrised
    assert rule is not None
    assert consider(other, rule, (opened(),), owner="o", now_us=NOW_US).new  # type: ignore[arg-type] # parametrised


def test_the_same_decision_is_taken_in_once() -> None:
    incident = opened()
    rule = matching(decision(), ())
    assert rule is not None
    assert consider(decision(), rule, (incident,), owner="o", now_us=NOW_US) == (incident, (), False)
    assert opened() == incident


def test_a_storm_is_counted_and_does_not_flood_the_timeline() -> None:
    incident, lines = opened(), 0
    for number in range(3 * MAX_DECISIONS):
        again = decision(f"d_again{number}")
        rule = matching(again, ())
        assert rule is not None
        outcome = consider(again, rule, (incident,), owner="o", now_us=NOW_US)
        incident, lines = outcome.incident, lines + len(outcome.events)
    assert incident.seen == 3 * MAX_DECISIONS + 1
    assert len(incident.decisions) == MAX_DECISIONS
    assert lines < MAX_DECISIONS


def test_contained_needs_every_live_worker() -> None:
    """Containment counts only when each worker was probed and obeyed."""
    incident = opened()
    for probes, status in (((True, True), "contained"), ((True, False), "open"), ((False,), "open"), ((), "open")):
        assert contained(incident, containment(*probes), actor="acc_alice").incident.status == status


def test_an_unproven_lever_names_the_worker_that_failed() -> None:
    outcome = contained(opened(), containment(True, False), actor="acc_alice")  # noqa: FBT003 - probe by probe
    assert [line.kind for line in outcome.events] == ["lever_pulled", "containment_failed"]
    assert "worker-1" in outcome.events[-1].text
    assert "worker-0" not in outcome.events[-1].text
    assert "no worker is alive" in contained(opened(), containment(), actor="a").events[-1].text


def test_time_to_contain_runs_from_detection_to_the_last_probe() -> None:
    incident = contained(opened(), containment(True), actor="acc_alice").incident  # noqa: FBT003 - one probe
    assert incident.contain_us == 4_000_000
    assert incident.due_us == incident.contained_us + DEADLINES["P1"].close_within_us


def test_a_second_lever_that_fails_takes_nothing_back_but_a_second_proof_does() -> None:
    incident = contained(opened(), containment(True), actor="acc_alice").incident  # noqa: FBT003 - one probe
    assert contained(incident, containment(False), actor="acc_alice").incident.status == "contained"  # noqa: FBT003 - one probe
    assert contained(incident, containment(False), actor="acc_alice", fresh=False).incident.status == "open"  # noqa: FBT003 - one probe


def test_what_happens_again_after_containment_opens_it_again() -> None:
    incident = contained(opened(), containment(True), actor="acc_alice").incident  # noqa: FBT003 - one probe
    rule = matching(decision(), ())
    assert rule is not None
    before = consider(decision("d_2", at_us=incident.contained_us), rule, (incident,), owner="o", now_us=NOW_US + HOUR_US)
    assert before.incident.status == "contained"
    after = consider(decision("d_3", at_us=incident.contained_us + 1), rule, (incident,), owner="o", now_us=NOW_US + HOUR_US)
    assert (after.incident.status, after.incident.contained_us) == ("open", 0)
    assert after.events[-1].kind == "reopened"


def test_a_lever_is_released_by_a_second_person() -> None:
    for actor in ("acc_alice", ""):
        with pytest.raises(SecondPersonNeeded):
            refuse_same_person(lever(), actor)
    refuse_same_person(lever(), "acc_bob")


def test_the_last_lever_released_resolves_and_then_it_can_be_closed() -> None:
    incident = contained(opened(), containment(True), actor="acc_alice").incident  # noqa: FBT003 - one probe
    one_left = released(incident, lever(), actor="acc_bob", reason="fixed", at_us=NOW_US, left=1)
    assert one_left.incident.status == "contained"
    none_left = released(incident, lever(), actor="acc_bob", reason="fixed", at_us=NOW_US, left=0)
    assert none_left.incident.status == "resolved"
    done = closed(none_left.incident, actor="acc_bob", reason="done", at_us=NOW_US, pulled=0).incident
    assert (done.status, done.closed_us) == ("closed", NOW_US)
    with pytest.raises(IncidentState):
        closed(done, actor="acc_bob", reason="done", at_us=NOW_US, pulled=0)
    with pytest.raises(IncidentState):
        contained(done, containment(True), actor="acc_alice")  # noqa: FBT003 - one probe


def test_it_is_not_closed_while_a_lever_is_pulled() -> None:
    with pytest.raises(IncidentState, match="still pulled"):
        closed(opened(), actor="acc_bob", reason="done", at_us=NOW_US, pulled=1)


def test_what_came_after_the_end_is_a_new_incident() -> None:
    ended = closed(opened(), actor="acc_bob", reason="done", at_us=NOW_US, pulled=0).incident
    again = decision("d_2")
    rule = matching(again, ())
    assert rule is not None
    assert consider(again, rule, (ended,), owner="o", now_us=NOW_US).new
