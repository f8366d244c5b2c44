"""The law of one tool as terms: each of its policies, and what the broker answers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias, get_args

import cedarpy
from cedarpy import pst

from fairlead.policy.cedar import APPROVED, Statement, ToolLaw, encoded
from fairlead.policy.context import Attribute, context_of
from fairlead.policy.model import Label
from fairlead.policy.proofs.encode import Encoder
from fairlead.policy.proofs.errors import Untranslated, untranslated
from fairlead.policy.proofs.sets import Sets
from fairlead.policy.proofs.terms import Name, Term, Terms
from fairlead.policy.tools import Tool

CLOSED: Mapping[str, Sequence[str]] = {"prov": get_args(Label), "approvals": (APPROVED,)}
"""Sections of the context in which nothing else can stand."""
_Scope: TypeAlias = pst.PrincipalOrResourceConstraint


class RuleTerm(NamedTuple):
    """One Cedar policy, translated."""

    id: str
    effect: pst.Effect
    holds: Term
    """Its condition is met, and nothing in it is an error."""
    error: Term
    where: str
    untranslated: str = ""
    """What could not be translated; ``holds`` and ``error`` are unknown then, so a proof holds whatever they are."""


class Law(NamedTuple):
    """All policies that can matter for a tool's calls."""

    tool: Tool
    context: Mapping[str, Attribute]
    rules: tuple[RuleTerm, ...]

    def of(self, effect: pst.Effect) -> list[RuleTerm]:
        """Return the permits, or the forbids."""
        return [rule for rule in self.rules if rule.effect == effect]


def law_of(sets: Sets, written: ToolLaw, tool: Tool, known: dict[tuple[object, ...], RuleTerm | None] | None = None) -> Law:
    """Translate a tool's policies.

    Args:
        sets: Knows every text of every policy that is compared; see :func:`texts_of`.
        written: The policies.
        tool: Which tool's.
        known: What was translated before; a policy that two Releases share is translated once.
    """
    context = context_of(tool)
    encoder = Encoder(sets, tool.name, context)
    known = {} if known is None else known
    kinds = tuple(tool.arguments.items())
    found: list[RuleTerm | None] = []
    for entry in written.about(tool.name):
        key = (entry.id, entry.text, entry.where, kinds)
        if key not in known:
            known[key] = _rule(encoder, entry)
        found.append(known[key])
    return Law(tool, context, tuple(rule for rule in found if rule is not None))


def parsed(text: str) -> pst.Template:
    """Return a Cedar policy as a typed tree.

    Raises:
        Untranslated: It is nested too deeply, or newer than this release knows.
    """
    try:
        return next(iter(cedarpy.policies_to_pst(text).static_policies.values()))
    except (ValueError, StopIteration) as error:
        raise untranslated("its nesting, or a construct that is newer than this release") from error


def texts_of(entries: Iterable[Statement]) -> Iterator[str]:
    """Yield every text that a policy could compare a set with."""
    for entry in entries:
        yield from _literals(entry.encoded.get("conditions", []))


def texts_in(expression: str) -> Iterator[str]:
    """Yield every text that a Cedar expression could compare a set with."""
    yield from _literals(encoded(f"permit(principal, action, resource) when {{ {expression} }};"))


def _literals(node: object) -> Iterator[str]:
    if isinstance(node, Mapping):
        value = node.get("Value")
        if isinstance(value, str):
            yield value
        nodes: Iterable[object] = node.values()
    else:
        nodes = node if isinstance(node, list) else ()
    for inner in nodes:
        yield from _literals(inner)


def _rule(encoder: Encoder, entry: Statement) -> RuleTerm | None:
    effect: pst.Effect = "forbid" if entry.encoded.get("effect") == "forbid" else "permit"
    try:
        tree = parsed(entry.text)
        if not _is_about(tree.action, encoder):
            return None
        holds, error = _body(encoder, tree)
    except Untranslated as problem:
        unknown = [encoder.terms.variable(Name("opaque", (entry.text, what))) for what in ("holds", "error")]
        return RuleTerm(entry.id, effect, unknown[0], unknown[1], entry.where, problem.what)
    return RuleTerm(entry.id, effect, encoder.terms.every(holds, encoder.terms.negation(error)), error, entry.where)


def _is_about(action: pst.ActionConstraint, encoder: Encoder) -> bool:
    own = encoder.entity("action").id.of
    match action:
        case pst.ActionEq(uid):
            return uid.id == own
        case pst.ActionIn(uids):
            return any(uid.id == own for uid in uids)
    return True


