"""Asking the dear detectors: after the fast ones, only where those are in doubt, and only while there is time.

What a text says leaves the process only for a detector that the policy declares and a rule of the Stage names, and not at all once
something has stopped the Stage. An answer that does not come, or can't be read, is a failure and never a pass; a detector that was not
asked is in the Coverage as skipped, with the reason.
"""

from collections.abc import Generator, Sequence
from typing import TypeVar

import msgspec

from fairlead.core import SEVERITY, Coverage, Segment, Stage, Status
from fairlead.detectors.remote import Remote
from fairlead.guard.context import ExchangeContext
from fairlead.guard.detect import Detected, DetectJob
from fairlead.guard.errors import PortFailed
from fairlead.guard.ports import UNKNOWN_LABEL, Ask, AskDetect, AskRemote, AskTime, RemoteJob, Time
from fairlead.guard.record import judge
from fairlead.policy import Dear

T = TypeVar("T")

STOPPED = "stopped before it was asked"
CERTAIN = "the fast detectors are not in doubt"
LATE = "late: the guard's time is used up and the policy lets this give way"
"""Reason of a Coverage entry of a detector that the degrade ladder left out."""
OVER = "the guard's deadline was over"

_Pairs = Sequence[tuple[Dear, Segment]]


def ask_dear(context: ExchangeContext, stage: Stage, job: DetectJob, seen: Detected, since: Time) -> Generator[Ask, object, Detected]:
    """Return what was seen, and what the dear detectors of a Stage see beside it.

    Args:
        context: The Exchange and the Release that decides.
        stage: Where the texts are.
        job: What the fast detectors were asked.
        seen: What they saw.
        since: When the Stage began.
    """
    dear = context.release.dear_at(stage)
    if not dear or not job.segments:
        return seen
    wanted = [(entry, segment) for entry in dear if entry.kind == "model" for segment in job.segments]
    found = yield from _phase(context, stage, job, seen, since, wanted)
    wanted = [(entry, segment) for entry in dear if entry.kind == "remote" for segment in job.segments]
    return (yield from _phase(context, stage, job, found, since, wanted))


def left_out(detected: Detected) -> bool:
    """Tell whether the degrade ladder left a detector out: then what was seen is not all that the policy asks for."""
    return any(entry.reason == LATE for entry in detected.coverage)


def _phase(
    context: ExchangeContext, stage: Stage, job: DetectJob, seen: Detected, since: Time, wanted: _Pairs
) -> Generator[Ask, object, Detected]:
    if not wanted:
        return seen
    if not job.late and SEVERITY[judge(context, stage, seen.findings).action(context.release)] >= SEVERITY["block"]:
        return _joined(seen, Detected((), tuple(_entry(pair, "skipped", STOPPED) for pair in wanted)))
    doubtful = [pair for pair in wanted if _in_doubt(pair, seen)]
    coverage = [_entry(pair, "skipped", CERTAIN) for pair in wanted if pair not in doubtful]
    asked, left_us = doubtful, None
    ladder = context.release.ladder
    if doubtful and (ladder.degrade or ladder.deadline_us is not None):
        now = yield from _told(AskTime(), Time)
        used_us = context.pace.used_us + max(0, now.monotonic_us - since.monotonic_us)
        if ladder.deadline_us is not None:
            left_us = max(0, ladder.deadline_us - used_us)
        late = [pair for pair in doubtful if pair[0].rung is not None and used_us >= ladder.budget_us * (1 + pair[0].rung)]
        over = [pair for pair in doubtful if pair not in late] if left_us == 0 else []
        coverage += [_entry(pair, "skipped", LATE) for pair in late] + [_entry(pair, "timed_out", OVER) for pair in over]
        asked = [pair for pair in doubtful if pair not in late and pair not in over]
    more = (yield from _ask(context, job, asked, left_us)) if asked else Detected((), ())
    return _joined(seen, Detected(more.findings, (*more.coverage, *coverage)))


def _in_doubt(pair: tuple[Dear, Segment], seen: Detected) -> bool:
    dear, segment = pair
    if not dear.zones:
        return True
    findings = [finding for finding in seen.findings if finding.path == segment.path]
    ran = {name for entry in seen.coverage if entry.path == segment.path and entry.status == "ran" for name in entry.detectors}
    return any(zone.holds(findings, ran) for zone in dear.zones)


def _ask(context: ExchangeContext, job: DetectJob, asked: _Pairs, left_us: int | None) -> Generator[Ask, object, Detected]:
    """Ask one detector of this machine after the other, and all that are declared by the policy at once."""
    found = Detected((), ())
    declared = tuple((dear.asks, segment) for dear, segment in asked if isinstance(dear.asks, Remote))
    for dear in dict.fromkeys(dear for dear, _ in asked):
        if not isinstance(dear.asks, Remote):
            own = tuple(segment for other, segment in asked if other is dear)
            ask = AskDetect(DetectJob(own, (dear.asks,), late=job.late, sources=job.sources, dear=True))
            found = _joined(found, (yield from _answered(ask, [pair for pair in asked if pair[0] is dear])))
    if declared:
        ask_remote = AskRemote(RemoteJob(declared, job.late, left_us))
        answer = yield from _answered(ask_remote, [pair for pair in asked if isinstance(pair[0].asks, Remote)])
        found = _joined(found, _strict(answer) if context.release.policy.unknown == "block" else answer)
    return found


def _answered(ask: Ask, pairs: _Pairs) -> Generator[Ask, object, Detected]:
    try:
        return (yield from _told(ask, Detected))
    except PortFailed:
        return Detected((), tuple(_entry(pair, "errored", "it did not answer") for pair in pairs))


def _told(ask: Ask, kind: type[T]) -> Generator[Ask, object, T]:
    answer = yield ask
    if not isinstance(answer, kind):
        raise PortFailed(f"a port answered {type(answer).__name__} instead of {kind.__name__}", mend="mend the driver")
    return answer


def _strict(answer: Detected) -> Detected:
    """Return an answer in which a label that nobody has mapped counts as a failure, as the policy's ``unknown`` asks."""
    return Detected(
        answer.findings,
        tuple(
            msgspec.structs.replace(entry, status="errored") if entry.status == "ran" and entry.reason == UNKNOWN_LABEL else entry
            for entry in answer.coverage
        ),
    )


def _joined(seen: Detected, more: Detected) -> Detected:
    """Return both; that no fast detector was needed is not worth a line once a dear one was."""
    told = {entry.path for entry in more.coverage}
    kept = tuple(entry for entry in seen.coverage if entry.detectors or entry.status != "skipped" or entry.path not in told)
    return Detected(seen.findings + more.findings, kept + more.coverage)


def _entry(pair: tuple[Dear, Segment], status: Status, reason: str) -> Coverage:
    dear, segment = pair
    return Coverage(path=segment.path, chars=len(segment.text), status=status, detectors=(dear.id,), reason=reason)


__all__ = ["CERTAIN", "LATE", "OVER", "STOPPED", "ask_dear", "left_out"]
