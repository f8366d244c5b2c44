"""The tool broker: no call is made that the policy, its provenance or a person did not allow."""

from collections.abc import Mapping
from typing import NamedTuple

import cedarpy

from fairlead.agents import facts
from fairlead.agents.approvals import ApprovalRequest, ApprovalStore
from fairlead.agents.arguments import Value, parse_arguments, plain
from fairlead.agents.errors import BadArguments, TooManyApprovals
from fairlead.agents.provenance import Provenance
from fairlead.core import canonical_bytes
from fairlead.guard import ToolCall, ToolContext, ToolVerdict
from fairlead.policy import APPROVED, Release, Tool

UNLISTED = "tools.unlisted"
"""Rule that stops a tool which the policy does not list: what is not permitted is denied."""
BAD_ARGUMENTS = "tools.arguments"
FAILED = "tools.failed"


class _Law(NamedTuple):
    """One tool's policies as engine handles, parsed once."""

    tool: Tool
    policies: cedarpy.PolicySet
    conditions: Mapping[str, cedarpy.PolicySet]


class _Answer(NamedTuple):
    allowed: bool
    failed: bool
    rules: tuple[str, ...]


class Broker:
    """Decides about tool calls with Cedar; implements ``guard.ports.ToolBroker``.

    Args:
        release: Whose tools, and whose policies.
        approvals: Where persons are asked.
    """

    def __init__(self, release: Release, approvals: ApprovalStore) -> None:
        self._release = release
        self._approvals = approvals
        self._schema = cedarpy.Schema.from_str(release.law.schema)
        self._entities = cedarpy.Entities.from_json_str("[]")
        self._laws = {tool.name: self._law(tool) for tool in release.tools}

    def authorise(self, call: ToolCall, context: ToolContext) -> ToolVerdict:
        """Say whether a call may be made.

        Args:
            call: The call as the model asks for it.
            context: Who it is for, what the model saw, and the approvals that the client presents.

        Returns:
            ``allow``, ``block`` or ``require_approval``, with the rule and a reason that holds no content.
        """
        law = self._laws.get(call.tool)
        if law is None:
            return ToolVerdict(action="block", rule=UNLISTED, reason="the policy does not list this tool")
        try:
            arguments = parse_arguments(call.arguments)
            _check_shape(law.tool, arguments)
        except BadArguments as error:
            return ToolVerdict(action="block", rule=BAD_ARGUMENTS, reason=error.what)
        stated = self._state(law.tool, arguments, context)
        plainly = self._ask(law.policies, law.tool, context, stated)
        if plainly.failed:
            return ToolVerdict(action="block", rule=FAILED, reason="a Cedar policy could not be evaluated on this call")
        if plainly.allowed:
            return ToolVerdict(action="allow", rule=plainly.rules[0], reason="the policy allows it")
        unmet = tuple(name for name, policies in law.conditions.items() if not self._ask(policies, law.tool, context, stated).allowed)
        approved = self._ask(law.policies, law.tool, context, {**stated, "approvals": [APPROVED]})
        if not approved.allowed or approved.failed:
            rule = plainly.rules[0] if plainly.rules else f"tools.{law.tool.name}"
            return ToolVerdict(action="block", rule=rule, reason=_reason(unmet), hazard=_hazard(unmet))
        request = self._request(law.tool, arguments, context, stated, unmet)
        return self._approve(request, context)

    def _approve(self, request: ApprovalRequest, context: ToolContext) -> ToolVerdict:
        rule = f"tools.{request.tool}"
        for approval in context.approvals:
            if self._approvals.redeem(approval, request):
                return ToolVerdict(action="allow", rule=rule, reason="a person approved exactly this call", approval=approval)
        hazard = _hazard(request.unmet)
        try:
            asked = self._approvals.ask(request)
        except TooManyApprovals as error:
            return ToolVerdict(action="block", rule=FAILED, reason=error.what, hazard=hazard)
        if asked.state == "refused":
            return ToolVerdict(action="block", rule=rule, reason="a person refused exactly this call", approval=asked.id, hazard=hazard)
        reason = f"a person must approve it: {_reason(request.unmet)}"
        return ToolVerdict(action="require_approval", rule=rule, reason=reason, approval=asked.id, hazard=hazard)

    def _law(self, tool: Tool) -> _Law:
        law = self._release.law
        conditions = {name: cedarpy.PolicySet.from_str(text) for name, text in law.conditions(tool).items()}
        return _Law(tool, cedarpy.PolicySet.from_json_str(law.slice(tool.name)), conditions)

    def _state(self, tool: Tool, arguments: Mapping[str, Value], context: ToolContext) -> dict[str, object]:
        return {
            "present": facts.present_names(tool, arguments),
            "input": facts.inputs(tool, arguments),
            "derived": facts.derived(tool, arguments),
            "prov": facts.origins(tool, arguments, Provenance(context.segments)),
            "approvals": [],
        }

    def _ask(self, policies: cedarpy.PolicySet, tool: Tool, context: ToolContext, stated: Mapping[str, object]) -> _Answer:
        request = {
            "principal": {"type": "User", "id": context.user or context.tenant},
            "action": {"type": "Action", "id": tool.name},
            "resource": {"type": "Tool", "id": tool.name},
            "context": stated,
        }
        result = cedarpy.is_authorized(request, policies, self._entities, self._schema)
        # Cedar skips a policy that errors, even a forbid; and a context that does not fit its schema gives a third answer. Both are a no.
        failed = bool(result.diagnostics.errors)
        allowed = result.decision is cedarpy.Decision.Allow and not failed
        return _Answer(allowed, failed, tuple(sorted(result.diagnostics.reasons)))

    def _request(
        self, tool: Tool, arguments: Mapping[str, Value], context: ToolContext, stated: Mapping[str, object], unmet: tuple[str, ...]
    ) -> ApprovalRequest:
        origins = stated["prov"]
        return ApprovalRequest(
            tenant=context.tenant,
            system=self._release.policy.system,
            release=self._release.id,
            tool=tool.name,
            requester=context.user or context.tenant,
            trajectory=context.trajectory,
            exchange=context.exchange,
            arguments=canonical_bytes({name: plain(value) for name, value in arguments.items()}).decode(),
            origins=tuple((name, tuple(labels)) for name, labels in origins.items()) if isinstance(origins, dict) else (),
            unmet=unmet,
        )


def _check_shape(tool: Tool, arguments: Mapping[str, Value]) -> None:
    if not tool.closed:
        return
    for name, value in arguments.items():
        kind = tool.arguments.get(name)
        if kind is None:
            raise BadArguments("the call has an argument that the policy does not declare")
        fits = facts.scale(value) is not None if kind == "number" else facts.is_kind(value, kind)
        if value is not None and not fits:
            raise BadArguments(f"the argument '{name}' is not of the kind {kind}")


def _reason(unmet: tuple[str, ...]) -> str:
    return f"not met: {', '.join(unmet)}" if unmet else "the policy does not allow it"


def _hazard(unmet: tuple[str, ...]) -> str:
    return "data_exfiltration" if any(name.endswith((".domain_in", ".provenance")) for name in unmet) else "tool_abuse"
