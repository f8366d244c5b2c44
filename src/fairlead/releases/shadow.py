"""A candidate policy beside the live one: what both said of the same texts, pair by pair."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from fairlead.core import Action, Decision
from fairlead.releases.errors import ShadowIncomparable
from fairlead.statistics import Difference, Estimate, Sample, estimate, mcnemar_exact, newcombe_paired

Effect = Literal["newly_stopped", "newly_passed"]
LEFT_OUT = "left-out"
"""Problem of an Exchange that brought an approval or a delegation: trying it would use it up."""
_STOPS = ("block", "require_approval")


class ShadowRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a candidate said of one Exchange. It stands in the journal as kind ``shadow``, so that nothing counts it as a live Decision."""

    id: str
    """Of the Exchange."""
    tenant: str
    at_us: int
    trial: str
    live: str
    """Release that decided."""
    release: str
    """Release that was tried."""
    decisions: tuple[Decision, ...] = ()
    """Each has the id of the live Decision at the same place, and mode ``shadow``."""
    problem: str = ""
    """Why there are none: a code, never a text."""


class Cell(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Pairs of one Stage in which the live policy did the one and the candidate would have done the other."""

    stage: str
    live: Action
    candidate: Action | Literal["not_reached"]
    """``not_reached``: the candidate had stopped the Exchange before."""
    pairs: int


class RuleCount(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Exchanges in which a rule made the difference."""

    effect: Effect
    rule: str
    """Of the policy that stops: the candidate's of what is newly stopped, the live one's of what newly passes."""
    stage: str
    exchanges: int


class ShadowReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The paired comparison of two policies on the same Exchanges; one outcome for each Exchange, so that none counts twice."""

    trial: str
    live: str
    candidate: str
    exchanges: int
    """Compared."""
    failed: int
    """On which the candidate gave no answer."""
    left_out: int
    """That brought an approval or a delegation, or were stopped by a limit: a shadow can't say what it would have done."""
    unpaired: int
    """Whose live Decisions are not there (any more)."""
    both: int
    """Stopped by both."""
    newly_stopped: int
    newly_passed: int
    """Stopped by the live policy; the candidate lets pass all that was seen."""
    neither: int
    live_stopped: Estimate | None
    candidate_stopped: Estimate | None
    difference: Difference | None
    """Rate of stopped Exchanges, candidate minus live."""
    p_value: float
    """McNemar's exact test, two-sided."""
    table: tuple[Cell, ...]
    rules: tuple[RuleCount, ...]


class Pair(NamedTuple):
    """One Exchange: what the candidate said, and the live Decisions."""

    record: ShadowRecord
    live: Sequence[Decision]


def in_shadow(decision: Decision) -> Decision:
    """Return a candidate's Decision as it is recorded: what it would have enforced is its verdict, and nothing was."""
    return msgspec.structs.replace(decision, verdict=decision.action, action="allow", mode="shadow", approval="", capture="")


def compare_shadow(pairs: Iterable[Pair], trial: str) -> ShadowReport:
    """Compare a candidate with the live policy.

    Args:
        pairs: Every Exchange that was drawn for the trial.
        trial: Its id.

    Raises:
        ShadowIncomparable: More than the policy differs: several live or candidate Releases, or another version of a detector.
    """
    found = list(pairs)
    live = _one(found, "live policies", {pair.record.live for pair in found})
    candidate = _one(found, "candidates", {pair.record.release for pair in found})
    answered = [pair for pair in found if not pair.record.problem]
    limited = [pair for pair in answered if any(decision.rule.startswith("limit:") for decision in pair.live)]
    paired = [pair for pair in answered if pair not in limited and _same_places(pair)]
    for pair in paired:
        _check_detectors(pair)
    outcomes = [(_stops(pair.live), _would_stop(pair.record.decisions)) for pair in paired]
    counts = Counter((live_stop is not None, own_stop is not None) for live_stop, own_stop in outcomes)
    both, newly, passed, neither = (counts[key] for key in ((True, True), (False, True), (True, False), (False, False)))
    refused = sum(1 for pair in found if pair.record.problem == LEFT_OUT)
    return ShadowReport(
        trial=trial,
        live=live,
        candidate=candidate,
        exchanges=len(paired),
        failed=len(found) - len(answered) - refused,
        left_out=refused + len(limited),
        unpaired=len(answered) - len(limited) - len(paired),
        both=both,
        newly_stopped=newly,
        newly_passed=passed,
        neither=neither,
        live_stopped=_rate(both + passed, len(paired)),
        candidate_stopped=_rate(both + newly, len(paired)),
        difference=newcombe_paired(both, newly, passed, neither) if paired else None,
        p_value=mcnemar_exact(newly, passed),
        table=_table(paired),
        rules=_rules(outcomes),
    )


def _one(found: Sequence[Pair], what: str, releases: set[str]) -> str:
    if len(releases) > 1:
        raise ShadowIncomparable(
            f"the records are of {len(releases)} {what}, and a comparison is about one", where=found[0].record.trial, mend="start it again"
        )
    return next(iter(releases), "")


def _check_detectors(pair: Pair) -> None:
    """Refuse a pair at whose Stages the same detector looked in two versions (law 5)."""
    own = {decision.id: _versions(decision) for decision in pair.record.decisions}
    for decision in pair.live:
        before, after = _versions(decision), own.get(decision.id, {})
        differing = [name for name in before.keys() & after.keys() if before[name] != after[name]]
        if differing:
            what = f"the detector {min(differing)} is not the same in both, and the comparison is about the policy"
            raise ShadowIncomparable(what, where=decision.id, mend="start the shadow again, so that only the policy differs")


def _versions(decision: Decision) -> dict[str, frozenset[str]]:
    named: dict[str, set[str]] = {}
    for detector in {name for entry in decision.coverage for name in entry.detectors}:
        name, _, version = detector.partition("@")
        # What follows the dash is the digest of the entities that the rules name: that is the policy's.
        named.setdefault(name, set()).add(version.partition("-")[0] if name == "patterns" else version)
    return {name: frozenset(versions) for name, versions in named.items()}


def _same_places(pair: Pair) -> bool:
    known = {decision.id for decision in pair.live}
    return bool(known) and all(decision.id in known for decision in pair.record.decisions)


def _stops(decisions: Iterable[Decision]) -> Decision | None:
    return next((decision for decision in decisions if decision.action in _STOPS), None)


def _would_stop(decisions: Iterable[Decision]) -> Decision | None:
    return next((decision for decision in decisions if decision.verdict in _STOPS), None)


def _rate(k: int, n: int) -> Estimate | None:
    return estimate(Sample.independent_counts(k, n)) if n else None


def _table(paired: Iterable[Pair]) -> tuple[Cell, ...]:
    cells: Counter[tuple[str, Action, Action | Literal["not_reached"]]] = Counter()
    for pair in paired:
        own = {decision.id: decision.verdict for decision in pair.record.decisions}
        cells.update((decision.stage, decision.action, own.get(decision.id, "not_reached")) for decision in pair.live)
    return tuple(
        Cell(stage=stage, live=live, candidate=candidate, pairs=count) for (stage, live, candidate), count in sorted(cells.items())
    )


def _rules(outcomes: Iterable[tuple[Decision | None, Decision | None]]) -> tuple[RuleCount, ...]:
    counts: Counter[tuple[Effect, str, str]] = Counter()
    for live, own in outcomes:
        if live is None and own is not None:
            counts["newly_stopped", own.rule, own.stage] += 1
        elif live is not None and own is None:
            counts["newly_passed", live.rule, live.stage] += 1
    ordered = sorted(counts.items(), key=lambda item: (item[0][0], -item[1], item[0]))
    return tuple(RuleCount(effect=effect, rule=rule, stage=stage, exchanges=count) for (effect, rule, stage), count in ordered)
