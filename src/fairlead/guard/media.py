"""Images and recordings: what a reader finds in them is a text of their Stage like any other.

Only what the policy's ``media:`` names a reader for is read; the rest is unknown, as ``unknown:`` says. A reader that fails, or takes too
long, did not look: that is a failure of the guard and never a pass.
"""

from collections.abc import Generator, Sequence
from typing import NamedTuple

from fairlead.core import Coverage, MediaSegment, Segment
from fairlead.guard.errors import PortFailed
from fairlead.guard.ports import Ask, AskTranscript, Transcript
from fairlead.policy import PolicyDocument
from fairlead.wire import READ

NO_TEXT = "no text was found"
"""Reason of a Coverage entry of an image or a recording that was read: nothing in it is not the same as nothing to see."""


class Read(NamedTuple):
    """A Stage whose images and recordings were read."""

    texts: tuple[Segment, ...]
    coverage: tuple[Coverage, ...]
    """Of the images and recordings."""


def with_readable(
    policy: PolicyDocument, segments: Sequence[Segment], unknown: Sequence[Segment]
) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """Move what the policy names a reader for from the unknown to what is looked at.

    Args:
        policy: Whose ``media:`` counts.
        segments: Texts of the request.
        unknown: What stands in places that the guard does not know, images and recordings included.
    """
    readable = tuple(entry for entry in unknown if isinstance(entry, MediaSegment) and policy.media.reader(entry.kind))
    return (*segments, *readable), tuple(entry for entry in unknown if entry not in readable) if readable else tuple(unknown)


def read_media(policy: PolicyDocument, segments: Sequence[Segment]) -> Generator[Ask, object, Read]:
    """Return the texts of a Stage, with what was read in images and recordings in their place, and the Coverage of these.

    Args:
        policy: Whose ``media:`` counts.
        segments: What stands at the Stage.
    """
    texts: list[Segment] = []
    coverage: list[Coverage] = []
    for segment in segments:
        if not isinstance(segment, MediaSegment) or not policy.media.reader(segment.kind):
            texts.append(segment)
            continue
        told = yield from _transcript(segment)
        reason = told.reason or ("" if told.text else NO_TEXT)
        coverage.append(
            Coverage(path=segment.path, chars=len(told.text), status=told.status, detectors=(told.reader,), reason=reason),
        )
        if told.status == "ran":
            texts.append(_said(segment, told.text))
    return Read(tuple(texts), tuple(coverage))


def _said(segment: MediaSegment, text: str) -> Segment:
    return Segment(
        path=f"{segment.path}{READ}", origin=segment.origin, stage=segment.stage, text=text, tool=segment.tool, call=segment.call
    )


def _transcript(segment: MediaSegment) -> Generator[Ask, object, Transcript]:
    try:
        told = yield AskTranscript(segment)
    except PortFailed:
        told = None
    if not isinstance(told, Transcript):
        return Transcript(reader=f"reader:{segment.kind}", status="errored", reason="the reader did not answer")
    if told.status == "skipped":
        return Transcript(reader=told.reader, status="errored", reason=told.reason or "the reader did not look")
    return told
