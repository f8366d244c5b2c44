"""What the data say of a Claim: PASS, FAIL, INCONCLUSIVE or ERROR; never a comparison with a point estimate."""

from fairlead.statistics.clusters import bounds, estimate
from fairlead.statistics.errors import InvalidCounts
from fairlead.statistics.model import Answer, Claim, Estimate, Judgement, Sample
from fairlead.statistics.planner import zero_failure_cases


def judge(claim: Claim, worst: Sample, *, best: Sample | None = None, incomplete: str = "") -> Judgement:
    """Answer a Claim.

    Outcomes that could not be scored are the reason for two samples: PASS is earned on the worst reading of them, and FAIL is
    earned on the best, so that neither a broken scorer passes nor a broken network fails a model.

    Args:
        claim: What was written down beforehand.
        worst: Outcomes with every unscored one counted against the claim.
        best: Outcomes with every unscored one counted for it; as ``worst`` when all were scored.
        incomplete: Why the data are not the whole data; makes the answer ERROR.

    Raises:
        InvalidCounts: The two samples do not have the same size.
    """
    if best is not None and best.n != worst.n:
        raise InvalidCounts(f"the two readings count {worst.n} and {best.n} outcomes", mend="read the same outcomes twice")
    if not worst.clusters:
        return Judgement(claim=claim, answer="ERROR", reason=incomplete or "no case of this claim was run", estimate=None, bound=None)
    measured = estimate(worst, confidence=1 - claim.alpha)
    for_pass, _ = _sides(claim, worst)
    _, for_fail = _sides(claim, worst if best is None else best)
    if incomplete:
        return Judgement(claim=claim, answer="ERROR", reason=incomplete, estimate=measured, bound=for_pass)
    answer = _answer(claim, for_pass, for_fail)
    return Judgement(
        claim=claim, answer=answer, reason=_reason(claim, answer, measured, for_pass, for_fail), estimate=measured, bound=for_pass
    )


def _sides(claim: Claim, sample: Sample) -> tuple[float, float]:
    """Return the bound that must be on the right side for PASS, and the one that excludes p0 for FAIL."""
    low, high = bounds(sample, alpha=claim.alpha)
    return (high, low) if claim.direction == "at_most" else (low, high)


def _answer(claim: Claim, for_pass: float, for_fail: float) -> Answer:
    if claim.direction == "at_most":
        passed, failed = for_pass <= claim.p0, for_fail > claim.p0
    else:
        passed, failed = for_pass >= claim.p0, for_fail < claim.p0
    if passed:
        return "PASS"
    return "FAIL" if failed else "INCONCLUSIVE"


def _reason(claim: Claim, answer: Answer, measured: Estimate, for_pass: float, for_fail: float) -> str:
    level = f"{1 - claim.alpha:.0%}"
    sign = "at most" if claim.direction == "at_most" else "at least"
    side, other = ("upper", "lower") if claim.direction == "at_most" else ("lower", "upper")
    counted = f"{measured.k} of {measured.n}"
    if answer == "PASS":
        return f"{counted}: the one-sided {level} {side} bound is {for_pass:.1%}, {sign} {claim.p0:.1%}"
    if answer == "FAIL":
        return f"{counted}: the one-sided {level} {other} bound is {for_fail:.1%}, which excludes {sign} {claim.p0:.1%}"
    rate = claim.p0 if claim.direction == "at_most" else 1 - claim.p0
    needed = zero_failure_cases(rate, alpha=claim.alpha)
    return (
        f"{counted}: the one-sided {level} {side} bound is {for_pass:.1%}; it would have to be {sign} {claim.p0:.1%}, "
        f"which takes at least {needed} independent cases without a failure"
    )
