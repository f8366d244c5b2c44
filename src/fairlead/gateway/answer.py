"""One guarded answer, whatever its API: guard the request, ask the model, guard the answer."""

from collections.abc import Sequence

from fairlead.core import InvalidInput, Unavailable
from fairlead.gateway.ask import Answered, Asked, ask
from fairlead.gateway.http import HttpProblem, problem_of, respond, unavailable
from fairlead.gateway.refusal import refusal
from fairlead.gateway.stream import EVENT_STREAM, Streamed, stream_response
from fairlead.guard import StageOutcome, UpstreamRefused, call_of, guard_reply, guard_request, segment_of, settled, tokens_in
from fairlead.wire import TRANSLATIONS, Interaction, Made, Usage, apply_edits, usage_of
from fairlead.wiring.exchange import Exchange, context_of
from fairlead.wiring.upstreams import speaks


async def answer(asked: Asked) -> None:
    """Answer one request.

    Raises:
        HttpProblem: What the client is told instead of an answer.
    """
    plane, api, request = asked.plane, asked.api, asked.request
    key = plane.authenticate(request.token(), "chat", request.source)
    serving = plane.serving_for(key.tenant, key.id, api=api.name)
    try:
        parsed = api.read_request(request.body, serving.retrieval_tools)
    except InvalidInput as error:
        raise problem_of(error) from error
    if serving.release.overlays or serving.variants:
        serving = plane.serving_for(key.tenant, key.id, api=api.name, model=parsed.model)
    exchange = Exchange(plane, serving, context_of(serving, key.tenant, key.id, parsed.extension, parsed.model, request.delegation()))
    ended_by = "internal"
    try:
        await _answer(asked, exchange, parsed)
        ended_by = ""
    except HttpProblem as problem:
        ended_by = problem.code
        await exchange.commit()
        problem.headers += exchange.headers()
        raise
    except Unavailable as failure:
        ended_by = failure.code
        # Once more, for what was decided before the failure; an answer that names its Exchange has its Decisions in the journal.
        await exchange.commit()
        raise unavailable(failure, exchange.headers()) from failure
    except Exception:
        await exchange.commit()
        raise
    finally:
        await exchange.give_back()
        await exchange.settle()
        exchange.end(ended_by)


async def _answer(asked: Asked, exchange: Exchange, parsed: Interaction) -> None:
    exchange.saw(parsed.segments)
    outcomes = await exchange.decide_all(lambda context: guard_request(context, parsed.segments, parsed.unknown))
    stopped = next((outcome for outcome in outcomes if outcome.stopped), None)
    if stopped is not None:
        await _say(asked, exchange, parsed, stopped)
        return
    for outcome in outcomes:
        apply_edits(parsed.body, outcome.texts)
    answered = await ask(asked, exchange, parsed, _route(asked, exchange, outcomes))
    if answered.data is not None:
        await _whole(asked, exchange, parsed, answered)
        return
    try:
        streamed = Streamed(answered.response, answered.reader(), asked.api.codec(_made(exchange)))
        await stream_response(exchange, streamed, asked.wire, parsed)
    finally:
        answered.response.release()


async def _say(asked: Asked, exchange: Exchange, parsed: Interaction, stopped: StageOutcome) -> None:
    """Tell the client what the policy says instead of an answer; an error where it says nothing, or the API has no place for it."""
    api, made = asked.api, _made(exchange)
    said = stopped.say and (api.streamed(made, stopped.say) if parsed.stream else api.whole(made, stopped.say))
    if not said:
        raise refusal(stopped)
    await exchange.commit()
    if not parsed.stream:
        await respond(asked.wire.send, 200, said, exchange.headers())
        return
    await asked.wire.send({"type": "http.response.start", "status": 200, "headers": [*EVENT_STREAM, *exchange.headers()]})
    await asked.wire.send({"type": "http.response.body", "body": said})


def _route(asked: Asked, exchange: Exchange, outcomes: Sequence[StageOutcome]) -> str:
    api = asked.api
    routed = next((outcome.route for outcome in outcomes if outcome.route), "")
    try:
        route = routed or asked.plane.route(exchange.serving, api, exchange.context.model)
    except UpstreamRefused as refused:
        raise problem_of(refused, 403) from refused
    release = exchange.serving.release
    if not speaks(release, route, api):
        document = release.policy.upstream[route]
        provider = f"{document.provider}, a deployment of Azure's" if document.azure is not None else document.provider
        message = f"the policy's upstream {route!r} speaks the API of {provider}; this path needs one with 'provider: {api.provider}'"
        if api.name in TRANSLATIONS:
            message += ", or 'translate: true'"
        raise HttpProblem(400, "wrong_provider", message)
    return route


async def _whole(asked: Asked, exchange: Exchange, parsed: Interaction, answered: Answered) -> None:
    api, send = asked.api, asked.wire.send
    try:
        reply = api.read_reply(answered.read())
    except InvalidInput as error:
        # Garbage from the upstream is its fault, not the client's.
        raise problem_of(error, 502) from error
    texts = (*reply.segments, *map(segment_of, reply.calls))
    exchange.usage = usage_of(reply.body) or Usage(tokens_in(parsed.segments), tokens_in(texts))
    exchange.saw(texts)
    outcomes = await exchange.decide_all(lambda context: guard_reply(context, reply, parsed.segments))
    for call, outcome in zip(reply.calls, outcomes[1:], strict=False):
        if not outcome.stopped:
            exchange.promised(call_of(call))
    body = settled(api, _made(exchange), reply, outcomes)
    if not body:
        raise refusal(outcomes[0])
    await exchange.commit()
    await respond(send, 200, body, exchange.headers())
    exchange.left()


def _made(exchange: Exchange) -> Made:
    return Made(exchange.context.exchange, exchange.context.model)
