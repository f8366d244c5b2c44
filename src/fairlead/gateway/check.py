"""``POST /v1/guard/check``: the decision API. The same flow, the same Decisions, without a model."""

from collections.abc import Sequence
from typing import Annotated

import msgspec

from fairlead.core import USUAL_ORIGIN, InvalidInput, Segment, Stage, decode, new_id
from fairlead.gateway.http import HttpProblem, Request, Send, respond
from fairlead.gateway.tool_calls import check_call
from fairlead.guard import ExchangeContext, Spot, StageOutcome, check_stage
from fairlead.wire import TRAJECTORY, CallRef
from fairlead.wiring.data_plane import DataPlane
from fairlead.wiring.exchange import Exchange

_PATH = r"^(/[A-Za-z0-9_.:+=-]{0,64}){0,16}\Z"


class ToolCallBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tool call to decide about."""

    name: str
    arguments: msgspec.Raw


class NamedSegment(Segment, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Segment of the client's own; its path is kept in records, so it is made of names and is no text."""

    path: Annotated[str, msgspec.Meta(pattern=_PATH)]


class CheckBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the decision API takes."""

    stage: Stage
    text: str = ""
    segments: tuple[NamedSegment, ...] = ()
    """Instead of ``text``; for a tool call: what the model saw, for the provenance of its arguments."""
    tool_call: ToolCallBody | None = None
    trajectory: Annotated[str, msgspec.Meta(pattern=TRAJECTORY)] = ""
    user: str = ""
    approvals: tuple[str, ...] = ()


class CheckAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What it answers."""

    decision: msgspec.Raw
    texts: dict[str, str] = {}
    """Path of each text that the policy edits, and what should stand there."""
    say: str = ""


async def check(plane: DataPlane, request: Request, send: Send) -> None:
    """Answer one check.

    Raises:
        HttpProblem: The key may not check, or the body is not of the shape.
    """
    key = plane.authenticate(request.token(), "check")
    try:
        body = decode(request.body, CheckBody, where="body")
    except InvalidInput as error:
        # The decoder's message quotes the value that it did not expect.
        raise HttpProblem(400, "invalid_input", "the body is not what this API takes; see the decision API in the docs") from error
    serving = plane.serving
    context = ExchangeContext(
        release=serving.release,
        exchange=new_id("x"),
        tenant=key.tenant,
        key=key.id,
        user=body.user,
        trajectory=body.trajectory,
        approvals=body.approvals,
    )
    exchange = Exchange(plane, serving, context)
    outcome = await _decide(exchange, body)
    await exchange.commit()
    answer = CheckAnswer(decision=msgspec.Raw(msgspec.json.encode(outcome.decision)), texts=dict(outcome.texts), say=outcome.say)
    await respond(send, 200, msgspec.json.encode(answer), exchange.headers())


async def _decide(exchange: Exchange, body: CheckBody) -> StageOutcome:
    if body.tool_call is not None:
        called = CallRef("/tool_call/arguments", body.tool_call.name, "", bytes(body.tool_call.arguments).decode())
        exchange.saw(body.segments)
        return await check_call(exchange, called, body.segments, 0)
    segments: Sequence[Segment] = body.segments or (
        Segment(path="/text", origin=USUAL_ORIGIN[body.stage], stage=body.stage, text=body.text),
    )
    exchange.saw(tuple(segments))
    return await exchange.run(check_stage(exchange.context, Spot(body.stage, "check"), segments))
