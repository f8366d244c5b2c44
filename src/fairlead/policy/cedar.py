"""The ``tools:`` section as Cedar: one tool is one typed action, and what is not permitted is denied.

The context of a call, by contract with the broker (a policy file of the user's own, ``tools.cedar``, may use all of it)::

    present    names of the arguments that the call has
    input      arguments of a declared or implied kind, by name; one of another kind is left out
    derived    what the broker computes of them: "x.domains" (e-mail domains in x; "" for what is no plain address), "x.hosts" (hosts of the
               URLs in x; "" for what can't be read), "x.path" (x as a path without "." and ".."; missing if it leaves its root),
               "x.length", "x.count" (values in x), "x.e4" (a number times 10,000), "x.minor" (times 100)
    prov       for each argument the set of origins of its values
    session    tainted, private_seen, intended, calls (of this tool, with this one), step (calls of all tools), "x.total.e4" (sum with this)
    readers_ok false when private data was seen and an egress argument leads to somebody who may not read it
    content_ok false when a web or mail address or an account number that data names stands inside of an argument, or a card number that
               the user did not write
    approvals  {"person"} when a person approved exactly this call
    token      depth and caps of the delegation that the caller holds; 0 and none where there is none

Cedar has neither floats nor regular expressions, so the broker computes the derived values and the policy compares them.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import cedarpy

from fairlead.core import FairleadError
from fairlead.policy.context import Attribute, context_of, quoted
from fairlead.policy.errors import PolicyCedar
from fairlead.policy.model import Constraint, PolicyDocument
from fairlead.policy.reads import Reads
from fairlead.policy.tools import Kind, Tool, compile_tool

CEDAR_FILE = "tools.cedar"
SCALE = 10_000
"""Numbers are compared as whole ten-thousandths: Cedar has no floats, and nothing is rounded."""
APPROVED = "person"
OBLIGATIONS = ("obligation", "on_deny")
"""Annotations that say what to do beside the answer, such as ``@on_deny("fallback_tool:search")``."""


class Statement(NamedTuple):
    """One Cedar policy and where it stands."""

    id: str
    text: str
    where: str
    encoded: Mapping[str, Any]
    """Cedar's own JSON form."""


class ToolLaw(NamedTuple):
    """All that Cedar needs to know, parsed and validated."""

    statements: tuple[Statement, ...]
    schema: str

    def conditions(self, tool: Tool) -> str:
        """Return each condition on a tool's call as a policy under its own name, so that one look tells all that are met."""
        scope = f"principal, action == Action::{quoted(tool.name)}, resource"
        found = {name: encoded(f"permit({scope}) when {{ {clause} }};") for name, clause in conditions_of(tool)}
        return json.dumps({"staticPolicies": found, "templates": {}, "templateLinks": []})

    def slice(self, tool: str) -> str:
        """Return the policies that can matter for a tool, as Cedar JSON under their own ids."""
        chosen = {entry.id: entry.encoded for entry in self.about(tool)}
        return json.dumps({"staticPolicies": chosen, "templates": {}, "templateLinks": []})

    def reads(self, tool: str) -> Reads:
        """Return what of a call's context these policies look at, so that nothing else need be computed."""
        return Reads.of([entry.encoded for entry in self.about(tool)])

    def obligations(self, rules: Collection[str]) -> tuple[str, ...]:
        """Return what the policies that decided ask for beside their answer: their ``@obligation`` and ``@on_deny`` annotations."""
        found: list[str] = []
        for entry in self.statements:
            notes = entry.encoded.get("annotations", {}) if entry.id in rules else {}
            found += [f"{key}:{notes[key]}" for key in OBLIGATIONS if notes.get(key)]
        return tuple(dict.fromkeys(found))

    def about(self, tool: str) -> list[Statement]:
        """Return the policies that can matter for a tool."""
        return [entry for entry in self.statements if _concerns(entry.encoded["action"], tool)]


