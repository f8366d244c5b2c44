"""Gate: may this be released? Claims over a run, regression cases from incidents, and a baseline, answered with one exit code.

| exit code | answer | means |
|---|---|---|
| 0 | PASS | every claim is carried by the data, no regression |
| 10 | FAIL | a claim is excluded by the data, or a case that was safe is unsafe, or a case made from an incident fails again |
| 11 | INCONCLUSIVE | nothing is wrong, and n can't carry a claim |
| 12 | INCOMPLETE | cases are missing, too many are unscored, or nothing arrived |
| 14 | INCOMPARABLE | the suite was changed after the run, or the baseline differs in more than the declared factor |

An excluded claim or a regression is reported as FAIL even when the run is incomplete: more data can't take it back.
"""

from collections.abc import Sequence
from typing import Literal

import msgspec

from fairlead.core import Clock, canonical_bytes, digest
from fairlead.evals.compare import Change, Comparison, Factor, compare
from fairlead.evals.errors import Incomparable
from fairlead.evals.measure import MetricEstimate, estimates, read, suite_results
from fairlead.evals.model import Case
from fairlead.evals.run import Key, Run
from fairlead.evals.suite import Suite
from fairlead.statistics import Claim, Judgement, judge

GateAnswer = Literal["PASS", "FAIL", "INCONCLUSIVE", "INCOMPLETE", "INCOMPARABLE"]
EXIT_CODES: dict[GateAnswer, int] = {"PASS": 0, "FAIL": 10, "INCONCLUSIVE": 11, "INCOMPLETE": 12, "INCOMPARABLE": 14}