def _body(encoder: Encoder, tree: pst.Template) -> tuple[Term, Term]:
    terms = encoder.terms
    holds = terms.every(*(_scope(encoder, name, scope) for name, scope in (("principal", tree.principal), ("resource", tree.resource))))
    error = terms.false
    for clause in tree.clauses:
        value, wrong = encoder.condition(clause.expr)
        met = value if isinstance(clause, pst.When) else terms.negation(value)
        error = terms.some(error, terms.every(holds, wrong))
        holds = terms.every(holds, met)
    return holds, error


def _scope(encoder: Encoder, name: str, scope: _Scope) -> Term:
    entity, terms = encoder.entity(name), encoder.terms
    match scope:
        case pst.ScopeAny():
            return terms.true
        case pst.ScopeIs(kind):
            return terms.constant(str(kind) == entity.type)
        case pst.ScopeEq(pst.EntityUid() as uid) | pst.ScopeIn(pst.EntityUid() as uid):
            return terms.equal(entity.id, terms.constant(uid.id)) if str(uid.type) == entity.type else terms.false
        case pst.ScopeIsIn(kind, pst.EntityUid() as uid):
            same = str(kind) == str(uid.type) == entity.type
            return terms.equal(entity.id, terms.constant(uid.id)) if same else terms.false
    raise untranslated("a template's slot")


class Answer(NamedTuple):
    """What the broker answers to a call: exactly one of the first three holds."""

    allow: Term
    """It may be made at once."""
    ask: Term
    """A person must approve it."""
    deny: Term
    error: Term
    """A policy is an error; the broker denies then."""


def answer_of(terms: Terms, law: Law, arguments: Iterable[str] = ()) -> Answer:
    """Return what the broker answers: it asks Cedar as it is, and if that is a no, with a person's approval in the context.

    Args:
        terms: Where the terms are built.
        law: The tool's.
        arguments: Every argument that is known from anywhere, also from another release.
    """
    plain, approved = (asked(terms, law, approved=approved) for approved in (False, True))
    shape = shape_of(terms, law.tool, arguments)
    allow = terms.every(shape, plain.allowed, terms.negation(plain.error))
    ask = terms.every(shape, *map(terms.negation, (plain.error, plain.allowed)), approved.allowed, terms.negation(approved.error))
    return Answer(allow, ask, terms.every(*map(terms.negation, (allow, ask))), terms.some(plain.error, approved.error))


class Asked(NamedTuple):
    """What Cedar answers."""

    allowed: Term
    error: Term
    """Whether any policy is an error."""


def asked(terms: Terms, law: Law, *, approved: bool) -> Asked:
    """Return what Cedar answers to a call that a person has approved, or not."""
    change, known = _Approved(terms, approved=approved), dict[Term, Term]()
    permits = [terms.rewritten(rule.holds, change, known) for rule in law.of("permit")]
    forbids = [terms.rewritten(rule.holds, change, known) for rule in law.of("forbid")]
    errors = [terms.rewritten(rule.error, change, known) for rule in law.rules]
    return Asked(terms.every(terms.some(*permits), terms.negation(terms.some(*forbids))), terms.some(*errors))


class _Approved:
    """Puts into a term whether a person has approved."""

    def __init__(self, terms: Terms, *, approved: bool) -> None:
        self._terms = terms
        self._approved = approved

    def __call__(self, name: Name) -> Term | None:
        if name.kind == "holds" and name.path == ("approvals",):
            return self._terms.constant(self._approved)
        if name.kind == "opaque":
            return self._terms.variable(name._replace(copy=f"{name.copy}{'+' if self._approved else '-'}"))
        return None


def shape_of(terms: Terms, tool: Tool, arguments: Iterable[str]) -> Term:
    """Return whether a call has only arguments that the policy declares; the broker refuses it otherwise, whatever Cedar says.

    That each is of its declared kind is checked by the broker too and not told here, so more calls are looked at than there can be.

    Args:
        terms: Where the terms are built.
        tool: Which tool.
        arguments: Every argument that is known from anywhere.
    """
    if not tool.closed:
        return terms.true
    undeclared = [Name("holds", ("present",), text=name) for name in arguments if name not in tool.arguments]
    return terms.negation(terms.some(*map(terms.variable, (*undeclared, Name("more", UNDECLARED)))))


UNDECLARED = ("arguments",)
"""The names of a call's arguments beyond those that are known from anywhere."""