def cedar_source(policy: PolicyDocument) -> tuple[str, str]:
    """Return the Cedar policies and the schema that a policy's tools compile to.

    Args:
        policy: A valid policy.

    Returns:
        Policies, each with its ``@id``, and the schema; both as Cedar text.
    """
    tools = [compile_tool(document) for document in policy.tools]
    return "\n".join(text for tool in tools for _, text in _policies(tool)), schema_of(tools)


def compile_law(tools: Sequence[Tool], extra: str) -> tuple[ToolLaw, list[FairleadError]]:
    """Compile the manifest, add the user's own Cedar policies, and check that all of them fit the tools.

    Args:
        tools: The manifest.
        extra: Text of ``tools.cedar``; empty if there is none.

    Returns:
        What the broker needs, and every problem of the user's file.
    """
    schema = schema_of(tools)
    handle = cedarpy.Schema.from_str(schema)
    statements = [Statement(name, text, tool.where, encoded(text)) for tool in tools for name, text in _policies(tool)]
    problems: list[FairleadError] = []
    taken = {statement.id for statement in statements}
    for index, (line, text) in enumerate(split(extra)):
        where = f"{CEDAR_FILE}:{line}"
        try:
            form = encoded(text)
        except ValueError as error:
            problems.append(PolicyCedar(f"not a Cedar policy: {error}", where=where, mend="check the statement that starts on this line"))
            continue
        name = str(form.get("annotations", {}).get("id") or f"cedar.{index}")
        if name in taken:
            problems.append(PolicyCedar(f"the id '{name}' is taken", where=where, mend="give each policy an @id of its own"))
        taken.add(name)
        mend = "use only tools that the policy lists, and the attributes that its arguments have (`fairlead policy show` prints the schema)"
        told = dict.fromkeys(plainly(error.error) for error in cedarpy.validate_policies(text, handle).errors)
        problems += [PolicyCedar(what, where=where, mend=mend) for what in told]
        statements.append(Statement(name, text, where, form))
    return ToolLaw(tuple(statements), schema), problems


def schema_of(tools: Sequence[Tool]) -> str:
    """Return the Cedar schema of a manifest."""
    parts = ["entity User;", "entity Tool;"]
    for tool in tools:
        context = Attribute("Record", inner=context_of(tool))
        parts.append(f"action {quoted(tool.name)} appliesTo {{principal: User, resource: Tool, context: {context}}};")
    return "\n".join(parts)


def split(text: str) -> Iterator[tuple[int, str]]:
    """Yield the statements of a Cedar file with the line that each starts on; comments and strings are respected."""
    line, start_line, start, index, quoted_text = 1, 0, 0, 0, False
    while index < len(text):
        char = text[index]
        if not quoted_text and text.startswith("//", index):
            end = text.find("\n", index)
            index = len(text) if end < 0 else end
            continue
        if start_line == 0 and not char.isspace():
            start, start_line = index, line
        if char == "\\" and quoted_text:
            index += 1
        elif char == '"':
            quoted_text = not quoted_text
        elif char == ";" and not quoted_text:
            yield start_line, text[start : index + 1]
            start_line = 0
        line += text.count("\n", index, index + 1)
        index += 1
    if start_line:
        yield start_line, text[start:]


def _policies(tool: Tool) -> Iterator[tuple[str, str]]:
    scope = f"principal, action == Action::{quoted(tool.name)}, resource"
    name = f"tools.{tool.name}"
    if tool.allow:
        conditions = [clause for _, clause in conditions_of(tool)] or ["true"]
        yield name, f"@id({quoted(name)}) permit({scope}) when {{ {' && '.join(conditions)} }};"
    elif tool.allow is False and tool.otherwise == "block":
        yield name, f"@id({quoted(name)}) forbid({scope});"
    if tool.otherwise == "require_approval":
        approved = f"{name}.approved"
        yield approved, f"@id({quoted(approved)}) permit({scope}) when {{ context.approvals.contains({quoted(APPROVED)}) }};"


