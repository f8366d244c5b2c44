"""The rules of an Incident's life: what opens one, what belongs to it, when it is contained, resolved, closed. Pure."""

from collections.abc import Sequence

from msgspec.structs import replace

from fairlead.core import Action, Decision, derived_id
from fairlead.guard import Lever
from fairlead.incidents.errors import IncidentState, SecondPersonNeeded
from fairlead.incidents.model import (
    DEADLINES,
    MAX_DECISIONS,
    STANDING,
    SYSTEM_ACTOR,
    Containment,
    Event,
    EventKind,
    Incident,
)
from fairlead.incidents.ports import Outcome
from fairlead.policy import IncidentRule

WINDOW_US = 24 * 3_600_000_000
"""A Decision joins a standing Incident of its kind when the latest one is at most this old."""

DONE: dict[Action, str] = {
    "allow": "let through",
    "flag": "flagged",
    "redact": "redacted",
    "replace": "replaced",
    "route": "routed elsewhere",
    "require_approval": "held for approval",
    "block": "blocked",
}


DEFAULT_RULES: tuple[IncidentRule, ...] = (
    IncidentRule(id="blocked-exfiltration", severity="P1", stages=("tool_call",), actions=("block",), hazards=("data_exfiltration",)),
)
"""Looked at after the policy's own rules, so that a policy can give another severity."""


def matching(decision: Decision, rules: Sequence[IncidentRule]) -> IncidentRule | None:
    """Return the first rule that a Decision matches, the policy's rules before the defaults.

    What a lever stopped opens nothing: it is the containment at work.
    """
    if decision.state == "open" or decision.rule.startswith("lever:"):
        return None
    return next((rule for rule in (*rules, *DEFAULT_RULES) if rule.matches(decision)), None)


def consider(decision: Decision, rule: IncidentRule, standing: Sequence[Incident], *, owner: str, now_us: int) -> Outcome:
    """Open an Incident for a Decision, or take the Decision into the one that stands for its kind.

    Args:
        decision: What was decided.
        rule: The incident rule that it matches.
        standing: Incidents of the same tenant and System; those that are over are not looked at.
        owner: Who owns the System.
        now_us: When this is seen.

    Returns:
        The Incident as it is now; no events when the Decision was known or only counts.
    """
    for incident in standing:
        if _same(incident, decision, rule):
            return _joined(incident, decision, now_us)
    hazard = _hazard(decision, rule)
    incident = Incident(
        id=derived_id("inc", decision.id, rule.id),
        tenant=decision.tenant,
        system=decision.system,
        severity=rule.severity,
        status="open",
        hazard=hazard,
        opened_by=rule.id,
        rule=decision.rule,
        tool=decision.tool,
        title=_title(decision, hazard),
        owner=owner,
        due_us=now_us + DEADLINES[rule.severity].contain_within_us,
        onset_us=decision.at_us,
        opened_us=now_us,
        detected_us=now_us,
        last_us=decision.at_us,
        decisions=(decision.id,),
        seen=1,
    )
    text = f"opened by rule {rule.id}: {incident.title}"
    return Outcome(incident, (event(incident, "opened", now_us, text=text, subject=decision.id),), new=True)


def contained(incident: Incident, containment: Containment, *, actor: str, fresh: bool = True) -> Outcome:
    """Say what the probes of a pulled lever mean for an Incident: contained only when every live worker was seen to obey.

    Args:
        incident: What the lever was pulled for.
        containment: The lever and its probes.
        actor: Who asked for them.
        fresh: Whether the lever was pulled just now, not only probed again.

    Raises:
        IncidentState: The Incident is over.
    """
    refuse_unless_standing(incident, "contain")
    lever = containment.lever
    what = f"{lever.kind} {lever.target}"
    text = f"pulled {what}: {lever.reason}"
    events = [event(incident, "lever_pulled", lever.at_us, actor=lever.by, text=text, subject=lever.id)] if fresh else []
    if not containment.effective:
        failing = ", ".join(containment.failing) or "no worker is alive"
        events.append(_probed(incident, "containment_failed", containment, actor, f"{what} is pulled but not proven: {failing}"))
        if fresh or incident.status != "contained":
            # A second lever that can't be proven takes nothing back from a first one that was.
            return Outcome(incident, tuple(events))
        due_us = containment.at_us + DEADLINES[incident.severity].contain_within_us
        return Outcome(replace(incident, status="open", contained_us=0, due_us=due_us), tuple(events))
    count = len(containment.probes)
    events.append(_probed(incident, "contained", containment, actor, f"{count} of {count} live workers refused a real request for {what}"))
    at_us = incident.contained_us or containment.at_us
    due_us = at_us + DEADLINES[incident.severity].close_within_us
    return Outcome(replace(incident, status="contained", contained_us=at_us, due_us=due_us), tuple(events))


