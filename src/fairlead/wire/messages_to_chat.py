"""Anthropic's Messages for a model that speaks OpenAI's Chat Completions: the request there, the answer back.

Shapes: Anthropic API reference, "Create a Message" and "Streaming messages"; OpenAI API reference, "Create chat completion" and "The
chat completion chunk object" (read November 2026).
"""

import msgspec

from fairlead.core import InvalidInput
from fairlead.wire.document import Json, encode, list_of, object_of, read_object, text_of
from fairlead.wire.sse import Event, EventReader
from fairlead.wire.translation import IMAGE_URL, TranslatedReader, cannot, require_known

_REQUEST = frozenset(
    {
        *("model", "messages", "system", "max_tokens", "temperature", "top_p", "stop_sequences", "stream", "tools", "tool_choice"),
        *("output_config", "thinking", "metadata", "service_tier", "cache_control"),
    }
)
"""Fields that are translated; the last three keep books and are left out."""
_BLOCK = {
    "text": frozenset({"type", "text", "citations", "cache_control"}),
    "image": frozenset({"type", "source", "cache_control"}),
    "tool_use": frozenset({"type", "id", "name", "input", "caller", "cache_control"}),
    "tool_result": frozenset({"type", "tool_use_id", "content", "is_error", "cache_control"}),
}
_TOOL = frozenset({"type", "name", "description", "input_schema", "strict", "cache_control"})
_THOUGHTS = frozenset({"thinking", "redacted_thinking"})
"""Blocks of a history that mean something to the model that wrote them only: left out."""
_STOP = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "function_call": "tool_use", "content_filter": "refusal"}
_CHOICES: dict[str, Json] = {"auto": "auto", "any": "required", "none": "none"}


class MessagesToChat:
    """The translation, as the gateway knows it."""

    path = "/chat/completions"

    def request(self, body: dict[str, Json]) -> dict[str, Json]:
        """Return a Messages request as one for Chat Completions."""
        require_known(body, _REQUEST)
        if object_of(body.get("thinking")).get("type") not in (None, "disabled", "adaptive"):
            raise cannot("a budget for thinking", "/thinking")
        messages: list[Json] = []
        if system := _text(body.get("system"), "/system"):
            messages.append({"role": "system", "content": system})
        for index, message in enumerate(map(object_of, list_of(body.get("messages")))):
            messages += _messages(message, f"/messages/{index}")
        out: dict[str, Json] = {"model": body.get("model"), "messages": messages, "max_completion_tokens": body.get("max_tokens")}
        out.update({key: body[key] for key in ("temperature", "top_p") if body.get(key) is not None})
        if stop := body.get("stop_sequences"):
            out["stop"] = stop
        if body.get("stream"):
            out.update({"stream": True, "stream_options": {"include_usage": True}})
        return {**out, **_tools(body), **_format(object_of(body.get("output_config")))}

    def reply(self, data: bytes) -> bytes:
        """Return a Chat Completion as a message."""
        body = read_object(data)
        choice = object_of(next(iter(list_of(body.get("choices"))), None))
        message = choice.get("message")
        if not isinstance(message, dict):
            mend = "check that the upstream speaks Chat Completions"
            raise InvalidInput("the upstream's response has no choices", where="/choices", mend=mend)
        content: list[Json] = []
        if thought := text_of(message.get("reasoning_content")) or text_of(message.get("reasoning")):
            content.append({"type": "thinking", "thinking": thought, "signature": ""})
        content += ({"type": "text", "text": text} for text in (message.get("content"), message.get("refusal")) if text)
        for call in map(object_of, list_of(message.get("tool_calls"))):
            function = object_of(call.get("function"))
            arguments = read_object((text_of(function.get("arguments")) or "{}").encode())
            content.append({"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": arguments})
        ending: dict[str, Json] = {"content": content, "stop_reason": _stop(choice.get("finish_reason")), "stop_sequence": None}
        return encode({**_head(body), **ending, "usage": _usage(object_of(body.get("usage")))})

    def reader(self) -> EventReader:
        """Return what reads streamed chunks as the events of a message."""
        return TranslatedReader(_Blocks())


