"""Folding: taking over what the journals hold, in order, each entry once, however often and by however many processes it is run."""

from pathlib import Path

import msgspec

from fairlead.core import Clock, Decision, InvalidInput, decode
from fairlead.journal import AuditEntry, Entry, Journal, JournalUnavailable, has_orphans, identity, journals, read
from fairlead.store import records
from fairlead.store.engine import Store
from fairlead.store.model import Folded, Position

_BATCH = 500


class _Tenanted(msgspec.Struct, frozen=True, kw_only=True):
    """What the store must know of any event: whose it is and when it was; other fields are its owner's business."""

    tenant: str
    at_us: int = 0


class _Batch:
    """One transaction's worth of entries, sorted by where they go."""

    def __init__(self, journal: str) -> None:
        self.journal = journal
        self.decisions: list[tuple[Decision, str]] = []
        self.captures: list[dict[str, object]] = []
        self.audit: list[AuditEntry] = []
        self.events: list[dict[str, object]] = []
        self.rejects: list[dict[str, object]] = []

    def take(self, entry: Entry) -> None:
        """Sort one entry in; what can't be read is listed and stays in its journal."""
        try:
            self._sort(entry)
        except (InvalidInput, UnicodeDecodeError) as error:
            kind, identifier = entry.record.kind, entry.record.id
            self.rejects.append({"journal": self.journal, "seq": entry.seq, "kind": kind, "id": identifier, "reason": type(error).__name__})

    def _sort(self, entry: Entry) -> None:
        record, text = entry.record, entry.record.body.decode()
        if record.kind == "decision":
            self.decisions.append((decode(record.body, Decision), text))
        elif record.kind == "capture":
            tenant = decode(record.body, _Tenanted).tenant
            self.captures.append({"tenant": tenant, "id": record.id, "at_us": entry.at_us, "body": text})
        elif record.kind == "audit":
            self.audit.append(decode(record.body, AuditEntry))
        else:
            owner = decode(record.body, _Tenanted)
            place = {"journal": self.journal, "journal_seq": entry.seq}
            event = {"tenant": owner.tenant, "kind": record.kind, "id": record.id, "at_us": owner.at_us or entry.at_us, "body": text}
            self.events.append(place | event)


def fold(store: Store, folder: Path, *, clock: Clock) -> Folded:
    """Take over all that the journals of a folder hold and the store has not.

    Decisions that a dead writer left open are settled as interrupted first. A journal that can't be read is named and the others go on.

    Args:
        store: Where to.
        folder: ``<data_dir>/journal``.
        clock: Where the positions' times come from.

    Raises:
        StoreUnavailable: The database does not answer; what was folded so far stays folded.
    """
    entries = rejected = 0
    unreadable = []
    for path in journals(folder):
        try:
            if has_orphans(path):
                Journal.settle(path, clock=clock)
            while batch := _fold_batch(store, path, clock):
                entries += batch.entries
                rejected += batch.rejected
        except JournalUnavailable:
            unreadable.append(path.name)
    return Folded(entries=entries, rejected=rejected, unreadable=tuple(unreadable))


def _fold_batch(store: Store, path: Path, clock: Clock) -> Folded | None:
    journal = identity(path)
    with store.write() as connection:
        found = read(path, records.claim_position(connection, journal, path.name), _BATCH)
        if not found:
            return None
        batch = _Batch(journal)
        for entry in found:
            batch.take(entry)
        records.put_decisions(connection, batch.decisions)
        records.put_captures(connection, batch.captures)
        records.put_audit(connection, batch.audit)
        records.put_events(connection, batch.events)
        records.put_rejects(connection, batch.rejects)
        records.move_position(connection, Position(journal=journal, name=path.name, seq=found[-1].seq, at_us=clock.now_us()))
    return Folded(entries=len(found), rejected=len(batch.rejects))
