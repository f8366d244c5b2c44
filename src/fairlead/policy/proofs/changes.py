"""What a new Release answers otherwise than an old one, each change with a call that shows it."""

from collections.abc import Iterator
from typing import NamedTuple

from fairlead.policy.proofs.findings import Finding, Outcome, State, Witness
from fairlead.policy.proofs.law import Answer, Law
from fairlead.policy.proofs.subject import Subject
from fairlead.policy.proofs.terms import Term
from fairlead.policy.tools import Tool


class _Kind(NamedTuple):
    """One way in which an answer can change."""

    name: str
    old: Outcome
    new: Outcome
    state: State
    what: str


KINDS = (
    _Kind("newly allowed", "block", "allow", "violated", "calls that were blocked are allowed now, and nobody is asked"),
    _Kind("newly without approval", "require_approval", "allow", "violated", "calls that a person had to approve are allowed now"),
    _Kind("newly approvable", "block", "require_approval", "violated", "calls that were blocked can be approved now"),
    _Kind("newly asked", "allow", "require_approval", "note", "calls that were allowed need a person now"),
    _Kind("newly blocked", "allow", "block", "note", "calls that were allowed are blocked now"),
    _Kind("no longer approvable", "require_approval", "block", "note", "calls that a person could approve are blocked now"),
)
"""What gets wider is a violation until a second person has looked; what gets narrower is only told."""


def change_findings(subject: Subject) -> Iterator[Finding]:
    """Yield every kind of change of a tool that has an old and a new Release."""
    found = [finding for kind in _possible(subject) for finding in _changed(subject, kind)]
    if not found:
        found = [_told(subject, "decides alike", "proven", "both policies answer every call alike")]
    yield from found


def _told(subject: Subject, name: str, state: State, what: str, witness: Witness | None = None) -> Finding:
    where = subject.tool.where
    return Finding(check="diff", state=state, tool=subject.name, subject=name, what=what, where=where, witness=witness)


def _possible(subject: Subject) -> list[_Kind]:
    """Return the kinds of change that a look at the rules which the Releases do not share does not rule out already.

    When every permit that is gone is covered by a new one, and every new forbid by one that is gone, the new Release allows all that the
    old one did, so nothing gets narrower; the other way round, nothing gets wider. That is a small question however many rules are shared.
    """
    old, new = subject.laws
    if old is None or new is None or _declared(old.tool) != _declared(new.tool):
        return [*KINDS]
    if any(rule.error is not subject.terms.false for rule in (*old.rules, *new.rules)):
        return [*KINDS]
    ruled_out = {"note"} if _covers(subject, old, new) else set()
    ruled_out |= {"violated"} if _covers(subject, new, old) else set()
    return [kind for kind in KINDS if kind.state not in ruled_out]


def _covers(subject: Subject, one: Law, other: Law) -> bool:
    """Tell whether the second law is known to allow all that the first one does."""
    for effect, narrow, wide in (("permit", one, other), ("forbid", other, one)):
        shared = {rule.holds for rule in narrow.rules if rule.effect == effect} & {
            rule.holds for rule in wide.rules if rule.effect == effect
        }
        lost, won = ([rule.holds for rule in law.rules if rule.effect == effect and rule.holds not in shared] for law in (narrow, wide))
        terms = subject.terms
        if subject.find(terms.some(*lost), terms.negation(terms.some(*won))).found != "none":
            return False
    return True


def _declared(tool: Tool) -> frozenset[str] | None:
    """Return the only arguments that a call may have; None for any."""
    return frozenset(tool.arguments) if tool.closed else None


def _changed(subject: Subject, kind: _Kind) -> Iterator[Finding]:
    old, new = subject.answers
    wanted = (_of(old, kind.old), _of(new, kind.new))
    found = subject.find(*wanted)
    if found.found == "unknown":
        yield _told(subject, kind.name, "review", f"the solver can't say whether {kind.what}")
    elif found.found == "some":
        request = subject.request(found, *wanted)
        before, after = subject.outcomes(request)
        if (before, after) == (kind.old, kind.new):
            witness = Witness(request=request, outcome=after, before=before, expected=before)
            yield _told(subject, kind.name, kind.state, kind.what, witness)
        else:
            yield _told(
                subject, kind.name, "review", f"it may be that {kind.what}, but the engine does not confirm the call that was found"
            )


def _of(answer: Answer, outcome: Outcome) -> Term:
    return {"allow": answer.allow, "require_approval": answer.ask, "block": answer.deny}[outcome]
