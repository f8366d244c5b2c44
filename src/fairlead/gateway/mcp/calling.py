"""``tools/call``: the broker decides about the call, the server makes it, the guard looks at what comes back."""

import asyncio
import json
import re
from typing import Any, NamedTuple

import mcp_types as types
import msgspec
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from fairlead.agents import MENDS, Standing
from fairlead.core import Segment
from fairlead.gateway.mcp.desk import Ctx, Desk, Talk, stopped_text
from fairlead.gateway.mcp.errors import ServerFailed
from fairlead.guard import Spot, StageOutcome, ToolCall, explain, guard_call, guard_output
from fairlead.wire import Json, apply_edits, read_call_result

PATH = "/params/arguments"
ABSENT = "mcp.absent"
SCOPE = "mcp.scope"
_APPROVAL = re.compile(r"apr_[a-z2-7]{26}")
_WHY = {
    **MENDS,
    ABSENT: "no server of the policy offers it now",
    SCOPE: "this API key may not use it: see 'mcp.keys' in the policy",
}


class _Call(NamedTuple):
    """One call on its way."""

    talk: Talk
    ctx: Ctx
    params: types.CallToolRequestParams
    arguments: bytes
    """Canonical JSON; what is decided about is what is sent."""

    @property
    def segment(self) -> Segment:
        """The arguments as a text."""
        text = self.arguments.decode("utf-8", "replace")
        call = self.talk.context.exchange
        return Segment(path=PATH, origin="model", stage="tool_call", text=text, tool=self.params.name, call=call)


async def call_tool(desk: Desk, ctx: Ctx, params: types.CallToolRequestParams) -> dict[str, Json]:
    """Return the result of a call, or an error result that says why it was not made."""
    state = params.request_state or ""
    talk = desk.begin(ctx, (state,) if _APPROVAL.fullmatch(state) else ())
    given = json.dumps(params.arguments or {}, ensure_ascii=False, separators=(",", ":"))
    call = _Call(talk, ctx, params, given.encode("utf-8", "surrogatepass"))
    ended_by = "internal"
    try:
        answer = await _call(call)
        ended_by = ""
    finally:
        await talk.exchange.commit()
        talk.exchange.end(ended_by)
    return answer


async def _call(call: _Call) -> dict[str, Json]:
    talk, segment = call.talk, call.segment
    talk.exchange.saw((*talk.seen, segment))
    stopped = await talk.gate((segment,))
    if stopped is not None:
        return _said(talk, stopped, stopped_text(stopped, "This tool"))
    found = await _find(call)
    if isinstance(found, str):
        outcome = await talk.refuse(found, "tool_call", "call:0", (segment,))
        return _said(talk, outcome, f"The tool is withheld ({found}): {_WHY[found]}.")
    judged = await _judge(call, 0)
    if judged.decision.action == "require_approval":
        talk.desk.remember(talk, judged.decision.approval)
        if found is not None and _asks_for_input(call):
            await talk.exchange.commit()
            return _input_required(talk, judged)
        judged = await _wait(call, judged)
    if judged.stopped:
        return _said(talk, judged, _stopped(judged))
    if found is None:  # a policy in shadow lets everything pass, but nobody knows where to
        outcome = await talk.refuse(ABSENT, "tool_call", "call:absent", (segment,))
        return _said(talk, outcome, f"The tool is withheld ({ABSENT}): {_WHY[ABSENT]}.")
    talk.desk.forget(talk, judged.decision.approval)
    await talk.exchange.commit()
    # What was decided about is what is sent: the values, where the client had pseudonyms.
    meant = judged.texts.get(PATH)
    return await _make(call if meant is None else call._replace(arguments=meant.encode("utf-8", "surrogatepass")), found)


async def _find(call: _Call) -> Standing | str | None:
    """Return where a tool is, or the rule that withholds it; None for one that the policy does not list: the broker has its say."""
    talk, name = call.talk, call.params.name
    release = talk.exchange.serving.release
    if release.tool(name) is None:
        return None
    if not talk.may_use(name):
        return SCOPE
    surveyed = await talk.servers.survey(talk.caller.tenant, release, tool=name)
    named = [standing for standing in surveyed.standings if standing.tool == name]
    shown = [standing for standing in named if not standing.withheld]
    if len(shown) == 1:
        return shown[0]
    return named[0].withheld if named and not shown else ABSENT


