"""A user's own System: its policy put in force, its measurements stored and signed, its figures read back."""

import json
from pathlib import Path

import pytest
from measuring_desk import Desk

POLICY = """\
fairlead: 1
system: shop
owner: team
tier: limited
upstream: {default: {provider: openai}}
rules:
  - {id: no-cards, at: output, entity: payment_card, do: redact}
"""


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("FAIRLEAD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FAIRLEAD_CONFIG", str(tmp_path / "config"))
    (tmp_path / "fairlead.yaml").write_text(POLICY)
    return Desk(tmp_path, capsys)


def test_what_is_measured_for_a_system_becomes_signed_evidence(desk: Desk) -> None:
    folder = desk.folder
    code, out, _ = desk("policy", "release", str(folder / "fairlead.yaml"), "--json")
    assert code == 0
    release = json.loads(out)["release"]
    assert release.startswith("sha256:")
    code, _, told = desk("eval", str(folder / "suite.yaml"), "--out", str(folder / "run.json"), "--keep-for", "shop")
    assert (code, "kept and signed: run_" in told) == (0, True)
    code, _, told = desk("gate", str(folder / "run.json"), "--suite", str(folder / "suite.yaml"), "--keep-for", "shop")
    assert "kept and signed: gate sha256:" in told
    _, out, _ = desk("evidence", "log", "--json")
    assert [entry["kind"] for entry in json.loads(out)["entries"]] == ["release", "run", "gate"]


def test_nothing_is_kept_unless_it_is_asked_for(desk: Desk) -> None:
    code, _, told = desk("eval", str(desk.folder / "suite.yaml"))
    assert (code, "kept" in told) == (0, False)
    assert not (desk.folder / "data").exists()