class _Blocks:
    """The message of one stream of chunks."""

    def __init__(self) -> None:
        self._begun = False
        self._number = 0
        self._text = ""
        """Kind of the block that texts go to; empty while none is open."""
        self._calls: dict[Json, int] = {}
        """By place among the calls: number of a block that is open."""
        self._finish: Json = None
        self._usage: dict[str, Json] = {}
        self._ended = False

    def take(self, event: Event) -> list[Event]:
        """Return what a chunk is in events of a message."""
        if event.data == b"[DONE]":
            return self._end()
        body = read_object(event.data)
        choices = body.get("choices")
        if not isinstance(choices, list):
            mend = "check that the upstream speaks Chat Completions"
            raise InvalidInput("a chunk of the stream has no choices", where="/choices", mend=mend)
        self._usage = object_of(body.get("usage")) or self._usage
        out: list[Event] = []
        if not self._begun and choices:
            self._begun = True
            empty: Json = {**_head(body), "content": [], "stop_reason": None, "stop_sequence": None, "usage": _usage({})}
            out.append(_event({"type": "message_start", "message": empty}))
        for choice in map(object_of, choices):
            if choice.get("index", 0) != 0:
                raise InvalidInput("a stream for one choice holds another", where="/choices", mend="check the upstream")
            out += self._add(object_of(choice.get("delta")))
            self._finish = choice.get("finish_reason") or self._finish
        return out

    def close(self) -> list[Event]:
        """End a message whose server forgot the end marker; one that did not say why it ends broke off."""
        if not self._ended and not self._finish:
            raise InvalidInput("the stream stops before its message ends", mend="check that the upstream speaks Chat Completions")
        return [] if self._ended else self._end()

    def _add(self, delta: dict[str, Json]) -> list[Event]:
        out: list[Event] = []
        for channel, kind in (("reasoning_content", "thinking"), ("reasoning", "thinking"), ("content", "text"), ("refusal", "text")):
            text = delta.get(channel)
            if isinstance(text, str) and text:
                out += self._say(kind, text)
        for place, call in enumerate(map(object_of, list_of(delta.get("tool_calls")))):
            out += self._call(call.get("index", place), call)
        return out

    def _say(self, kind: str, text: str) -> list[Event]:
        out: list[Event] = []
        if self._text != kind:
            out += self._stop_text()
            self._text = kind
            signed: dict[str, Json] = {"signature": ""} if kind == "thinking" else {}
            out.append(_event({"type": "content_block_start", "index": self._number, "content_block": {"type": kind, kind: "", **signed}}))
        return [*out, _event({"type": "content_block_delta", "index": self._number, "delta": {"type": f"{kind}_delta", kind: text}})]

    def _stop_text(self) -> list[Event]:
        if not self._text:
            return []
        self._text = ""
        self._number += 1
        return [_event({"type": "content_block_stop", "index": self._number - 1})]

    def _call(self, place: Json, call: dict[str, Json]) -> list[Event]:
        out: list[Event] = []
        function = object_of(call.get("function"))
        if place not in self._calls:
            out += self._stop_text()
            self._calls[place] = self._number
            self._number += 1
            block: Json = {"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": {}}
            out.append(_event({"type": "content_block_start", "index": self._calls[place], "content_block": block}))
        if arguments := function.get("arguments"):
            delta: Json = {"type": "input_json_delta", "partial_json": arguments}
            out.append(_event({"type": "content_block_delta", "index": self._calls[place], "delta": delta}))
        return out

    def _end(self) -> list[Event]:
        self._ended = True
        out = [*self._stop_text(), *(_event({"type": "content_block_stop", "index": number}) for number in self._calls.values())]
        ending: Json = {"stop_reason": _stop(self._finish), "stop_sequence": None}
        out.append(_event({"type": "message_delta", "delta": ending, "usage": _usage(self._usage)}))
        return [*out, _event({"type": "message_stop"})]


