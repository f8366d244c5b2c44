"""Every way to tamper with a bundle is found and named. One test for each; each starts from a bundle that verifies."""

import base64
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.core import canonical_bytes
from fairlead.ledger import (
    BundleExists,
    BundleUnreadable,
    Predicate,
    Report,
    SigningKey,
    TrustRoot,
    attest,
    ephemeral_key,
    make_trust_root,
    read_files,
    verify_bundle,
    verify_files,
    write_files,
)
from fairlead.testing.ledger import MemoryLedger

ORIGIN = "fairlead/t1"
KEY = ephemeral_key()
TRUST = make_trust_root(ORIGIN, KEY)
SIZE = 9
Files = dict[str, bytes]


def record(number: int, note: str = "") -> dict[str, object]:
    return {"id": f"run_{number}", "k": number, "n": 120, "note": note}


def grow(ledger: MemoryLedger, numbers: range, note: str = "") -> MemoryLedger:
    for number in numbers:
        said = Predicate(at_us=number, tenant="t1", system="assistant", outcome="PASS")
        ledger.attest("run", f"run_{number}", record(number, note), predicate=said)
    return ledger


def chain(size: int = SIZE, *, key: SigningKey = KEY, note: str = "") -> MemoryLedger:
    return grow(MemoryLedger(ORIGIN, key), range(size), note)


TRUE = chain()


def kinds(report: Report) -> set[str]:
    return {problem.kind for problem in report.problems}


def places(report: Report, kind: str) -> set[str]:
    return {problem.where for problem in report.problems if problem.kind == kind}


def entry(index: int) -> str:
    return f"entries/{index:08}.json"


def pinned(*sizes: int, ledger: MemoryLedger = TRUE) -> TrustRoot:
    trust = TRUST
    for size in sizes:
        trust = trust.pinned(grow(MemoryLedger(ORIGIN, ledger.key), range(size)).head())
    return trust


def renumbered(files: Files, drop: int) -> Files:
    """Delete an entry and close the gap, proofs too, as a careful forger would."""
    kept = {name: content for name, content in files.items() if not name.startswith(("entries/", "proofs/inclusion/"))}
    for folder in ("entries", "proofs/inclusion"):
        left = [files[f"{folder}/{index:08}.json"] for index in range(SIZE) if index != drop]
        kept |= {f"{folder}/{index:08}.json": content for index, content in enumerate(left)}
    return kept


def without_proofs(files: Files) -> Files:
    return {name: content for name, content in files.items() if not name.startswith("proofs/")}


@pytest.mark.parametrize("size", [1, 2, 3, 8, 9])
def test_an_untouched_bundle_verifies(size: int) -> None:
    report = verify_files(chain(size).files(), TRUST)
    assert report.ok
    assert report.exit_code == 0
    assert report.problems == ()
    assert (report.size, report.records, len(report.entries)) == (size, size, size)
    assert report.entries[0].subject == "run_0"
    assert report.head is not None
    assert "pin" in report.notes[0]


def test_pinned_heads_are_found_again() -> None:
    report = verify_files(TRUE.files(), pinned(3, 6, SIZE))
    assert report.ok
    assert (report.pins, report.notes) == (3, ())


@pytest.mark.parametrize("name", ["bundle.zip", "bundle"])
def test_a_bundle_survives_its_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    write_files(path, TRUE.files())
    assert read_files(path) == TRUE.files()
    assert verify_bundle(path, TRUST).ok
    with pytest.raises(BundleExists, match="already"):
        write_files(path, TRUE.files())


def test_equal_evidence_gives_equal_bytes(tmp_path: Path) -> None:
    assert write_files(tmp_path / "a.zip", TRUE.files()) == write_files(tmp_path / "b.zip", TRUE.files())
    assert write_files(tmp_path / "a", TRUE.files()) == write_files(tmp_path / "b", TRUE.files())


@pytest.mark.parametrize("index", [0, 4, SIZE - 1])
def test_edit_is_named(index: int) -> None:
    files = TRUE.files()
    envelope = msgspec.json.decode(files[entry(index)])
    payload = base64.b64decode(envelope["payload"]).replace(b"PASS", b"FAIL")
    files[entry(index)] = canonical_bytes(envelope | {"payload": base64.b64encode(payload).decode()})
    report = verify_files(files, TRUST)
    assert places(report, "edited") == places(report, "bad-signature") == {entry(index)}
    assert "forked" not in kinds(report)
    assert report.exit_code == 20


def test_edit_by_the_holder_of_the_key_is_named() -> None:
    """The signature holds, but this is not the entry that was logged."""
    files = TRUE.files()
    said = Predicate(at_us=4, tenant="t1", system="assistant", outcome="FAIL")
    files[entry(4)] = attest("run", {"run_4": canonical_bytes(record(4))}, said, KEY).encoded()
    report = verify_files(files, TRUST)
    assert places(report, "edited") == {entry(4)}
    assert "bad-signature" not in kinds(report)
    assert places(verify_files(without_proofs(files), TRUST), "edited") == {entry(4)}


