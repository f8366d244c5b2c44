"""Does a call ever become allowed because its values come from worse places? A policy for which it does has a condition turned round."""

from collections.abc import Iterator, Sequence

from fairlead.policy.proofs.contract import Facts
from fairlead.policy.proofs.evaluate import Assignment
from fairlead.policy.proofs.findings import Check, Finding, State, Witness
from fairlead.policy.proofs.law import CLOSED, RuleTerm
from fairlead.policy.proofs.reach import in_reach
from fairlead.policy.proofs.search import smaller
from fairlead.policy.proofs.subject import Subject
from fairlead.policy.proofs.terms import Name, Term, Terms

COPY = "'"
_WORSENS = {("session", "tainted"), ("session", "intended"), ("readers_ok",), ("content_ok",)}


def taint_findings(subject: Subject) -> Iterator[Finding]:
    """Yield whether a call that is not allowed can become so by nothing but worse origins of its values."""
    check: Check = "taint-monotone"
    worse = _Worse(subject)
    allow, wanted = subject.answer.allow, worse.relation
    if all(worse.keeps(rule) for rule in subject.law.rules):
        yield _told(subject, check, "proven", "worse origins never get a call allowed")
        return
    goal = (worse.of(allow), subject.terms.negation(allow), *wanted)
    found = subject.find_with(goal, worse.promises(goal))
    if found.found == "none":
        yield _told(subject, check, "proven", "worse origins never get a call allowed")
    elif found.found == "unknown":
        yield _told(subject, check, "review", "the solver can't say whether worse origins get a call allowed")
    else:
        yield _worsened(subject, worse, goal, found.request)


class _Worse:
    """A second request like the first, whose values come from worse places.

    Args:
        subject: The tool.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._terms: Terms = subject.terms
        self._known: dict[Term, Term] = {}
        self._lemmas: dict[tuple[Term, ...], bool] = {}
        self.relation = tuple(self._relations())

    def of(self, term: Term) -> Term:
        """Return a formula about the second request."""
        return self._terms.rewritten(term, self._renamed, self._known)

    def promises(self, goal: Sequence[Term]) -> list[Term]:
        """Return what the broker promises of the second request."""
        return [self.of(term) for term in self._subject.promises([*goal, self._subject.answer.allow])]

    def keeps(self, rule: RuleTerm) -> bool:
        """Tell whether a permit that holds for the second request is known to hold for the first; a forbid, the other way round.

        Only what the copies differ in is looked at, and most rules have that in common, so few questions are asked.
        """
        if rule.untranslated or rule.error is not self._terms.false:
            return False
        parts = [part for part in (rule.holds.args if rule.holds.op == "and" else (rule.holds,)) if self.of(part) is not part]
        first, second = self._terms.every(*parts), self.of(self._terms.every(*parts))
        question = (second, self._terms.negation(first)) if rule.effect == "permit" else (first, self._terms.negation(second))
        if question not in self._lemmas:
            goal = (*question, *self.relation)
            self._lemmas[question] = not parts or self._subject.find_with(goal, self.promises(goal)).found == "none"
        return self._lemmas[question]

    def _renamed(self, name: Name) -> Term | None:
        if name.kind == "opaque" or name.path[0] == "prov" or name.path in _WORSENS:
            return self._terms.variable(name._replace(copy=name.copy + COPY))
        return None

    def _relations(self) -> Iterator[Term]:
        terms, facts = self._terms, Facts(self._terms)
        tainted = facts.flag("session", "tainted")
        yield terms.implies(tainted, self.of(tainted))
        for path in (("session", "intended"), ("readers_ok",), ("content_ok",)):
            better = facts.flag(*path)
            yield terms.implies(self.of(better), better)
        for name in self._subject.tool.arguments:
            there = facts.there("prov", name, "Set<String>")
            labels = [facts.holds(text, "prov", name) for text in CLOSED["prov"]]
            untrusted = facts.holds("untrusted", "prov", name)
            same = terms.every(*(terms.equal(term, self.of(term)) for term in (there, *labels)))
            fell = terms.every(there, terms.negation(untrusted), self.of(untrusted))
            yield terms.some(same, fell)


def _worsened(subject: Subject, worse: _Worse, goal: Sequence[Term], found: Assignment) -> Finding:
    plain = tuple(in_reach(subject.terms, subject.tool.arguments))
    nearer = subject.find_with((*goal, *plain, *(worse.of(term) for term in plain)), worse.promises(goal))
    chosen = nearer.request if nearer.found == "some" else found
    kept = smaller(chosen, [*goal, *subject.promises(goal), *worse.promises(goal)])
    first = {name: value for name, value in kept.items() if not name.copy.endswith(COPY)}
    second = {name._replace(copy=name.copy.removesuffix(COPY)): value for name, value in kept.items() if name not in first}
    better, request = subject.as_request(first), subject.as_request({**first, **second})
    before, after = subject.engine.outcome(better), subject.engine.outcome(request)
    confirmed = before != "allow" and after == "allow"
    what = (
        "a call becomes allowed by nothing but worse origins of its values"
        if confirmed
        else "it may be that worse origins get a call allowed"
    )
    witness = Witness(request=request, outcome=after, before=before, better=better, expected=before)
    return _told(subject, "taint-monotone", "violated" if confirmed else "review", what, witness)


def _told(subject: Subject, check: Check, state: State, what: str, witness: Witness | None = None) -> Finding:
    name, where = f"tools.{subject.name}", subject.tool.where
    return Finding(check=check, state=state, tool=subject.name, subject=name, what=what, where=where, witness=witness)
