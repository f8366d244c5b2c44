"""``fairlead data`` as a user meets it."""

import json
from pathlib import Path

import pytest

from fairlead.cli import main
from fairlead.core import digest_bytes
from fairlead.core.material import Material, Provenance
from fairlead.evals import RECORDS, write_material

SECRET = "words that are never shown"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FAIRLEAD_CONFIG", str(tmp_path / "config"))
    (tmp_path / "set").mkdir()
    return tmp_path / "set"


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as leaving:
        main(["data", *words])
    out = capsys.readouterr()
    assert SECRET not in out.out + out.err
    return int(leaving.value.code or 0), out.out, out.err


def grave(text: str = SECRET, **changes: object) -> Material:
    provenance = {"source": "a test", "licence": "Apache-2.0", "author": "ada", "reviewer": "bob", "harm_level": 2, "split": "test"}
    days = {"approved": "2026-01-01", "expires": "2026-12-31"}
    made = Provenance(**{**provenance, **days, **changes})  # type: ignore[arg-type] # a test gives the fields as it likes
    return Material(id="g-1", digest=digest_bytes(text.encode()), text=text, hazards=("hate",), provenance=made)


def test_a_record_is_refused_with_file_line_rule_and_mend_then_sealed_listed_and_purged(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fairlead.core.SystemClock.now_us", lambda _: 1_790_000_000_000_000)  # 2026-09-21
    path = folder / RECORDS
    write_material(path, [grave()])
    code, _, err = run(capsys, "check", str(folder))
    assert code == 2
    assert f"{path}:1: sealed: harm level 2 is never kept in the clear" in err
    assert "mend: run `fairlead data seal`" in err
    assert run(capsys, "seal", str(path))[:2] == (0, "1 of 1 record(s) sealed\n")
    assert SECRET.encode() not in path.read_bytes()
    assert run(capsys, "check", str(folder))[:2] == (0, "1 record(s) in 1 file(s) keep every rule\n")
    shown = json.loads(run(capsys, "list", str(folder), "--json")[1])
    assert [(row["id"], row["kept_as"], row["provenance"]["harm_level"]) for row in shown] == [("g-1", "sealed", 2)]
    monkeypatch.setattr("fairlead.core.SystemClock.now_us", lambda _: 1_800_000_000_000_000)  # 2027-01-15
    assert run(capsys, "check", str(folder))[0] == 2
    assert run(capsys, "purge", str(folder), "--yes")[:2] == (0, "1 record(s) and 0 file(s) removed\n")
    assert path.read_bytes() == b""


def test_what_breaks_another_rule_is_not_sealed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_material(folder / RECORDS, [grave(reviewer="ada")])
    code, _, err = run(capsys, "seal", str(folder / RECORDS))
    assert code == 2
    assert "review: harm level 2 needs a reviewer who is not the author" in err
    assert SECRET.encode() in (folder / RECORDS).read_bytes()