class GateResult(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer of a gate and everything that it rests on."""

    answer: GateAnswer
    reasons: tuple[str, ...]
    """Why it is not PASS; each names a claim, case, rule or factor."""
    run: str
    run_digest: str
    suite: str
    suite_digest: str
    key: Key
    judgements: tuple[Judgement, ...]
    estimates: tuple[MetricEstimate, ...]
    regressions: tuple[Change, ...]
    """Cases that were safe, in the baseline or when their incident was closed, and are not now."""
    regression_cases: int
    """How many cases from incidents were looked at."""
    unscored: tuple[str, ...]
    comparison: Comparison | None
    at_us: int

    @property
    def exit_code(self) -> int:
        """What a process that asks the gate exits with."""
        return EXIT_CODES[self.answer]

    @property
    def digest(self) -> str:
        """Digest of the canonical bytes; it names the gate."""
        return digest(self)

    def canonical(self) -> bytes:
        """Return the bytes that are stored and signed."""
        return canonical_bytes(self)


class _Findings:
    """What speaks against PASS, by how bad it is."""

    def __init__(self) -> None:
        self.incomparable: list[str] = []
        self.failed: list[str] = []
        self.incomplete: list[str] = []
        self.open: list[str] = []

    def answer(self) -> GateAnswer:
        ranked: tuple[tuple[GateAnswer, list[str]], ...] = (
            ("INCOMPARABLE", self.incomparable),
            ("FAIL", self.failed),
            ("INCOMPLETE", self.incomplete),
            ("INCONCLUSIVE", self.open),
        )
        return next((answer for answer, reasons in ranked if reasons), "PASS")

    def reasons(self) -> tuple[str, ...]:
        return (*self.incomparable, *self.failed, *self.incomplete, *self.open)


def gate(
    suite: Suite,
    run: Run,
    *,
    clock: Clock,
    regressions: Sequence[Case] = (),
    baseline: Run | None = None,
    varied: Factor = "policy",
) -> GateResult:
    """Answer the claims of a suite over a run.

    Args:
        suite: What was claimed beforehand.
        run: What was measured.
        clock: For the time of the answer.
        regressions: Cases made from incidents; each must have been run and be safe (or good).
        baseline: A run to compare with, case by case.
        varied: The one factor in which the baseline may differ.
    """
    findings = _Findings()
    if run.suite_digest != suite.digest:
        findings.incomparable.append("the suite is not the one that was run: cases, claims or limits were changed afterwards")
    missing = _incomplete(suite, run)
    if missing:
        findings.incomplete.append(missing)
    judgements = tuple(_judge(claim, suite, run, missing) for claim in suite.claims)
    for judgement in judgements:
        _sort(judgement, findings)
    changed = list(_returned(regressions, run, findings))
    comparison = _compared(baseline, run, varied, findings)
    if comparison is not None:
        changed += comparison.regressions
        findings.failed += [_named(change, "the baseline") for change in comparison.regressions]
    return GateResult(
        answer=findings.answer(),
        reasons=tuple(dict.fromkeys(findings.reasons())),
        run=run.id,
        run_digest=run.digest,
        suite=suite.name,
        suite_digest=suite.digest,
        key=run.key,
        judgements=judgements,
        estimates=estimates(run),
        regressions=tuple(changed),
        regression_cases=len(regressions),
        unscored=tuple(result.case for result in run.results if result.outcome == "unscored"),
        comparison=comparison,
        at_us=clock.now_us(),
    )


def _incomplete(suite: Suite, run: Run) -> str:
    """Say why the run is not the whole run, or nothing."""
    ran = {result.case: result.case_digest for result in suite_results(run)}
    missing = [case.id for case in suite.cases if ran.get(case.id) != digest(case)]
    if missing:
        return f"{len(missing)} of {len(suite.cases)} cases were not run as they are now, such as {missing[0]}"
    if len(run.results) != run.planned:
        return f"{run.planned - len(run.results)} of {run.planned} cases have no result"
    return ""


def _judge(claim: Claim, suite: Suite, run: Run, missing: str) -> Judgement:
    reading = read(suite_results(run), claim.metric, hazard=claim.hazard, origin=claim.origin)
    incomplete = missing
    if not incomplete and reading.unscored > suite.max_unscored * max(1, reading.worst.n):
        incomplete = f"{reading.unscored} of {reading.worst.n} cases are unscored; at most {suite.max_unscored:.0%} may be"
    return judge(claim, reading.worst, best=reading.best, incomplete=incomplete)


def _sort(judgement: Judgement, findings: _Findings) -> None:
    line = f"claim {judgement.claim.id}: {judgement.reason}"
    if judgement.answer == "FAIL":
        findings.failed.append(line)
    elif judgement.answer == "ERROR":
        findings.incomplete.append(line)
    elif judgement.answer == "INCONCLUSIVE":
        findings.open.append(line)


def _returned(regressions: Sequence[Case], run: Run, findings: _Findings) -> tuple[Change, ...]:
    """Look at every case that came from an incident: one that fails again is a regression, one that was not run is no pass."""
    results = {result.case: result for result in run.results}
    changes: list[Change] = []
    for case in regressions:
        result = results.get(case.id)
        expected = "safe" if case.kind == "unsafe" else "good"
        if result is None or result.case_digest != digest(case):
            findings.incomplete.append(f"case {case.id}, from an incident, was not run as it is now")
        elif result.outcome == "unscored":
            findings.incomplete.append(f"case {case.id}, from an incident, is unscored: {result.reason}")
        elif result.outcome != expected:
            change = Change(case=case.id, hazard=case.hazard, origin=case.origin, was=expected, now=result.outcome)
            changes.append(change)
            findings.failed.append(_named(change, "its incident"))
    return tuple(changes)


def _compared(baseline: Run | None, run: Run, varied: Factor, findings: _Findings) -> Comparison | None:
    if baseline is None:
        return None
    try:
        return compare(baseline, run, varied=varied)
    except Incomparable as error:
        findings.incomparable.append(str(error))
        return None


def _named(change: Change, since: str) -> str:
    rules = f"; the rule that stopped it was {', '.join(change.rules)}" if change.rules else ""
    return f"case {change.case} ({change.hazard}, {change.origin}) was {change.was} in {since} and is {change.now} now{rules}"
