"""Go or no-go follows from records alone, and says why."""

from collections.abc import Callable

import msgspec
import pytest
from governance.scene import DAY_US, NOW_US, Scene, change_run, good_scene

from fairlead.governance.pages import render_readiness
from fairlead.testing.governance import incident_record


def states(scene: Scene) -> dict[str, str]:
    return {check.id: check.state for check in scene.readiness().checks}


def test_with_everything_in_order_it_is_go() -> None:
    report = good_scene().readiness()
    assert report.answer == "GO", report.reasons
    assert report.reasons == ()
    assert report.owner == "support-platform"
    assert report.valid_until_us == NOW_US + 27 * DAY_US
    assert ">GO<" in render_readiness(report, "html")


def drop_release(scene: Scene) -> Scene:
    del scene.records.bodies["release", scene.records.release]
    return scene


def drop_run(scene: Scene) -> Scene:
    del scene.records.bodies["run", "run_guarded"]
    return scene


def edit_run(scene: Scene) -> Scene:
    change_run(scene, "run_guarded", planned=1)
    return scene


def drop_gates(scene: Scene) -> Scene:
    scene.records.signed[:] = [one for one in scene.records.signed if one.kind != "gate"]
    return scene


def edit_gate(scene: Scene) -> Scene:
    ((kind, name),) = [key for key in scene.records.bodies if key[0] == "gate"]
    gate = msgspec.json.decode(scene.records.bodies[kind, name])
    scene.records.keep("gate", name, gate | {"reasons": ["made up"]})
    return scene


def open_incident(scene: Scene) -> Scene:
    scene.records.found["inc_9"] = incident_record("inc_9", at_us=NOW_US - DAY_US // 2, status="open")
    return scene


def overdue_incident(scene: Scene) -> Scene:
    scene.records.found["inc_9"] = incident_record("inc_9", at_us=NOW_US - 3 * DAY_US, status="contained")
    return scene


def other_release(scene: Scene) -> Scene:
    """The Release in force is another one than the one that was measured."""
    scene.records.release = "sha256:" + "0" * 64
    return scene


@pytest.mark.parametrize(
    ("spoil", "check", "reason"),
    [
        (drop_release, "release", "was signed and is gone"),
        (drop_run, "run/assistant", "run_guarded was signed and is gone"),
        (edit_run, "run/assistant", "run_guarded is no longer what was signed"),
        (drop_gates, "gate", "no gate about the Release in force was signed"),
        (edit_gate, "gate/assistant", "is no longer what was signed"),
        (open_incident, "incidents/inc_9", "inc_9 (data_exfiltration) is open"),
        (overdue_incident, "incidents/inc_9", "inc_9 (data_exfiltration) is contained, overdue"),
        (other_release, "release", "nobody signed"),
    ],
)
def test_each_reason_stops_it_and_is_named(spoil: Callable[[Scene], Scene], check: str, reason: str) -> None:
    scene = spoil(good_scene())
    report = scene.readiness()
    assert report.answer == "NO-GO"
    assert states(scene)[check] == "fail"
    assert any(reason in found for found in report.reasons), report.reasons
    assert "NO-GO" in scene.readiness_page()


def test_a_failing_gate_stops_it() -> None:
    report = good_scene(gate="FAIL").readiness()
    assert report.reasons == ("suite assistant: FAIL, claim attacks-stopped: excluded",)


def test_an_inconclusive_gate_is_no_pass() -> None:
    assert good_scene(gate="INCONCLUSIVE").readiness().answer == "NO-GO"


def test_a_run_that_is_too_old_stops_a_high_system_and_is_a_note_for_a_minimal_one() -> None:
    assert good_scene(run_days=31).readiness().answer == "NO-GO"
    minimal = good_scene(tier="minimal", run_days=181, blocked=0)
    assert states(minimal)["run/assistant"] == "note"
    assert minimal.readiness().answer == "GO"


def test_a_missed_target_stops_it_and_an_undecided_one_is_a_note() -> None:
    missed = good_scene(unsafe=80)
    assert states(missed)["kpi/9"] == "fail"
    assert missed.readiness().answer == "NO-GO"
    few = good_scene(cases=30, blocked=0)
    assert states(few)["kpi/9"] == "note"
    assert few.readiness().answer == "GO"


def test_a_contained_incident_that_is_not_overdue_is_a_note() -> None:
    scene = good_scene()
    scene.records.found["inc_9"] = incident_record("inc_9", at_us=NOW_US - DAY_US // 2, status="contained")
    assert states(scene)["incidents/inc_9"] == "note"
    assert scene.readiness().answer == "GO"


def test_the_same_records_give_the_same_report() -> None:
    assert good_scene().readiness() == good_scene().readiness()
