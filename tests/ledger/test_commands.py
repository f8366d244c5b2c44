"""`fairlead evidence` and `fairlead verify` as a person and as a program use them."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner, Result

from fairlead.cli.evidence import evidence, verify
from fairlead.ledger import BundleExists, Predicate, ephemeral_key, load_trust_root, make_trust_root, save_trust_root
from fairlead.ledger.records import Ledger
from fairlead.store import Store
from fairlead.testing import FixedClock
from fairlead.testing.ledger import MemoryLedger


class Room(NamedTuple):
    """What the commands need of the control plane."""

    ledger: Ledger


def run(arguments: list[str], room: Room | None = None) -> Result:
    command = verify if arguments[0] == "verify" else evidence
    return CliRunner().invoke(command, arguments[1:], obj=room, standalone_mode=False, catch_exceptions=False)


@pytest.fixture
def room(store: Store) -> Room:
    ledger = Ledger(store, ephemeral_key(), FixedClock())
    for number in range(3):
        ledger.attest("run", {f"run_{number}": b"{}"}, Predicate(at_us=number, tenant="default", outcome="complete"))
    return Room(ledger)


def test_what_is_exported_verifies_and_is_pinned(room: Room, tmp_path: Path) -> None:
    bundle, root = tmp_path / "out" / "bundle.zip", tmp_path / "trust.json"
    exported = run(["evidence", "export", str(bundle), "--trust-root", str(root)], room)
    assert "3 attestations of fairlead/default" in exported.output
    with pytest.raises(BundleExists, match="already a trust root"):
        run(["evidence", "export", str(tmp_path / "again.zip"), "--trust-root", str(root)], room)
    save_trust_root(root, make_trust_root("fairlead/default", room.ledger.key))
    checked = run(["verify", str(bundle), "--trust-root", str(root)])
    assert (checked.return_value, "VERIFIED" in checked.output) == (0, True)
    assert "pin this head" in checked.output
    assert load_trust_root(root).pins == ()
    pinned = run(["verify", str(bundle), "--trust-root", str(root), "--pin"])
    assert pinned.return_value == 0
    assert [pin.size for pin in load_trust_root(root).pins] == [3]
    assert "1 pinned head(s)" in run(["verify", str(bundle), "--trust-root", str(root)]).output


def test_a_tampered_bundle_ends_with_20_and_names_what_was_done(tmp_path: Path) -> None:
    key = ephemeral_key()
    ledger = MemoryLedger("fairlead/default", key)
    for number in range(4):
        ledger.attest("run", f"run_{number}", {"id": number}, predicate=Predicate(at_us=1, tenant="default"))
    files = ledger.files()
    del files["entries/00000001.json"]
    for name, content in files.items():
        place = tmp_path / "bundle" / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    root = tmp_path / "trust.json"
    save_trust_root(root, make_trust_root("fairlead/default", key))
    found = run(["verify", str(tmp_path / "bundle"), "--trust-root", str(root), "--pin"])
    assert found.return_value == 20
    assert "TAMPERED" in found.output
    assert "deleted" in found.output
    assert load_trust_root(root).pins == (), "a head of a tampered bundle is never pinned"
    machine = json.loads(run(["verify", str(tmp_path / "bundle"), "--trust-root", str(root), "--json"]).output)
    assert machine["answer"] == "tampered"
    assert {"deleted", "unattested"} <= {problem["kind"] for problem in machine["problems"]}


def test_the_log_is_listed(room: Room) -> None:
    shown = run(["evidence", "log"], room)
    assert "run_2" in shown.output
    assert "head: size 3" in shown.output
    machine = json.loads(run(["evidence", "log", "--after", "0", "--json"], room).output)
    assert [entry["position"] for entry in machine["entries"]] == [1, 2]
    assert "nothing was attested yet" in run(["evidence", "log", "--tenant", "other"], room).output
