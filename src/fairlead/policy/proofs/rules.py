"""Questions about single rules: was it translated, can it be an error, and does it ever decide anything?"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import or_

from fairlead.policy.proofs.evaluate import Evaluation
from fairlead.policy.proofs.findings import Check, Finding, State, Witness
from fairlead.policy.proofs.guess import Guesser
from fairlead.policy.proofs.law import RuleTerm
from fairlead.policy.proofs.subject import Subject
from fairlead.policy.proofs.terms import Term


def rule_findings(subject: Subject) -> Iterator[Finding]:
    """Yield what is to be said of the rules of a tool, one by one."""
    yield from _translated(subject)
    yield from _never_errors(subject)
    yield from _matter(subject)


def _told(subject: Subject, check: Check, state: State, what: str, rule: RuleTerm | None = None) -> Finding:
    name, where = (rule.id, rule.where) if rule is not None else (f"tools.{subject.name}", subject.tool.where)
    return Finding(check=check, state=state, tool=subject.name, subject=name, what=what, where=where)


def _translated(subject: Subject) -> Iterator[Finding]:
    for rule in subject.law.rules:
        if rule.untranslated:
            what = f"the proofs can't translate {rule.untranslated}: what is proven holds whatever this rule says"
            yield _told(subject, "translated", "review", what, rule)


def _never_errors(subject: Subject) -> Iterator[Finding]:
    """Yield the rules that can be an error: Cedar skips them then, even a forbid, and the broker blocks the call."""
    found = [finding for rule in subject.law.rules if not rule.untranslated for finding in _errs(subject, rule)]
    yield from found or [_told(subject, "never-errors", "proven", "no rule can be an error")]


def _errs(subject: Subject, rule: RuleTerm) -> Iterator[Finding]:
    found = subject.find(rule.error)
    if found.found == "unknown":
        yield _told(subject, "never-errors", "review", "the solver can't say whether this rule can be an error", rule)
    elif found.found == "some":
        request = subject.request(found, rule.error)
        confirmed = any(subject.engine.asked(request, approved=approved)[1] for approved in (False, True))
        what = f"this {rule.effect} is an error for some calls: Cedar skips it then, and the broker blocks the call"
        witness = Witness(request=request, outcome=subject.engine.outcome(request))
        yield Finding(
            check="never-errors",
            state="violated" if confirmed else "review",
            tool=subject.name,
            subject=rule.id,
            what=what,
            where=rule.where,
            witness=witness,
        )


# ------------------------------------------------------------------ rules that decide nothing
def _matter(subject: Subject) -> Iterator[Finding]:
    """Yield the rules without which every call would be answered alike."""
    permits, forbids = subject.law.of("permit"), subject.law.of("forbid")
    decided = _decided(subject, permits, forbids)
    found = [finding for rule in subject.law.rules if rule.id not in decided for finding in _idle(subject, rule)]
    yield from found or [_told(subject, "rule-matters", "proven", "every rule decides some call")]


def _decided(subject: Subject, permits: Sequence[RuleTerm], forbids: Sequence[RuleTerm]) -> set[str]:
    """Return the rules for which a guessed call shows that they matter; what is left over is for the solver."""
    promises = subject.promises([rule.holds for rule in subject.law.rules])
    either = subject.terms.some(*(rule.holds for rule in permits))
    wanted = [rule.holds if rule.effect == "permit" else subject.terms.every(either, rule.holds) for rule in subject.law.rules]
    evaluation = Evaluation(Guesser().guesses(wanted, promises))
    free, stopped = evaluation.mask(subject.terms.true), _union([evaluation.mask(rule.holds) for rule in forbids])
    allowed = _union([evaluation.mask(rule.holds) for rule in permits])
    alone = zip(permits, _alone([evaluation.mask(rule.holds) for rule in permits], free & ~stopped), strict=True)
    against = zip(forbids, _alone([evaluation.mask(rule.holds) for rule in forbids], allowed), strict=True)
    return {rule.id for rule, mask in (*alone, *against) if mask}


def _union(masks: Sequence[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found


def _alone(masks: Sequence[int], within: int) -> list[int]:
    """Return for each rule the requests for which it holds and no other does."""
    before = [0, *accumulate(masks, or_)][: len(masks)]
    after = [0, *accumulate(reversed(masks), or_)][: len(masks)][::-1]
    return [mask & within & ~left & ~right for mask, left, right in zip(masks, before, after, strict=True)]


def _idle(subject: Subject, rule: RuleTerm) -> Iterator[Finding]:
    terms = subject.terms
    same = [other.holds for other in subject.law.of(rule.effect) if other.id != rule.id]
    contrary = [other.holds for other in subject.law.of("forbid" if rule.effect == "permit" else "permit")]
    stopped = terms.negation(terms.some(*contrary)) if rule.effect == "permit" else terms.some(*contrary)
    steps: tuple[tuple[str, tuple[Term, ...]], ...] = (
        ("no call meets it", (rule.holds,)),
        (
            "a forbid stops all that it permits" if rule.effect == "permit" else "nothing that it forbids is permitted",
            (rule.holds, stopped),
        ),
        (f"other {rule.effect}s hold wherever it does", (rule.holds, stopped, terms.negation(terms.some(*same)))),
    )
    last = "some"
    for why, wanted in steps:
        last = subject.find(*wanted).found
        if last == "none":
            yield _told(subject, "rule-matters", "note", f"it never decides anything: {why}", rule)
            return
    if last == "unknown":
        yield _told(subject, "rule-matters", "review", "the solver can't say whether it ever decides anything", rule)
