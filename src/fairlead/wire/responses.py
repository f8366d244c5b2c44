"""OpenAI Responses as Segments, and back.

What a request leaves to the provider's memory (``previous_response_id``, ``conversation``, ``prompt``, ``item_reference``), and tools
that the provider runs itself, can't be looked at here: they count as unknown. What a response only repeats of its request is not told
again.

Shapes: OpenAI API reference, "Create a model response" and "The response object" (read November 2026).
"""

from collections.abc import Mapping

from fairlead.core import InvalidInput, Origin
from fairlead.wire.api import Made, Provider
from fairlead.wire.chat_stream import error_of
from fairlead.wire.document import Json, encode, list_of, object_of, read_object, text_of
from fairlead.wire.fields import Extraction, Fields, Free, Items, Node, Tagged, Text, Unsupported, walk
from fairlead.wire.interaction import Interaction, Reply, interaction_of, name_results, reply_of, take_extension
from fairlead.wire.responses_body import HEAD, forget, message_saying, response_of, stopped_response
from fairlead.wire.responses_items import INERT, RESPONSE_ITEMS, RESULTS, call_of, items, message, tool_of, tools
from fairlead.wire.responses_stream import ResponsesCodec

UNSUPPORTED = Unsupported()
REQUEST_UNKNOWN = Text("user", "input")
RESPONSE_UNKNOWN = Text("model", "output")

_ROLES: dict[str, Origin] = {"system": "system", "developer": "developer", "user": "user", "assistant": "model"}
_MESSAGE = {role: message(Text(origin, "input")) for role, origin in _ROLES.items()}
_DEFINITION = Text("developer", "tool_definition")
_SCHEMA = Free("developer", "tool_definition")
_LISTED = Free("tool", "tool_definition")
"""What a server says of its tools."""
_TOOLS = Items(tools(_DEFINITION))
_MODEL = Text("model", "input")
_ITEMS: dict[str, Node] = {
    **items(_MODEL, _MODEL, Text("tool", "tool_result"), Text("retrieved", "retrieval")),
    "mcp_approval_response": Fields({**dict.fromkeys(("type", "id", "approval_request_id", "approve"), INERT), "reason": REQUEST_UNKNOWN}),
    "mcp_list_tools": Fields({**dict.fromkeys(("type", "id", "server_label"), INERT), "tools": Items(_LISTED), "error": _LISTED}),
    "additional_tools": Fields({**dict.fromkeys(("type", "id", "role"), INERT), "tools": _TOOLS}),
}
_REQUEST_ITEM = Tagged("type", _ITEMS)
_REQUEST_INERT = (
    "model",
    "stream",
    "background",
    "store",
    "temperature",
    "top_p",
    "top_logprobs",
    "presence_penalty",
    "frequency_penalty",
    "max_output_tokens",
    "max_tool_calls",
    "parallel_tool_calls",
    "service_tier",
    "truncation",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
)
_REQUEST = Fields(
    {
        **dict.fromkeys(_REQUEST_INERT, INERT),
        "instructions": Text("developer", "input"),
        "include": Items(INERT),
        "metadata": Free("developer", "input"),
        "text": Fields({"format": _SCHEMA, "verbosity": INERT}),
        "input": INERT,
        "tools": _TOOLS,
        "tool_choice": _SCHEMA,
        "reasoning": Fields(dict.fromkeys(("effort", "summary", "generate_summary", "mode", "context"), INERT)),
        "stream_options": Fields({"include_obfuscation": INERT}),
        "context_management": Items(Fields({"type": INERT, "compact_threshold": INERT})),
        "prompt_cache_options": Fields(dict.fromkeys(("mode", "ttl", "prewarm", "comparison_response_id"), INERT)),
        "previous_response_id": UNSUPPORTED,
        "conversation": UNSUPPORTED,
        "prompt": Fields({"id": UNSUPPORTED, "version": INERT, "variables": Free("user", "input")}),
    }
)

_RESPONSE = Fields({**HEAD, "error": Fields({"code": INERT, "message": INERT}), "output": Items(Tagged("type", RESPONSE_ITEMS))})


