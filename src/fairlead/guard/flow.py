"""The one decision flow, sans I/O: it asks through ``guard.ports`` and is told.

Every driver (sync SDK, async gateway, evals, replay) runs these generators, so that all of them decide alike. A port that fails
is thrown into the flow as :class:`PortFailed`; the policy's ``on_error`` says whether the Stage is stopped or passes, recorded as
``bypassed``.
"""

from collections.abc import Generator, Iterable, Sequence
from typing import TypeVar

import msgspec

from fairlead.core import SEVERITY, Action, Finding, Segment, Stage
from fairlead.guard.context import ExchangeContext, StageOutcome
from fairlead.guard.detect import Detected, DetectJob
from fairlead.guard.errors import PortFailed
from fairlead.guard.ports import (
    Ask,
    AskBroker,
    AskDetect,
    AskFingerprint,
    AskLevers,
    AskLimit,
    AskTime,
    Lever,
    LeverKind,
    LimitAnswer,
    Time,
    ToolCall,
    ToolContext,
    ToolVerdict,
)
from fairlead.guard.record import (
    REQUEST,
    RESPONSE,
    Refusal,
    Spot,
    edited,
    failure,
    judge,
    known_tool,
    refused,
    ruled,
    unanswered,
    uncovered,
    with_broker,
)

T = TypeVar("T")
Flow = Generator[Ask, object, T]
"""A flow yields asks, is sent answers, and returns its outcome."""

MINUTE_US = 60_000_000
DAY_US = 24 * 60 * MINUTE_US
CHARS_PER_TOKEN = 4
"""Rough size of a token; the budget is a brake, not an invoice."""


def guard_request(context: ExchangeContext, segments: Sequence[Segment], unknown: Sequence[Segment] = ()) -> Flow[list[StageOutcome]]:
    """Decide about everything that goes to the model.

    Args:
        context: The Exchange and the Release that decides.
        segments: Texts of the request.
        unknown: Strings in places that the guard does not know.

    Returns:
        One outcome per Stage; the last one is stopped if the request is, and no later Stage is looked at.
    """
    policy = context.release.policy
    targets: tuple[tuple[LeverKind, str], ...] = (
        ("tenant", context.tenant),
        ("system", policy.system),
        ("model", context.model),
        ("key", context.key),
    )
    lever = yield from _lever(context, targets)
    if lever is not None:
        return [(yield from _refuse(context, REQUEST, segments, Refusal(rule=f"lever:{lever.kind}")))]
    limited = yield from _limits(context, segments)
    if limited is not None:
        return [limited]
    if unknown and policy.unknown == "block":
        refusal = Refusal(rule="unknown", reason="a field that the guard doesn't know")
        return [(yield from _refuse(context, REQUEST, (*segments, *unknown), refusal))]
    if policy.unknown == "scan":
        segments, unknown = (*segments, *unknown), ()
    outcomes: list[StageOutcome] = []
    for stage, group in _by_stage(segments).items():
        outcome = yield from check_stage(context, Spot(stage, "request"), group, passed=() if outcomes else unknown)
        outcomes.append(outcome)
        if outcome.stopped:
            break
    return outcomes


def guard_output(context: ExchangeContext, segments: Sequence[Segment], unknown: Sequence[Segment] = ()) -> Flow[StageOutcome]:
    """Decide about a whole response's texts (not its tool calls)."""
    policy = context.release.policy
    if unknown and policy.unknown == "block":
        refusal = Refusal(rule="unknown", reason="a field that the guard doesn't know")
        return (yield from _refuse(context, RESPONSE, (*segments, *unknown), refusal))
    if policy.unknown == "scan":
        segments, unknown = (*segments, *unknown), ()
    return (yield from check_stage(context, RESPONSE, segments, passed=unknown))


