"""The tool broker: no call is made that the policy, its provenance or a person did not allow."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cedarpy
import msgspec

from fairlead.agents import facts
from fairlead.agents.approvals import ApprovalRequest, ApprovalStore, Scope
from fairlead.agents.arguments import Value, leaves, parse_arguments, plain
from fairlead.agents.delegated import Delegated, Delegations, Use
from fairlead.agents.errors import BadArguments, TooManyApprovals
from fairlead.agents.forms import canonical, spelled
from fairlead.agents.memory import Memory, MemoryEntry
from fairlead.agents.provenance import Provenance, all_trusted, sources_of
from fairlead.agents.reasons import Asked, Unmet, explain, hazard, reason
from fairlead.agents.stored import MemoryLabels, StoredLabels
from fairlead.agents.trajectory import Called, MemoryTrajectories, Trajectory, TrajectoryStore
from fairlead.core import InvalidInput, Segment, canonical_bytes, digest
from fairlead.guard import ToolCall, ToolContext, ToolVerdict
from fairlead.policy import APPROVED, Reads, Release, Tool, conditions_of

UNLISTED = "tools.unlisted"
"""Rule that stops a tool which the policy does not list: what is not permitted is denied."""
BAD_ARGUMENTS = "tools.arguments"
FAILED = "tools.failed"
DELEGATION = "tools.delegation"
"""Rule that stops a call which its token, or a link of the token's chain, does not allow."""


class _Law(NamedTuple):
    """One tool's policies as engine handles, parsed once."""

    tool: Tool
    policies: cedarpy.PolicySet
    conditions: cedarpy.PolicySet
    names: tuple[str, ...]
    reads: Reads
    """What these policies look at; nothing else is computed."""


class _Answer(NamedTuple):
    allowed: bool
    failed: bool
    rules: tuple[str, ...]


