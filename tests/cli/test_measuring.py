"""`eval`, `redteam` and `gate` as a person or a script meets them."""

from pathlib import Path

import msgspec
import pytest
from measuring_desk import Desk

from fairlead.core import decode
from fairlead.evals import Run
from fairlead.testing.targets import made_case


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("FAIRLEAD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.syspath_prepend(str(tmp_path))
    return Desk(tmp_path, capsys)


def test_eval_then_gate(desk: Desk) -> None:
    code, out, err = desk("eval", "./suite.yaml", "--out", "./run.json")
    assert (code, err) == (0, "")
    assert "0/40 = 0.0% [0.0%, 8.8%]" in out
    assert "Wilson" in out
    assert "PASS" in out
    code, out, _ = desk("gate", "./run.json", "--suite", "./suite.yaml", "--junit", "./reports/gate.xml")
    assert code == 0
    assert "PASS (exit code 0)" in out
    assert (desk.folder / "reports" / "gate.xml").read_text().startswith("<?xml")


def test_the_file_of_a_run_has_the_digest_of_the_run(desk: Desk) -> None:
    desk("eval", "./suite.yaml", "--out", "./run.json")
    data = (desk.folder / "run.json").read_bytes()
    assert decode(data, Run).canonical() == data


def test_both_shows_two_columns_and_writes_two_runs(desk: Desk) -> None:
    code, out, _ = desk("eval", "./suite.yaml", "--both", "--out", "./run.json")
    assert code == 0
    assert "unguarded" in out
    assert "40/40 = 100.0%" in out
    assert not decode((desk.folder / "run.unguarded.json").read_bytes(), Run).guarded


def test_a_regression_turns_the_gate_red_and_is_named(desk: Desk) -> None:
    desk("eval", "./suite.yaml", "--out", "./before.json")
    desk.target(fails=("u-007",))
    desk("eval", "./suite.yaml", "--out", "./after.json")
    before = decode((desk.folder / "before.json").read_bytes(), Run)
    after = decode((desk.folder / "after.json").read_bytes(), Run)
    assert before.key.target != after.key.target
    code, out, _ = desk("gate", "./after.json", "--suite", "./suite.yaml", "--baseline", "./before.json")
    assert code == 14
    assert "differ in target" in out
    code, out, _ = desk("gate", "./after.json", "--suite", "./suite.yaml", "--baseline", "./before.json", "--varied", "target")
    assert code == 10
    assert "u-007" in out


def test_a_case_from_an_incident_is_run_and_asked_for(desk: Desk) -> None:
    desk.incident(made_case(900))
    desk("eval", "./suite.yaml", "--out", "./without.json")
    assert desk("gate", "./without.json", "--suite", "./suite.yaml", "--cases", "./incidents")[0] == 12
    desk.target(fails=("u-900",))
    code, out, _ = desk("eval", "./suite.yaml", "--out", "./with.json", "--cases", "./incidents")
    assert code == 0
    assert "u-900" in out
    code, out, _ = desk("gate", "./with.json", "--suite", "./suite.yaml", "--cases", "./incidents", "--json")
    answer = msgspec.json.decode(out)
    assert (code, answer["exit_code"], answer["gate"]["answer"]) == (10, 10, "FAIL")
    assert answer["gate"]["regressions"][0]["case"] == "u-900"


def test_redteam_shows_both_sides_and_what_the_guard_changed(desk: Desk) -> None:
    code, out, _ = desk("redteam", "./attacks.yaml", "--both")
    assert code == 0
    assert "40 of 40 attacks reached" in out
    assert "-100.0%" in out
    code, out, _ = desk("redteam", "./attacks.yaml", "--converter", "base64", "--json")
    answer = msgspec.json.decode(out)
    assert (code, answer["valid"], answer["report"]["guarded"][0]["estimate"]["n"]) == (0, True, 80)
    assert answer["report"]["guarded"][0]["estimate"]["clusters"] == 40


def test_an_attack_that_never_arrived_is_no_pass(desk: Desk) -> None:
    desk.target(lost=("u-001",))
    code, out, _ = desk("redteam", "./attacks.yaml")
    assert code == 12
    assert "never arrived: u-001" in out


def test_too_many_unscored_cases_are_no_measurement(desk: Desk) -> None:
    desk.target(lost=tuple(f"u-{number:03}" for number in range(9)))
    assert desk("eval", "./suite.yaml")[0] == 12


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("eval", "./none.yaml"), 2, "no such file"),
        (("eval", "./suite.yaml", "--target", "./none.py:T"), 2, "no such file"),
        (("gate", "./none.json", "--suite", "./suite.yaml"), 2, "no such run"),
        (("gate", "./suite.yaml", "--suite", "./suite.yaml"), 2, "malformed"),
        (("redteam", "./suite.yaml"), 2, "no `goal`"),
        (("redteam", "./attacks.yaml", "--converter", "rot14"), 2, "rot13"),
    ],
)
def test_a_mistake_is_said_without_a_traceback(desk: Desk, words: tuple[str, ...], code: int, says: str) -> None:
    left, _, err = desk(*words)
    assert left == code
    assert says in err
    assert "Traceback" not in err
