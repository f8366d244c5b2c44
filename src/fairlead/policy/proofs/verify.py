"""All proofs about a policy, in one go."""

from collections.abc import Iterable, Iterator, Sequence

import msgspec

from fairlead.policy.proofs.changes import change_findings
from fairlead.policy.proofs.exposure import approval_findings, exfiltration_findings
from fairlead.policy.proofs.findings import Finding, Report
from fairlead.policy.proofs.invariants import Applied, Invariant, apply, invariant_finding
from fairlead.policy.proofs.rules import rule_findings
from fairlead.policy.proofs.subject import Subject
from fairlead.policy.proofs.taint import taint_findings
from fairlead.policy.release import Release

LIMIT_MS = 20_000


def verify(release: Release, invariants: Sequence[Invariant] = (), *, old: Release | None = None, limit_ms: int = LIMIT_MS) -> Report:
    """Prove what can be proven of a policy's tools.

    Args:
        release: The policy.
        invariants: What must never happen.
        old: When given, every change of an answer is told too.
        limit_ms: How long the solver may think about one question; what it can't answer by then is for a person to review.

    Raises:
        SolverMissing: The extra that proves is not installed.
        Problems: An invariant does not fit the policy.
    """
    applied = apply(invariants, release)
    releases = (release,) if old is None else (old, release)
    subjects = {tool.name: _subject(tool.name, releases, applied, limit_ms) for tool in release.tools}
    stated = {document.tool for document in release.policy.tools if document.does is not None}
    found: list[Finding] = []
    for name, subject in subjects.items():
        found += rule_findings(subject)
        found += taint_findings(subject)
        found += approval_findings(subject, stated=name in stated)
        found += [invariant_finding(subject, entry) for entry in applied if entry.tool.name == name]
    found += exfiltration_findings(subjects)
    if old is not None:
        gone = [tool.name for tool in old.tools if tool.name not in subjects]
        compared = [*subjects.values(), *(_subject(name, releases, (), limit_ms) for name in gone)]
        found += [finding for subject in compared for finding in change_findings(subject)]
    return Report(release=release.id, against=old.id if old is not None else "", findings=tuple(_only_confirmed(found)))


def _only_confirmed(found: Iterable[Finding]) -> Iterator[Finding]:
    """Yield the findings; a call that the engine does not confirm is not shown."""
    for finding in found:
        yield msgspec.structs.replace(finding, witness=None) if finding.state == "review" else finding


def _subject(name: str, releases: Sequence[Release], applied: Sequence[Applied], limit_ms: int) -> Subject:
    own = [entry for entry in applied if entry.tool.name == name]
    also = [pair for entry in own for pair in entry.tool.arguments.items()]
    texts = [text for entry in own for text in entry.texts()]
    return Subject(name, releases, also=also, texts=texts, limit_ms=limit_ms)