def check_stage(context: ExchangeContext, spot: Spot, segments: Sequence[Segment], passed: Sequence[Segment] = ()) -> Flow[StageOutcome]:
    """Detect, decide and edit at one Stage.

    Args:
        context: The Exchange and the Release that decides.
        spot: Which Decision of the Exchange this is.
        segments: Texts of this Stage.
        passed: Strings that the policy lets through unseen; they are counted as skipped.
    """
    release = context.release
    start = yield from ask_time()
    job = DetectJob(tuple(segments), release.detectors_at(spot.stage), release.scanner_at(spot.stage))
    try:
        detected = _expect((yield AskDetect(job)), Detected)
    except PortFailed:
        detected = Detected((), tuple(unanswered(segment) for segment in segments))
    findings = detected.findings
    if spot.stage == "output":
        # In a stream a decoded view is complete only when its text has left: so that a split changes nothing, it is late here too.
        findings = tuple(msgspec.structs.replace(finding, late=True) if finding.view else finding for finding in findings)
    judgement = judge(context, spot.stage, findings)
    fingerprint = yield from ask_fingerprint(tuple(segment.text for segment in segments))
    end = yield from ask_time()
    decision = msgspec.structs.replace(
        ruled(context, spot, start.now_us, judgement, findings),
        coverage=detected.coverage + tuple(uncovered(segment, "unknown field, allowed by the policy") for segment in passed),
        fingerprint=fingerprint,
        took_us=max(0, end.monotonic_us - start.monotonic_us),
        tool=known_tool(release, segments),
    )
    if detected.failed and SEVERITY[decision.action] < SEVERITY["block"]:
        return failure(release, decision)
    ruling = judgement.now
    texts = edited(segments, ruling) if decision.action in ("redact", "replace", "route") else {}
    return StageOutcome(decision=decision, texts=texts, say=ruling.say, route=ruling.route if decision.action == "route" else "")


def guard_call(context: ExchangeContext, call: ToolCall, seen: Sequence[Segment], *, place: str) -> Flow[StageOutcome]:
    """Decide about one tool call: levers, then the broker, then what the detectors see in its arguments.

    Args:
        context: The Exchange and the Release that decides.
        call: The call as the model asks for it.
        seen: Everything that the model saw, for the provenance of the arguments.
        place: Which call of the Exchange it is.
    """
    start = yield from ask_time()
    text = call.arguments.decode("utf-8", "replace")
    segment = Segment(path=call.path, origin="model", stage="tool_call", text=text, tool=call.tool, call=call.call)
    verdict = yield from _authorise(context, call, seen)
    outcome = yield from check_stage(context, Spot("tool_call", place), (segment,))
    end = yield from ask_time()
    combined = _combine(context, outcome, verdict)
    took_us = max(0, end.monotonic_us - start.monotonic_us)
    return msgspec.structs.replace(combined, decision=msgspec.structs.replace(combined.decision, took_us=took_us))


def _authorise(context: ExchangeContext, call: ToolCall, seen: Sequence[Segment]) -> Flow[ToolVerdict]:
    lever = yield from _lever(context, (("tool", call.tool),))
    if lever is not None:
        return ToolVerdict(action="block", rule=f"lever:tool:{lever.target}", reason="the tool is contained")
    tool_context = ToolContext(
        tenant=context.tenant,
        exchange=context.exchange,
        segments=tuple(seen),
        trajectory=context.trajectory,
        user=context.user,
        approvals=context.approvals,
    )
    try:
        return _expect((yield AskBroker(call, tool_context)), ToolVerdict)
    except PortFailed:
        return ToolVerdict(action="block", rule="broker:failed", reason="the tool broker did not answer")


