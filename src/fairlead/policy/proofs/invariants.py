"""The invariants beside a policy: what must never happen, whatever its rules say."""

from collections.abc import Iterator, Sequence
from typing import Annotated, NamedTuple, Self

import cedarpy
import msgspec
from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from fairlead.core import FairleadError, Problems
from fairlead.policy.base import Document
from fairlead.policy.cedar import conditions_of, encoded, plainly, schema_of
from fairlead.policy.documents import validate
from fairlead.policy.errors import PolicyCedar, PolicyReference, PolicyShape
from fairlead.policy.model import ToolDocument, WhenDocument
from fairlead.policy.proofs.errors import Untranslated
from fairlead.policy.proofs.exposure import stricter
from fairlead.policy.proofs.findings import Finding, Outcome, State, Witness
from fairlead.policy.proofs.law import texts_in
from fairlead.policy.proofs.replay import meets
from fairlead.policy.proofs.requests import Request
from fairlead.policy.proofs.subject import Subject
from fairlead.policy.release import Release
from fairlead.policy.source import Source, read_source
from fairlead.policy.tools import Kind, Tool, compile_tool, contradictions

EVERY_TOOL = "*"


class InvariantDocument(Document):
    """Calls that must never be made."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    never: Annotated[tuple[str, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else (value,))]
    """A tool, a list of tools, or ``*`` for every tool that the policy lists."""
    when: WhenDocument | None = None
    """Only calls that meet these conditions."""
    unless: WhenDocument | None = None
    """Calls that meet all of these conditions may be made."""
    cedar: str = ""
    """Only calls for which this Cedar expression holds."""
    even_approved: bool = False
    """True when not even a person may approve such a call."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.when is not None and self.unless is not None and self.when == self.unless:
            raise PydanticCustomError("invariant", "'when' and 'unless' are the same", {"mend": "keep one of them"})
        return self


class _File(Document):
    invariants: Annotated[tuple[InvariantDocument, ...], BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)]


class Invariant(NamedTuple):
    """One invariant and where it stands."""

    document: InvariantDocument
    where: str
    """``file:line``."""


def load_invariants(path: str, text: str) -> tuple[Invariant, ...]:
    """Read the invariants of a policy.

    Args:
        path: How errors name the file.
        text: A list of invariants.

    Raises:
        Problems: Every problem of the file, each with its line.
    """
    source = read_source(path, text)
    if not isinstance(source.value, list):
        problem = PolicyShape("the file is not a list of invariants", where=f"{path}:1", mend="start each with '- name:'")
        raise Problems(f"{path} is refused", (problem,))
    lines = {("invariants", *place): line for place, line in source.lines.items()}
    wrapped = Source(path, {"invariants": source.value}, {(): 1, **lines})
    document, problems = validate(wrapped, _File)
    if document is None:
        raise Problems(f"{path} is refused", tuple(problems))
    return tuple(Invariant(entry, wrapped.where(("invariants", index))) for index, entry in enumerate(document.invariants))


class Applied(NamedTuple):
    """An invariant for one tool, as Cedar expressions."""

    invariant: Invariant
    tool: Tool
    """The tool, with every argument that the invariant is about."""
    when: tuple[str, ...]
    unless: tuple[str, ...]

    def texts(self) -> Iterator[str]:
        """Yield every text that it could compare a set with."""
        for clause in (*self.when, *self.unless):
            yield from texts_in(clause)


def apply(invariants: Sequence[Invariant], release: Release) -> tuple[Applied, ...]:
    """Return each invariant for each tool that it is about.

    Raises:
        Problems: One names a tool that the policy does not list, a condition that no value could meet, or Cedar that does not fit.
    """
    found: list[Applied] = []
    problems: list[FairleadError] = []
    for invariant in invariants:
        for name in invariant.document.never:
            tools = release.tools if name == EVERY_TOOL else tuple(tool for tool in release.tools if tool.name == name)
            if not tools and name != EVERY_TOOL:
                mend = "name a tool of the policy, or remove the invariant: what is not listed is never allowed"
                problems.append(PolicyReference(f"the policy lists no tool '{name}'", where=invariant.where, mend=mend))
            found += [_applied(invariant, tool) for tool in tools]
            problems += [problem for tool in tools for problem in _problems(invariant, tool)]
    if problems:
        raise Problems("the invariants are refused", tuple(problems))
    return tuple(found)


def _applied(invariant: Invariant, tool: Tool) -> Applied:
    document = invariant.document
    when, unless = _stated(tool, document.when), _stated(tool, document.unless)
    kinds = _kinds(tool, (when, unless))
    first, second = (
        tuple(clause for _, clause in conditions_of(msgspec.structs.replace(part, arguments=kinds))) for part in (when, unless)
    )
    cedar = (f"({document.cedar})",) if document.cedar else ()
    return Applied(invariant, msgspec.structs.replace(tool, arguments=kinds), (*first, *cedar), second)