class Responses:
    """The API as the gateway knows it."""

    name = "openai_responses"
    provider: Provider = "openai"
    path = "/responses"

    def read_request(self, data: bytes, retrieval_tools: frozenset[str] = frozenset()) -> Interaction:
        """Take a request apart."""
        body = read_object(data)
        extension = take_extension(body)
        if body.get("background") is True and body.get("stream") is not True:
            mend = "leave 'background' out, or ask for a stream"
            raise InvalidInput("the answer of a background response would be fetched past the guard", where="/background", mend=mend)
        out = Extraction()
        # Emptied, not left out: a key that is a text is found again by its place.
        walk(_REQUEST, {**body, "input": None}, "", out, REQUEST_UNKNOWN)
        given = body.get("input")
        if isinstance(given, list):
            calls = [call for index, item in enumerate(given) if (call := call_of(item, f"/input/{index}")) is not None]
            named = {call.call: call.tool for call in calls if call.call}
            for index, item in enumerate(given):
                _read_item(item, f"/input/{index}", out, named, retrieval_tools)
        else:
            walk(REQUEST_UNKNOWN, given, "/input", out, REQUEST_UNKNOWN)
        return interaction_of(body, extension, out)

    def read_reply(self, data: bytes) -> Reply:
        """Take a response that is not a stream apart."""
        body = read_object(data)
        output = body.get("output")
        if not isinstance(output, list):
            mend = "check that the upstream speaks the Responses API"
            raise InvalidInput("the upstream's response has no output", where="/output", mend=mend)
        forget(body)
        out = Extraction()
        walk(_RESPONSE, body, "", out, RESPONSE_UNKNOWN)
        calls = (call_of(item, f"/output/{index}") for index, item in enumerate(output))
        return reply_of(body, out, tuple(call for call in calls if call is not None))

    def settle_calls(self, reply: Reply, said: Mapping[int, str]) -> None:
        """Put texts in the place of tool calls, in place; a response that is left without any is ended by the policy."""
        output = list_of(reply.body["output"])
        for place, text in said.items():
            index = int(reply.calls[place].path.split("/")[2])
            output[index] = message_saying(f"msg_fairlead_{index}", text)
        if len(said) == len(reply.calls):
            reply.body["status"] = "incomplete"
            reply.body["incomplete_details"] = {"reason": "content_filter"}

    def whole(self, made: Made, text: str, count: int = 1) -> bytes:  # noqa: ARG002 - this API knows one choice only
        """Return a response of the gateway's own making."""
        output: list[Json] = [message_saying("msg_fairlead_0", text)] if text else []
        return encode(stopped_response(response_of({"id": made.exchange, "model": made.model}, output)))

    def streamed(self, made: Made, text: str) -> bytes:
        """Return the same as a whole stream."""
        return self.codec(made).say(text)

    def codec(self, made: Made) -> ResponsesCodec:
        """Return the codec of one stream."""
        return ResponsesCodec(made)

    def error(self, status: int, code: str, message: str) -> bytes:
        """Return the body of an error in OpenAI's shape."""
        return error_of(status, code, message)


def _read_item(item: Json, path: str, out: Extraction, named: dict[str, str], retrieval_tools: frozenset[str]) -> None:
    record = object_of(item)
    kind = text_of(record.get("type"))
    start = len(out.segments)
    if kind == "message" or (not kind and "role" in record):
        role = text_of(record.get("role"))
        if role not in _ROLES:
            raise InvalidInput("a message needs a role that the API knows", where=path, mend=f"use one of {', '.join(_ROLES)}")
        for part in list_of(record.get("content")):
            # They tell the text again, and would still when it was edited; no model reads them.
            object_of(part).pop("logprobs", None)
        walk(_MESSAGE[role], item, path, out, REQUEST_UNKNOWN)
        return
    if not kind:
        # A reference to what the provider keeps may come without a type; whatever else it is, it is not known either.
        walk(UNSUPPORTED, item, path, out, REQUEST_UNKNOWN)
        return
    walk(_REQUEST_ITEM, item, path, out, REQUEST_UNKNOWN)
    if kind in RESULTS:
        call = text_of(record.get("call_id")) or text_of(record.get("id"))
        name_results(out, start, named.get(call, "") or tool_of(record), call, retrieval_tools)
    elif kind == "mcp_call":
        _name_gift(out, start, tool_of(record), text_of(record.get("id")), retrieval_tools)


def _name_gift(out: Extraction, start: int, tool: str, call: str, retrieval_tools: frozenset[str]) -> None:
    """Name the tool of what a call's item itself tells as its result; the rest of the item is the model's."""
    given = Extraction()
    given.segments = [segment for segment in out.segments[start:] if segment.stage == "tool_result"]
    name_results(given, 0, tool, call, retrieval_tools)
    out.segments[start:] = [segment for segment in out.segments[start:] if segment.stage != "tool_result"] + given.segments
