"""Anthropic Messages as Segments, and back.

Shapes: Anthropic API reference, "Create a Message" and "Count tokens in a Message" (read November 2026); the fields are in
``messages_shapes``.
"""

from collections.abc import Mapping

from fairlead.core import InvalidInput
from fairlead.wire.api import Made, Provider
from fairlead.wire.document import Json, encode, list_of, object_of, read_object, text_of
from fairlead.wire.fields import Extraction, Fields, walk
from fairlead.wire.interaction import CallRef, Interaction, Reply, interaction_of, name_results, reply_of, take_extension
from fairlead.wire.messages_shapes import (
    BLOCKS_OF,
    CALLS,
    MESSAGE_OF,
    REQUEST,
    REQUEST_UNKNOWN,
    RESPONSE,
    RESPONSE_UNKNOWN,
    RESULTS,
    tool_node,
)
from fairlead.wire.messages_stream import STOPPED, MessagesCodec, error_of, message_of

_COUNT = Fields({"context_management": Fields({})})


class Messages:
    """The API as the gateway knows it."""

    name = "anthropic_messages"
    provider: Provider = "anthropic"
    path = "/messages"

    def read_request(self, data: bytes, retrieval_tools: frozenset[str] = frozenset()) -> Interaction:
        """Take a request apart."""
        body = read_object(data)
        extension = take_extension(body)
        out = Extraction()
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise InvalidInput("messages must be a list of at least one message", where="/messages", mend="send the conversation as a list")
        # Emptied, not left out: a key that is a text is found again by its place.
        walk(REQUEST, {**body, "messages": None, "tools": None}, "", out, REQUEST_UNKNOWN)
        _read_tools(body.get("tools"), out)
        tools = {
            ref.call: ref.tool
            for index, message in enumerate(messages)
            for ref in calls_of(object_of(message).get("content"), f"/messages/{index}")
            if ref.call
        }
        for index, message in enumerate(messages):
            _read_message(message, f"/messages/{index}", out, tools, retrieval_tools)
        return interaction_of(body, extension, out)

    def read_reply(self, data: bytes) -> Reply:
        """Take a response that is not a stream apart."""
        body = read_object(data)
        out = Extraction()
        content = body.get("content")
        if not isinstance(content, list):
            raise InvalidInput("the upstream's response has no content", where="/content", mend="check that the upstream speaks Messages")
        walk(RESPONSE, body, "", out, RESPONSE_UNKNOWN)
        return reply_of(body, out, tuple(calls_of(content, "")))

    def settle_calls(self, reply: Reply, said: Mapping[int, str]) -> None:
        """Take tool calls out of a reply, in place, and what the provider's own tools gave for them."""
        texts = {reply.calls[place].path: text for place, text in said.items()}
        kept: list[Json] = []
        denied: set[str] = set()
        for index, block in enumerate(list_of(reply.body["content"])):
            text = texts.get(f"/content/{index}/input")
            if text is not None:
                denied.add(text_of(object_of(block).get("id")))
                kept.append({"type": "text", "text": text})
            elif text_of(object_of(block).get("tool_use_id")) not in denied - {""}:
                kept.append(block)
        reply.body["content"] = kept
        if len(said) == len(reply.calls):
            reply.body["stop_reason"] = STOPPED

    def whole(self, made: Made, text: str, count: int = 1) -> bytes:  # noqa: ARG002 - a message has one choice
        """Return a response of the gateway's own making."""
        return encode(message_of(made, [{"type": "text", "text": text}] if text else [], STOPPED))

    def streamed(self, made: Made, text: str) -> bytes:
        """Return the same as a whole stream."""
        return self.codec(made).say(text)

    def codec(self, made: Made) -> MessagesCodec:
        """Return the codec of one stream."""
        return MessagesCodec(made)

    def error(self, status: int, code: str, message: str) -> bytes:
        """Return the body of an error in Anthropic's shape."""
        return encode(error_of(status, code, message))


class MessageTokens(Messages):
    """The count of a request's tokens: the same request, guarded alike; the answer holds numbers and has no place for a text."""

    name = "anthropic_count_tokens"
    path = "/messages/count_tokens"

    def read_request(self, data: bytes, retrieval_tools: frozenset[str] = frozenset()) -> Interaction:
        """Take a request apart; nothing of it is streamed."""
        return super().read_request(data, retrieval_tools)._replace(stream=False)

    def read_reply(self, data: bytes) -> Reply:
        """Take the count apart."""
        body = read_object(data)
        out = Extraction()
        walk(_COUNT, body, "", out, RESPONSE_UNKNOWN)
        return reply_of(body, out)

    def whole(self, made: Made, text: str, count: int = 1) -> bytes:  # noqa: ARG002 - there is no place for a text
        """Return nothing: a count can't say why it was stopped, an error can."""
        return b""


def _read_tools(tools: Json, out: Extraction) -> None:
    if not isinstance(tools, list):
        walk(tool_node("unknown"), tools, "/tools", out, REQUEST_UNKNOWN)
        return
    for index, tool in enumerate(tools):
        walk(tool_node(text_of(object_of(tool).get("type"))), tool, f"/tools/{index}", out, REQUEST_UNKNOWN)


def _read_message(message: Json, path: str, out: Extraction, tools: dict[str, str], retrieval_tools: frozenset[str]) -> None:
    role = message.get("role") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(role, str) or role not in MESSAGE_OF:
        raise InvalidInput("a message needs a role that the API knows", where=path, mend=f"use one of {', '.join(MESSAGE_OF)}")
    content = message.get("content")
    if not isinstance(content, list):
        walk(MESSAGE_OF[role], message, path, out, REQUEST_UNKNOWN)
        return
    walk(MESSAGE_OF[role], {**message, "content": None}, path, out, REQUEST_UNKNOWN)
    for index, block in enumerate(content):
        start = len(out.segments)
        walk(BLOCKS_OF[role], block, f"{path}/content/{index}", out, REQUEST_UNKNOWN)
        if text_of(object_of(block).get("type")) in RESULTS:
            call = text_of(object_of(block).get("tool_use_id"))
            name_results(out, start, tools.get(call, ""), call, retrieval_tools)


def calls_of(content: Json, path: str) -> list[CallRef]:
    """Return the tool calls among content blocks, in order; a call of an unknown shape has an empty name.

    Args:
        content: The content of a message.
        path: Pointer to the message.
    """
    return [
        CallRef(
            path=f"{path}/content/{index}/input",
            tool=text_of(block.get("name")),
            call=text_of(block.get("id")),
            arguments=encode(block.get("input", {})).decode(),
        )
        for index, block in enumerate(list_of(content))
        if isinstance(block, dict) and text_of(block.get("type")) in CALLS
    ]
