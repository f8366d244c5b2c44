"""The one decision flow, sans I/O: it asks through ``guard.ports`` and is told.

Every driver (sync SDK, async gateway, evals, replay) runs these generators, so that all of them decide alike. A port that fails
is thrown into the flow as :class:`PortFailed`; the policy's ``on_error`` says whether the Stage is stopped or passes, recorded as
``bypassed``.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TypeVar

import msgspec

from fairlead.core import SEVERITY, Action, Finding, Segment, Stage
from fairlead.guard.budgets import charges_of, tokens_in, tool_charge
from fairlead.guard.cascade import ask_dear, left_out
from fairlead.guard.context import ExchangeContext, StageOutcome
from fairlead.guard.detect import Detected, DetectJob
from fairlead.guard.errors import PortFailed
from fairlead.guard.joined import SEAM
from fairlead.guard.media import read_media, with_readable
from fairlead.guard.ports import (
    Ask,
    AskBroker,
    AskDetect,
    AskFingerprint,
    AskLevers,
    AskLimits,
    AskQuarantine,
    AskSettle,
    AskTime,
    Lever,
    LeverKind,
    LimitAnswer,
    Time,
    ToolCall,
    ToolContext,
    ToolVerdict,
)
from fairlead.guard.pseudonyms import ask_held, call_put_back, left_over, make, put_back
from fairlead.guard.record import (
    FAILED,
    GATE,
    REQUEST,
    RESPONSE,
    UNKNOWN,
    Refusal,
    Spot,
    bypassed,
    failure,
    incomplete,
    judge,
    known_tool,
    names_unknown,
    refused,
    ruled,
    stops_on_failure,
    unanswered,
    uncovered,
    with_broker,
)
from fairlead.guard.retrieval import Screened, screen, sources_named, with_withheld
from fairlead.wire import KEY, READ, Usage

T = TypeVar("T")
Flow = Generator[Ask, object, T]
"""A flow yields asks, is sent answers, and returns its outcome."""

_TOO_MUCH = "unbounded_consumption"
_UNKNOWN_FIELD = Refusal(rule=UNKNOWN, reason="a field that the guard doesn't know")


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
    outcomes = yield from guard_gate(context, segments)
    if any(outcome.stopped for outcome in outcomes):
        return outcomes
    segments, unknown = with_readable(policy, segments, unknown)
    blocked = bool(unknown) and policy.unknown == "block"
    if blocked and policy.mode == "enforce":
        return [*outcomes, (yield from refuse(context, REQUEST, (*segments, *unknown), _UNKNOWN_FIELD))]
    if policy.unknown == "scan":
        segments, unknown = (*segments, *unknown), ()
    for stage, group in (_by_stage(segments) or {"input": []}).items():
        outcome = yield from check_stage(context, Spot(stage, "request"), group, passed=unknown)
        outcomes.append(_shadowed(outcome) if blocked else outcome)
        if outcome.stopped:
            break
        unknown, blocked = (), False
    return outcomes


def guard_output(
    context: ExchangeContext, segments: Sequence[Segment], unknown: Sequence[Segment] = (), *, spot: Spot = RESPONSE
) -> Flow[StageOutcome]:
    """Decide about a whole response's texts (not its tool calls).

    Args:
        context: The Exchange and the Release that decides.
        segments: Texts of the response.
        unknown: Strings in places that the guard does not know.
        spot: Which Decision of the Exchange this is.
    """
    policy = context.release.policy
    blocked = bool(unknown) and policy.unknown == "block"
    if blocked and policy.mode == "enforce":
        return (yield from refuse(context, spot, (*segments, *unknown), _UNKNOWN_FIELD))
    if policy.unknown == "scan":
        segments, unknown = (*segments, *unknown), ()
    outcome = yield from check_stage(context, spot, segments, passed=unknown)
    return _shadowed(outcome) if blocked else outcome


def check_stage(context: ExchangeContext, spot: Spot, segments: Sequence[Segment], passed: Sequence[Segment] = ()) -> Flow[StageOutcome]:
    """Detect, decide and edit at one Stage.

    Args:
        context: The Exchange and the Release that decides.
        spot: Which Decision of the Exchange this is.
        segments: Texts of this Stage.
        passed: Strings that the policy lets through unseen; they are counted as skipped.
    """
    refusal = yield from _quarantine(context, spot, segments)
    if refusal is not None:
        return (yield from refuse(context, spot, segments, refusal))
    if spot.stage != "retrieval":
        return (yield from _look(context, spot, segments, passed))
    screened = yield from _screen(context, segments)
    outcome = yield from _look(context, spot, screened.segments, passed)
    return with_withheld(context, outcome, screened, segments)


def _screen(context: ExchangeContext, segments: Sequence[Segment]) -> Flow[Screened]:
    """Withhold what the policy or a lever keeps from the model; while levers can't be read, no source is known to be good."""
    time = yield from ask_time()
    contained: set[str] = set()
    for source in sources_named(segments):
        try:
            held = yield from _lever(context, (("source", source),))
        except PortFailed:
            contained.add(source)
            continue
        if held is not None:
            contained.add(source)
    return screen(context, segments, time.now_us, frozenset(contained))


