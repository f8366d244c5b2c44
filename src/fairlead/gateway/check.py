"""``POST /v1/guard/check``: the decision API. The same flow, the same Decisions, without a model."""

import asyncio
from typing import Annotated

import msgspec

from fairlead.core import USUAL_ORIGIN, InvalidInput, Segment, Stage, decode
from fairlead.gateway.http import HttpProblem, Request, Send, problem_of, respond
from fairlead.gateway.tool_calls import check_call
from fairlead.guard import Spot, StageOutcome, ToolContext, as_sources, check_stage, guard_reply, guard_request, segment_of, settled
from fairlead.identity import ApiKey
from fairlead.wire import APIS, TRAJECTORY, CallRef, Extension, Interaction, Made, apply_edits, encode
from fairlead.wiring.data_plane import DataPlane
from fairlead.wiring.exchange import Exchange, context_of

MOST = 256
"""Checks in one batch at most."""
_PATH = r"^(/[A-Za-z0-9_.:+=-]{0,64}){0,16}\Z"


_ABSENT = msgspec.Raw()


class ToolCallBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tool call to decide about."""

    name: str
    arguments: msgspec.Raw


class NamedSegment(Segment, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Segment of the client's own; its path is kept in records, so it is made of names and is no text."""

    path: Annotated[str, msgspec.Meta(pattern=_PATH)]


class CheckBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One Stage to decide about."""

    stage: Stage
    text: str = ""
    segments: tuple[NamedSegment, ...] = ()
    """Instead of ``text``; for a tool call: what the model saw, for the provenance of its arguments."""
    sources: tuple[str, ...] = ()
    """Texts that an answer may rest on: compared with, not looked at themselves."""
    tool_call: ToolCallBody | None = None
    trajectory: Annotated[str, msgspec.Meta(pattern=TRAJECTORY)] = ""
    user: str = ""
    groups: tuple[str, ...] = ()
    approvals: tuple[str, ...] = ()
    remember: bool = False
    """At ``memory`` and ``handoff``: the text goes there, so keep what it is worth; ``segments`` are then what the model saw before."""


class BatchBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Several, each an Exchange of its own."""

    batch: Annotated[tuple[CheckBody, ...], msgspec.Meta(max_length=MOST)]


