"""OpenAI Chat Completions for a model that speaks Anthropic's Messages: the request there, the answer back.

Shapes: OpenAI API reference, "Create chat completion"; Anthropic API reference, "Create a Message", "Streaming messages"; what is
done where the two differ follows Anthropic's "OpenAI SDK compatibility" (all read November 2026), but for what that drops in silence.
"""

import msgspec

from fairlead.core import InvalidInput
from fairlead.wire.document import Json, encode, list_of, object_of, read_object, text_of
from fairlead.wire.sse import Event, EventReader
from fairlead.wire.translation import TranslatedReader, cannot, require_known

MAX_TOKENS = 4096
"""Tokens of an answer when the client sets no limit: Messages wants one, and every model of Anthropic's can write as many."""

_HINTS = frozenset(
    {
        *("user", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key", "stream_options", "seed"),
        *("reasoning_effort", "verbosity", "presence_penalty", "frequency_penalty", "logit_bias", "top_logprobs"),
    }
)
"""What tunes an answer or keeps books, and has no counterpart: left out."""
_TRANSLATED = frozenset(
    {
        *("model", "messages", "max_tokens", "max_completion_tokens", "temperature", "top_p", "stop", "stream", "n"),
        *("tools", "tool_choice", "parallel_tool_calls", "response_format"),
    }
)
_REQUEST = _HINTS | _TRANSLATED
_MESSAGE = frozenset({"role", "name", "content", "refusal", "reasoning_content", "reasoning", "tool_calls", "tool_call_id"})
_FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
_SILENT = frozenset({"redacted_thinking"})
"""Blocks that say nothing to a client."""
_CHOICES: dict[str, Json] = {"auto": {"type": "auto"}, "required": {"type": "any"}, "none": {"type": "none"}}


class ChatToMessages:
    """The translation, as the gateway knows it."""

    path = "/messages"

    def request(self, body: dict[str, Json]) -> dict[str, Json]:
        """Return a Chat Completions request as one for Messages."""
        require_known(body, _REQUEST)
        if body.get("n") not in (None, 1):
            raise cannot("more than one choice", "/n")
        system: list[Json] = []
        messages: list[dict[str, Json]] = []
        for index, message in enumerate(list_of(body.get("messages"))):
            _put_message(object_of(message), f"/messages/{index}", system, messages)
        limit = body.get("max_completion_tokens") or body.get("max_tokens") or MAX_TOKENS
        out: dict[str, Json] = {"model": body.get("model"), "max_tokens": limit, "messages": list(messages)}
        if system:
            out["system"] = system
        out.update({key: body[key] for key in ("stream", "top_p") if body.get(key) is not None})
        warmth = body.get("temperature")
        if isinstance(warmth, (int, float)):
            # OpenAI's goes to 2, Anthropic's to 1.
            out["temperature"] = min(warmth, 1)
        if stop := body.get("stop"):
            out["stop_sequences"] = [stop] if isinstance(stop, str) else stop
        return {**out, **_tools(body), **_format(object_of(body.get("response_format")))}

    def reply(self, data: bytes) -> bytes:
        """Return a message as a Chat Completion."""
        body = read_object(data)
        content = body.get("content")
        if not isinstance(content, list):
            raise InvalidInput("the upstream's response has no content", where="/content", mend="check that the upstream speaks Messages")
        texts: list[str] = []
        thoughts: list[str] = []
        calls: list[Json] = []
        for block in map(object_of, content):
            kind = block.get("type")
            if kind == "text":
                texts.append(text_of(block.get("text")))
            elif kind == "thinking":
                thoughts.append(text_of(block.get("thinking")))
            elif kind == "tool_use":
                arguments = encode(block.get("input", {})).decode()
                calls.append({"id": block.get("id"), "type": "function", "function": {"name": block.get("name"), "arguments": arguments}})
            elif kind not in _SILENT:
                raise _foreign()
        message: dict[str, Json] = {"role": "assistant", "content": "".join(texts) if texts else None}
        if thoughts:
            message["reasoning_content"] = "\n".join(thoughts)
        if calls:
            message["tool_calls"] = calls
        choice: Json = {"index": 0, "message": message, "finish_reason": _finish(body), "logprobs": None}
        return encode({**_head(body, "chat.completion"), "choices": [choice], "usage": _usage(object_of(body.get("usage")))})

    def reader(self) -> EventReader:
        """Return what reads a streamed message as chunks."""
        return TranslatedReader(_Chunks())


class _Chunks:
    """The chunks of one streamed message."""

    def __init__(self) -> None:
        self._head: dict[str, Json] = {}
        self._usage: dict[str, Json] = {}
        self._calls: dict[Json, int] = {}
        """By the number of a block: place among the calls."""
        self._empty: set[Json] = set()
        """Calls that have no arguments yet."""
        self._ended = False
        self._steps = {
            "message_start": self._begin,
            "content_block_start": self._start,
            "content_block_delta": self._go_on,
            "content_block_stop": self._stop,
            "message_delta": self._end,
        }

    def take(self, event: Event) -> list[Event]:
        """Return what an event of the message is in chunks."""
        body = read_object(event.data)
        kind = text_of(body.get("type"))
        if kind == "error":
            raise InvalidInput("the upstream broke off with an error", mend="try again")
        if kind == "message_stop":
            self._ended = True
            return [Event(b"[DONE]")]
        step = self._steps.get(kind)
        return [] if step is None else step(body)

    def close(self) -> list[Event]:
        """Refuse a message that has not come to its end."""
        if not self._ended:
            raise InvalidInput("the stream stops before its message ends", mend="check that the upstream speaks Messages")
        return []

    def _begin(self, body: dict[str, Json]) -> list[Event]:
        message = object_of(body.get("message"))
        self._head = _head(message, "chat.completion.chunk")
        self._usage = object_of(message.get("usage"))
        return [self._chunk({"role": "assistant", "content": ""})]

    def _start(self, body: dict[str, Json]) -> list[Event]:
        number, block = body.get("index"), object_of(body.get("content_block"))
        kind = block.get("type")
        if kind == "tool_use":
            place = self._calls[number] = len(self._calls)
            self._empty.add(number)
            named: Json = {"name": block.get("name"), "arguments": ""}
            out = [self._chunk({"tool_calls": [{"index": place, "id": block.get("id"), "type": "function", "function": named}]})]
            return [*out, *self._say_call(number, encode(block["input"]).decode())] if block.get("input") else out
        if kind in ("text", "thinking"):
            return self._say("content" if kind == "text" else "reasoning_content", block.get(text_of(kind)))
        if kind in _SILENT:
            return []
        raise _foreign()

    def _stop(self, body: dict[str, Json]) -> list[Event]:
        # A tool without parameters may be called with no fragment at all: that is an empty object.
        return self._say_call(body.get("index"), "{}") if body.get("index") in self._empty else []

    def _go_on(self, body: dict[str, Json]) -> list[Event]:
        number, delta = body.get("index"), object_of(body.get("delta"))
        kind = delta.get("type")
        if kind == "text_delta":
            return self._say("content", delta.get("text"))
        if kind == "thinking_delta":
            return self._say("reasoning_content", delta.get("thinking"))
        if kind == "input_json_delta" and number in self._calls and delta.get("partial_json"):
            return self._say_call(number, text_of(delta.get("partial_json")))
        # Signatures and citations have no place in a chunk.
        return []

    def _end(self, body: dict[str, Json]) -> list[Event]:
        self._usage = {**self._usage, **object_of(body.get("usage"))}
        delta = object_of(body.get("delta"))
        if not delta.get("stop_reason"):
            return []
        told = {**self._head, "choices": [], "usage": _usage(self._usage)}
        return [self._chunk({}, _finish(delta)), Event(msgspec.json.encode(told))]

    def _say(self, channel: str, text: Json) -> list[Event]:
        return [self._chunk({channel: text})] if text else []

    def _say_call(self, number: Json, arguments: str) -> list[Event]:
        self._empty.discard(number)
        return [self._chunk({"tool_calls": [{"index": self._calls[number], "function": {"arguments": arguments}}]})]

    def _chunk(self, delta: dict[str, Json], finish: str | None = None) -> Event:
        choice: Json = {"index": 0, "delta": delta, "finish_reason": finish}
        return Event(msgspec.json.encode({**self._head, "choices": [choice]}))


def _put_message(message: dict[str, Json], where: str, system: list[Json], messages: list[dict[str, Json]]) -> None:
    require_known(message, _MESSAGE, where)
    role = message.get("role")
    if role in ("system", "developer"):
        system += _parts(message.get("content"), where)
        return
    if role == "tool":
        result: Json = {"type": "tool_result", "tool_use_id": message.get("tool_call_id"), "content": _parts(message.get("content"), where)}
        _join(messages, "user", [result])
        return
    if role == "function":
        raise cannot("a message of the role 'function'", where, "use the roles 'assistant' and 'tool'")
    blocks = _parts(message.get("content"), where)
    if refusal := message.get("refusal"):
        blocks.append({"type": "text", "text": refusal})
    for index, call in enumerate(list_of(message.get("tool_calls"))):
        blocks.append(_call(object_of(call), f"{where}/tool_calls/{index}"))
    _join(messages, "assistant" if role == "assistant" else "user", blocks)


def _join(messages: list[dict[str, Json]], role: str, blocks: list[Json]) -> None:
    """Add blocks; messages of one role that follow each other are one message there."""
    if messages and messages[-1]["role"] == role:
        messages[-1]["content"] = [*list_of(messages[-1]["content"]), *blocks]
    elif blocks:
        messages.append({"role": role, "content": blocks})


def _parts(content: Json, where: str) -> list[Json]:
    """Return content as blocks; Messages takes no empty text."""
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    out: list[Json] = []
    for index, part in enumerate(map(object_of, list_of(content))):
        kind = part.get("type")
        if kind in ("text", "refusal"):
            out += _parts(part.get(text_of(kind)), where)
        elif kind == "image_url":
            out.append({"type": "image", "source": _image(text_of(object_of(part.get("image_url")).get("url")))})
        else:
            raise cannot("this part of a message", f"{where}/content/{index}")
    return out


def _image(url: str) -> Json:
    head, _, data = url.partition(";base64,")
    if data and head.startswith("data:"):
        return {"type": "base64", "media_type": head.removeprefix("data:"), "data": data}
    return {"type": "url", "url": url}


def _call(call: dict[str, Json], where: str) -> Json:
    function = call.get("function")
    if not isinstance(function, dict):
        raise cannot("a call of a custom tool", where)
    try:
        arguments = msgspec.json.decode(text_of(function.get("arguments")) or "{}", type=dict[str, object])
    except msgspec.MsgspecError as error:
        raise cannot("a call whose arguments are no JSON object", where, "send them as the model made them") from error
    return {"type": "tool_use", "id": call.get("id"), "name": function.get("name"), "input": arguments}  # type: ignore[dict-item] # decoded JSON


def _tools(body: dict[str, Json]) -> dict[str, Json]:
    tools: list[Json] = []
    for index, tool in enumerate(map(object_of, list_of(body.get("tools")))):
        function = tool.get("function")
        if not isinstance(function, dict):
            raise cannot("a custom tool", f"/tools/{index}", "declare it as a function")
        made: dict[str, Json] = {"name": function.get("name"), "input_schema": function.get("parameters") or {"type": "object"}}
        made.update({key: function[key] for key in ("description", "strict") if function.get(key)})
        tools.append(made)
    if not tools:
        return {}
    chosen = body.get("tool_choice") or "auto"
    choice = dict(object_of(_CHOICES.get(text_of(chosen))))
    if isinstance(chosen, dict) and chosen.get("type") == "function":
        choice = {"type": "tool", "name": object_of(chosen.get("function")).get("name")}
    if not choice:
        raise cannot("this choice of a tool", "/tool_choice")
    if body.get("parallel_tool_calls") is False and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    return {"tools": tools, "tool_choice": choice}


def _format(wanted: dict[str, Json]) -> dict[str, Json]:
    kind = wanted.get("type", "text")
    if kind == "text":
        return {}
    schema = object_of(wanted.get("json_schema")).get("schema")
    if kind != "json_schema" or not schema:
        raise cannot("this response format", "/response_format", "give a JSON schema, or leave it out")
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


def _head(body: dict[str, Json], kind: str) -> dict[str, Json]:
    return {"id": body.get("id"), "object": kind, "created": 0, "model": body.get("model")}


def _finish(body: dict[str, Json]) -> str:
    return _FINISH.get(text_of(body.get("stop_reason")), "stop")


def _usage(usage: dict[str, Json]) -> Json:
    def count(name: str) -> int:
        value = usage.get(name)
        return value if isinstance(value, int) else 0

    read = count("input_tokens") + count("cache_creation_input_tokens") + count("cache_read_input_tokens")
    written = count("output_tokens")
    return {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}


def _foreign() -> InvalidInput:
    mend = "ask it by its own API"
    return InvalidInput("the upstream's message holds a block that Chat Completions has no place for", where="/content", mend=mend)
