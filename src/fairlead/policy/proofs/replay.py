"""Asks the real engine what it answers to a request, just as the broker does; no witness is shown before that."""

import json
from collections.abc import Mapping

import cedarpy

from fairlead.policy.cedar import APPROVED, ToolLaw, schema_of
from fairlead.policy.context import Attribute, context_of
from fairlead.policy.proofs.findings import Outcome
from fairlead.policy.proofs.requests import Json, Request
from fairlead.policy.tools import Tool


class Engine:
    """Cedar with the policies of one tool.

    Args:
        law: The policies.
        name: Name of the tool.
        tool: Its entry; every call of one that is not listed is blocked.
    """

    def __init__(self, law: ToolLaw, name: str, tool: Tool | None) -> None:
        self._tool = tool
        self._policies = cedarpy.PolicySet.from_json_str(law.slice(name))
        self._entities = cedarpy.Entities.from_json_str("[]")
        self._schema = cedarpy.Schema.from_str(law.schema)

    def outcome(self, request: Request) -> Outcome:
        """Return what the broker answers."""
        if self._tool is None or _misshapen(self._tool, request):
            return "block"
        plain, failed = self.asked(request, approved=False)
        if failed or plain:
            return "block" if failed else "allow"
        approved, failed = self.asked(request, approved=True)
        return "require_approval" if approved and not failed else "block"

    def asked(self, request: Request, *, approved: bool) -> tuple[bool, tuple[str, ...]]:
        """Return whether Cedar allows a request, and its errors."""
        result = self._ask(request, [APPROVED] if approved else [])
        return result.decision is cedarpy.Decision.Allow, tuple(str(error) for error in result.diagnostics.errors)

    def deciding(self, request: Request, approvals: Json) -> tuple[str, ...]:
        """Return which policies decide a request with these approvals."""
        return tuple(self._ask(request, approvals).diagnostics.reasons)

    def _ask(self, request: Request, approvals: Json) -> cedarpy.AuthzResult:
        known = context_of(self._tool) if self._tool is not None else {}
        asked = {**request.cedar(), "context": {**_fitting(request.context, known), "approvals": approvals}}
        return cedarpy.is_authorized(asked, self._policies, self._entities, self._schema)


def _misshapen(tool: Tool, request: Request) -> bool:
    present = request.context["present"]
    named = present if isinstance(present, list) else []
    return tool.closed and (request.undeclared or any(name not in tool.arguments for name in named))


def _fitting(context: Mapping[str, Json], known: Mapping[str, Attribute]) -> dict[str, Json]:
    """Return what a release's schema knows of a context: another release may have told of other arguments."""
    out: dict[str, Json] = {}
    for name, of in known.items():
        value = context.get(name)
        if value is not None:
            out[name] = _fitting(value, of.inner) if isinstance(value, dict) else value
    return out


def meets(tool: Tool, expression: str, request: Request) -> bool:
    """Tell whether the engine says that a Cedar expression holds of a request.

    Args:
        tool: Gives the schema; with every argument that the expression is about.
        expression: A Cedar condition.
        request: Which.
    """
    policy = f"permit(principal, action, resource) when {{ {expression} }};"
    entities, schema = cedarpy.Entities.from_json_str("[]"), cedarpy.Schema.from_str(schema_of([tool]))
    policies = cedarpy.PolicySet.from_json_str(_json(policy))
    asked = {**request.cedar(), "context": _fitting(request.context, context_of(tool))}
    result = cedarpy.is_authorized(asked, policies, entities, schema)
    return result.decision is cedarpy.Decision.Allow and not result.diagnostics.errors


def _json(policy: str) -> str:
    return json.dumps(json.loads(cedarpy.policies_to_json_str(policy)))
