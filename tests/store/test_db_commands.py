"""``fairlead db``, as a person and a script use it."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fairlead.cli import main
from fairlead.core import SystemClock, canonical_bytes
from fairlead.journal import Journal, Record
from fairlead.store import head
from fairlead.testing.decisions import decision

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], store_url: str) -> Run:
    monkeypatch.setenv("FAIRLEAD_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FAIRLEAD_DATABASE", store_url)
    monkeypatch.setitem(sys.modules["fairlead.cli.main"].COMMANDS, "db", ("fairlead.cli.store:db", ""))

    def call(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(("db", *words))
        told = capsys.readouterr()
        return int(left.value.code or 0), told.out, told.err

    return call


def test_upgrade_fold_and_status_tell_the_same_story(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "journal"
    assert "store-unmigrated" in run("fold")[2]
    assert json.loads(run("status", "--json")[1])["revision"] == ""
    assert json.loads(run("upgrade", "--json")[1]) == {"before": "", "after": head()}
    assert run("upgrade")[1] == f"the schema is at {head()}\n"
    with Journal.open(folder / "worker-0.db", strict=True, clock=SystemClock()) as journal:
        journal.commit([Record(kind="decision", id="d_1", body=canonical_bytes(decision(id="d_1")))])
    before = json.loads(run("status", "--json")[1])
    assert (before["revision"], before["journals"]) == (head(), [{"journal": "worker-0.db", "entries": 1, "folded": 0}])
    assert json.loads(run("fold", "--json")[1]) == {"entries": 1, "rejected": 0, "unreadable": []}
    assert json.loads(run("status", "--json")[1])["journals"] == [{"journal": "worker-0.db", "entries": 1, "folded": 1}]
    assert "worker-0.db" in run("status")[1]
    (folder / "broken.db").write_bytes(b"no journal, but long enough to be looked at" * 100)
    code, out, err = run("fold")
    assert (code, "0 entries" in out, "broken.db" in err) == (12, True, True)
    assert {"journal": "broken.db", "problem": "journal-damaged"} in json.loads(run("status", "--json")[1])["journals"]
