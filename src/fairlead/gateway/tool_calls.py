"""Tool calls in a response: guarded one by one, whole, before any of their bytes leaves."""

from fairlead.core import Segment
from fairlead.gateway.exchange import Exchange
from fairlead.guard import StageOutcome, ToolCall, guard_call
from fairlead.wire import CallRef


async def check_call(exchange: Exchange, call: CallRef, seen: tuple[Segment, ...], place: int) -> StageOutcome:
    """Guard one tool call of a response."""
    wanted = ToolCall(tool=call.tool, arguments=call.arguments.encode(), call=call.call, path=call.path)
    exchange.saw((Segment(path=call.path, origin="model", stage="tool_call", text=call.arguments, tool=call.tool, call=call.call),))
    return await exchange.run(guard_call(exchange.context, wanted, seen, place=f"call:{place}"))


def explain(outcome: StageOutcome) -> str:
    """Return what the model's user is told of a stopped tool call."""
    decision = outcome.decision
    if decision.action == "require_approval":
        return f"This action needs the approval of a person: {decision.approval}. Ask again once it is given."
    reason = f": {outcome.say}" if outcome.say else ""
    return f"This action was stopped by the policy (rule {decision.rule}){reason}."