@pytest.mark.parametrize("index", [0, 3])
def test_delete_is_named(index: int) -> None:
    files = TRUE.files()
    del files[entry(index)]
    assert places(verify_files(files, TRUST), "deleted") == {entry(index)}
    assert not verify_files(without_proofs(files), TRUST).ok


@pytest.mark.parametrize("index", [0, 3, SIZE - 2])
def test_delete_with_the_gap_closed_is_named(index: int) -> None:
    report = verify_files(renumbered(TRUE.files(), index), TRUST)
    assert places(report, "deleted") == {entry(index)}
    assert "reordered" not in kinds(report)
    assert places(verify_files(without_proofs(renumbered(TRUE.files(), index)), TRUST), "deleted") == {entry(index)}


def test_insert_is_named() -> None:
    files = TRUE.files()
    said = Predicate(at_us=4, tenant="t1", system="assistant", outcome="PASS")
    files[entry(SIZE)] = attest("run", {"run_x": b"{}"}, said, KEY).encoded()
    assert places(verify_files(files, TRUST), "inserted") == {entry(SIZE)}
    files[entry(SIZE)] = files[entry(2)]
    assert places(verify_files(files, TRUST), "inserted") == {entry(SIZE)}


def test_reorder_is_named() -> None:
    files = TRUE.files()
    files[entry(2)], files[entry(6)] = files[entry(6)], files[entry(2)]
    report = verify_files(files, TRUST)
    assert "reordered" in kinds(report)
    assert {"deleted", "inserted", "edited", "bad-signature"}.isdisjoint(kinds(report))
    assert any("2, 6" in problem.what or "6, 2" in problem.what for problem in report.problems)


def test_truncate_is_named() -> None:
    files = TRUE.files()
    for index in (SIZE - 2, SIZE - 1):
        del files[entry(index)]
    report = verify_files(files, TRUST)
    assert places(report, "truncated") == {entry(SIZE - 2)}
    assert "deleted" not in kinds(report)
    assert places(verify_files(without_proofs(files), TRUST), "truncated") == {entry(SIZE - 2)}


def test_truncate_with_an_old_head_is_named_by_the_pin() -> None:
    """The shorter log is a true one of an earlier day; only who has seen a later head can tell."""
    files = chain(SIZE - 3).files()
    assert verify_files(files, TRUST).ok
    report = verify_files(files, pinned(3, SIZE))
    assert kinds(report) == {"truncated"}
    assert report.pins == 1


def test_fork_is_named_by_a_head_of_the_other_history() -> None:
    """Both histories are signed by the true key; the bundle shows one and holds a head of the other."""
    other = grow(grow(MemoryLedger(ORIGIN, KEY), range(3)), range(3, SIZE), note="other")
    files = TRUE.files()
    files[f"checkpoints/{5:08}.json"] = other.checkpoints[5]
    assert places(verify_files(files, TRUST), "forked") == {"checkpoints/00000005.json"}


def test_fork_is_named_by_two_heads_of_one_size() -> None:
    other = grow(grow(MemoryLedger(ORIGIN, KEY), range(3)), range(3, SIZE), note="other")
    files = TRUE.files() | {f"checkpoints/{40:08}.json": other.checkpoints[SIZE]}
    assert places(verify_files(files, TRUST), "forked") == {"checkpoints/00000040.json"}


def test_fork_is_named_by_a_pin() -> None:
    other = grow(grow(MemoryLedger(ORIGIN, KEY), range(3)), range(3, SIZE), note="other")
    assert verify_files(other.files(), pinned(2, 3)).ok
    report = verify_files(other.files(), pinned(3, 6))
    assert kinds(report) == {"forked"}
    assert places(report, "forked") == {"checkpoints/00000006.json"}


def test_replacement_under_another_key_is_named() -> None:
    report = verify_files(chain(key=ephemeral_key()).files(), TRUST)
    assert kinds(report) == {"replaced"}
    assert report.entries == ()


def test_replacement_under_the_same_key_is_named_by_the_pin() -> None:
    files = chain(note="rewritten").files()
    assert verify_files(files, TRUST).ok
    assert kinds(verify_files(files, pinned(3, 6))) == {"replaced"}


def test_wrong_signature_is_named() -> None:
    """The log took an entry that a key outside the trust root signed: the history holds, the entry counts for nothing."""
    ledger = chain()
    stranger = ephemeral_key()
    said = Predicate(at_us=9, tenant="t1", system="assistant", outcome="PASS")
    body = canonical_bytes(record(SIZE))
    ledger.append(attest("run", {f"run_{SIZE}": body}, said, stranger), {f"run_{SIZE}": body}, at_us=9)
    report = verify_files(ledger.files(), TRUST)
    assert kinds(report) == {"bad-signature", "unattested"}
    assert places(report, "bad-signature") == {entry(SIZE)}
    assert f"run_{SIZE}" not in {verified.subject for verified in report.entries}


