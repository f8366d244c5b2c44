"""How the flow writes Decisions."""

from collections.abc import Iterable, Sequence

import msgspec

from fairlead.core import SEVERITY, Action, Coverage, Decision, Finding, Segment, Stage, State, derived_id
from fairlead.detectors import Operators
from fairlead.guard.context import ExchangeContext, StageOutcome
from fairlead.guard.edits import apply_cuts, cuts_of
from fairlead.guard.ports import Time
from fairlead.policy import Edit, Release, Ruling

FAILED = "guard:failed"
"""Rule of a Decision that the guard could not make."""
LATE_RULE = "guard:late"
"""Rule of a Decision that went on without a check, since the guard was late."""
UNKNOWN = "unknown"
"""Rule of a Decision about a field that the guard doesn't know."""


class Spot(msgspec.Struct, frozen=True):
    """Which Decision of an Exchange: its Stage, and what tells it from others of that Stage."""

    stage: Stage
    place: str


REQUEST = Spot("input", "request")
GATE = Spot("input", "gate")
"""Levers and limits: what stops a request whatever it says."""
RESPONSE = Spot("output", "response")


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why something is stopped before any detector looks at it."""

    rule: str
    reason: str = "stopped before the detectors"
    hazard: str = ""
    detector: str = "limits@1"
    """Who reports the hazard."""
    always: bool = False
    """True for what holds in shadow too: a lever, or levers that can't be read."""


class Judgement(msgspec.Struct, frozen=True):
    """What the rules say of a Stage: of what could still be enforced, and of everything that was seen."""

    now: Ruling
    """The ruling on the findings that came in time; this is enforced."""
    all: Ruling
    """The ruling on all findings, late ones too; this is the verdict."""

    def action(self, release: Release) -> Action:
        """Return what is enforced: a late finding can only be flagged."""
        if self.all.mode != "enforce" or release.policy.mode != "enforce":
            return "allow"
        if self.now.verdict == "allow" and self.all.verdict != "allow":
            return "flag"
        return self.now.verdict


def judge(context: ExchangeContext, stage: Stage, findings: Sequence[Finding]) -> Judgement:
    """Apply the rules to findings, those that came in time and all of them."""
    everything = context.release.decide(stage, findings)
    if not any(finding.late for finding in findings):
        return Judgement(everything, everything)
    return Judgement(context.release.decide(stage, [finding for finding in findings if not finding.late]), everything)


def ruled(context: ExchangeContext, spot: Spot, at_us: int, judgement: Judgement, findings: Sequence[Finding]) -> Decision:
    """Return the record of a ruling, before Coverage and cost are known."""
    release = context.release
    ruling = judgement.all
    return Decision(
        id=derived_id("d", context.exchange, spot.stage, spot.place),
        exchange=context.exchange,
        tenant=context.tenant,
        system=release.policy.system,
        release=release.id,
        overlays=release.overlays,
        stage=spot.stage,
        at_us=at_us,
        verdict=ruling.verdict,
        action=judgement.action(release),
        mode="shadow" if "shadow" in (ruling.mode, release.policy.mode) and ruling.verdict != "allow" else "enforce",
        rule=ruling.rule,
        findings=tuple(findings),
        trajectory=context.trajectory,
        near_miss=ruling.near_miss,
    )


def refused(context: ExchangeContext, spot: Spot, time: Time, segments: Sequence[Segment], refusal: Refusal) -> Decision:
    """Return the record of something stopped before the detectors: every Segment is counted as skipped."""
    shadow = context.release.policy.mode == "shadow" and not refusal.always
    path = segments[0].path if segments else ""
    findings = (Finding(hazard=refusal.hazard, score=1.0, span=(0, 0), path=path, detector=refusal.detector),) if refusal.hazard else ()
    return Decision(
        id=derived_id("d", context.exchange, spot.stage, spot.place),
        exchange=context.exchange,
        tenant=context.tenant,
        system=context.release.policy.system,
        release=context.release.id,
        overlays=context.release.overlays,
        stage=spot.stage,
        at_us=time.now_us,
        verdict="block",
        action="allow" if shadow else "block",
        mode="shadow" if shadow else "enforce",
        rule=refusal.rule,
        findings=findings,
        coverage=tuple(uncovered(segment, refusal.reason) for segment in segments),
        trajectory=context.trajectory,
        tool=known_tool(context.release, segments),
    )


def bypassed(decision: Decision) -> Decision:
    """Return the record of something that went on although the guard failed."""
    state: State = "bypassed"
    return msgspec.structs.replace(decision, verdict="allow", action="allow", mode="enforce", state=state, coverage=())


def stops_on_failure(release: Release) -> bool:
    """Tell whether a guard that fails stops what it could not check; a policy in shadow stops nothing."""
    return release.fails_closed and release.policy.mode == "enforce"


def failure(release: Release, outcome: StageOutcome) -> StageOutcome:
    """Return what follows when a detector failed: stopped or bypassed, as the policy says; recorded either way.

    What the other detectors saw is enforced, bypassed or not.
    """
    decision = outcome.decision
    if stops_on_failure(release):
        return StageOutcome(decision=msgspec.structs.replace(decision, verdict="block", action="block", rule=FAILED), failed=True)
    return incomplete(outcome, FAILED)


def incomplete(outcome: StageOutcome, rule: str = LATE_RULE) -> StageOutcome:
    """Return what goes on without a check that failed, or that gave way: recorded as bypassed, since nobody passed it."""
    decision = outcome.decision
    state: State = "bypassed"
    return msgspec.structs.replace(outcome, decision=msgspec.structs.replace(decision, state=state, rule=decision.rule or rule))


def names_unknown(decision: Decision) -> Decision:
    """Return the Decision of a Stage in shadow that holds fields which the policy would have blocked."""
    if SEVERITY[decision.verdict] >= SEVERITY["block"]:
        return decision
    return msgspec.structs.replace(decision, verdict="block", mode="shadow", rule=UNKNOWN)


def edited(segments: Iterable[Segment], edits: Sequence[Edit], operators: Operators) -> dict[str, str]:
    """Return path and new text of each Segment that is edited."""
    own: dict[str, list[Edit]] = {}
    for edit in edits:
        own.setdefault(edit.finding.path, []).append(edit)
    return {
        segment.path: apply_cuts(segment.text, cuts_of(own[segment.path], segment.text, operators))
        for segment in segments
        if segment.path in own
    }


def uncovered(segment: Segment, reason: str) -> Coverage:
    """Return the Coverage of a Segment that nothing looked at, and why."""
    return Coverage(path=segment.path, chars=len(segment.text), status="skipped", detectors=(), reason=reason)


def unanswered(segment: Segment) -> Coverage:
    """Return the Coverage of a Segment whose detectors gave no answer at all."""
    return Coverage(path=segment.path, chars=len(segment.text), status="errored", detectors=(), reason="the detectors did not answer")


def with_broker(entry: Coverage) -> Coverage:
    """Return the Coverage of a tool call's arguments, which the broker looked at too."""
    if entry.status == "skipped":
        return msgspec.structs.replace(entry, status="ran", detectors=("broker@1",), reason="")
    return msgspec.structs.replace(entry, detectors=(*entry.detectors, "broker@1")) if entry.status == "ran" else entry


def known_tool(release: Release, segments: Sequence[Segment]) -> str:
    """Return the tool's name if the policy declares it: a name that a model or client made up may be content."""
    name = next((segment.tool for segment in segments if segment.tool), "")
    if not name:
        return ""
    return name if release.tool(name) is not None else "unknown"
