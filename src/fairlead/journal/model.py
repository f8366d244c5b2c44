"""What a journal holds: Records going in, Entries coming out."""

from typing import Literal

import msgspec

Kind = Literal["decision", "capture", "exchange", "approval", "audit", "shadow"]
"""What a Record is about; ``capture`` bodies are sealed, every other body is free of content;
``shadow`` is what a policy that is only tried said of an Exchange, and no Decision that counts."""


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that must not be lost."""

    kind: Kind
    id: str
    """Identifier of what it is about; an open Decision and its final one share it."""
    body: bytes
    """Canonical JSON."""


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Record at its place in one journal."""

    seq: int
    """Place in this journal, from 1, without gaps."""
    at_us: int
    """When it was written, microseconds UTC."""
    record: Record


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who did what to what, and when. Where no database is at hand, it goes through the journal (kind ``audit``)."""

    id: str
    """``aud_…``."""
    tenant: str
    actor: str
    """Id of an account or API key, or the name of a part of Fairlead."""
    action: str
    """Noun and verb, such as ``key.revoke``."""
    target: str
    """Id of what it was done to."""
    at_us: int
    """Microseconds UTC."""
    detail: dict[str, str] = {}
    """What else a reader must know; never a secret, never content."""
