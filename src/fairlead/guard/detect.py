"""Run detectors on Segments and say, for each Segment, what ran and what did not."""

from collections.abc import Iterable
from typing import cast

import msgspec

from fairlead.core import Coverage, Finding, Origin, Segment
from fairlead.detectors import Comparing, Detector, Hit, PatternScanner, Text, prepare
from fairlead.guard.joined import over_seams, runs_in, stretches

VIEWS = "views@2"
"""Who is named in the Coverage when a text decodes to more than the budget."""
NO_SOURCES = "not applicable: the Exchange holds no source to compare the text with"
"""A text that was compared with nothing was not found to be borne out."""
SOURCE_ORIGINS: frozenset[Origin] = frozenset({"retrieved", "tool"})
_INSIDERS: frozenset[Origin] = frozenset({"system", "developer"})
"""What they write in parts is no attack in parts."""
UNREAD = "what the text decodes to was not all read: it is nested too deeply, or too large"


class DetectJob(msgspec.Struct, frozen=True):
    """Which detectors look at which Segments."""

    segments: tuple[Segment, ...]
    detectors: tuple[Detector, ...]
    scanner: PatternScanner | None = None
    late: bool = False
    """True when (part of) the text has been released already."""
    sources: tuple[Segment, ...] = ()
    """Texts that an answer may rest on, for detectors that compare."""
    dear: bool = False
    """True for detectors that take long: a driver runs them in a thread."""


class Detected(msgspec.Struct, frozen=True):
    """What they saw, and the Coverage that proves it."""

    findings: tuple[Finding, ...]
    coverage: tuple[Coverage, ...]

    @property
    def failed(self) -> bool:
        """True when any detector did not run to its end on any Segment."""
        return any(entry.status in ("errored", "timed_out") for entry in self.coverage)


def run_detectors(job: DetectJob) -> Detected:
    """Run the detectors of a job; pure, so a driver may run it in a thread.

    Args:
        job: Segments and detectors.

    Returns:
        Findings in the order of the Segments, and for each Segment one Coverage entry per status. A detector that raises is
        ``errored`` on that Segment, and what others saw is kept. A text that decodes to more than the budget is ``errored`` too.
    """
    findings: list[Finding] = []
    coverage: list[Coverage] = []
    for segment in job.segments:
        text = prepare(segment.text)
        ran, errored, missed = _run_on(segment, text, job, findings)
        chars = len(segment.text)
        if ran:
            coverage.append(Coverage(path=segment.path, chars=chars, status="ran", detectors=ran))
        if missed:
            coverage.append(Coverage(path=segment.path, chars=chars, status="skipped", detectors=missed, reason=NO_SOURCES))
        if errored:
            why = "the detector raised an error"
            coverage.append(Coverage(path=segment.path, chars=chars, status="errored", detectors=errored, reason=why))
        if text.unread:
            coverage.append(Coverage(path=segment.path, chars=chars, status="errored", detectors=(VIEWS,), reason=UNREAD))
        if not ran and not errored and not missed:
            why = "no rule of this stage needs a detector"
            coverage.append(Coverage(path=segment.path, chars=chars, status="skipped", detectors=(), reason=why))
    if len(job.segments) > 1:
        for run in runs_in(job.segments):
            _read_joined(run, job, findings, coverage)
    return Detected(tuple(findings), tuple(coverage))


def _run_on(segment: Segment, text: Text, job: DetectJob, findings: list[Finding]) -> tuple[tuple[str, ...], ...]:
    """Return the detectors that ran, that failed, and that had nothing to compare the text with."""
    ran: list[str] = []
    errored: list[str] = []
    missed: list[str] = []
    if job.scanner is None and not job.detectors:
        return (), (), ()
    detectors: tuple[Detector, ...] = job.detectors if job.scanner is None else (job.scanner, *job.detectors)
    sources = () if segment.origin in SOURCE_ORIGINS else tuple(source.text for source in job.sources)
    for detector in detectors:
        name = detector.id
        compares = _compares(detector)
        if compares and not sources:
            missed.append(name)
            continue
        try:
            if compares:
                hits = cast("Comparing", detector).detect_with(text, segment.origin, sources)
            else:
                hits = detector.detect(text, segment.origin)
        except Exception:  # noqa: BLE001 - a plug-in may raise anything; the failure is recorded and the policy's on_error decides
            errored.append(name)
            continue
        ran.append(name)
        findings.extend(finding_of(hit, segment.path, name, late=job.late) for hit in hits)
    return tuple(ran), tuple(errored), tuple(missed)


def _read_joined(run: tuple[Segment, ...], job: DetectJob, findings: list[Finding], coverage: list[Coverage]) -> None:
    """Look at what lies over the seams of texts that follow one another: for patterns in all of them, for scores in an outsider's."""
    errored: set[str] = set()
    if job.scanner is not None:
        patterns = DetectJob((), (), job.scanner, job.late)
        for texts in stretches(run, job.scanner.width):
            findings.extend(over_seams(_found(texts, patterns, errored), texts, last=True))
    scored = tuple(detector for detector in job.detectors if not _compares(detector))
    if scored and run[0].origin not in _INSIDERS:
        findings.extend(over_seams(_found(run, DetectJob((), scored, late=job.late), errored), run))
    if errored:
        why = "the detector raised an error on the text joined with the next"
        chars = sum(len(segment.text) for segment in run)
        coverage.append(Coverage(path=run[0].path, chars=chars, status="errored", detectors=tuple(sorted(errored)), reason=why))


def _found(texts: tuple[Segment, ...], job: DetectJob, errored: set[str]) -> list[Finding]:
    joined = msgspec.structs.replace(texts[0], text="".join(segment.text for segment in texts))
    found: list[Finding] = []
    errored.update(_run_on(joined, prepare(joined.text), job, found)[1])
    return found


def _compares(detector: Detector) -> bool:
    """Tell whether a detector is a Comparing one; asked per text, and isinstance of a Protocol takes as long as all patterns do."""
    return hasattr(detector, "detect_with")


def sources_of(segments: Iterable[Segment]) -> tuple[Segment, ...]:
    """Return the texts that an answer may rest on: what was retrieved, and what tools gave, each once.

    Args:
        segments: Everything that the model saw.
    """
    found = {
        segment.path: segment for segment in segments if segment.origin in SOURCE_ORIGINS or segment.stage in ("retrieval", "tool_result")
    }
    return tuple(found.values())


def as_sources(texts: Iterable[str]) -> tuple[Segment, ...]:
    """Return texts that a caller names as sources of an answer, as Segments; they are compared with, and not looked at themselves."""
    return tuple(Segment(path=f"/sources/{place}", origin="retrieved", stage="retrieval", text=text) for place, text in enumerate(texts))


def finding_of(hit: Hit, path: str, detector: str, *, late: bool = False) -> Finding:
    """Return the Finding that records a Hit."""
    return Finding(
        hazard=hit.hazard,
        score=hit.score,
        span=(hit.start, hit.end),
        path=path,
        detector=detector,
        entity=hit.entity,
        late=late,
        view=hit.view,
    )
