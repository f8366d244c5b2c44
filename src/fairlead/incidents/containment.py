"""Containment: pull a lever, then prove by real requests that every live gateway worker obeys it."""

from fairlead.core import Clock, NotFound, UsageError, new_id
from fairlead.guard import Lever, LeverKind
from fairlead.incidents.engine import refuse_same_person
from fairlead.incidents.model import Containment, Incident
from fairlead.incidents.ports import LeverStore, Prober
from fairlead.incidents.probe import probed_kind


class Containing:
    """Pulls and releases levers.

    Args:
        levers: Where they are.
        prober: Reaches the gateway workers.
        clock: For the times of the record.
    """

    def __init__(self, levers: LeverStore, prober: Prober, clock: Clock) -> None:
        self._levers = levers
        self._prober = prober
        self._clock = clock

    def pull(self, incident: Incident, kind: LeverKind, target: str, *, actor: str, reason: str) -> tuple[Lever, bool]:
        """Pull a lever for an Incident's tenant; from here on it holds, whatever the probes will say.

        Args:
            incident: What it is pulled for.
            kind: What is switched off.
            target: Name of the tool, model, System or tenant.
            actor: Account that pulls it.
            reason: Why, without content.

        Returns:
            The lever, and whether it was not pulled before.

        Raises:
            LeverUnprobed: No request could prove it; nothing was pulled.
            InvalidInput: The lever file is damaged; nothing was pulled.
        """
        if not target or not actor:
            raise UsageError("a lever has a target and an actor", where=incident.id, mend="say which tool, and who you are")
        known = next((lever for lever in self.pulled(incident) if (lever.kind, lever.target) == (kind, target)), None)
        if known is not None:
            return known, False
        lever = Lever(
            id=new_id("lev"),
            kind=kind,
            target=target,
            by=actor,
            at_us=self._clock.now_us(),
            tenant=incident.tenant,
            incident=incident.id,
            reason=reason,
        )
        probed_kind(lever)
        self._levers.write(lambda levers: (*levers, lever))
        return lever, True

    def prove(self, lever: Lever) -> Containment:
        """Send a real request through each live worker for a lever that is pulled."""
        probes = tuple(self._prober.probe(worker, lever) for worker in self._prober.workers())
        return Containment(lever=lever, probes=probes, at_us=self._clock.now_us())

    def pulled(self, incident: Incident) -> tuple[Lever, ...]:
        """Return the levers that are pulled for an Incident."""
        return tuple(lever for lever in self._levers.read() if lever.incident == incident.id and lever.tenant == incident.tenant)

    def release(self, incident: Incident, lever_id: str, *, actor: str) -> Lever:
        """Release one lever of an Incident.

        Raises:
            NotFound: No such lever is pulled for it.
            SecondPersonNeeded: The actor pulled it.
        """
        lever = next((lever for lever in self.pulled(incident) if lever.id == lever_id), None)
        if lever is None:
            raise NotFound("no such lever is pulled for this incident", where=lever_id, mend="see `fairlead incident show`")
        refuse_same_person(lever, actor)
        self._levers.write(lambda levers: tuple(each for each in levers if each.id != lever_id))
        return lever
