"""What is asked of the store and what it answers."""

import msgspec

from fairlead.core import Action, Stage, State


class DecisionFilter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which Decisions of a tenant are wanted; what is None or empty does not narrow."""

    system: str = ""
    stage: Stage | None = None
    action: Action | None = None
    rule: str = ""
    state: State | None = None
    tool: str = ""
    trajectory: str = ""
    near_miss: bool | None = None
    since_us: int = 0
    """At or after this time, microseconds UTC."""
    until_us: int | None = None
    """Before this time, microseconds UTC."""


class Count(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many Decisions a tenant had on one day, by Stage, action and rule."""

    day: int
    """Days since the epoch, UTC: ``at_us // 86_400_000_000``; an integer, so that no session's time zone matters."""
    system: str
    stage: Stage
    action: Action
    rule: str
    n: int


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A journal record of another kind than Decision and capture, as the store keeps it."""

    seq: int
    """Order in the store; consumers remember the last they have seen."""
    tenant: str
    kind: str
    id: str
    at_us: int
    body: str
    """Canonical JSON."""


class Position(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far one journal was folded into the store."""

    journal: str
    """The journal's own random identifier."""
    name: str
    """The file's name when it was last folded."""
    seq: int
    at_us: int
    """When, microseconds UTC."""


class Folded(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one folding did."""

    entries: int = 0
    """Entries that were taken over now."""
    rejected: int = 0
    """Of these, how many could not be read; they are listed in ``fold_rejects`` and stay in their journal."""
    unreadable: tuple[str, ...] = ()
    """Names of journals that could not be read at all this time."""
