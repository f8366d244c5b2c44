"""OpenAI Chat Completions as Segments, and back.

Shapes: OpenAI API reference, "Create chat completion" and "The chat completion chunk object" (read November 2026).
"""

from collections.abc import Mapping

from fairlead.core import InvalidInput, Origin, Stage
from fairlead.wire.api import Made, Provider
from fairlead.wire.chat_stream import FILTERED, LOGPROBS, PROMPT_FILTERED, ChatCodec, error_of
from fairlead.wire.document import Json, encode, list_of, object_of, read_object, text_of
from fairlead.wire.fields import Either, Extraction, Fields, Free, Inert, Items, Node, Text, Unsupported, media, walk
from fairlead.wire.interaction import CallRef, Interaction, Reply, as_input, interaction_of, name_results, reply_of, take_extension
from fairlead.wire.sse import DONE

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


def _media(text: Text) -> dict[str, Node]:
    return {
        "image_url": Fields({"url": media("image", text), "detail": INERT}),
        "input_audio": Fields({"data": media("audio", text, bare=True), "format": INERT}),
    }


def _message(origin: Origin, stage: Stage) -> dict[str, Node]:
    text = Text(origin, stage)
    return {
        "role": INERT,
        "name": INERT,
        "content": Either(text, Items(Fields({"type": INERT, "text": text, "refusal": text, **_media(text)}))),
        "refusal": text,
        "reasoning_content": text,
        "reasoning": text,
        "tool_calls": Items(_CALL),
        "function_call": Fields({"name": INERT, "arguments": Text("model", "tool_call")}),
        "tool_call_id": INERT,
    }


_REQUEST_MESSAGE = {role: Fields(_message(origin, "tool_result" if origin == "tool" else "input")) for role, origin in _ROLES.items()}

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
        "logprobs": INERT,
        "top_logprobs": INERT,
        "logit_bias": Fields({}),
    }
)

_RESPONSE_MESSAGE = Fields(
    {**_message("model", "output"), "content": Text("model", "output"), "annotations": Free("model", "output"), "audio": UNSUPPORTED}
)
_RESPONSE = Fields(
    {
        **dict.fromkeys(("id", "object", "created", "model", "system_fingerprint", "service_tier"), INERT),
        "usage": Fields({}),
        "prompt_filter_results": PROMPT_FILTERED,
        "choices": Items(
            Fields(
                {
                    **dict.fromkeys(("index", "finish_reason"), INERT),
                    "logprobs": LOGPROBS,
                    "content_filter_results": FILTERED,
                    "message": _RESPONSE_MESSAGE,
                }
            )
        ),
    }
)


class ChatCompletions:
    """The API as the gateway knows it."""

    name = "openai_chat"
    provider: Provider = "openai"
    path = "/chat/completions"

    def read_request(self, data: bytes, retrieval_tools: frozenset[str] = frozenset()) -> Interaction:
        """Take a request apart."""
        body = read_object(data)
        extension = take_extension(body)
        out = Extraction()
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise InvalidInput("messages must be a list of at least one message", where="/messages", mend="send the conversation as a list")
        # Emptied, not left out: a key that is a text is found again by its place.
        walk(_REQUEST, {**body, "messages": None}, "", out, REQUEST_UNKNOWN)
        tools = {
            ref.call: ref.tool for index, message in enumerate(messages) for ref in calls_of(message, f"/messages/{index}") if ref.call
        }
        for index, message in enumerate(messages):
            _read_message(message, f"/messages/{index}", out, tools, retrieval_tools)
        wanted = body.get("n")
        return interaction_of(body, extension, out, wanted=wanted if isinstance(wanted, int) else 1)

    def read_reply(self, data: bytes) -> Reply:
        """Take a response that is not a stream apart."""
        body = read_object(data)
        out = Extraction()
        choices = body.get("choices")
        if not isinstance(choices, list):
            mend = "check that the upstream speaks Chat Completions"
            raise InvalidInput("the upstream's response has no choices", where="/choices", mend=mend)
        walk(_RESPONSE, body, "", out, RESPONSE_UNKNOWN)
        calls = [
            call for index, choice in enumerate(choices) for call in calls_of(object_of(choice).get("message"), f"/choices/{index}/message")
        ]
        return reply_of(body, out, tuple(calls), len(choices))

    def settle_calls(self, reply: Reply, said: Mapping[int, str]) -> None:
        """Take tool calls out of a reply, in place; a choice that is left without any is ended by the policy."""
        for index, choice in enumerate(list_of(reply.body["choices"])):
            own = [place for place, call in enumerate(reply.calls) if call.path.startswith(f"/choices/{index}/")]
            texts = [said[place] for place in own if place in said]
            if texts and isinstance(choice, dict):
                message = object_of(choice.get("message"))
                listed = list_of(message.get("tool_calls"))
                message.pop("function_call", None)
                message["content"] = "\n".join([text for text in (text_of(message.get("content")), *texts) if text])
                kept = [call for place, call in zip(own, listed, strict=False) if place not in said]
                message["tool_calls"] = kept
                if not kept:
                    del message["tool_calls"]
                    choice["finish_reason"] = "content_filter"

    def whole(self, made: Made, text: str, count: int = 1) -> bytes:
        """Return a response of the gateway's own making."""
        message: Json = {"role": "assistant", "content": text}
        return encode(
            {
                "id": made.exchange,
                "object": "chat.completion",
                "created": 0,
                "model": made.model,
                "choices": [{"index": index, "message": message, "finish_reason": "content_filter"} for index in range(count)],
                "usage": {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0},
            }
        )

    def streamed(self, made: Made, text: str) -> bytes:
        """Return the same as a whole stream."""
        return self.codec(made).say(text) + DONE

    def codec(self, made: Made) -> ChatCodec:
        """Return the codec of one stream."""
        return ChatCodec(made)

    def error(self, status: int, code: str, message: str) -> bytes:
        """Return the body of an error in OpenAI's shape."""
        return error_of(status, code, message)


def _read_message(message: Json, path: str, out: Extraction, tools: dict[str, str], retrieval_tools: frozenset[str]) -> None:
    role = message.get("role") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(role, str) or role not in _ROLES:
        raise InvalidInput("a message needs a role that the API knows", where=path, mend=f"use one of {', '.join(_ROLES)}")
    start = len(out.segments)
    walk(_REQUEST_MESSAGE[role], message, path, out, REQUEST_UNKNOWN)
    if role in ("tool", "function"):
        call = message.get("tool_call_id")
        tool = tools.get(call, "") if isinstance(call, str) else text_of(message.get("name"))
        name_results(out, start, tool, text_of(call), retrieval_tools)
    elif role == "assistant":
        as_input(out, start)


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