def _combine(context: ExchangeContext, outcome: StageOutcome, verdict: ToolVerdict) -> StageOutcome:
    """Join what the detectors' rules and the broker say: the stricter decides."""
    decision = outcome.decision
    # A redaction would change what the tool is asked to do behind the model's back: a call that needs an edit is a stopped call.
    enforced: Action = "block" if decision.action in ("redact", "replace", "route") else decision.action
    coverage = tuple(with_broker(entry) for entry in decision.coverage)
    stopped = verdict.action in ("block", "require_approval")
    if not stopped or SEVERITY[enforced] > SEVERITY[verdict.action]:
        decision = msgspec.structs.replace(
            decision, action=enforced, rule=decision.rule or verdict.rule, coverage=coverage, approval=verdict.approval
        )
        return msgspec.structs.replace(outcome, decision=decision, texts={})
    entry = coverage[0]
    seen = Finding(hazard=verdict.hazard, score=1.0, span=(0, entry.chars), path=entry.path, detector="broker@1")
    # A lever holds whatever the policy's mode is; a rule in shadow enforces nothing.
    shadow = context.release.policy.mode == "shadow" and not verdict.rule.startswith("lever:")
    decision = msgspec.structs.replace(
        decision,
        verdict=verdict.action,
        action="allow" if shadow else verdict.action,
        mode="shadow" if shadow else "enforce",
        rule=verdict.rule,
        findings=(*decision.findings, seen),
        coverage=coverage,
        approval=verdict.approval,
        near_miss=verdict.action == "block",
    )
    return msgspec.structs.replace(outcome, decision=decision, texts={}, say=verdict.reason)


def _limits(context: ExchangeContext, segments: Sequence[Segment]) -> Flow[StageOutcome | None]:
    limits = context.release.policy.limits
    subject = f"{context.tenant}/{context.key}"
    tokens = sum(len(segment.text) for segment in segments) // CHARS_PER_TOKEN
    for name, amount, ceiling, window in (
        ("requests_per_minute", 1, limits.requests_per_minute, MINUTE_US),
        ("tokens_per_day", tokens, limits.tokens_per_day, DAY_US),
    ):
        if ceiling is None:
            continue
        try:
            answer = _expect((yield AskLimit(name, subject, amount, ceiling, window)), LimitAnswer)
        except PortFailed:
            if not context.release.fails_closed:
                continue
            outcome = yield from _refuse(context, REQUEST, segments, Refusal(rule="guard:failed", reason="the limit store did not answer"))
            return msgspec.structs.replace(outcome, failed=True)
        if not answer.allowed:
            outcome = yield from _refuse(context, REQUEST, segments, Refusal(rule=f"limit:{name}", hazard="unbounded_consumption"))
            return msgspec.structs.replace(outcome, retry_after_us=answer.retry_after_us)
    return None


def _refuse(context: ExchangeContext, spot: Spot, segments: Sequence[Segment], refusal: Refusal) -> Flow[StageOutcome]:
    time = yield from ask_time()
    fingerprint = yield from ask_fingerprint(tuple(segment.text for segment in segments))
    decision = refused(context, spot, time, segments, refusal)
    return StageOutcome(decision=msgspec.structs.replace(decision, fingerprint=fingerprint))


def _by_stage(segments: Iterable[Segment]) -> dict[Stage, list[Segment]]:
    groups: dict[Stage, list[Segment]] = {}
    for segment in segments:
        groups.setdefault(segment.stage, []).append(segment)
    return groups


def _lever(context: ExchangeContext, targets: tuple[tuple[LeverKind, str], ...]) -> Flow[Lever | None]:
    answer = yield AskLevers(targets, context.tenant)
    return None if answer is None else _expect(answer, Lever)


def ask_time() -> Flow[Time]:
    """Ask what time it is."""
    return _expect((yield AskTime()), Time)


def ask_fingerprint(texts: tuple[str, ...]) -> Flow[str]:
    """Ask for the keyed fingerprint of texts."""
    return _expect((yield AskFingerprint(texts)), str)


def _expect(answer: object, kind: type[T]) -> T:
    if not isinstance(answer, kind):
        raise PortFailed(f"a port answered {type(answer).__name__} instead of {kind.__name__}", mend="mend the driver")
    return answer
