"""Law 8: a figure resolves to a record; when the record is changed, deleted, unsigned or too old, the figure turns red by itself."""

import re

import msgspec
import pytest
from governance.scene import DAY_US, NOW_US, Scene, change_run, good_scene

from fairlead.governance import Figure
from fairlead.governance.card import Card
from fairlead.guard import Lever
from fairlead.incidents import Containment

RED = "not supported"


def figures(card: Card) -> dict[str, Figure]:
    found = [kpi.figure for kpi in card.kpis]
    found += [
        figure for suite in card.suites for row in (*suite.overall, *suite.parts) for figure in (row.guarded, row.unguarded) if figure
    ]
    return {figure.id: figure for figure in found}


def shown(scene: Scene) -> str:
    """Return the card's page as a reader sees it: tags gone, spaces folded."""
    page = re.sub(r"<style>.*?</style>|<title>.*?</title>", "", scene.card_page(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_with_all_records_there_nothing_is_red() -> None:
    scene = good_scene()
    card = scene.card()
    assert card.unsupported == 0
    assert card.figures == len(figures(card)) > 10
    assert RED not in shown(scene)
    assert 'class="number"' in scene.card_page()
    assert "0.0%" in shown(scene)
    assert "97.5%" in shown(scene)


def test_every_figure_names_records_and_those_are_on_the_page() -> None:
    scene = good_scene()
    page = scene.card_page()
    for figure in figures(scene.card()).values():
        assert figure.basis.total > 0, figure.id
        assert figure.basis.records, figure.id
        for ref in figure.basis.records:
            assert ref.kind in {"run", "incident", "exchange"}
            assert ref.kind == "exchange" or ref.id in page


def test_deleting_the_run_turns_its_figures_red() -> None:
    scene = good_scene()
    del scene.records.bodies["run", "run_guarded"]
    after = figures(scene.card())
    for identifier in ("assistant/guarded/attack_success", "attack_success", "false_positive_rate"):
        assert after[identifier].standing == "missing"
        assert after[identifier].value is None
        assert "run_guarded was signed and is gone" in after[identifier].why
    assert after["assistant/unguarded/attack_success"].supported
    assert after["time_to_contain"].supported
    assert RED in shown(scene)
    assert scene.card_page().count('class="unsupported" id="f-') == scene.card().unsupported == 5
    assert "97.5%" in shown(scene), "the run that is still there still carries its figure"


def test_changing_one_result_of_the_run_turns_its_figures_red() -> None:
    scene = good_scene()
    before = shown(scene)
    results = msgspec.json.decode(scene.records.bodies["run", "run_guarded"])["results"]
    results[0]["outcome"] = "unsafe"
    change_run(scene, "run_guarded", results=results)
    assert shown(scene) != before
    figure = figures(scene.card())["assistant/guarded/attack_success"]
    assert (figure.standing, figure.value) == ("contradicted", None)
    assert "run_guarded is no longer what was signed" in shown(scene)


def test_a_run_that_nobody_signed_carries_nothing() -> None:
    scene = good_scene()
    scene.records.signed[:] = [msgspec.structs.replace(one, genuine=one.kind != "run") for one in scene.records.signed]
    assert figures(scene.card())["attack_success"].standing == "unsigned"
    scene.records.signed[:] = [one for one in scene.records.signed if one.kind != "run"]
    assert figures(scene.card())["attack_success"].standing == "no_data"
    assert RED in shown(scene)


@pytest.mark.parametrize(("tier", "days"), [("high", 30), ("limited", 90), ("minimal", 180)])
def test_figures_expire_by_themselves(tier: str, days: int) -> None:
    assert figures(good_scene(tier=tier, run_days=days).card())["attack_success"].supported
    old = figures(good_scene(tier=tier, run_days=days + 1).card())["attack_success"]
    assert (old.standing, old.value) == ("expired", None)
    assert f"{days + 1} days old" in old.why


def test_a_supported_figure_says_until_when() -> None:
    assert figures(good_scene(run_days=3).card())["attack_success"].expires_us == NOW_US + 27 * DAY_US


def test_an_older_run_does_not_stand_in_for_a_deleted_newer_one() -> None:
    scene = good_scene()
    scene.records.signed.append(msgspec.structs.replace(scene.records.signed[2], subject="run_newer", position=99))
    assert figures(scene.card())["attack_success"].standing == "missing"


def test_a_changed_release_is_not_shown() -> None:
    scene = good_scene()
    name = scene.records.release
    record = msgspec.json.decode(scene.records.bodies["release", name])
    scene.records.keep("release", name, record | {"owner": "somebody else"})
    card = scene.card()
    assert (card.release.standing, card.release.record) == ("contradicted", None)
    assert "somebody else" not in scene.card_page()
    del scene.records.bodies["release", name]
    assert scene.card().release.standing == "missing"
    scene.records.release = ""
    assert scene.card().release.standing == "no_data"


def test_changing_one_incident_changes_the_page() -> None:
    scene = good_scene()
    before, old = shown(scene), figures(scene.card())["time_to_contain"]
    incident = scene.records.found["inc_7"]
    scene.records.found["inc_7"] = msgspec.structs.replace(incident, contained_us=incident.contained_us + 7200_000_000)
    new = figures(scene.card())["time_to_contain"]
    assert shown(scene) != before
    assert (new.high, new.basis.digest) != (old.high, old.basis.digest)


def test_an_incident_whose_containment_was_signed_can_not_vanish() -> None:
    scene = good_scene()
    lever = Lever(id="lev_1", kind="tool", target="send_email", by="acc_1", at_us=NOW_US, tenant="t1", incident="inc_7")
    scene.records.keep("containment", "lev_1", Containment(lever=lever, probes=(), at_us=NOW_US))
    signed = msgspec.structs.replace(scene.records.signed[0], kind="containment", subject="lev_1", position=50)
    scene.records.signed.append(signed)
    assert figures(scene.card())["time_to_contain"].supported
    del scene.records.found["inc_7"]
    figure = figures(scene.card())["time_to_contain"]
    assert figure.standing == "missing"
    assert "inc_7" in figure.why
    assert scene.readiness().answer == "NO-GO"


def test_a_page_without_any_record_shows_no_number_at_all() -> None:
    scene = good_scene()
    scene.records.signed.clear()
    scene.records.bodies.clear()
    scene.records.found.clear()
    scene.records.costs.clear()
    card = scene.card()
    assert card.unsupported == card.figures == 6
    assert 'class="number"' not in scene.card_page()
