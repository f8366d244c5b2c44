"""OpenAI Chat Completions as Segments, and back.

Shapes: OpenAI API reference, "Create chat completion" and "The chat completion chunk object" (read November 2026).
"""

from typing import Annotated, NamedTuple

import msgspec

from fairlead.core import UNTRUSTED, InvalidInput, Origin, Segment, Stage
from fairlead.wire.fields import Extraction, Fields, Free, Inert, Items, Json, Node, Text, Unsupported, replace_at, walk

TRAJECTORY = r"^[A-Za-z0-9_.:-]{0,128}\Z"
"""What an id of a Trajectory looks like."""
INERT = Inert()
UNSUPPORTED = Unsupported()

REQUEST_UNKNOWN = Text("user", "input")
RESPONSE_UNKNOWN = Text("model", "output")

_ROLES: dict[str, Origin] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "model",
    "tool": "tool",
    "function": "tool",
}

_CALL = Fields(
    {
        "id": INERT,
        "type": INERT,
        "index": INERT,
        "function": Fields({"name": INERT, "arguments": Text("model", "tool_call")}),
        "custom": Fields({"name": INERT, "input": Text("model", "tool_call")}),
    }
)


def _parts(origin: Origin, stage: Stage) -> Node:
    text = Text(origin, stage)
    return Items(Fields({"type": INERT, "text": text, "refusal": text}))


def _message(origin: Origin, stage: Stage) -> dict[str, Node]:
    text = Text(origin, stage)
    return {
        "role": INERT,
        "name": INERT,
        "content": text,
        "refusal": text,
        "reasoning_content": text,
        "reasoning": text,
        "tool_calls": Items(_CALL),
        "function_call": Fields({"name": INERT, "arguments": Text("model", "tool_call")}),
        "tool_call_id": INERT,
    }


_REQUEST_MESSAGE = {role: Fields(_message(origin, "tool_result" if origin == "tool" else "input")) for role, origin in _ROLES.items()}
_REQUEST_PARTS = {role: _parts(origin, "tool_result" if origin == "tool" else "input") for role, origin in _ROLES.items()}

_REQUEST_INERT = (
    "model",
    "stream",
    "n",
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "presence_penalty",
    "frequency_penalty",
    "seed",
    "user",
    "parallel_tool_calls",
    "service_tier",
    "reasoning_effort",
    "store",
    "safety_identifier",
    "prompt_cache_key",
    "verbosity",
)
_SCHEMA = Free("developer", "tool_definition")
_DEFINITION = Text("developer", "tool_definition")
_REQUEST = Fields(
    {
        **dict.fromkeys(_REQUEST_INERT, INERT),
        "stream_options": Fields({"include_usage": INERT, "include_obfuscation": INERT}),
        "stop": Free("developer", "input"),
        "metadata": Free("developer", "input"),
        "response_format": _SCHEMA,
        "tool_choice": _SCHEMA,
        "tools": Items(
            Fields(
                {
                    "type": INERT,
                    "function": Fields({"name": INERT, "description": _DEFINITION, "parameters": _SCHEMA, "strict": INERT}),
                    "custom": _SCHEMA,
                }
            )
        ),
        "functions": Items(_SCHEMA),
        "function_call": _SCHEMA,
        "logprobs": UNSUPPORTED,
        "top_logprobs": UNSUPPORTED,
        "logit_bias": Fields({}),
    }
)

_RESPONSE_MESSAGE = Fields({**_message("model", "output"), "annotations": Free("model", "output"), "audio": UNSUPPORTED})
_RESPONSE = Fields(
    {
        **dict.fromkeys(("id", "object", "created", "model", "system_fingerprint", "service_tier"), INERT),
        "usage": Fields({}),
        "choices": Items(Fields({"index": INERT, "finish_reason": INERT, "logprobs": UNSUPPORTED, "message": _RESPONSE_MESSAGE})),
    }
)


_STAGE_OF: dict[Origin, Stage] = {"retrieved": "retrieval", "tool": "tool_result", "memory": "memory", "agent": "handoff"}


