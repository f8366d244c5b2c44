"""Redaction of any value: the policy's rules say what is replaced and by what; nothing is stopped, and nothing that they stop stays."""

from collections.abc import Sequence

import msgspec

from fairlead.core import USUAL_ORIGIN, Action, Coverage, Segment, Stage
from fairlead.guard.context import ExchangeContext, StageOutcome
from fairlead.guard.errors import NothingToRedact
from fairlead.guard.flow import Flow, check_stage
from fairlead.guard.record import Spot, edited
from fairlead.policy import Release
from fairlead.wire import KEY, Text, pointers_in, texts_in, with_texts

PLACE = "redact"
"""Names the Decision of a redaction within its Exchange."""
_KEYS = "a key, not read: the caller asked so"


class Replaced(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that was replaced; no content."""

    path: str
    """JSON pointer to the text in the redacted value; of a key, to its value."""
    hazard: str
    span: tuple[int, int]
    """Start and end in characters (code points) of the original text."""
    entity: str = ""
    key: bool = False
    """True when it stood in the key."""


class ToRedact(msgspec.Struct, frozen=True, kw_only=True):
    """A value to redact."""

    value: object
    """Texts, lists, mappings; whole numbers of at least seven digits are read as texts too."""
    path: str
    """What its texts are called in records, such as ``/text``."""
    stage: Stage
    keys: bool = True
    """Whether keys are read and replaced too."""

    def segments(self) -> tuple[Segment, ...]:
        """Return every text of it."""
        return tuple(texts_in(self.value, self.path, Text(USUAL_ORIGIN[self.stage], self.stage), thorough=True))


def redact_value(context: ExchangeContext, wanted: ToRedact, segments: Sequence[Segment]) -> Flow[list[StageOutcome]]:
    """Decide what of a value is replaced.

    Args:
        context: The Exchange and the Release that decides.
        wanted: The value.
        segments: Its texts.

    Returns:
        One outcome with the texts that change. It is stopped when the guard failed and the policy is fail-closed, or when a rule is about
        a text and does not say about which part of it.

    Raises:
        NothingToRedact: No rule of that Stage replaces anything: to give the value back would look as if it were clean.
    """
    release, stage = context.release, wanted.stage
    if not release.redacts_at(stage):
        what = f"no rule of the policy that is in force replaces anything at {stage!r}"
        raise NothingToRedact(what, mend="ask for a stage at which a rule redacts or blocks, or add such a rule")
    read = [segment for segment in segments if wanted.keys or not segment.path.endswith(KEY)]
    outcome = yield from check_stage(context, Spot(stage, PLACE), read)
    if outcome.failed:
        return [outcome]
    decision = outcome.decision
    edits = release.edits(stage, decision.findings)
    if any(edit.finding.span[0] >= edit.finding.span[1] for edit in edits):
        stopped = msgspec.structs.replace(decision, verdict="block", action="block")
        return [StageOutcome(decision=stopped, say=outcome.say)]
    texts = edited(read, edits, context.operators)
    action: Action = "redact" if edits else decision.action
    decision = msgspec.structs.replace(
        decision,
        verdict=action if edits else decision.verdict,
        action=action,
        # Nothing has left: what a rule saw in a decoded view is not late.
        findings=tuple(msgspec.structs.replace(finding, late=False) for finding in decision.findings),
        coverage=(*decision.coverage, *_unread(segments, wanted)),
    )
    return [StageOutcome(decision=decision, texts=texts)]


def redacted(release: Release, wanted: ToRedact, outcome: StageOutcome) -> tuple[object, tuple[Replaced, ...]]:
    """Return the value as it may go on, and what was replaced in it.

    Args:
        release: The Release that decided.
        wanted: The value.
        outcome: Of :func:`redact_value`, not stopped.
    """
    value = with_texts(wanted.value, wanted.path, outcome.texts)
    pointers = dict(pointers_in(value, wanted.path))
    found = dict.fromkeys(edit.finding for edit in release.edits(wanted.stage, outcome.decision.findings))
    return value, tuple(
        Replaced(
            path=wanted.path + pointers[one.path.removesuffix(KEY)],
            hazard=one.hazard,
            span=one.span,
            entity=one.entity,
            key=one.path.endswith(KEY),
        )
        for one in found
    )


def _unread(segments: Sequence[Segment], wanted: ToRedact) -> tuple[Coverage, ...]:
    if wanted.keys:
        return ()
    return tuple(
        Coverage(path=segment.path, chars=len(segment.text), status="skipped", detectors=(), reason=_KEYS)
        for segment in segments
        if segment.path.endswith(KEY)
    )