def _look(context: ExchangeContext, spot: Spot, segments: Sequence[Segment], passed: Sequence[Segment]) -> Flow[StageOutcome]:
    """Detect, decide and edit."""
    release = context.release
    start = yield from ask_time()
    heard = yield from read_media(release.policy, segments)
    segments = heard.texts
    read, back = segments, 0
    if spot.stage == "output" and release.pseudonymises:
        segments, back = put_back(segments, (yield from ask_held(context)))
    sources = context.sources if spot.stage == "output" else ()
    job = DetectJob(tuple(segments), release.detectors_at(spot.stage), release.scanner_at(spot.stage), sources=sources)
    try:
        detected = _expect((yield AskDetect(job)), Detected)
    except PortFailed:
        detected = Detected((), tuple(unanswered(segment) for segment in segments))
    detected = yield from ask_dear(context, spot.stage, job, detected, start)
    detected = Detected(detected.findings, detected.coverage + heard.coverage)
    findings = detected.findings
    if spot.stage == "output":
        # In a stream a decoded view is complete only when its text has left: so that a split changes nothing, it is late here too.
        findings = tuple(msgspec.structs.replace(finding, late=True) if finding.view not in ("", SEAM) else finding for finding in findings)
    judgement = judge(context, spot.stage, findings)
    fingerprint = yield from ask_fingerprint(tuple(segment.text for segment in segments))
    end = yield from ask_time()
    took_us = max(0, end.monotonic_us - start.monotonic_us)
    context.pace.used_us += took_us
    decision = msgspec.structs.replace(
        ruled(context, spot, start.now_us, judgement, findings),
        coverage=detected.coverage + tuple(uncovered(segment, "unknown field, allowed by the policy") for segment in passed),
        fingerprint=fingerprint,
        took_us=took_us,
        tool=known_tool(release, segments),
    )
    ruling = judgement.now
    texts: dict[str, str] = {}
    if decision.action in ("redact", "replace", "route"):
        texts = yield from make(context, segments, ruling.edits)
    if any(path.endswith((KEY, READ)) for path in texts):
        # A key can't be rewritten without changing what the object says, nor a picture's text at all: what must not pass is stopped.
        decision, texts = msgspec.structs.replace(decision, action="block"), {}
    route = ruling.route if decision.action == "route" else ""
    if spot.stage == "output" and release.pseudonymises:
        texts = {segment.path: segment.text for segment, raw in zip(segments, read, strict=True) if segment is not raw} | texts
        stay = left_over([segment.text for segment in segments])
        decision = msgspec.structs.replace(decision, restored=back, unrestored=stay)
    found = tuple(segment for segment in segments if segment.path.endswith(READ))
    outcome = StageOutcome(decision=decision, texts=texts, read=found, say=ruling.say, route=route)
    if SEVERITY[decision.action] >= SEVERITY["block"]:
        return outcome
    if detected.failed:
        return failure(release, outcome)
    return incomplete(outcome) if left_out(detected) else outcome


def _quarantine(context: ExchangeContext, spot: Spot, segments: Sequence[Segment]) -> Flow[Refusal | None]:
    """Refuse memory and hand-offs while a lever is pulled on who wrote or reads them, whatever the policy's mode is."""
    if spot.stage not in ("memory", "handoff"):
        return None
    try:
        held = _expect((yield AskQuarantine(_tool_context(context, segments))), str)
    except PortFailed:
        return Refusal(rule=FAILED, reason="what is known of the memory can't be read", always=True)
    return Refusal(rule=f"lever:memory:{held}", always=True) if held else None


