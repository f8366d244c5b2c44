"""One request of a client on its way: who asks, in which Exchange, and what is said of what may not be."""

import json
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from mcp.server.context import ServerRequestContext

from fairlead.core import Origin, Segment, Stage
from fairlead.gateway.mcp.caller import META, Caller, Told, caller_of, context_of, seen_by, told_in
from fairlead.gateway.mcp.servers import Servers
from fairlead.guard import ExchangeContext, Refusal, Spot, StageOutcome, ToolContext, guard_gate, refuse
from fairlead.wire import Json
from fairlead.wiring.data_plane import DataPlane
from fairlead.wiring.exchange import Exchange

DETECTOR = "mcp@1"
"""Who reports what the MCP gateway stops by itself."""
MAX_ASKED = 10_000
"""Trajectories whose approvals are remembered."""
Ctx = ServerRequestContext[Servers, Any]


class Talk(NamedTuple):
    """One request on its way."""

    plane: DataPlane
    servers: Servers
    caller: Caller
    told: Told
    exchange: Exchange
    desk: "Desk"

    @property
    def context(self) -> ExchangeContext:
        """Who asks, as the guard knows him."""
        return self.exchange.context

    @property
    def seen(self) -> tuple[Segment, ...]:
        """What the model saw."""
        return seen_by(self.told)

    def may_use(self, tool: str) -> bool:
        """Tell whether the policy lets this caller use a tool at all."""
        document = self.exchange.serving.release.policy.mcp
        if document is None or document.keys is None:
            return True
        names = (self.caller.name, self.caller.key)
        return any(tool in tools for key, tools in document.keys.items() if key in names)

    def tool_context(self, segments: Sequence[Segment] = ()) -> ToolContext:
        """Return the same for the broker, with texts that the model is about to see."""
        context = self.context
        return ToolContext(
            tenant=context.tenant,
            exchange=context.exchange,
            segments=tuple(segments),
            trajectory=context.trajectory,
            user=context.user,
        )

    async def gate(self, segments: Sequence[Segment]) -> StageOutcome | None:
        """Ask levers and limits; return what stops the request, if anything does."""
        outcomes = await self.exchange.run_all(guard_gate(self.context, segments))
        return next((outcome for outcome in outcomes if outcome.stopped), None)

    async def refuse(self, rule: str, stage: Stage, place: str, segments: Sequence[Segment]) -> StageOutcome:
        """Stop something by a rule of the MCP gateway; such a rule holds in shadow too, since nobody could say what would go where."""
        refusal = Refusal(rule=rule, reason="stopped by the MCP gateway", hazard="tool_abuse", detector=DETECTOR, always=True)
        return await self.exchange.run(refuse(self.context, Spot(stage, place), segments, refusal))

    def note(self, **more: Json) -> dict[str, Json]:
        """Return the ``_meta`` of a result: which Exchange it was, and what else is to be known."""
        return {META: {"exchange": self.context.exchange, "release": self.exchange.serving.release.id, **more}}

    def ending(self, **more: Json) -> dict[str, Json]:
        """Return what stands at the end of every result."""
        return {"resultType": "complete", "_meta": self.note(**more)}

    def error(self, text: str, **more: Json) -> dict[str, Json]:
        """Return the result of a call that was not made, or whose result may not be seen."""
        return {"content": [{"type": "text", "text": text}], "isError": True, **self.ending(**more)}


class Desk:
    """Opens an Exchange for each request, and remembers which approvals were asked for.

    Args:
        plane: The data plane.
        local: Who asks, where there is only one; None where every request says so itself.
    """

    def __init__(self, plane: DataPlane, local: Caller | None) -> None:
        self.plane = plane
        self._local = local
        self._asked: OrderedDict[tuple[str, str, str], tuple[str, ...]] = OrderedDict()

    def begin(self, ctx: Ctx, approvals: tuple[str, ...] = ()) -> Talk:
        """Open the Exchange of a request.

        Raises:
            MCPError: What it tells of its agent is not of its shape.
        """
        caller, told = caller_of(ctx, self._local), told_in(ctx)
        serving = self.plane.serving_for(caller.tenant, caller.key)
        place = (caller.tenant, told.user, told.trajectory or caller.trajectory)
        context = context_of(serving, caller, told, (*approvals, *self._asked.get(place, ())))
        return Talk(self.plane, ctx.lifespan_context, caller, told, Exchange(self.plane, serving, context), self)

    def remember(self, talk: Talk, approval: str) -> None:
        """Present an approval by itself when exactly this call comes again: it holds for nothing else."""
        context = talk.context
        place = (context.tenant, context.user, context.trajectory)
        known = self._asked.pop(place, ())
        self._asked[place] = (*known[-63:], approval)
        while len(self._asked) > MAX_ASKED:
            self._asked.popitem(last=False)

    def forget(self, talk: Talk, approval: str) -> None:
        """Drop an approval that was used."""
        context = talk.context
        place = (context.tenant, context.user, context.trajectory)
        if place in self._asked:
            self._asked[place] = tuple(known for known in self._asked[place] if known != approval)

    async def record(self, ctx: Ctx, rule: str, raw: str) -> None:
        """Record a message that was not taken, by its fingerprint only."""
        await self.record_of(caller_of(ctx, self._local), rule, "input", raw)

    async def record_of(self, caller: Caller, rule: str, stage: Stage, raw: str) -> None:
        """Record what a caller or a server sent and nobody took, by its fingerprint only.

        Args:
            caller: For whom.
            rule: Why it was not taken.
            stage: Where it would have gone.
            raw: What it was.
        """
        serving = self.plane.serving_for(caller.tenant, caller.key)
        context = context_of(serving, caller, Told())
        exchange = Exchange(self.plane, serving, context)
        origin: Origin = "user" if stage == "input" else "tool"
        refusal = Refusal(rule=rule, reason="stopped by the MCP gateway", hazard="tool_abuse", detector=DETECTOR, always=True)
        segment = Segment(path="/message", origin=origin, stage=stage, text=raw)
        await exchange.run(refuse(context, Spot(stage, "message"), (segment,), refusal))
        await exchange.commit()
        exchange.end()

    async def refused_server(self, tenant: str, _server: str, method: str, params: Mapping[str, Any]) -> None:
        """Record a request that a server made: nothing that it says reaches a client or a model."""
        raw = json.dumps({"method": method, "params": dict(params)}, ensure_ascii=False, default=str)
        await self.record_of(Caller(tenant=tenant), "mcp.server-request", "tool_result", raw)


def stopped_text(outcome: StageOutcome, what: str) -> str:
    """Return what a client is told of something that was stopped."""
    decision = outcome.decision
    if outcome.failed:
        return f"{what} could not be checked, and the policy is fail-closed; try again."
    if decision.rule.startswith("lever:"):
        return f"{what} is switched off while an incident is contained; ask the owner of the system."
    if decision.rule.startswith("limit:"):
        seconds = max(1, -(-outcome.retry_after_us // 1_000_000))
        return f"The limit {decision.rule.removeprefix('limit:')} of this key is reached; try again in {seconds} s."
    said = f" {outcome.say}" if outcome.say else ""
    return f"{what} was stopped by the policy (rule {decision.rule} at {decision.stage}).{said}"