class Extension(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The request's own ``fairlead`` object; taken out before the upstream sees the request."""

    trajectory: Annotated[str, msgspec.Meta(pattern=TRAJECTORY)] = ""
    """``t_…`` of the agent's Trajectory. It is kept in records, so it is an id and no text."""
    user: str = ""
    """The application's own user, as it names him."""
    origins: dict[str, Origin] = {}
    """JSON pointer to a text, or to what holds it, and who really wrote it; only an untrusted origin can be declared."""
    approvals: tuple[str, ...] = ()
    """Approvals that the client presents."""


class CallRef(NamedTuple):
    """A tool call that a message holds."""

    path: str
    tool: str
    call: str
    arguments: str


class ChatRequest(NamedTuple):
    """One request, taken apart."""

    body: dict[str, Json]
    """Decoded, without the extension; changed in place by :func:`put_text`."""
    extension: Extension
    segments: tuple[Segment, ...]
    unknown: tuple[Segment, ...]
    model: str
    stream: bool


def read_request(data: bytes, *, retrieval_tools: frozenset[str] = frozenset()) -> ChatRequest:
    """Take a request apart.

    Args:
        data: The body as it came.
        retrieval_tools: Tools whose results are retrieved documents.

    Raises:
        InvalidInput: Not JSON, not of the API's shape, or an extension that raises trust. Of a key that stands twice the last
            counts, here and for the upstream alike, since the upstream is sent what was read and not what came.
    """
    body = read_object(data)
    extension = _extension(body.pop("fairlead", None))
    out = Extraction()
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise InvalidInput("messages must be a list of at least one message", where="/messages", mend="send the conversation as a list")
    walk(_REQUEST, {key: value for key, value in body.items() if key != "messages"}, "", out, REQUEST_UNKNOWN)
    tools = _tools_by_call(messages)
    for index, message in enumerate(messages):
        _read_message(message, f"/messages/{index}", out, tools, retrieval_tools)
    segments, unknown = _declared(out.segments, extension.origins), _declared(out.unknown, extension.origins)
    _require_meant(extension.origins, (*segments, *unknown))
    model = body.get("model")
    return ChatRequest(
        body=body,
        extension=extension,
        segments=segments,
        unknown=unknown,
        model=model if isinstance(model, str) else "",
        stream=body.get("stream") is True,
    )


def _read_message(message: Json, path: str, out: Extraction, tools: dict[str, str], retrieval_tools: frozenset[str]) -> None:
    role = message.get("role") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(role, str) or role not in _ROLES:
        raise InvalidInput("a message needs a role that the API knows", where=path, mend=f"use one of {', '.join(_ROLES)}")
    start = len(out.segments)
    content = message.get("content")
    if isinstance(content, list):
        walk(_REQUEST_PARTS[role], content, f"{path}/content", out, REQUEST_UNKNOWN)
        message = {key: value for key, value in message.items() if key != "content"}
    walk(_REQUEST_MESSAGE[role], message, path, out, REQUEST_UNKNOWN)
    if role in ("tool", "function"):
        _name_result(message, out, start, tools, retrieval_tools)
    elif role == "assistant":
        # The history of calls was decided when it was made; here it is input that a client could have forged.
        out.segments[start:] = [msgspec.structs.replace(segment, stage="input") for segment in out.segments[start:]]


def _name_result(message: dict[str, Json], out: Extraction, start: int, tools: dict[str, str], retrieval_tools: frozenset[str]) -> None:
    call = message.get("tool_call_id")
    name = message.get("name")
    tool = tools.get(call, "") if isinstance(call, str) else (name if isinstance(name, str) else "")
    for index in range(start, len(out.segments)):
        segment = out.segments[index]
        retrieved = tool in retrieval_tools
        out.segments[index] = msgspec.structs.replace(
            segment,
            tool=tool,
            call=call if isinstance(call, str) else "",
            stage="retrieval" if retrieved else "tool_result",
            origin="retrieved" if retrieved else "tool",
        )


def _tools_by_call(messages: list[Json]) -> dict[str, str]:
    return {ref.call: ref.tool for index, message in enumerate(messages) for ref in calls_of(message, f"/messages/{index}") if ref.call}


def calls_of(message: Json, path: str) -> list[CallRef]:
    """Return the tool calls of a message, in order; a call of an unknown shape has an empty name."""
    if not isinstance(message, dict):
        return []
    calls = message.get("tool_calls")
    found = [_call(item, f"{path}/tool_calls/{index}") for index, item in enumerate(calls)] if isinstance(calls, list) else []
    legacy = message.get("function_call")
    if isinstance(legacy, dict):
        found.append(_call({"function": legacy}, path, "function_call"))
    return found


def _call(item: Json, path: str, field: str = "function") -> CallRef:
    record = item if isinstance(item, dict) else {}
    both = "function" in record and "custom" in record
    for kind, key in (("function", "arguments"), ("custom", "input")):
        inner = record.get(kind)
        if isinstance(inner, dict) and not both:
            name, arguments, call = inner.get("name"), inner.get(key), record.get("id")
            return CallRef(
                path=f"{path}/{field if kind == 'function' else kind}/{key}",
                tool=name if isinstance(name, str) else "",
                call=call if isinstance(call, str) else "",
                arguments=arguments if isinstance(arguments, str) else "",
            )
    return CallRef(path=path, tool="", call="", arguments="")


def _declared(segments: list[Segment], origins: dict[str, Origin]) -> tuple[Segment, ...]:
    if not origins:
        return tuple(segments)
    out: list[Segment] = []
    for segment in segments:
        above = max((path for path in origins if _holds(path, segment.path)), key=len, default=None)
        origin = None if above is None else origins[above]
        out.append(segment if origin is None else msgspec.structs.replace(segment, origin=origin, stage=_STAGE_OF[origin]))
    return tuple(out)


def _holds(above: str, path: str) -> bool:
    return path == above or path.startswith(f"{above}/")


def _require_meant(origins: dict[str, Origin], segments: tuple[Segment, ...]) -> None:
    """Refuse an origin that is declared for nothing: a pointer with a slip in it would leave a text trusted."""
    if any(not any(_holds(path, segment.path) for segment in segments) for path in origins):
        mend = "declare it for a text that the request holds, such as /messages/1/content"
        raise InvalidInput("an origin is declared where no text is", where="/fairlead/origins", mend=mend)


def _extension(value: Json) -> Extension:
    if value is None:
        return Extension()
    try:
        extension = msgspec.convert(value, Extension)
    except msgspec.ValidationError as error:
        mend = "see 'What a client sees' in the docs"
        raise InvalidInput("the fairlead extension is not of its shape", where="/fairlead", mend=mend) from error
    trusted = [path for path, origin in extension.origins.items() if origin not in UNTRUSTED]
    if trusted:
        mend = f"declare one of {', '.join(sorted(UNTRUSTED))}, or leave it out"
        raise InvalidInput("an origin can only lower trust", where="/fairlead/origins", mend=mend)
    return extension


class ChatResponse(NamedTuple):
    """One response, taken apart."""

    body: dict[str, Json]
    segments: tuple[Segment, ...]
    """Output texts; tool-call arguments are in :attr:`calls`."""
    unknown: tuple[Segment, ...]
    calls: tuple[CallRef, ...]


def read_response(data: bytes) -> ChatResponse:
    """Take a response that is not a stream apart.

    Raises:
        InvalidInput: Not JSON, or not of the API's shape.
    """
    body = read_object(data)
    out = Extraction()
    choices = body.get("choices")
    if not isinstance(choices, list):
        mend = "check that the upstream speaks Chat Completions"
        raise InvalidInput("the upstream's response has no choices", where="/choices", mend=mend)
    walk(_RESPONSE, body, "", out, RESPONSE_UNKNOWN)
    calls: list[CallRef] = []
    for index, choice in enumerate(choices):
        if isinstance(choice, dict):
            calls += calls_of(choice.get("message"), f"/choices/{index}/message")
    return ChatResponse(
        body=body,
        segments=tuple(segment for segment in out.segments if segment.stage == "output"),
        unknown=tuple(out.unknown),
        calls=tuple(calls),
    )


def put_text(body: dict[str, Json], path: str, text: str) -> None:
    """Put a guarded text where it was read from."""
    replace_at(body, path, text)


def encode(body: dict[str, Json]) -> bytes:
    """Return the JSON of a body, as the wire wants it."""
    return msgspec.json.encode(body)


def read_object(data: bytes) -> dict[str, Json]:
    """Decode a body that must be a JSON object.

    Raises:
        InvalidInput: It is not.
    """
    try:
        body = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidInput("the body is not valid JSON", mend="send UTF-8 JSON, nested at most a few hundred deep") from error
    if not isinstance(body, dict):
        raise InvalidInput("the body is not a JSON object", mend="send an object")
    return body
