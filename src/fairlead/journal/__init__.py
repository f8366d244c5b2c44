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
from fairlead.journal.fingerprint import Fingerprinter
from fairlead.journal.keyfile import installation_key
from fairlead.journal.model import AuditEntry, Entry, Kind, Record
from fairlead.journal.reader import has_orphans, identity, journals, last_seq, read
from fairlead.journal.seal import Access, KeyChest, Purpose, Sealed, Sealer

__all__ = [
    "Access",
    "AuditEntry",
    "CaptureRefused",
    "CaptureShredded",
    "CaptureTampered",
    "Entry",
    "Fingerprinter",
    "Journal",
    "JournalBusy",
    "JournalDamaged",
    "JournalUnavailable",
    "KeyChest",
    "KeyFileUnsafe",
    "Kind",
    "Purpose",
    "Record",
    "Sealed",
    "Sealer",
    "has_orphans",
    "identity",
    "installation_key",
    "journals",
    "last_seq",
    "read",
]