class _Case(NamedTuple):
    """One call, taken apart, in its Trajectory."""

    law: _Law
    call: ToolCall
    arguments: Mapping[str, Value]
    context: ToolContext
    trajectory: Trajectory
    provenance: Provenance
    sums: tuple[tuple[str, int], ...]
    delegated: Delegated = Delegated()


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker says of a call, and why."""

    verdict: ToolVerdict
    unmet: tuple[Unmet, ...] = ()
    """What is not met, when it is not allowed."""
    obligations: tuple[str, ...] = ()
    """What the deciding policies ask for beside their answer: ``obligation:…``, ``on_deny:…``."""


class Broker:
    """Decides about tool calls with Cedar; implements ``guard.ports.ToolBroker``.

    Args:
        release: Whose tools, and whose policies.
        approvals: Where persons are asked.
        trajectories: What agents have read and spent; of this process by default.
        stored: What is known about stored objects; of this process by default.
        memory: What texts of other runs are worth; without it each is of unknown origin.
        delegations: Reads tokens; without it a call that brings one is blocked.
    """

    def __init__(
        self,
        release: Release,
        approvals: ApprovalStore,
        *,
        trajectories: TrajectoryStore | None = None,
        stored: StoredLabels | None = None,
        memory: Memory | None = None,
        delegations: Delegations | None = None,
    ) -> None:
        self._release = release
        self._approvals = approvals
        self._trajectories = trajectories or MemoryTrajectories()
        self._stored = stored or MemoryLabels()
        self._memory = memory
        self._delegations = delegations
        self._schema = cedarpy.Schema.from_str(release.law.schema)
        self._entities = cedarpy.Entities.from_json_str("[]")
        self._tools = {tool.name: tool for tool in release.tools}
        self._laws = {tool.name: self._law(tool) for tool in release.tools}

    def authorise(self, call: ToolCall, context: ToolContext) -> ToolVerdict:
        """Say whether a call may be made; see :meth:`judge`."""
        return self.judge(call, context).verdict

    def judge(self, call: ToolCall, context: ToolContext) -> Judgement:
        """Say whether a call may be made, and why; a call that may is counted at once.

        Args:
            call: The call as the model asks for it.
            context: Who it is for, what the model saw, and the approvals that the client presents.

        Returns:
            ``allow``, ``block`` or ``require_approval``, with the rule and a reason that holds no content.
        """
        trajectory = self._trajectory(context)
        with trajectory.lock:
            self._ingest(trajectory, context)
            law = self._laws.get(call.tool)
            if law is None:
                return Judgement(verdict=_unlisted())
            try:
                arguments = parse_arguments(call.arguments)
                _check_shape(law.tool, arguments)
            except BadArguments as error:
                return _blocked(BAD_ARGUMENTS, error.what)
            provenance = Provenance(trajectory, law.tool)
            return self._judge(_Case(law, call, arguments, context, trajectory, provenance, facts.spending(law.tool, arguments)))

    def read(self, context: ToolContext) -> None:
        """Take in what a model saw, without a call to decide about."""
        trajectory = self._trajectory(context)
        with trajectory.lock:
            self._ingest(trajectory, context)

    def remember(self, segment: Segment, context: ToolContext) -> str:
        """Keep what a text is worth that goes into memory or to another agent, so that a later run reads it as that.

        Args:
            segment: The text; its Stage says which of the two it is.
            context: Who writes it, and everything that the model saw before.

        Returns:
            Its label; ``untrusted`` unless it stands whole in a trusted text, or nothing untrusted was read.

        Raises:
            InvalidInput: Neither memory nor a hand-off, or nowhere to keep it.
        """
        if self._memory is None or segment.stage not in ("memory", "handoff"):
            mend = "say the stage memory or handoff, and give the broker a memory"
            raise InvalidInput("this text can't be remembered", where=segment.stage, mend=mend)
        trajectory = self._trajectory(context)
        with trajectory.lock:
            self._ingest(trajectory, context)
            label, source = trajectory.worth(segment.text)
            readers = tuple(sorted(trajectory.readers or ())) if trajectory.private_seen else None
        entry = MemoryEntry(
            mark="",
            tenant=context.tenant,
            stage="handoff" if segment.stage == "handoff" else "memory",
            label=label,
            source=source,
            trajectory=context.trajectory,
            exchange=context.exchange,
            written_us=0,
            expires_us=0,
            readers=readers,
        )
        return self._memory.write(entry, context.user, segment.text).label

    def quarantined(self, context: ToolContext) -> str:
        """Return the Trajectory with a lever on its memory that reads here, or that wrote one of these texts; empty for none."""
        if self._memory is None:
            return ""
        return self._memory.quarantined(context.tenant, context.user, context.trajectory, context.segments)

    def _ingest(self, trajectory: Trajectory, context: ToolContext) -> None:
        memory = self._memory
        recall = None if memory is None else lambda segment: memory.worth(context.tenant, context.user, segment.text)
        trajectory.ingest(context.segments, self._tools, self._stored, recall)

    def settle(self, call: str, context: ToolContext, *, made: bool) -> None:
        """Say what became of a call that was allowed; one that was not made is given back to the budgets.

        Args:
            call: The wire's id of the call.
            context: Whose it was.
            made: False when it was not carried out.
        """
        trajectory = self._trajectory(context)
        with trajectory.lock:
            trajectory.settle(call, made=made)

    def _trajectory(self, context: ToolContext) -> Trajectory:
        if not context.trajectory:
            return Trajectory(context.tenant)
        return self._trajectories.open(context.tenant, context.user, context.trajectory)

    def _judge(self, case: _Case) -> Judgement:
        if case.context.delegation:
            delegated = self._delegated(case)
            if delegated.problem:
                return _blocked(DELEGATION, f"the delegation {delegated.problem}")
            case = case._replace(delegated=delegated)
        law = case.law
        stated = self._state(case)
        plainly = self._ask(law.policies, case, stated)
        if plainly.failed:
            return _blocked(FAILED, "a Cedar policy could not be evaluated on this call")
        if plainly.allowed:
            self._reserve(case)
            verdict = ToolVerdict(action="allow", rule=plainly.rules[0], reason="the policy allows it")
            return Judgement(verdict=verdict, obligations=self._release.law.obligations(plainly.rules))
        asked = Asked(law.tool, case.arguments, case.provenance)
        met = self._ask(law.conditions, case, stated).rules
        unmet = tuple(explain(name, asked) for name in law.names if name not in met)
        approved = self._ask(law.policies, case, {**stated, "approvals": [APPROVED]})
        if not approved.allowed or approved.failed:
            rule = plainly.rules[0] if plainly.rules else f"tools.{law.tool.name}"
            verdict = ToolVerdict(action="block", rule=rule, reason=reason(unmet), hazard=hazard(unmet))
            return Judgement(verdict=verdict, unmet=unmet, obligations=self._release.law.obligations(plainly.rules))
        verdict = self._approve(case, self._request(case, unmet), unmet)
        return Judgement(verdict=verdict, unmet=unmet, obligations=self._release.law.obligations(approved.rules))

    def _delegated(self, case: _Case) -> Delegated:
        """Return what the call's token says of it; what it does not allow no approval allows."""
        if self._delegations is None:
            return Delegated("can't be read here")
        tool, context, trajectory = case.law.tool, case.context, case.trajectory
        use = Use(
            tenant=context.tenant,
            user=context.user,
            trajectory=context.trajectory,
            tool=tool.name,
            values=tuple((name, canonical(str(leaf))) for name, value in case.arguments.items() for leaf in leaves(value)),
            calls=trajectory.calls(tool.name) + 1,
            sums=tuple((name, trajectory.spent(tool.name, name) + amount) for name, amount in case.sums),
        )
        return self._delegations.check(context.delegation, use)

    def _approve(self, case: _Case, request: ApprovalRequest, unmet: Sequence[Unmet]) -> ToolVerdict:
        rule = f"tools.{request.tool}"
        for approval in case.context.approvals:
            scope = self._approvals.redeem(approval, request)
            if scope:
                self._endorse(case, scope)
                self._reserve(case)
                return ToolVerdict(action="allow", rule=rule, reason="a person approved exactly this call", approval=approval)
        kind = hazard(unmet)
        try:
            asked = self._approvals.ask(request)
        except TooManyApprovals as error:
            return ToolVerdict(action="block", rule=FAILED, reason=error.what, hazard=kind)
        if asked.state == "refused":
            return ToolVerdict(action="block", rule=rule, reason="a person refused exactly this call", approval=asked.id, hazard=kind)
        why = f"a person must approve it: {reason(unmet)}"
        return ToolVerdict(action="require_approval", rule=rule, reason=why, approval=asked.id, hazard=kind)

    def _reserve(self, case: _Case) -> None:
        """Count a call before it is made, and keep what its result will be worth."""
        tool, arguments = case.law.tool, case.arguments
        objects = tuple(
            (kind, canonical(str(leaf)))
            for name, kind in tool.takes.items()
            for leaf in leaves(arguments.get(name))
            if leaf not in tool.constants
        )
        trusted = True
        if tool.outputs == "trusted" or tool.records is not None or (tool.does != "nothing" and objects):
            trusted = all(all_trusted(case.provenance.labels(name, value)) for name, value in arguments.items())
        searched = any(leaf != "" for value in arguments.values() for leaf in leaves(value))
        case.trajectory.reserve(case.call.call, Called(tool.name, trusted, searched, objects, case.sums))
        if not trusted and tool.does != "nothing":
            self._stored.stamp(case.context.tenant, objects)

    def _endorse(self, case: _Case, scope: Scope) -> None:
        """Let what a person vouched for be used again: the values for the same argument of the same tool, or all that their sources say."""
        if scope == "call":
            return
        trajectory, tool = case.trajectory, case.law.tool
        trajectory.want(tool.name)
        if scope == "sources":
            for source in _sources(case):
                trajectory.endorse_source(source)
            return
        for name in tool.provenance:
            for value in (spelled(leaf) for leaf in leaves(case.arguments.get(name))):
                beside = (other for source in _sources(case) for other in trajectory.beside(source, value)) if scope == "fields" else ()
                for each in (value, *beside):
                    trajectory.endorse(tool.name, name, each)
        for found in facts.unvouched(tool, case.arguments, case.provenance):
            trajectory.endorse(tool.name, found.argument, found.piece.text)

    def _law(self, tool: Tool) -> _Law:
        law = self._release.law
        conditions = cedarpy.PolicySet.from_json_str(law.conditions(tool))
        names = tuple(name for name, _ in conditions_of(tool))
        return _Law(tool, cedarpy.PolicySet.from_json_str(law.slice(tool.name)), conditions, names, law.reads(tool.name))

    def _state(self, case: _Case) -> dict[str, object]:
        tool, arguments, reads = case.law.tool, case.arguments, case.law.reads
        return {
            "present": facts.present_names(tool, arguments),
            "input": facts.inputs(tool, arguments, reads),
            "derived": facts.derived(tool, arguments, reads),
            "prov": facts.origins(tool, arguments, case.provenance, reads),
            "session": facts.session(tool, case.trajectory, case.sums),
            "readers_ok": facts.readers_ok(tool, arguments, case.trajectory, case.provenance),
            "content_ok": not any(facts.unvouched(tool, arguments, case.provenance)),
            "approvals": [],
            "token": {"depth": case.delegated.depth, "caps": list(case.delegated.tools)},
        }

    def _ask(self, policies: cedarpy.PolicySet, case: _Case, stated: Mapping[str, object]) -> _Answer:
        name = case.law.tool.name
        request = {
            "principal": {"type": "User", "id": case.context.user or case.context.tenant},
            "action": {"type": "Action", "id": name},
            "resource": {"type": "Tool", "id": name},
            "context": stated,
        }
        result = cedarpy.is_authorized(request, policies, self._entities, self._schema)
        # Cedar skips a policy that errors, even a forbid; and a context that does not fit its schema gives a third answer. Both are a no.
        failed = bool(result.diagnostics.errors)
        allowed = result.decision is cedarpy.Decision.Allow and not failed
        return _Answer(allowed, failed, tuple(sorted(result.diagnostics.reasons)))

    def _request(self, case: _Case, unmet: Sequence[Unmet]) -> ApprovalRequest:
        context, tool = case.context, case.law.tool
        origins = facts.origins(tool, case.arguments, case.provenance)
        return ApprovalRequest(
            tenant=context.tenant,
            system=self._release.policy.system,
            release=self._release.id,
            tool=tool.name,
            requester=context.user or context.tenant,
            trajectory=context.trajectory,
            exchange=context.exchange,
            arguments=canonical_bytes({name: plain(value) for name, value in case.arguments.items()}).decode(),
            origins=tuple((name, tuple(labels)) for name, labels in origins.items()),
            unmet=tuple(entry.condition for entry in unmet),
            sources=_sources(case),
            definitions=digest([segment.text for segment in context.segments if segment.stage == "tool_definition"]),
        )


def _sources(case: _Case) -> tuple[str, ...]:
    """Return where the untrusted values stand that the policy asks the origin of."""
    found = [entry for name in case.law.tool.provenance for entry in case.provenance.evidence(name, case.arguments.get(name))]
    return sources_of(found)


def _unlisted() -> ToolVerdict:
    return ToolVerdict(action="block", rule=UNLISTED, reason="the policy does not list this tool")


def _blocked(rule: str, why: str) -> Judgement:
    return Judgement(verdict=ToolVerdict(action="block", rule=rule, reason=why))


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
