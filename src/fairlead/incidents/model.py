"""Incident, its timeline, its levers and probes, and what users complain about. No record here holds content."""

from typing import Literal, NamedTuple

import msgspec

from fairlead.guard import Lever
from fairlead.policy import Severity

Status = Literal["open", "contained", "resolved", "closed"]
"""``contained``: every live gateway worker was seen to obey a lever. ``resolved``: the cause is mended and the levers are released.
``closed``: nothing is left to do."""

STANDING: frozenset[Status] = frozenset({"open", "contained"})
"""An Incident in one of these takes further Decisions of its kind in, so that one cause gives one Incident."""

EventKind = Literal[
    "opened",
    "seen",
    "reopened",
    "lever_pulled",
    "contained",
    "containment_failed",
    "lever_released",
    "resolved",
    "case_made",
    "complaint",
    "closed",
]

SYSTEM_ACTOR = "fairlead"
"""Actor of what no person did."""

MAX_DECISIONS = 50
"""An Incident names so many of its Decisions; the rest are only counted."""


class Deadline(NamedTuple):
    """What a severity means in time."""

    means: str
    contain_within_us: int
    close_within_us: int
    """Counted from containment."""


_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US

DEADLINES: dict[Severity, Deadline] = {
    "P0": Deadline("people are harmed, or data is leaving now", 1 * _HOUR_US, 2 * _DAY_US),
    "P1": Deadline("an attack reached a critical path and was stopped, or harm is likely", 4 * _HOUR_US, 5 * _DAY_US),
    "P2": Deadline("a safeguard failed without harm so far", 3 * _DAY_US, 14 * _DAY_US),
    "P3": Deadline("worth mending, nothing is at risk now", 14 * _DAY_US, 30 * _DAY_US),
}
"""The severity table: when the next step of an Incident is due."""


class Incident(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that went wrong, or nearly did, with one owner and one date by which the next step is due."""

    id: str
    """``inc_…``, derived from the Decision and the rule that opened it: the same Decision never opens two."""
    tenant: str
    system: str
    severity: Severity
    status: Status
    hazard: str
    """Id in the taxonomy."""
    opened_by: str
    """Id of the incident rule that opened it."""
    rule: str
    """Id of the policy rule that decided the Decision behind it."""
    tool: str
    """Tool of that Decision; empty when none was asked for."""
    title: str
    """One line without content."""
    owner: str
    due_us: int
    """When the next step is due: containment while open, closing afterwards."""
    onset_us: int
    """When the first Decision of it was made."""
    opened_us: int
    detected_us: int
    """When Fairlead, or a person, saw it."""
    last_us: int
    """When the latest Decision of it was made."""
    contained_us: int = 0
    """When the last live worker was seen to obey; 0 while it isn't contained."""
    closed_us: int = 0
    decisions: tuple[str, ...] = ()
    """Ids of its first Decisions."""
    seen: int = 0
    """How many Decisions belong to it."""

    @property
    def detect_us(self) -> int:
        """Time to detect: onset to detection, in microseconds (KPI 5)."""
        return max(0, self.detected_us - self.onset_us)

    @property
    def contain_us(self) -> int | None:
        """Time to contain: detection to containment, in microseconds (KPI 6); None while it isn't contained."""
        return max(0, self.contained_us - self.detected_us) if self.contained_us else None


class Event(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One line of an Incident's timeline; appended, never changed."""

    incident: str
    tenant: str
    kind: EventKind
    at_us: int
    actor: str
    text: str
    """One sentence without content."""
    subject: str = ""
    """Id of what it is about: a Decision, lever, case or complaint."""
    containment: "Containment | None" = None


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one gateway worker did with a real request after a lever was pulled."""

    worker: str
    """Name of the worker's socket."""
    effective: bool
    """Whether the worker answered, and refused because of this lever."""
    exchange: str = ""
    """``x_…`` of the request, whose Decision is in the journal."""
    took_ms: float = 0.0
    problem: str = ""
    """Why it was not effective, without content."""


class Containment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A lever that was pulled, and what every live worker did afterwards."""

    lever: Lever
    probes: tuple[ProbeResult, ...]
    at_us: int
    """When the last probe was answered."""

    @property
    def effective(self) -> bool:
        """True only when there was a live worker and each of them was seen to obey."""
        return bool(self.probes) and all(probe.effective for probe in self.probes)

    @property
    def failing(self) -> tuple[str, ...]:
        """Workers that were not seen to obey."""
        return tuple(probe.worker for probe in self.probes if not probe.effective)


class Complaint(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user or support reports about a Decision or an answer: harm, or over-blocking."""

    id: str
    tenant: str
    system: str
    kind: Literal["harm", "over_blocking"]
    exchange: str
    """``x_…`` that it is about; its Decisions say what was done."""
    summary: str
    """One line without content, written by whoever files it."""
    filed_by: str
    filed_us: int
    incident: str = ""
    """Incident that it was joined to."""