def test_wrong_signature_of_a_head_is_named() -> None:
    files = TRUE.files()
    name = f"checkpoints/{SIZE:08}.json"
    head = msgspec.json.decode(files[name])
    head["signatures"][0]["sig"] = base64.b64encode(bytes(64)).decode()
    files[name] = canonical_bytes(head)
    assert places(verify_files(files, TRUST), "bad-signature") == {name}


def test_a_changed_record_is_named() -> None:
    files = TRUE.files()
    name = next(name for name in files if name.startswith("records/run-run_4-"))
    files[name] = files[name].replace(b'"k":4', b'"k":0')
    report = verify_files(files, TRUST)
    assert kinds(report) == {"record-changed"}
    assert places(report, "record-changed") == {name}
    assert report.records == SIZE - 1


def test_a_missing_record_is_named() -> None:
    files = TRUE.files()
    name = next(name for name in files if name.startswith("records/run-run_4-"))
    del files[name]
    report = verify_files(files, TRUST)
    assert kinds(report) == {"record-missing"}
    assert places(report, "record-missing") == {name}


def test_a_record_with_content_stays_with_its_owner() -> None:
    """Its digest is in the log; whoever holds the record can show later that it is the one."""
    ledger = chain(3)
    said = Predicate(at_us=9, tenant="t1", withheld=True)
    ledger.attest("case", "case_1", {"user": "the words of a user"}, predicate=said)
    files = ledger.files()
    assert not any(b"the words" in content for content in files.values())
    report = verify_files(files, TRUST)
    assert report.ok
    assert report.records == 3
    assert "1 record(s) hold content" in report.notes[0]
    name = next(name for name in verify_files(files, TRUST).entries if name.kind == "case").digest
    shown = files | {f"records/case-case_1-{name[7:23]}.json": canonical_bytes({"user": "other words"})}
    assert kinds(verify_files(shown, TRUST)) == {"record-changed"}


def test_a_file_that_nothing_vouches_for_is_named() -> None:
    files = TRUE.files() | {"records/run-run_99-0.json": b"{}", "notes.txt": b"all is well"}
    assert places(verify_files(files, TRUST), "unattested") == {"records/run-run_99-0.json", "notes.txt"}


def test_a_log_of_another_origin_is_named() -> None:
    report = verify_files(grow(MemoryLedger("fairlead/t2", KEY), range(3)).files(), TRUST)
    assert "wrong-log" in kinds(report)
    assert "no-head" in kinds(report)


@pytest.mark.parametrize("folder", ["inclusion", "consistency"])
def test_a_broken_or_missing_proof_is_named(folder: str) -> None:
    name = f"proofs/{folder}/00000003.json"
    files = TRUE.files()
    files[name] = files["proofs/inclusion/00000000.json"]
    assert places(verify_files(files, TRUST), "bad-proof") == {name}
    del files[name]
    assert places(verify_files(files, TRUST), "bad-proof") == {name}


def test_an_empty_bundle_is_not_a_good_one() -> None:
    assert kinds(verify_files({}, TRUST)) == {"no-head"}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"not a zip"])
def test_a_file_that_is_no_bundle_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(content)
    with pytest.raises(BundleUnreadable):
        verify_bundle(path, TRUST)


def test_a_bundle_that_is_not_there_or_holds_a_link_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleUnreadable):
        verify_bundle(tmp_path / "absent.zip", TRUST)
    write_files(tmp_path / "bundle", TRUE.files())
    (tmp_path / "bundle" / "entries" / "link.json").symlink_to("/etc/hostname")
    with pytest.raises(BundleUnreadable, match="link"):
        verify_bundle(tmp_path / "bundle", TRUST)


def flip(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0x01]) + content[at + 1 :]


CHANGES: dict[str, Callable[[Files, str, int], Files]] = {
    "flip": lambda files, name, at: files | {name: flip(files[name], at % len(files[name]))},
    "drop": lambda files, name, _: {key: content for key, content in files.items() if key != name},
    "cut": lambda files, name, at: files | {name: files[name][: at % len(files[name])]},
    "swap": lambda files, name, at: files | {name: files[sorted(files)[at % len(files)]]},
}
REDUNDANT = ("README.md", "checkpoints/", "proofs/consistency/")


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(CHANGES)), st.sampled_from(sorted(TRUE.files())), st.integers(0, 1 << 16))
def test_no_change_of_an_entry_record_or_proof_passes(change: str, name: str, at: int) -> None:
    """Any flipped bit, cut, swap or loss is found; dropping a redundant head loses no claim, and the README counts for nothing."""
    files = TRUE.files()
    changed = CHANGES[change](files, name, at)
    if changed == files or name == "README.md" or (change in {"drop", "swap"} and name.startswith(REDUNDANT)):
        return
    assert not verify_files(changed, TRUST).ok