def released(incident: Incident, lever: Lever, *, actor: str, reason: str, at_us: int, left: int) -> Outcome:
    """Release a lever; the last one of a contained Incident makes it resolved.

    Args:
        incident: The Incident that the lever was pulled for.
        lever: The lever.
        actor: Who releases it.
        reason: Why it may be, without content.
        at_us: When.
        left: How many levers stay pulled for the Incident.
    """
    events = [
        event(incident, "lever_released", at_us, actor=actor, text=f"released {lever.kind} {lever.target}: {reason}", subject=lever.id)
    ]
    if left or incident.status != "contained":
        return Outcome(incident, tuple(events))
    events.append(event(incident, "resolved", at_us, actor=actor, text="the last lever is released"))
    return Outcome(replace(incident, status="resolved"), tuple(events))


def refuse_same_person(lever: Lever, actor: str) -> None:
    """Refuse that whoever pulled a lever releases it.

    Raises:
        SecondPersonNeeded: The actor pulled it, or is nobody.
    """
    if actor in ("", lever.by):
        raise SecondPersonNeeded(
            "a lever is released by another person than the one who pulled it",
            where=lever.id,
            mend="ask a colleague with the role incident commander",
        )


def closed(incident: Incident, *, actor: str, reason: str, at_us: int, pulled: int) -> Outcome:
    """Close an Incident that has no lever pulled any more.

    Raises:
        IncidentState: It is closed already, or a lever is still pulled.
    """
    if incident.status == "closed":
        raise IncidentState("the incident is closed already", where=incident.id, mend="a new Decision of its kind opens a new one")
    if pulled:
        raise IncidentState(f"{pulled} lever(s) are still pulled", where=incident.id, mend="have them released first")
    return Outcome(replace(incident, status="closed", closed_us=at_us), (event(incident, "closed", at_us, actor=actor, text=reason),))


def event(incident: Incident, kind: EventKind, at_us: int, *, text: str, actor: str = SYSTEM_ACTOR, subject: str = "") -> Event:
    """Return one line for an Incident's timeline."""
    return Event(incident=incident.id, tenant=incident.tenant, kind=kind, at_us=at_us, actor=actor, text=text, subject=subject)


def refuse_unless_standing(incident: Incident, verb: str) -> None:
    """Refuse what can only be done to an Incident that is open or contained.

    Raises:
        IncidentState: It is over.
    """
    if incident.status not in STANDING:
        raise IncidentState(
            f"the incident is {incident.status}: there is nothing to {verb}", where=incident.id, mend="open incidents are listed"
        )


def _same(incident: Incident, decision: Decision, rule: IncidentRule) -> bool:
    key = (incident.tenant, incident.system, incident.opened_by, incident.tool)
    return (
        incident.status in STANDING
        and key == (decision.tenant, decision.system, rule.id, decision.tool)
        and abs(decision.at_us - incident.last_us) <= WINDOW_US
    )


def _joined(incident: Incident, decision: Decision, now_us: int) -> Outcome:
    if decision.id in incident.decisions:
        return Outcome(incident, ())
    room = len(incident.decisions) < MAX_DECISIONS
    grown = replace(
        incident,
        seen=incident.seen + 1,
        onset_us=min(incident.onset_us, decision.at_us),
        last_us=max(incident.last_us, decision.at_us),
        decisions=(*incident.decisions, decision.id) if room else incident.decisions,
    )
    events = (event(grown, "seen", now_us, text="again", subject=decision.id),) if room else ()
    if incident.status != "contained" or decision.at_us <= incident.contained_us:
        return Outcome(grown, events)
    text = "it happened again after containment: what is pulled does not stop it"
    due_us = now_us + DEADLINES[incident.severity].contain_within_us
    reopened = event(grown, "reopened", now_us, text=text, subject=decision.id)
    return Outcome(replace(grown, status="open", contained_us=0, due_us=due_us), (*events, reopened))


def _probed(incident: Incident, kind: EventKind, containment: Containment, actor: str, text: str) -> Event:
    line = event(incident, kind, containment.at_us, actor=actor, text=text, subject=containment.lever.id)
    return replace(line, containment=containment)


def _hazard(decision: Decision, rule: IncidentRule) -> str:
    wanted = [finding for finding in decision.findings if not rule.hazards or finding.hazard in rule.hazards]
    return max(wanted, key=lambda finding: finding.score).hazard if wanted else ""


def _title(decision: Decision, hazard: str) -> str:
    what = hazard.replace("_", " ") or "a decision"
    tool = f" of tool {decision.tool}" if decision.tool else ""
    rule = f" by rule {decision.rule}" if decision.rule else ""
    return f"{what} {DONE[decision.action]} at {decision.stage.replace('_', ' ')}{tool}{rule}"