def guard_call(context: ExchangeContext, call: ToolCall, seen: Sequence[Segment], *, place: str) -> Flow[StageOutcome]:
    """Decide about one tool call: levers, then the broker, then what the detectors see in its arguments.

    Args:
        context: The Exchange and the Release that decides.
        call: The call as the model asks for it.
        seen: Everything that the model saw, for the provenance of the arguments.
        place: Which call of the Exchange it is.
    """
    start = yield from ask_time()
    told = _tool_context(context, seen)
    read, (call, back) = call, call_put_back(call, (yield from ask_held(context)))
    verdict = yield from _authorise(context, call, told)
    outcome = yield from check_stage(context, Spot("tool_call", place), _texts_of(call))
    end = yield from ask_time()
    combined = _combine(context, outcome, verdict)
    if not combined.stopped and verdict.action == "allow":
        combined = yield from _within_limit(context, call, outcome, combined)
    if verdict.action == "allow" and combined.stopped:
        yield from _give_back(call, told)
    took_us = max(0, end.monotonic_us - start.monotonic_us)
    decision = msgspec.structs.replace(combined.decision, took_us=took_us, restored=back)
    texts = {} if combined.stopped or call is read else {call.path: call.arguments.decode("utf-8", "surrogatepass")}
    return msgspec.structs.replace(combined, decision=decision, texts=texts)


def give_back(context: ExchangeContext, call: ToolCall) -> Flow[None]:
    """Say that a call which was allowed did not leave: what it would have spent is given back.

    Args:
        context: The Exchange.
        call: The call.
    """
    yield from _give_back(call, _tool_context(context, ()))


def _give_back(call: ToolCall, told: ToolContext) -> Flow[None]:
    with suppress(PortFailed):  # then it stays spent: the stricter side
        yield AskSettle(call, told)


def _tool_context(context: ExchangeContext, seen: Sequence[Segment]) -> ToolContext:
    return ToolContext(
        tenant=context.tenant,
        exchange=context.exchange,
        segments=(*seen, *context.read),
        trajectory=context.trajectory,
        user=context.user,
        approvals=context.approvals,
        delegation=context.delegation,
    )


def _authorise(context: ExchangeContext, call: ToolCall, told: ToolContext) -> Flow[ToolVerdict]:
    try:
        lever = yield from _lever(context, (("tool", call.tool),))
    except PortFailed:
        return ToolVerdict(action="block", rule="lever:unreadable", reason="the levers can't be read")
    if lever is not None:
        return ToolVerdict(action="block", rule=f"lever:tool:{lever.target}", reason="the tool is contained")
    try:
        return _expect((yield AskBroker(call, told)), ToolVerdict)
    except PortFailed:
        return ToolVerdict(action="block", rule="broker:failed", reason="the tool broker did not answer")


def _within_limit(context: ExchangeContext, call: ToolCall, outcome: StageOutcome, combined: StageOutcome) -> Flow[StageOutcome]:
    """Count a call that may be made against the limit of its tool."""
    charges = tool_charge(context, call.tool)
    if not charges:
        return combined
    try:
        answer = _expect((yield AskLimits(context.tenant, charges)), LimitAnswer)
    except PortFailed:
        return failure(context.release, combined)
    if not answer.refused:
        return combined
    reason = "the tool was called too often"
    return _combine(context, outcome, ToolVerdict(action="block", rule=f"limit:{answer.refused}", reason=reason, hazard=_TOO_MUCH))


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