def _messages(message: dict[str, Json], where: str) -> list[Json]:
    """Return a message as one or more: results of tools are messages of their own, and come first."""
    role, content = message.get("role"), message.get("content")
    if isinstance(content, str):
        return [{"role": role, "content": content}]
    out: list[Json] = []
    parts: list[Json] = []
    calls: list[Json] = []
    for index, block in enumerate(map(object_of, list_of(content))):
        kind, here = text_of(block.get("type")), f"{where}/content/{index}"
        if kind in _THOUGHTS:
            continue
        if kind not in _BLOCK:
            raise cannot("this block of a message", here)
        require_known(block, _BLOCK[kind], here)
        if kind == "text":
            parts.append({"type": "text", "text": block.get("text")})
        elif kind == "image":
            parts.append({"type": "image_url", "image_url": {"url": _image(object_of(block.get("source")), here)}})
        elif kind == "tool_use":
            function: Json = {"name": block.get("name"), "arguments": encode(block.get("input", {})).decode()}
            calls.append({"id": block.get("id"), "type": "function", "function": function})
        else:
            out.append({"role": "tool", "tool_call_id": block.get("tool_use_id"), "content": _text(block.get("content"), here)})
    if parts or calls:
        made: dict[str, Json] = {"role": role, "content": parts or None}
        out.append({**made, "tool_calls": calls} if calls else made)
    return out


def _text(content: Json, where: str) -> str:
    """Return text, or blocks of text, as one text.

    Raises:
        InvalidInput: There are other blocks.
    """
    if isinstance(content, list):
        if any(object_of(block).get("type") != "text" for block in content):
            raise cannot("what is no text here", where)
        return "\n".join([text_of(object_of(block).get("text")) for block in content])
    return text_of(content)


def _image(source: dict[str, Json], where: str) -> str:
    if source.get("type") == "base64":
        return IMAGE_URL.format(source.get("media_type"), source.get("data"))
    if source.get("type") == "url":
        return text_of(source.get("url"))
    raise cannot("an image of this source", where)


def _tools(body: dict[str, Json]) -> dict[str, Json]:
    tools: list[Json] = []
    for index, tool in enumerate(map(object_of, list_of(body.get("tools")))):
        if tool.get("type", "custom") != "custom":
            raise cannot("a tool that Anthropic declares", f"/tools/{index}", "declare it with a schema of your own")
        require_known(tool, _TOOL, f"/tools/{index}")
        function: dict[str, Json] = {"name": tool.get("name"), "parameters": tool.get("input_schema")}
        function.update({key: tool[key] for key in ("description", "strict") if tool.get(key)})
        tools.append({"type": "function", "function": function})
    if not tools:
        return {}
    chosen = object_of(body.get("tool_choice"))
    named: Json = {"type": "function", "function": {"name": chosen.get("name")}}
    choice = named if chosen.get("type") == "tool" else _CHOICES.get(text_of(chosen.get("type", "auto")))
    if choice is None:
        raise cannot("this choice of a tool", "/tool_choice")
    alone: dict[str, Json] = {"parallel_tool_calls": False} if chosen.get("disable_parallel_tool_use") else {}
    return {"tools": tools, "tool_choice": choice, **alone}


def _format(config: dict[str, Json]) -> dict[str, Json]:
    require_known(config, frozenset({"format", "effort"}), "/output_config")
    schema = object_of(config.get("format")).get("schema")
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}} if schema else {}


def _head(body: dict[str, Json]) -> dict[str, Json]:
    return {"id": body.get("id"), "type": "message", "role": "assistant", "model": body.get("model")}


def _stop(reason: Json) -> str:
    return _STOP.get(text_of(reason), "end_turn")


def _usage(usage: dict[str, Json]) -> Json:
    return {"input_tokens": usage.get("prompt_tokens") or 0, "output_tokens": usage.get("completion_tokens") or 0}


def _event(body: dict[str, Json]) -> Event:
    return Event(msgspec.json.encode(body), text_of(body["type"]))
