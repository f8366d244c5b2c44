"""A whole reply: its texts and its tool calls decided in one flow, and the body that may leave."""

from collections.abc import Sequence

from fairlead.core import Segment
from fairlead.guard.context import ExchangeContext, StageOutcome
from fairlead.guard.flow import Flow, guard_call, guard_output
from fairlead.guard.ports import ToolCall
from fairlead.wire import Api, CallRef, Made, Reply, apply_edits, encode, put_arguments


def guard_reply(context: ExchangeContext, reply: Reply, seen: Sequence[Segment]) -> Flow[list[StageOutcome]]:
    """Decide about a whole reply.

    Args:
        context: The Exchange and the Release that decides.
        reply: The reply, taken apart.
        seen: Everything that the model saw, for the provenance of the arguments of its tool calls.

    Returns:
        The outcome of the texts, then one for each tool call in their order; no call is looked at when the texts are stopped.
    """
    output = yield from guard_output(context, reply.segments, reply.unknown)
    outcomes = [output]
    if output.failed or output.stopped:
        return outcomes
    for place, ref in enumerate(reply.calls):
        outcomes.append((yield from guard_call(context, call_of(ref), seen, place=f"call:{place}")))
    return outcomes


def settled(api: Api, made: Made, reply: Reply, outcomes: Sequence[StageOutcome]) -> bytes:
    """Return the body that may leave: edited, and with what is said instead of stopped texts and calls; empty when nothing may leave.

    Args:
        api: Whose shape the reply has.
        made: What a body of our own making names.
        reply: The reply; its body is changed in place.
        outcomes: Of :func:`guard_reply`.
    """
    output, *calls = outcomes
    if output.failed:
        return b""
    if output.stopped:
        # Built anew: what was stopped may stand beside the texts too.
        return api.whole(made, output.say, reply.choices)
    apply_edits(reply.body, output.texts, reply.echoes, reply.signatures)
    for ref, outcome in zip(reply.calls, calls, strict=False):
        if ref.path in outcome.texts:
            put_arguments(reply.body, ref, outcome.texts[ref.path])
    said = {place: explain(outcome) for place, outcome in enumerate(calls) if outcome.stopped}
    if said:
        api.settle_calls(reply, said)
    return encode(reply.body)


def call_of(ref: CallRef) -> ToolCall:
    """Return a tool call of a message as the broker wants it."""
    return ToolCall(tool=ref.tool, arguments=ref.arguments.encode(), call=ref.call, path=ref.path)


def segment_of(ref: CallRef) -> Segment:
    """Return the text of a tool call, for a capture."""
    return Segment(path=ref.path, origin="model", stage="tool_call", text=ref.arguments, tool=ref.tool, call=ref.call)


def explain(outcome: StageOutcome) -> str:
    """Return what the model's user is told of a stopped tool call."""
    decision = outcome.decision
    if decision.action == "require_approval":
        return f"This action needs the approval of a person: {decision.approval}. Ask again once it is given."
    reason = f": {outcome.say}" if outcome.say else ""
    return f"This action was stopped by the policy (rule {decision.rule}){reason}."