def _texts_of(call: ToolCall) -> tuple[Segment, ...]:
    """Return the arguments as the wire gave them and, where JSON's escapes hide what they say, as the tool will read them too."""
    text = call.arguments.decode("utf-8", "replace")
    raw = Segment(path=call.path, origin="model", stage="tool_call", text=text, tool=call.tool, call=call.call)
    if "\\" not in text:
        return (raw,)
    try:
        said = "\n".join(_strings(msgspec.json.decode(call.arguments)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return (raw,)
    return (raw, msgspec.structs.replace(raw, path=f"{call.path}#decoded", text=said))


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(key)
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def guard_gate(context: ExchangeContext, segments: Sequence[Segment]) -> Flow[list[StageOutcome]]:
    """Ask the levers and the limits; no outcome when neither has anything to say.

    Args:
        context: The Exchange and the Release that decides.
        segments: Texts of the request.
    """
    targets: tuple[tuple[LeverKind, str], ...] = (
        ("tenant", context.tenant),
        ("system", context.release.policy.system),
        ("model", context.model),
        ("key", context.key),
    )
    try:
        lever = yield from _lever(context, targets)
    except PortFailed:
        # Without a last known state there is nothing to go on, whatever the policy says of failures.
        refusal = Refusal(rule=FAILED, reason="the levers can't be read", always=True)
        outcome = yield from refuse(context, GATE, segments, refusal)
        return [msgspec.structs.replace(outcome, failed=True)]
    if lever is not None:
        return [(yield from refuse(context, GATE, segments, Refusal(rule=f"lever:{lever.kind}", always=True)))]
    return (yield from guard_limits(context, segments))


def guard_limits(context: ExchangeContext, segments: Sequence[Segment]) -> Flow[list[StageOutcome]]:
    """Count a request against the limits of its key; no outcome when it is within them.

    Args:
        context: The Exchange and the Release that decides.
        segments: Texts of the request.
    """
    limited = yield from _limits(context, segments)
    return [] if limited is None else [limited]


def _limits(context: ExchangeContext, segments: Sequence[Segment]) -> Flow[StageOutcome | None]:
    expected = Usage(tokens_in(segments), 0)
    charges = charges_of(context, context.model, expected)
    if not charges:
        return None
    try:
        answer = _expect((yield AskLimits(context.tenant, charges)), LimitAnswer)
    except PortFailed:
        outcome = yield from refuse(context, GATE, segments, Refusal(rule=FAILED, reason="the limit store did not answer"))
        if stops_on_failure(context.release):
            return msgspec.structs.replace(outcome, failed=True)
        return msgspec.structs.replace(outcome, decision=bypassed(outcome.decision))
    if answer.refused:
        outcome = yield from refuse(context, GATE, segments, Refusal(rule=f"limit:{answer.refused}", hazard=_TOO_MUCH))
        return msgspec.structs.replace(outcome, retry_after_us=answer.retry_after_us)
    context.spending.charges, context.spending.at = charges, answer.at
    return None


def settle_limits(context: ExchangeContext, model: str, usage: Usage) -> Flow[None]:
    """Correct what an Exchange was charged by what it took.

    Args:
        context: The Exchange.
        model: The model that answered.
        usage: The tokens that it read and wrote; none when it never answered.
    """
    spending = context.spending
    taken = {charge.limit: charge.amount for charge in charges_of(context, model, usage)}
    changes = [
        (msgspec.structs.replace(charge, amount=taken[charge.limit] - charge.amount), part)
        for charge, part in zip(spending.charges, spending.at, strict=True)
        if taken[charge.limit] != charge.amount
    ]
    spending.charges, spending.at = (), ()
    if changes:
        with suppress(PortFailed):  # then what was expected stays spent
            yield AskLimits(context.tenant, tuple(charge for charge, _ in changes), tuple(part for _, part in changes))


def refuse(context: ExchangeContext, spot: Spot, segments: Sequence[Segment], refusal: Refusal) -> Flow[StageOutcome]:
    """Stop something before any detector looks at it; recorded like every Decision.

    Args:
        context: The Exchange and the Release that decides.
        spot: Which Decision of the Exchange this is.
        segments: What is stopped.
        refusal: Why.
    """
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
    """Ask for the keyed fingerprint of texts; empty when there is none to be had: it only finds repeats, and decides nothing."""
    try:
        return _expect((yield AskFingerprint(texts)), str)
    except PortFailed:
        return ""


def _shadowed(outcome: StageOutcome) -> StageOutcome:
    return msgspec.structs.replace(outcome, decision=names_unknown(outcome.decision))


def _expect(answer: object, kind: type[T]) -> T:
    if not isinstance(answer, kind):
        raise PortFailed(f"a port answered {type(answer).__name__} instead of {kind.__name__}", mend="mend the driver")
    return answer
