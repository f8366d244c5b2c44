"""`fairlead card`, `readiness` and `kpi` as a person and as a program use them."""

import json
from collections.abc import Sequence
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from governance.scene import NOW_US, Scene, good_scene

from fairlead.cli.governance import card, kpi, readiness
from fairlead.core import UsageError
from fairlead.governance import Sources
from fairlead.incidents import Incident
from fairlead.testing import FixedClock


class Room:
    """What the commands need of the control plane."""

    def __init__(self, scene: Scene) -> None:
        self.clock = FixedClock(NOW_US)
        self.looked = 0
        self._scene = scene

    @property
    def sources(self) -> Sources:
        return self._scene.records.sources()

    def look(self) -> tuple[Incident, ...]:
        self.looked += 1
        return ()


def run(command: click.Command, arguments: Sequence[str], scene: Scene) -> Result:
    room = Room(scene)
    result = CliRunner().invoke(command, ["--tenant", "t1", *arguments], obj=room, standalone_mode=False, catch_exceptions=False)
    assert room.looked == 1, "what the journals hold is taken over first"
    return result


def test_the_card_is_written_as_page_text_and_json(tmp_path: Path) -> None:
    scene = good_scene()
    page, text = tmp_path / "out" / "card.html", tmp_path / "card.md"
    shown = run(card, ["--html", str(page), "--md", str(text)], scene)
    assert str(page) in shown.output
    assert page.read_text(encoding="utf-8") == scene.card_page()
    assert text.read_text(encoding="utf-8").startswith("# System card: assistant")
    assert "# System card: assistant" in run(card, [], scene).output
    twin = json.loads(run(card, ["--json"], scene).output)
    assert (twin["system"], twin["unsupported"]) == ("assistant", 0)


def test_readiness_answers_with_its_exit_code() -> None:
    go = run(readiness, [], good_scene())
    assert (go.return_value, "GO" in go.output) == (0, True)
    stopped = run(readiness, [], good_scene(gate="FAIL"))
    assert stopped.return_value == 10
    assert "NO-GO" in stopped.output
    assert json.loads(run(readiness, ["--json"], good_scene(gate="FAIL")).output)["answer"] == "NO-GO"


def test_kpis_are_shown_with_interval_and_n() -> None:
    shown = run(kpi, [], good_scene())
    assert "KPIs of assistant" in shown.output
    machine = json.loads(run(kpi, ["--json"], good_scene()).output)
    assert [each["number"] for each in machine["kpis"]] == [3, 5, 6, 7, 9, 20]
    assert all(each["figure"]["n"] > 0 for each in machine["kpis"])


def test_a_figure_that_nothing_carries_is_said_to_be_so(tmp_path: Path) -> None:
    scene = good_scene()
    del scene.records.bodies["run", "run_guarded"]
    shown = run(kpi, ["--html", str(tmp_path / "kpi.html")], scene)
    assert "not supported" in shown.output
    assert "not supported" in (tmp_path / "kpi.html").read_text(encoding="utf-8")


def test_the_system_must_be_clear() -> None:
    scene = good_scene()
    scene.records.release = ""
    with pytest.raises(UsageError, match="which System"):
        run(kpi, [], scene)
    assert run(kpi, ["--system", "assistant"], scene).exit_code == 0
