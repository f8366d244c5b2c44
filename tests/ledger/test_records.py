"""The stored ledger: appending is one transaction, and what it exports verifies."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text

from fairlead.core import canonical_bytes, digest_bytes
from fairlead.ledger import (
    Predicate,
    RecordMismatch,
    Tree,
    attest,
    ephemeral_key,
    leaf_hash,
    make_trust_root,
    verify_bundle,
    verify_files,
    write_files,
)
from fairlead.ledger.records import Ledger, LedgerReader
from fairlead.ledger.statement import root_text
from fairlead.store import Store
from fairlead.testing import FixedClock

KEY = ephemeral_key()


def ledger_of(store: Store) -> Ledger:
    return Ledger(store, KEY, FixedClock())


def said(tenant: str = "t1", at_us: int = 1) -> Predicate:
    return Predicate(at_us=at_us, tenant=tenant, system="assistant", outcome="PASS")


def add(ledger: Ledger, number: int, tenant: str = "t1") -> bytes:
    record = canonical_bytes({"id": f"run_{number}", "k": number})
    ledger.attest("run", {f"run_{number}": record}, said(tenant, number))
    return record


def test_what_is_appended_is_exported_and_verifies(store: Store, tmp_path: Path) -> None:
    ledger = ledger_of(store)
    records = [add(ledger, number) for number in range(11)]
    head = ledger.head("t1")
    assert head is not None
    assert head.size == 11
    assert ledger.record("t1", digest_bytes(records[3])) == records[3]
    write_files(tmp_path / "bundle.zip", ledger.export("t1"))
    report = verify_bundle(tmp_path / "bundle.zip", ledger.trust_root("t1", KEY))
    assert report.ok, report.problems
    assert (report.size, report.records, report.pins) == (11, 11, 1)
    assert report.head == head


def test_the_incremental_root_is_that_of_the_whole_tree(store: Store) -> None:
    ledger = ledger_of(store)
    for number in range(9):
        add(ledger, number)
        log, head = ledger.log("t1"), ledger.head("t1")
        assert head is not None
        assert head.root == root_text(Tree([leaf_hash(entry) for entry in log.entries.values()]).root())


def test_tenants_have_logs_of_their_own(store: Store) -> None:
    ledger = ledger_of(store)
    add(ledger, 1, "t1")
    record = add(ledger, 2, "t2")
    assert [entry.subject for entry in ledger.entries("t1")] == ["run_1"]
    assert ledger.record("t1", digest_bytes(record)) is None
    assert ledger.envelope("t1", 1) is None
    assert ledger.of_subject("t1", "run_2") == []
    assert not any(b"run_2" in content for content in ledger.export("t1").values())
    assert verify_files(ledger.export("t1"), make_trust_root("fairlead/t1", KEY)).ok
    assert not verify_files(ledger.export("t1"), make_trust_root("fairlead/t2", KEY)).ok


def test_the_index_finds_what_was_attested(store: Store) -> None:
    ledger = ledger_of(store)
    for number in range(5):
        add(ledger, number)
    newest = ledger.attested("t1", "assistant", "run")[0]
    assert (newest.subject, newest.position, newest.outcome) == ("run_4", 4, "PASS")
    assert ledger.attested("t1", "assistant", "gate") == []
    assert [entry.position for entry in ledger.entries("t1", after=1, limit=2)] == [2, 3]
    assert ledger.of_subject("t1", "run_2")[0].position == 2
    assert ledger.envelope("t1", 2) is not None
    assert LedgerReader(store).head("unknown") is None


def test_a_record_that_is_not_the_signed_one_is_refused_and_nothing_is_appended(store: Store) -> None:
    ledger = ledger_of(store)
    envelope = attest("run", {"run_1": b"{}"}, said(), KEY)
    for records in ({"run_1": b'{"k":1}'}, {}, {"run_2": b"{}"}):
        with pytest.raises(RecordMismatch):
            ledger.append(envelope, records)
    with pytest.raises(RecordMismatch):
        ledger.attest("run", {}, said())
    assert ledger.head("t1") is None


def test_a_record_with_content_is_not_kept(store: Store) -> None:
    ledger = ledger_of(store)
    record = canonical_bytes({"user": "the words of a user"})
    entry = ledger.attest("case", {"case_1": record}, Predicate(at_us=1, tenant="t1", withheld=True))
    assert ledger.record("t1", entry.digest) is None
    assert verify_files(ledger.export("t1"), ledger.trust_root("t1", KEY)).ok


def test_an_append_is_all_or_nothing(store: Store) -> None:
    ledger = ledger_of(store)
    add(ledger, 0)
    envelope = attest("run", {"run_1": b"{}"}, said(), KEY)

    def fail_half_way() -> None:
        with store.write() as connection:
            ledger.append_within(connection, envelope, {"run_1": b"{}"})
            raise KeyError

    with pytest.raises(KeyError):
        fail_half_way()
    head = ledger.head("t1")
    assert head is not None
    assert head.size == 1
    add(ledger, 1)
    assert verify_files(ledger.export("t1"), ledger.trust_root("t1", KEY)).ok


def test_two_writers_at_once_make_one_history(store: Store) -> None:
    """The first append of a log and all that follow take the log's lock."""
    ledgers = [ledger_of(store), ledger_of(store)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda number: add(ledgers[number % 2], number), range(16)))
    report = verify_files(ledgers[0].export("t1"), ledgers[0].trust_root("t1", KEY))
    assert report.ok, report.problems
    assert report.size == 16


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("DELETE FROM ledger_entries WHERE position = 3", "deleted"),
        ("UPDATE ledger_entries SET envelope = 'nothing' WHERE position = 3", "edited"),
        ("DELETE FROM ledger_records WHERE digest = (SELECT digest FROM ledger_entries WHERE position = 3)", "record-missing"),
        ("UPDATE ledger_records SET body = '{}' WHERE digest = (SELECT digest FROM ledger_entries WHERE position = 3)", "record-changed"),
        ("UPDATE ledger_entries SET envelope = (SELECT envelope FROM ledger_entries WHERE position = 2) WHERE position = 3", "edited"),
    ],
)
def test_tampering_with_the_database_is_found_by_the_auditor(store: Store, statement: str, kind: str) -> None:
    ledger = ledger_of(store)
    for number in range(7):
        add(ledger, number)
    with store.write() as connection:
        connection.execute(text(statement))
    report = verify_files(ledger.export("t1"), make_trust_root("fairlead/t1", KEY))
    assert not report.ok
    assert kind in {problem.kind for problem in report.problems}