def _stated(tool: Tool, when: WhenDocument | None) -> Tool:
    return compile_tool(ToolDocument(tool=tool.name, when=when))


def _kinds(tool: Tool, parts: Sequence[Tool]) -> dict[str, Kind]:
    """Return the kinds of all arguments; what an invariant needs counts where the policy fixes none."""
    found: dict[str, Kind] = dict(tool.arguments)
    for part in parts:
        found.update({name: kind for name, kind in part.arguments.items() if found.get(name, "any") == "any"})
    return found


def _problems(invariant: Invariant, tool: Tool) -> Iterator[FairleadError]:
    document = invariant.document
    for when in (document.when, document.unless):
        wrong = contradictions(ToolDocument(tool=tool.name, when=when))
        known = {name: kind for name, kind in tool.arguments.items() if kind != "any"}
        kinds = _stated(tool, when).arguments
        wrong += [
            (name, f"the policy says that it is of kind {known[name]}") for name, kind in kinds.items() if _differ(kind, known.get(name))
        ]
        for name, what in wrong:
            yield PolicyReference(f"the condition on '{name}' can't hold: {what}", where=invariant.where, mend="use conditions of its kind")
    if document.cedar:
        yield from _cedar_problems(_applied(invariant, tool))


def _differ(needed: Kind, known: Kind | None) -> bool:
    numbers = ("integer", "number")
    alike = needed == known or (needed in numbers and known in numbers) or (needed == "string" and known == "strings")
    return known is not None and needed != "any" and not alike


def _cedar_problems(applied: Applied) -> Iterator[FairleadError]:
    policy = f"permit(principal, action, resource) when {{ {applied.invariant.document.cedar} }};"
    where, mend = applied.invariant.where, "use the attributes that `fairlead policy show --cedar` prints for the tool"
    if not _is_one_expression(policy):
        yield PolicyCedar("'cedar' is not one Cedar expression", where=where, mend="write what stands between the braces of a 'when'")
        return
    for error in cedarpy.validate_policies(policy, cedarpy.Schema.from_str(schema_of([applied.tool]))).errors:
        yield PolicyCedar(plainly(error.error), where=where, mend=mend)


def _is_one_expression(policy: str) -> bool:
    try:
        return len(encoded(policy)["conditions"]) == 1
    except ValueError:
        return False


# ------------------------------------------------------------------ the question
def invariant_finding(subject: Subject, applied: Applied) -> Finding:
    """Return whether a call that an invariant forbids can be made.

    Args:
        subject: The tool; it knows the invariant's arguments and texts.
        applied: The invariant.
    """
    terms, document = subject.terms, applied.invariant.document
    try:
        when = [subject.condition(clause) for clause in applied.when]
        unless = terms.every(*(subject.condition(clause) for clause in applied.unless))
    except Untranslated as problem:
        return _told(subject, applied, "review", f"the proofs can't translate {problem.what}")
    answer = subject.answer
    made = terms.some(answer.allow, answer.ask) if document.even_approved else answer.allow
    wanted = (made, *when, *((terms.negation(unless),) if applied.unless else ()))
    found = subject.find(*wanted)
    if found.found == "none":
        return _told(subject, applied, "proven", "no such call is ever made")
    if found.found == "unknown":
        return _told(subject, applied, "review", "the solver can't say whether such a call is made")
    request = subject.request(found, *wanted)
    outcome = subject.engine.outcome(request)
    witness = Witness(request=request, outcome=outcome, expected="block" if document.even_approved else stricter(subject.tool))
    confirmed = _made(document, outcome) and _forbidden(applied, request)
    what = "such a call is made" if outcome == "allow" else "a person may approve such a call"
    return _told(
        subject,
        applied,
        "violated" if confirmed else "review",
        what if confirmed else "the engine does not confirm the call that was found",
        witness,
    )


def _made(document: InvariantDocument, outcome: Outcome) -> bool:
    return outcome == "allow" or (document.even_approved and outcome == "require_approval")


def _forbidden(applied: Applied, request: Request) -> bool:
    """Tell whether the engine says of a request that the invariant forbids it."""
    if not all(meets(applied.tool, clause, request) for clause in applied.when):
        return False
    return not applied.unless or not all(meets(applied.tool, clause, request) for clause in applied.unless)


def _told(subject: Subject, applied: Applied, state: State, what: str, witness: Witness | None = None) -> Finding:
    document, where = applied.invariant.document, applied.invariant.where
    return Finding(check="invariant", state=state, tool=subject.name, subject=document.name, what=what, where=where, witness=witness)
