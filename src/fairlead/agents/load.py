"""How much work approvals make: how often people are asked, about what, how they answer and how long it takes them. From records only."""

from collections.abc import Iterable, Mapping

import msgspec

from fairlead.journal import AuditEntry
from fairlead.statistics import Estimate, Sample, estimate

ASKED, GRANTED, REFUSED, VOID = "approval.ask", "approval.grant", "approval.refuse", "approval.void"
"""Actions in the audit trail."""


class ApprovalLoad(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What approvals cost people in a period. A rate without any outcome is None."""

    since_us: int
    until_us: int
    calls: int
    """Tool calls that were decided about."""
    asked: int
    """Questions that were put to people; a call that is asked about again while its question waits counts once."""
    answered: int
    """Of these questions, those that somebody answered in time."""
    per_call: Estimate | None
    """Questions among tool calls; times 100, approvals for each 100 calls."""
    untrusted: Estimate | None
    """Questions about a call with a value of untrusted origin, among all questions."""
    overridden: Estimate | None
    """Answers that let a call through which the policy alone stops, among all answers."""
    unanswered: Estimate | None
    """Questions that ran out, or that still wait, among all questions."""
    median_us: int | None
    """Time to decide: half of the answers took at most this, microseconds."""
    p90_us: int | None
    """Nine of ten answers took at most this, microseconds."""


def approval_load(calls: int, entries: Iterable[AuditEntry], *, since_us: int, until_us: int) -> ApprovalLoad:
    """Compute the load of a period.

    Args:
        calls: Tool calls that were decided about in it.
        entries: Audit entries about approvals, those of answers given later too.
        since_us: Start of the period.
        until_us: Its end, exclusive.
    """
    found = list(entries)
    asked = {entry.target: entry for entry in found if entry.action == ASKED and since_us <= entry.at_us < until_us}
    void = {entry.target for entry in found if entry.action == VOID}
    answers = {entry.target: entry for entry in found if entry.action in (GRANTED, REFUSED) and entry.target in asked.keys() - void}
    took = sorted(max(0, answer.at_us - asked[target].at_us) for target, answer in answers.items())
    return ApprovalLoad(
        since_us=since_us,
        until_us=until_us,
        calls=calls,
        asked=len(asked),
        answered=len(answers),
        per_call=_rate(min(len(asked), calls), calls),
        untrusted=_share(asked, "untrusted", "yes"),
        overridden=_rate(sum(entry.action == GRANTED for entry in answers.values()), len(answers)),
        unanswered=_rate(len(asked) - len(answers), len(asked)),
        median_us=_quantile(took, 5),
        p90_us=_quantile(took, 9),
    )


def _share(entries: Mapping[str, AuditEntry], name: str, value: str) -> Estimate | None:
    return _rate(sum(entry.detail.get(name) == value for entry in entries.values()), len(entries))


def _rate(k: int, n: int) -> Estimate | None:
    return estimate(Sample.independent_counts(k, n)) if n else None


def _quantile(ordered: list[int], tenths: int) -> int | None:
    return ordered[-(-len(ordered) * tenths // 10) - 1] if ordered else None