async def _judge(call: _Call, place: int, approvals: tuple[str, ...] = ()) -> StageOutcome:
    talk = call.talk
    context = talk.context
    if approvals:
        context = msgspec.structs.replace(context, approvals=approvals)
    wanted = ToolCall(tool=call.params.name, arguments=call.arguments, call=context.exchange, path=PATH)
    return await talk.exchange.run(guard_call(context, wanted, talk.seen, place=f"call:{place}"))


def _asks_for_input(call: _Call) -> bool:
    modern = call.ctx.protocol_version in MODERN_PROTOCOL_VERSIONS
    return modern and call.params.input_responses is None and _elicits(call)


def _elicits(call: _Call) -> bool:
    capabilities = call.ctx.session.client_capabilities
    return capabilities is not None and capabilities.elicitation is not None


def _question(judged: StageOutcome) -> types.ElicitRequestFormParams:
    """Return what the client's user is told while another person decides: his own consent approves nothing."""
    message = f"{_stopped(judged)} Confirm once somebody with that permission has answered."
    return types.ElicitRequestFormParams(message=message, requested_schema={"type": "object", "properties": {}})


def _input_required(talk: Talk, judged: StageOutcome) -> dict[str, Json]:
    asked = types.ElicitRequest(params=_question(judged))
    result = types.InputRequiredResult(input_requests={"approval": asked}, request_state=judged.decision.approval)
    body: dict[str, Json] = result.model_dump(by_alias=True, mode="json", exclude_none=True)
    return {**body, "_meta": talk.note(approval=judged.decision.approval)}


async def _wait(call: _Call, judged: StageOutcome) -> StageOutcome:
    """Let a client of the handshake protocols ask its user to come back when the approval was given; then decide again."""
    session = call.ctx.session
    if call.ctx.protocol_version in MODERN_PROTOCOL_VERSIONS or not _elicits(call) or not session.can_send_request:
        return judged
    await call.talk.exchange.commit()
    question = _question(judged)
    try:
        answer = await session.elicit_form(question.message, question.requested_schema, call.ctx.request_id)
    except MCPError:
        return judged
    return await _judge(call, 1, (judged.decision.approval,)) if answer.action == "accept" else judged


async def _make(call: _Call, standing: Standing) -> dict[str, Json]:
    talk, definition = call.talk, standing.definition
    serving = talk.exchange.serving
    link = talk.servers.links(talk.caller.tenant, serving.release)[definition.server]
    sent: dict[str, Any] = json.loads(call.arguments)
    request = types.CallToolRequest(params=types.CallToolRequestParams(name=definition.name, arguments=sent))
    name, exchange = standing.tool, talk.context.exchange
    try:
        raw = await link.ask(request)
    except ServerFailed as failure:
        await asyncio.to_thread(serving.broker.settle, exchange, talk.tool_context(), made=failure.made)
        done = "may have been made" if failure.made else "was not made"
        return talk.error(f"The server {failure.where} failed: {failure.what}. The call {done}.", failed=failure.code)
    told = read_call_result(raw, name, exchange, serving.retrieval_tools)
    talk.exchange.saw(told.segments)
    tool = serving.release.tool(name)
    spot = Spot(tool.stage if tool is not None else "tool_result", "result:0")
    outcome = await talk.exchange.run(guard_output(talk.context, told.segments, told.unknown, spot=spot))
    if outcome.stopped:
        await asyncio.to_thread(serving.broker.settle, exchange, talk.tool_context(), made=True)
        return _said(talk, outcome, stopped_text(outcome, "The tool's result"))
    apply_edits(told.body, outcome.texts)
    left = read_call_result(told.body, name, exchange, serving.retrieval_tools)
    await asyncio.to_thread(serving.broker.read, talk.tool_context((*left.segments, *left.unknown)))
    content = told.body.get("content")
    return {**told.body, "content": content if isinstance(content, list) else [], **talk.ending()}


def _stopped(judged: StageOutcome) -> str:
    told = explain(judged)
    return f"{told} Why: {judged.say}." if judged.decision.action == "require_approval" else told


def _said(talk: Talk, outcome: StageOutcome, text: str) -> dict[str, Json]:
    decision = outcome.decision
    return talk.error(text, decision=decision.id, rule=decision.rule, approval=decision.approval)
