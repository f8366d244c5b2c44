"""The desk: what people do with an Incident. Each act is recorded with who did it."""

from pathlib import Path

import msgspec

from fairlead.core import Clock, UsageError, digest
from fairlead.evals import Case
from fairlead.guard import Lever, LeverKind
from fairlead.identity import Actor, require
from fairlead.incidents import engine
from fairlead.incidents.cases import case_path, read_capture, regression_case, store_case
from fairlead.incidents.containment import Containing
from fairlead.incidents.errors import CaptureMissing
from fairlead.incidents.model import Complaint, Containment, Event, Incident, Status
from fairlead.incidents.ports import CaptureReader, IncidentStore, Made, Notary, Outcome


class IncidentFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An Incident with everything that belongs to it."""

    incident: Incident
    events: tuple[Event, ...]
    levers: tuple[Lever, ...]
    """Levers that are pulled for it now."""


class IncidentDesk:
    """Everything that people do with incidents.

    Args:
        store: Records.
        containing: Levers and probes.
        captures: Opens sealed captures.
        notary: Signs containments and cases.
        cases: Folder of regression cases, ``<data>/cases``.
        clock: For the times of the record.
    """

    def __init__(
        self, store: IncidentStore, containing: Containing, *, captures: CaptureReader, notary: Notary, cases: Path, clock: Clock
    ) -> None:
        self._store = store
        self._containing = containing
        self._captures = captures
        self._notary = notary
        self._cases = cases
        self._clock = clock

    def incidents(self, tenant: str, *, status: Status | None = None, limit: int = 200) -> tuple[Incident, ...]:
        """Return a tenant's Incidents, newest first."""
        return self._store.incidents(tenant, status=status, limit=limit)

    def open(self, tenant: str, incident: str) -> IncidentFile:
        """Return one Incident with its timeline and levers.

        Raises:
            IncidentNotFound: There is none of that id in the tenant.
        """
        found = self._store.find(tenant, incident)
        return IncidentFile(incident=found, events=self._store.events(tenant, incident), levers=self._containing.pulled(found))

    def contain(self, tenant: str, incident: str, lever: tuple[LeverKind, str], *, actor: Actor, reason: str) -> Containment:
        """Pull a lever, probe every live worker, and mark the Incident contained only when each of them obeyed.

        The lever comes before the record, so that a store that is down never delays containment: the lever file itself says who
        pulled what, why and for which Incident.

        Args:
            tenant: Whose Incident.
            incident: Its id.
            lever: Kind and target.
            actor: Account that pulls it.
            reason: Why, without content.

        Raises:
            PermissionRefused: The actor may not, in this tenant.
            IncidentNotFound: There is none of that id in the tenant.
            IncidentState: It is over.
            LeverUnprobed: No request could prove the lever; nothing was pulled.
        """
        require(actor, "incident.contain", tenant)
        _needs_reason(reason, incident)
        found = self._store.find(tenant, incident)
        engine.refuse_unless_standing(found, "contain")
        pulled, fresh = self._containing.pull(found, lever[0], lever[1], actor=actor.id, reason=reason)
        containment = self._containing.prove(pulled)
        self._store.change(tenant, incident, lambda current: engine.contained(current, containment, actor=actor.id, fresh=fresh))
        self._notary.containment(found, containment)
        return containment

    def release(self, tenant: str, incident: str, lever: str, *, actor: Actor, reason: str) -> Incident:
        """Release a lever; another person than the one who pulled it.

        Raises:
            PermissionRefused: The actor may not, in this tenant.
            IncidentNotFound: There is none of that id in the tenant.
            NotFound: No such lever is pulled for it.
            SecondPersonNeeded: The actor pulled it.
        """
        require(actor, "incident.contain", tenant)
        _needs_reason(reason, lever)
        released = self._containing.release(self._store.find(tenant, incident), lever, actor=actor.id)
        now_us = self._clock.now_us()

        def step(current: Incident) -> Outcome:
            left = len(self._containing.pulled(current))
            return engine.released(current, released, actor=actor.id, reason=reason, at_us=now_us, left=left)

        return self._store.change(tenant, incident, step)

    def close(self, tenant: str, incident: str, *, actor: Actor, reason: str) -> Incident:
        """Close an Incident.

        Raises:
            PermissionRefused: The actor may not, in this tenant.
            IncidentNotFound: There is none of that id in the tenant.
            IncidentState: It is closed already, or a lever is still pulled.
        """
        require(actor, "incident.close", tenant)
        _needs_reason(reason, incident)
        now_us = self._clock.now_us()

        def step(current: Incident) -> Outcome:
            return engine.closed(current, actor=actor.id, reason=reason, at_us=now_us, pulled=len(self._containing.pulled(current)))

        return self._store.change(tenant, incident, step)

    def to_case(self, tenant: str, incident: str, *, actor: Actor, reason: str) -> Made:
        """Turn the sealed capture behind an Incident into a regression case, without showing it to anybody.

        Raises:
            PermissionRefused: The actor may not, in this tenant.
            IncidentNotFound: There is none of that id in the tenant.
            CaptureMissing: The policy let nothing be kept.
            CaseNotMade: The capture does not hold what a case needs.
        """
        require(actor, "case.make", tenant)
        _needs_reason(reason, incident)
        found = self._store.find(tenant, incident)
        captures = self._store.captures(tenant, found.decisions)
        if not captures:
            raise CaptureMissing(
                "nothing of the content behind this incident was kept",
                where=incident,
                mend="set `capture: sealed_on_finding` in the policy; the next incident of this kind can then become a case",
            )
        content = self._captures.unseal(tenant, captures[0], actor=actor.id, reason=f"case of {incident}: {reason}")
        case = regression_case(found, read_capture(content))
        now_us = self._clock.now_us()
        self._store.keep_case(found, case, case_path(self._cases, case), now_us)
        store_case(self._cases, case)
        line = engine.event(found, "case_made", now_us, text=f"regression case {case.id}: {reason}", actor=actor.id, subject=case.id)
        self._store.change(tenant, incident, lambda current: Outcome(current, (line,)))
        made = _made(case, incident, now_us)
        self._notary.case(found, made)
        return made

    def complain(self, complaint: Complaint) -> None:
        """Keep what a user or support reports, and join it to an Incident when it names one.

        Raises:
            IncidentNotFound: It names an Incident that is not of its tenant.
        """
        if complaint.incident:
            found = self._store.find(complaint.tenant, complaint.incident)
            text = f"complaint: {complaint.kind.replace('_', ' ')}"
            line = engine.event(found, "complaint", complaint.filed_us, text=text, actor=complaint.filed_by, subject=complaint.id)
            self._store.change(complaint.tenant, found.id, lambda current: Outcome(current, (line,)))
        self._store.complain(complaint)


def _needs_reason(reason: str, where: str) -> None:
    if not reason.strip():
        raise UsageError("this needs a reason", where=where, mend='add --reason "why"')


def _made(case: Case, incident: str, at_us: int) -> Made:
    return Made(
        case=case.id,
        case_digest=digest(case),
        incident=incident,
        kind=case.kind,
        hazard=case.hazard,
        origin=case.origin,
        cluster=case.cluster,
        at_us=at_us,
    )
