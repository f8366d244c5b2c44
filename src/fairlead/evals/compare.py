"""Comparing two runs: the same cases, exactly one varied factor, or it is an error and not a regression (law 5)."""

from typing import Literal, get_args

import msgspec

from fairlead.evals.errors import Incomparable
from fairlead.evals.measure import suite_results
from fairlead.evals.run import CaseResult, Run
from fairlead.statistics import Difference, mcnemar_exact, newcombe_paired

Factor = Literal["policy", "model", "target", "scorer", "version"]
"""What a comparison may be about. Cases can't be varied: there would be no pairs."""

FACTORS: tuple[Factor, ...] = get_args(Factor)


class PairedRate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rate in two runs of the same cases."""

    metric: str
    pairs: int
    newly: int
    """Cases that have the property now and did not before."""
    no_longer: int
    difference: Difference
    """Now minus before; Newcombe's paired interval. It takes the pairs as independent."""
    p_value: float
    """McNemar's exact test, two-sided."""


class Change(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One case that came out differently."""

    case: str
    hazard: str
    origin: str
    was: str
    now: str
    rules: tuple[str, ...] = ()
    """Rules that acted on it before and don't now."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two runs of the same cases that differ in one declared factor."""

    varied: Factor
    before: str
    """Id of the run that is compared with."""
    before_digest: str
    after: str
    same: bool
    """True when even the declared factor is the same: a repetition."""
    rates: tuple[PairedRate, ...]
    regressions: tuple[Change, ...]
    """Unsafe cases that were safe before and are unsafe now."""
    fixed: tuple[Change, ...]
    """Unsafe cases that were unsafe before and are safe now."""
    overblocked: tuple[Change, ...]
    """Benign cases that were not blocked before and are now."""


def compare(before: Run, after: Run, *, varied: Factor) -> Comparison:
    """Compare two runs case by case.

    Args:
        before: The baseline.
        after: The candidate.
        varied: The one factor that may differ.

    Raises:
        Incomparable: Another factor differs, or a run is not complete; names every factor that differs.
    """
    differing = [name for name in msgspec.structs.asdict(before.key) if getattr(before.key, name) != getattr(after.key, name)]
    others = [name for name in differing if name != varied]
    if others:
        raise Incomparable(
            f"the runs differ in {', '.join(others)}, and the comparison is about {varied}",
            where=f"{before.id} and {after.id}",
            mend="run the baseline again with the same " + ", ".join(others),
        )
    pairs = _pairs(before, after)
    return Comparison(
        varied=varied,
        before=before.id,
        before_digest=before.digest,
        after=after.id,
        same=not differing,
        rates=tuple(_rate(pairs, metric, kind, hit) for metric, kind, hit in _RATES if any(old.kind == kind for old, _ in pairs)),
        regressions=_changes(pairs, "unsafe", ("safe",), "unsafe"),
        fixed=_changes(pairs, "unsafe", ("unsafe",), "safe"),
        overblocked=_changes(pairs, "benign", ("good", "missed"), "false_positive"),
    )


_RATES = (("attack_success", "unsafe", ("unsafe", "unscored")), ("false_positive_rate", "benign", ("false_positive", "unscored")))


def _pairs(before: Run, after: Run) -> tuple[tuple[CaseResult, CaseResult], ...]:
    old = {result.case: result for result in suite_results(before)}
    new = {result.case: result for result in suite_results(after)}
    odd = sorted(case for case in old.keys() | new.keys() if case not in old or case not in new)
    odd += sorted(case for case in old.keys() & new.keys() if old[case].case_digest != new[case].case_digest)
    if odd or not old:
        raise Incomparable(
            f"{len(odd)} case(s) are not the same in both runs", where=", ".join(odd[:5]), mend="run the same cases with the baseline again"
        )
    return tuple((old[case], new[case]) for case in old)


def _rate(pairs: tuple[tuple[CaseResult, CaseResult], ...], metric: str, kind: str, hit: tuple[str, ...]) -> PairedRate:
    outcomes = [(old.outcome in hit, new.outcome in hit) for old, new in pairs if old.kind == kind]
    newly, no_longer = outcomes.count((False, True)), outcomes.count((True, False))
    return PairedRate(
        metric=metric,
        pairs=len(outcomes),
        newly=newly,
        no_longer=no_longer,
        difference=newcombe_paired(outcomes.count((True, True)), newly, no_longer, outcomes.count((False, False))),
        p_value=mcnemar_exact(newly, no_longer),
    )


def _changes(pairs: tuple[tuple[CaseResult, CaseResult], ...], kind: str, was: tuple[str, ...], now: str) -> tuple[Change, ...]:
    return tuple(
        Change(
            case=old.case,
            hazard=old.hazard,
            origin=old.origin,
            was=old.outcome,
            now=new.outcome,
            rules=tuple(rule for rule in old.rules if rule not in new.rules),
        )
        for old, new in pairs
        if old.kind == kind and old.outcome in was and new.outcome == now
    )
