"""Tool calls in a stream: guarded one by one, whole, before any of their bytes leaves."""

from fairlead.core import Segment
from fairlead.guard import StageOutcome, call_of, guard_call, segment_of
from fairlead.wire import CallRef
from fairlead.wiring.exchange import Exchange


async def check_call(exchange: Exchange, call: CallRef, seen: tuple[Segment, ...], place: int) -> StageOutcome:
    """Guard one tool call."""
    exchange.saw((segment_of(call),))
    wanted = call_of(call)
    outcome = await exchange.decide(lambda context: guard_call(context, wanted, seen, place=f"call:{place}"))
    if not outcome.stopped:
        exchange.promised(wanted)
    return outcome
