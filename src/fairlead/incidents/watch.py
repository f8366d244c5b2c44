"""Watching the journals: every Decision is looked at once, in order, whatever crashes in between."""

from collections.abc import Sequence
from pathlib import Path

from fairlead.core import Clock, Decision, InvalidInput, decode
from fairlead.incidents.engine import consider, matching
from fairlead.incidents.model import Incident
from fairlead.incidents.ports import IncidentStore, Outcome, Programmes, Step
from fairlead.journal import Entry, identity, journals, read
from fairlead.monitor import Alert, Alerts, drop
from fairlead.policy import IncidentRule

BATCH = 500


def watch(folder: Path, store: IncidentStore, programmes: Programmes, *, clock: Clock, alerts: Alerts = drop) -> tuple[Incident, ...]:
    """Look at all Decisions that the journals of a folder hold and that were not looked at yet.

    Args:
        folder: ``<data>/journal``.
        store: Keeps the Incidents and how far each journal was looked at, in one transaction.
        programmes: What the policy behind a Decision says of incidents.
        clock: For the time of detection.
        alerts: Where an alert for each new Incident goes, after it is recorded.

    Returns:
        The Incidents that are new.

    Raises:
        JournalUnavailable: A journal can't be read; those before it were looked at.
        StoreUnavailable: The store does not answer; nothing is lost, the next call goes on from here.
    """
    opened: list[Incident] = []
    for path in journals(folder):
        name = identity(path)
        while entries := read(path, after := store.position(name), BATCH):
            new = store.take(name, after, entries[-1].seq, _steps(entries, programmes, clock))
            opened += new
            for incident in new:
                alerts(_alert(incident))
    return tuple(opened)


def _steps(entries: Sequence[Entry], programmes: Programmes, clock: Clock) -> list[Step]:
    steps = []
    for entry in entries:
        if entry.record.kind != "decision":
            continue
        try:
            decision = decode(entry.record.body, Decision)
        except InvalidInput:
            # Folding lists what can't be read; an incident can't be made of it.
            continue
        programme = programmes(decision)
        rule = matching(decision, programme.rules)
        if rule is not None:
            steps.append(_step(decision, rule, programme.owner, clock.now_us()))
    return steps


def _step(decision: Decision, rule: IncidentRule, owner: str, now_us: int) -> Step:
    def apply(standing: Sequence[Incident]) -> Outcome:
        return consider(decision, rule, standing, owner=owner, now_us=now_us)

    return Step(decision.tenant, decision.system, apply)


def _alert(incident: Incident) -> Alert:
    return Alert(
        subject=incident.id,
        tenant=incident.tenant,
        system=incident.system,
        severity=incident.severity,
        title=incident.title,
        at_us=incident.opened_us,
    )
