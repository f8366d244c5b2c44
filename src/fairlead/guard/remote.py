"""Asking the detectors outside the process: after those inside it, and only if nothing has stopped the Stage already.

What a text says leaves the process only for a detector that the policy declares and a rule of the Stage names. An answer that does not
come, or can't be read, is a failure and never a pass.
"""

from collections.abc import Generator

import msgspec

from fairlead.core import SEVERITY, Coverage, Segment, Stage, Status
from fairlead.detectors.remote import Remote
from fairlead.guard.context import ExchangeContext
from fairlead.guard.detect import Detected
from fairlead.guard.errors import PortFailed
from fairlead.guard.ports import UNKNOWN_LABEL, Ask, AskRemote, RemoteJob
from fairlead.guard.record import judge

_STOPPED = "stopped before it was asked"


def ask_remotes(
    context: ExchangeContext, stage: Stage, segments: tuple[Segment, ...], seen: Detected, *, late: bool = False
) -> Generator[Ask, object, Detected]:
    """Return what was seen, and what the remote detectors of a Stage see beside it.

    Args:
        context: The Exchange and the Release that decides.
        stage: Where the texts are.
        segments: The texts.
        seen: What the detectors inside the process saw.
        late: True when (part of) the texts has left already.
    """
    remotes = context.release.remotes_at(stage)
    if not remotes or not segments:
        return seen
    if not late and SEVERITY[judge(context, stage, seen.findings).action(context.release)] >= SEVERITY["block"]:
        return _joined(seen, Detected((), _all(segments, remotes, "skipped", _STOPPED)))
    try:
        answer = yield AskRemote(RemoteJob(segments, remotes, late))
    except PortFailed:
        answer = None
    if not isinstance(answer, Detected):
        answer = Detected((), _all(segments, remotes, "errored", "the remote detectors did not answer"))
    return _joined(seen, _strict(answer) if context.release.policy.unknown == "block" else answer)


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
    """Return both; that no detector inside the process was needed is not worth a line once one outside was asked."""
    told = {entry.path for entry in more.coverage}
    kept = tuple(entry for entry in seen.coverage if entry.detectors or entry.status != "skipped" or entry.path not in told)
    return Detected(seen.findings + more.findings, kept + more.coverage)


def _all(segments: tuple[Segment, ...], remotes: tuple[Remote, ...], status: Status, reason: str) -> tuple[Coverage, ...]:
    names = tuple(remote.id for remote in remotes)
    return tuple(Coverage(path=entry.path, chars=len(entry.text), status=status, detectors=names, reason=reason) for entry in segments)