class InteractionBody(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole request, its reply, or both, in an API's own shape."""

    api: str = "openai_chat"
    request: msgspec.Raw = msgspec.Raw()
    reply: msgspec.Raw = msgspec.Raw()


class CheckAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of one Stage."""

    decision: msgspec.Raw
    texts: dict[str, str] = {}
    """Path of each text that the policy edits, and what should stand there."""
    say: str = ""
    label: str = ""
    """What a text that goes into memory or to another agent is worth."""


class BatchAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What came of each."""

    results: tuple[CheckAnswer, ...]


class InteractionAnswer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of a whole Interaction."""

    exchange: str
    decisions: msgspec.Raw
    request: msgspec.Raw | None = None
    """As it may go to the model; absent when it is stopped."""
    reply: msgspec.Raw | None = None
    """As the client may get it; absent when the request is stopped, or when nothing of it may leave."""
    say: str = ""


Body = CheckBody | BatchBody | InteractionBody


async def check(plane: DataPlane, request: Request, send: Send) -> None:
    """Answer one check.

    Raises:
        HttpProblem: The key may not check, or the body is not of the shape.
    """
    key = plane.authenticate(request.token(), "check", request.source)
    body = _read(request.body)
    if isinstance(body, InteractionBody):
        await _interaction(plane, key, body, send, request.delegation())
    elif isinstance(body, BatchBody):
        results = [await _stage(_begin(plane, key, one, request.delegation()), one) for one in body.batch]
        await respond(send, 200, msgspec.json.encode(BatchAnswer(results=tuple(results))), [])
    else:
        exchange = _begin(plane, key, body, request.delegation())
        answer = await _stage(exchange, body)
        await respond(send, 200, msgspec.json.encode(answer), exchange.headers())


def _read(data: bytes) -> Body:
    try:
        keys = decode(data, dict[str, msgspec.Raw], where="body").keys()
        kind: type[Body] = CheckBody
        if "batch" in keys:
            kind = BatchBody
        elif "request" in keys or "reply" in keys:
            kind = InteractionBody
        return decode(data, kind, where="body")
    except InvalidInput as error:
        # The decoder's message quotes the value that it did not expect.
        raise HttpProblem(400, "invalid_input", "the body is not what this API takes; see the decision API in the docs") from error


def _begin(plane: DataPlane, key: ApiKey, body: CheckBody, delegation: str) -> Exchange:
    said = Extension(user=body.user, groups=body.groups, trajectory=body.trajectory, approvals=body.approvals)
    serving = plane.serving_for(key.tenant, key.id)
    return Exchange(plane, serving, context_of(serving, key.tenant, key.id, said, delegation=delegation))


async def _stage(exchange: Exchange, body: CheckBody) -> CheckAnswer:
    exchange.saw(as_sources(body.sources))
    exchange.saw(body.segments)
    if body.tool_call is not None:
        called = CallRef("/tool_call/arguments", body.tool_call.name, "", bytes(body.tool_call.arguments).decode())
        outcome = await check_call(exchange, called, body.segments, 0)
    else:
        segments: tuple[Segment, ...] = () if body.remember else body.segments
        if not segments:
            segments = (Segment(path="/text", origin=USUAL_ORIGIN[body.stage], stage=body.stage, text=body.text),)
            exchange.saw(segments)
        outcome = await exchange.decide(lambda context: check_stage(context, Spot(body.stage, "check"), segments))
    await exchange.commit()
    exchange.conclude()
    label = "" if outcome.stopped or not body.remember else await asyncio.to_thread(_remember, exchange, body, outcome)
    decision = msgspec.Raw(msgspec.json.encode(outcome.decision))
    return CheckAnswer(decision=decision, texts=dict(outcome.texts), say=outcome.say, label=label)


def _remember(exchange: Exchange, body: CheckBody, outcome: StageOutcome) -> str:
    text = outcome.texts.get("/text", body.text)
    segment = Segment(path="/text", origin=USUAL_ORIGIN[body.stage], stage=body.stage, text=text)
    told = ToolContext(
        tenant=exchange.context.tenant,
        exchange=exchange.context.exchange,
        segments=body.segments,
        trajectory=body.trajectory,
        user=body.user,
    )
    return exchange.serving.ports.broker.remember(segment, told)


async def _interaction(plane: DataPlane, key: ApiKey, body: InteractionBody, send: Send, delegation: str) -> None:
    api = APIS.get(body.api)
    if api is None:
        raise HttpProblem(400, "invalid_input", f"there is no such API; use one of {', '.join(APIS)}")
    serving = plane.serving_for(key.tenant, key.id, api=api.name)
    try:
        asked = None if body.request == _ABSENT else api.read_request(bytes(body.request), serving.retrieval_tools)
        reply = None if body.reply == _ABSENT else api.read_reply(bytes(body.reply))
    except InvalidInput as error:
        raise problem_of(error) from error
    said, model = (asked.extension, asked.model) if asked is not None else (None, "")
    if serving.release.overlays or serving.variants:
        serving = plane.serving_for(key.tenant, key.id, api=api.name, model=model)
    exchange = Exchange(plane, serving, context_of(serving, key.tenant, key.id, said, model, delegation))
    outcomes = [] if asked is None else await _asked(exchange, asked)
    stopped = any(outcome.stopped for outcome in outcomes)
    left = b""
    if reply is not None and not stopped:
        exchange.saw((*reply.segments, *map(segment_of, reply.calls)))
        seen = () if asked is None else asked.segments
        replied = await exchange.decide_all(lambda context: guard_reply(context, reply, seen))
        left = settled(api, Made(exchange.context.exchange, model), reply, replied)
        outcomes += replied
    await exchange.commit()
    exchange.conclude()
    answer = InteractionAnswer(
        exchange=exchange.context.exchange,
        decisions=msgspec.Raw(msgspec.json.encode([outcome.decision for outcome in outcomes])),
        request=None if asked is None or stopped else msgspec.Raw(encode(asked.body)),
        reply=msgspec.Raw(left) if left else None,
        say=next((outcome.say for outcome in outcomes if outcome.stopped and outcome.decision.stage != "tool_call"), ""),
    )
    await respond(send, 200, msgspec.json.encode(answer), exchange.headers())


async def _asked(exchange: Exchange, asked: Interaction) -> list[StageOutcome]:
    exchange.saw(asked.segments)
    outcomes = await exchange.decide_all(lambda context: guard_request(context, asked.segments, asked.unknown))
    for outcome in outcomes:
        apply_edits(asked.body, outcome.texts)
    return outcomes
