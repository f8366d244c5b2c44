"""The durable journal, and what is kept of content: fingerprints, and captures sealed under keys that can be shredded."""

from fairlead.journal.engine import Journal
from fairlead.journal.errors import (
    CaptureRefused,
    CaptureShredded,
    CaptureTampered,
    JournalBusy,
    JournalDamaged,
    JournalUnavailable,
    KeyFileUnsafe,
)
from fairlead.journal.model import AuditEntry, Entry, Kind, Record
from fairlead.journal.reader import has_orphans, identity, journals, last_seq, read

__all__ = [
    "AuditEntry",
    "CaptureRefused",
    "CaptureShredded",
    "CaptureTampered",
    "Entry",
    "Journal",
    "JournalBusy",
    "JournalDamaged",
    "JournalUnavailable",
    "KeyFileUnsafe",
    "Kind",
    "Record",
    "has_orphans",
    "identity",
    "journals",
    "last_seq",
    "read",
]
