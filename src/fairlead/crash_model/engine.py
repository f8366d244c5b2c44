"""The model's one thought: what was I told to do that I have not done yet? If nothing is left, answer."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from fairlead.core import canonical_bytes, digest
from fairlead.crash_model.answers import answer
from fairlead.crash_model.model import Call, ChatRequest, Function, ToolFunction, Turn
from fairlead.crash_model.orders import Order, orders, wants_own_text, wants_what_was_read
from fairlead.crash_model.placeholders import PLACEHOLDERS, Placeholders
from fairlead.crash_model.reading import Context, read

MAX_CALLS = 40
"""Tool calls in one conversation at most: gullible, not endless."""

_TRADES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "mail": (("mail",), ("to", "recipient", "address")),
    "ticket": (("ticket", "issue"), ("customer_id", "customer", "account")),
    "lookup": (("lookup", "customer", "account", "get_"), ("customer_id", "customer", "account", "id")),
    "search": (("search",), ("query", "q")),
}
"""Kind of an order: words in the name of a tool that does it, and the parameter that takes the order's target."""


def respond(request: ChatRequest, words: Placeholders = PLACEHOLDERS) -> Turn:
    """Return the model's next turn; the same request gives the same turn.

    Args:
        request: The conversation so far and the tools on offer.
        words: The placeholders to use.
    """
    context = read(request.messages)
    made = [call for message in request.messages for call in message.tool_calls or ()]
    calls = _next_calls(context, request, made)
    return Turn(calls=calls) if calls else Turn(text=_closing(made, words) + answer(context, words))


def _next_calls(context: Context, request: ChatRequest, made: Sequence[Call]) -> tuple[Call, ...]:
    tools = [tool.function for tool in request.tools or ()]
    done = {_identity(call.function) for call in made}
    wanted: dict[str, Call] = {}
    first: set[str] = set()
    for order in orders(context):
        call = _call(order, context, tools, len(made) + len(wanted))
        if call is None or _identity(call.function) in done or len(made) + len(wanted) >= MAX_CALLS:
            continue
        key = _identity(call.function)
        wanted.setdefault(key, call)
        if order.kind in ("lookup", "search"):
            first.add(key)
    # Read first, act afterwards, so that what is sent holds what was read.
    return tuple(call for key, call in wanted.items() if not first or key in first)


def _call(order: Order, context: Context, tools: Sequence[ToolFunction], number: int) -> Call | None:
    tool, parameter = _tool_for(order.kind, tools)
    if tool is None:
        return None
    arguments = {parameter: order.target}
    for name in tool.properties():
        if name == "subject":
            arguments[name] = order.subject
        elif name in ("body", "text", "message"):
            arguments[name] = _filled(order, context)
    raw = canonical_bytes(arguments).decode()
    return Call(id=f"call_{digest([number, tool.name, raw])[7:23]}", function=Function(name=tool.name, arguments=raw))


def _tool_for(kind: str, tools: Sequence[ToolFunction]) -> tuple[ToolFunction | None, str]:
    words, parameters = _TRADES[kind]
    for tool in tools:
        parameter = next((name for name in parameters if name in tool.properties()), None)
        if parameter and any(word in tool.name for word in words):
            return tool, parameter
    return None, ""


def _filled(order: Order, context: Context) -> str:
    return "\n\n".join(_parts(order, context))


def _parts(order: Order, context: Context) -> Iterator[str]:
    yield order.body
    if wants_own_text(order.line):
        yield context.system
    if wants_what_was_read(order.line):
        yield context.told()


def _identity(function: Function) -> str:
    """Return what makes two calls the same order: tool, target and subject; the body grows with what was read."""
    try:
        arguments = msgspec.json.decode(function.arguments or "{}")
    except msgspec.DecodeError:
        arguments = {}
    if not isinstance(arguments, dict):
        arguments = {}
    return digest([function.name, {name: str(value) for name, value in arguments.items() if name not in ("body", "text", "message")}])


def _closing(made: Sequence[Call], words: Placeholders) -> str:
    lines = []
    for call in made:
        arguments = msgspec.json.decode(call.function.arguments or "{}")
        if isinstance(arguments, dict) and "subject" in arguments:
            target = arguments.get("to") or arguments.get("customer_id") or ""
            lines.append(words.done.format(tool=call.function.name, target=target) + "\n")
    return "".join(lines)