def conditions_of(tool: Tool) -> Iterator[tuple[str, str]]:
    """Yield each condition on a tool's call: what it is about, such as ``to.domain_in``, and its Cedar expression."""
    for name, constraint in tool.when.items():
        clauses = [*_clauses(name, tool.arguments[name], constraint)] or [("present", f"context.present.contains({quoted(name)})")]
        for key, clause in clauses:
            yield f"{name}.{key}", _unless_absent(name, clause, constraint)
    for name, origins in tool.provenance.items():
        there, within = f"context.prov has {quoted(name)}", f"{_set(origins)}.containsAll(context.prov[{quoted(name)}])"
        if name in tool.optional:
            yield f"{name}.provenance", f"(!({there}) || {within})"
        else:
            yield f"{name}.provenance", _unless_absent(name, f"{there} && {within}", tool.when.get(name))
    if tool.egress:
        yield "egress", "context.readers_ok"
    if tool.checks_content:
        yield "content", "context.content_ok"
    if tool.intent:
        yield "intent", "context.session.intended"
    yield from _budget(tool)


def _budget(tool: Tool) -> Iterator[tuple[str, str]]:
    if tool.budget is None:
        return
    if tool.budget.calls is not None:
        yield "budget.calls", f"context.session.calls <= {tool.budget.calls}"
    for name, most in tool.budget.total.items():
        key = quoted(f"{name}.total.e4")
        yield f"budget.{name}", f"(context.session has {key} && context.session[{key}] <= {round(most * SCALE)})"


def _unless_absent(name: str, clauses: str, constraint: Constraint | None) -> str:
    optional = constraint is not None and constraint.optional
    return f"(!context.present.contains({quoted(name)}) || ({clauses}))" if optional else f"({clauses})"


def _clauses(name: str, kind: Kind, constraint: Constraint) -> Iterator[tuple[str, str]]:
    if constraint.domain_in is not None:
        yield "domain_in", _derived_is(f"{name}.domains", f"{_set(constraint.domain_in)}.containsAll({{}})")
    if constraint.max_length is not None:
        yield "max_length", _derived_is(f"{name}.length", f"{{}} <= {constraint.max_length}")
    if constraint.max is not None:
        yield "max", _derived_is(f"{name}.e4", f"{{}} <= {round(constraint.max * SCALE)}")
    if constraint.min is not None:
        yield "min", _derived_is(f"{name}.e4", f"{{}} >= {round(constraint.min * SCALE)}")
    if constraint.like is not None:
        yield "like", f"context.input has {quoted(name)} && context.input[{quoted(name)}] like {quoted(constraint.like)}"
    if constraint.equals is not None:
        yield "equals", _is_among(name, kind, (constraint.equals,))
    if constraint.one_of is not None:
        yield "one_of", _is_among(name, kind, constraint.one_of)


def _is_among(name: str, kind: Kind, allowed: Sequence[str | int | bool]) -> str:
    if kind == "number":
        return _derived_is(f"{name}.e4", f"[{', '.join(str(int(value) * SCALE) for value in allowed)}].contains({{}})")
    test = "containsAll" if kind == "strings" else "contains"
    return f"context.input has {quoted(name)} && {_set(allowed)}.{test}(context.input[{quoted(name)}])"


def _derived_is(name: str, test: str) -> str:
    return f"context.derived has {quoted(name)} && " + test.format(f"context.derived[{quoted(name)}]")


def _set(values: Sequence[str | int | bool]) -> str:
    return "[" + ", ".join(quoted(value) if isinstance(value, str) else json.dumps(value) for value in values) + "]"


def encoded(text: str) -> Mapping[str, Any]:
    """Return one Cedar policy in Cedar's own JSON form.

    Raises:
        ValueError: It does not parse, is a template, or is not exactly one.
    """
    found = json.loads(cedarpy.policies_to_json_str(text))
    policies = list(found.get("staticPolicies", {}).values())
    if found.get("templates") or len(policies) != 1:
        raise ValueError("a template, or not exactly one policy")
    form: Mapping[str, Any] = policies[0]
    return form


def _concerns(scope: Mapping[str, Any], tool: str) -> bool:
    return bool(scope.get("op") != "==" or scope.get("entity", {}).get("id") == tool)


def plainly(message: str) -> str:
    """Return a message of Cedar's validator without what it says of our own wrapping."""
    return " ".join(message.removeprefix("for policy `policy0`, ").split())
