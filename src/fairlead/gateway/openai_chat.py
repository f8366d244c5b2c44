"""``POST /v1/chat/completions``: guard the request, ask the model, guard the answer."""

from fairlead.core import InvalidInput, Segment, Unavailable, new_id
from fairlead.gateway.chat_stream import say_in_stream, stream_response
from fairlead.gateway.exchange import Exchange, refusal
from fairlead.gateway.http import HttpProblem, Receive, Request, Send, Wire, problem_of, respond, unavailable
from fairlead.gateway.tool_calls import check_call, explain
from fairlead.gateway.upstream import UpstreamClient, read_whole
from fairlead.guard import ExchangeContext, guard_output, guard_request
from fairlead.wire import CallRef, ChatRequest, ChatResponse, Json, encode, put_text, read_request, read_response
from fairlead.wiring.data_plane import DataPlane

PATH = "/chat/completions"


async def chat(plane: DataPlane, client: UpstreamClient, request: Request, receive: Receive, send: Send) -> None:
    """Answer one request.

    Raises:
        HttpProblem: What the client is told instead of an answer.
    """
    key = plane.authenticate(request.bearer(), "chat")
    serving = plane.serving
    try:
        parsed = read_request(request.body, retrieval_tools=serving.retrieval_tools)
    except InvalidInput as error:
        raise problem_of(error) from error
    context = ExchangeContext(
        release=serving.release,
        exchange=new_id("x"),
        tenant=key.tenant,
        key=key.id,
        model=parsed.model,
        user=parsed.extension.user,
        trajectory=parsed.extension.trajectory,
        approvals=parsed.extension.approvals,
    )
    exchange = Exchange(plane, serving, context)
    ended_by = "internal"
    try:
        await _answer(plane, client, exchange, parsed, Wire(receive, send))
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
        exchange.end(ended_by)


async def _answer(plane: DataPlane, client: UpstreamClient, exchange: Exchange, parsed: ChatRequest, wire: Wire) -> None:
    exchange.saw(parsed.segments)
    outcomes = await exchange.run_all(guard_request(exchange.context, parsed.segments, parsed.unknown))
    stopped = next((outcome for outcome in outcomes if outcome.stopped), None)
    if stopped is not None:
        if not stopped.say:
            raise refusal(stopped)
        await exchange.commit()
        if parsed.stream:
            await say_in_stream(exchange, wire.send, parsed.model, stopped.say)
        else:
            await respond(wire.send, 200, encode(answer_of(exchange, [_choice(0, stopped.say)])), exchange.headers())
        return
    for outcome in outcomes:
        for path, text in outcome.texts.items():
            put_text(parsed.body, path, text)
    route = next((outcome.route for outcome in outcomes if outcome.route), "default")
    upstream = plane.upstream(exchange.serving, route)
    if upstream.model:
        parsed.body["model"] = upstream.model
    async with client.post(upstream, PATH, encode(parsed.body)) as response:
        if response.status != 200:
            # The upstream's error text may quote the prompt: the client gets the status, not the text.
            raise HttpProblem(
                response.status if response.status in (400, 404, 408, 413, 422, 429) else 502,
                "upstream_error",
                f"the model's server answered with status {response.status}",
            )
        if parsed.stream:
            await stream_response(exchange, response, wire, parsed)
        else:
            await _whole(exchange, read_response_or_problem(await read_whole(response)), wire.send, parsed.segments)


def read_response_or_problem(data: bytes) -> ChatResponse:
    """Take a response apart; garbage from the upstream is its fault, not the client's."""
    try:
        return read_response(data)
    except InvalidInput as error:
        raise problem_of(error, 502) from error


async def _whole(exchange: Exchange, response: ChatResponse, send: Send, seen: tuple[Segment, ...]) -> None:
    exchange.saw(response.segments)
    outcome = await exchange.run(guard_output(exchange.context, response.segments, response.unknown))
    if outcome.failed:
        raise refusal(outcome)
    choices = response.body["choices"]
    indexes = range(len(choices)) if isinstance(choices, list) else range(0)
    if outcome.stopped:
        # Built anew: what was stopped may stand beside the choices too.
        stopped = answer_of(exchange, [_choice(index, outcome.say) for index in indexes])
        await exchange.commit()
        await respond(send, 200, encode(stopped), exchange.headers())
        return
    for path, text in outcome.texts.items():
        put_text(response.body, path, text)
    for index, choice in enumerate(choices if isinstance(choices, list) else []):
        own = [(place, call) for place, call in enumerate(response.calls) if call.path.startswith(f"/choices/{index}/")]
        if own:
            await _guard_calls(exchange, choice, own, seen)
    await exchange.commit()
    await respond(send, 200, encode(response.body), exchange.headers())


async def _guard_calls(exchange: Exchange, choice: Json, calls: list[tuple[int, CallRef]], seen: tuple[Segment, ...]) -> None:
    """Guard the calls of one choice; what may not be made is taken out and said."""
    message = choice.get("message") if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(message, dict):
        return
    kept: list[Json] = []
    said: list[str] = []
    raw = message.get("tool_calls")
    listed = raw if isinstance(raw, list) else []
    for order, (place, call) in enumerate(calls):
        outcome = await check_call(exchange, call, seen, place)
        if outcome.stopped:
            said.append(explain(outcome))
        elif order < len(listed):
            kept.append(listed[order])
    if not said:
        return
    message.pop("function_call", None)
    content = message.get("content")
    message["content"] = "\n".join([*([content] if isinstance(content, str) and content else []), *said])
    if kept:
        message["tool_calls"] = kept
    else:
        message.pop("tool_calls", None)
        choice["finish_reason"] = "content_filter"


def answer_of(exchange: Exchange, choices: list[Json]) -> dict[str, Json]:
    """Return a response of the gateway's own making."""
    return {
        "id": exchange.context.exchange,
        "object": "chat.completion",
        "created": 0,
        "model": exchange.context.model,
        "choices": choices,
        "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
    }


def _choice(index: int, text: str) -> Json:
    return {"index": index, "message": {"role": "assistant", "content": text}, "finish_reason": "content_filter"}
