"""What the incident engine needs from outside: rules of the policy, levers, probes, captures, records, a notary."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from fairlead.core import Decision
from fairlead.evals import Case
from fairlead.guard import Lever
from fairlead.incidents.model import Complaint, Containment, Event, Incident, ProbeResult, Status
from fairlead.policy import IncidentRule


class Outcome(NamedTuple):
    """An Incident as it is now, and what is to be appended to its timeline."""

    incident: Incident
    events: tuple[Event, ...]
    new: bool = False


class Programme(NamedTuple):
    """What a System's policy says of incidents."""

    rules: tuple[IncidentRule, ...]
    owner: str


Programmes = Callable[[Decision], Programme]
"""Finds what the policy behind a Decision says of incidents; wiring knows the policies."""


class LeverStore(Protocol):
    """Where levers are. Failure posture: an error; a lever that can't be written is not pulled."""

    def read(self) -> tuple[Lever, ...]:
        """Return the levers that are pulled now."""

    def write(self, change: Callable[[tuple[Lever, ...]], tuple[Lever, ...]]) -> tuple[Lever, ...]:
        """Change the levers, durably and alone, and return what is pulled now."""


class Prober(Protocol):
    """Sends real requests through each gateway worker."""

    def workers(self) -> tuple[str, ...]:
        """Return the names of the workers that are alive."""

    def probe(self, worker: str, lever: Lever) -> ProbeResult:
        """Send one worker a request that the lever must stop."""


class CaptureReader(Protocol):
    """Opens sealed captures inside the boundary; each use is recorded with its actor and reason."""

    def unseal(self, tenant: str, capture: str, *, actor: str, reason: str) -> bytes:
        """Return the content of a capture.

        Raises:
            FairleadError: It was shredded, tampered with, or may not be read.
        """


class Notary(Protocol):
    """Signs records and appends them to the ledger, which keeps them as they are: none of them holds content."""

    def containment(self, incident: Incident, containment: Containment) -> None:
        """Attest a lever that was pulled, and what the probes saw."""

    def case(self, incident: Incident, made: "Made") -> None:
        """Attest that a regression case was made."""


class Made(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A regression case that was made of an Incident; its text is not shown."""

    case: str
    case_digest: str
    incident: str
    kind: str
    hazard: str
    origin: str
    cluster: str
    at_us: int


class IncidentStore(Protocol):
    """Records of incidents; every query names its tenant."""

    def find(self, tenant: str, incident: str) -> Incident:
        """Return one Incident.

        Raises:
            IncidentNotFound: There is none of that id in the tenant.
        """

    def incidents(self, tenant: str, *, status: Status | None = None, limit: int = 200) -> tuple[Incident, ...]:
        """Return Incidents, newest first."""

    def events(self, tenant: str, incident: str) -> tuple[Event, ...]:
        """Return the timeline of an Incident, oldest first."""

    def change(self, tenant: str, incident: str, step: Callable[[Incident], Outcome]) -> Incident:
        """Take an Incident one step further, alone and at once; what a person did becomes an audit entry too.

        Raises:
            IncidentNotFound: There is none of that id in the tenant.
        """

    def position(self, journal: str) -> int:
        """Return how far a journal was looked at."""

    def take(self, journal: str, after: int, upto: int, steps: Sequence["Step"]) -> tuple[Incident, ...]:
        """Take the Decisions of a journal between two places in, all in one transaction; returns the Incidents that are new.

        When another process has taken some of them meanwhile, nothing is changed: the caller looks at the position again.
        """

    def captures(self, tenant: str, decisions: Sequence[str]) -> tuple[str, ...]:
        """Return the ids of the captures behind Decisions, each once; Decisions without one are left out."""

    def keep_case(self, incident: Incident, case: Case, path: Path, at_us: int) -> None:
        """Index a case that was made of an Incident; its text stays in its file.

        Raises:
            RecordChanged: Another case is noted under that id.
        """

    def complain(self, complaint: Complaint) -> None:
        """Keep a Complaint."""

    def complaints(self, tenant: str, *, limit: int = 200) -> tuple[Complaint, ...]:
        """Return Complaints, newest first."""


class Step(NamedTuple):
    """One Decision that opens an Incident or belongs to one; which, is decided when the standing Incidents are known."""

    tenant: str
    system: str
    apply: Callable[[Sequence[Incident]], Outcome]
