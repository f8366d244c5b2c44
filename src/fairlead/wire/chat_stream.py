"""The stream of a Chat Completion: its chunks as Deltas, and what may leave as chunks.

Shape: OpenAI API reference, "The chat completion chunk object" (read November 2026).
"""

import msgspec

from fairlead.core import InvalidInput, Segment
from fairlead.wire.api import CallDelta, Chunk, Delta, Leaving, Made
from fairlead.wire.document import Json, object_of, read_object, text_of
from fairlead.wire.echo import Echo
from fairlead.wire.fields import ECHO, Extraction, Fields, Inert, Items, Streamed, Text, Tokens, Unsupported, is_inert, walk
from fairlead.wire.interaction import CallRef
from fairlead.wire.sse import DONE, Event, encode_event

TEXT_CHANNELS = ("content", "refusal", "reasoning_content", "reasoning")
"""Fields of a delta that stream text; each is a text of its own, guarded apart."""

FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
"""What the API knows; anything else is passed on as ``stop``."""

_UNKNOWN = Text("model", "output")
_INERT = Inert()
_TOKENS = Tokens("model", "output")
LOGPROBS = Fields({"content": _TOKENS, "refusal": _TOKENS})
_JUDGED = dict.fromkeys(("filtered", "detected", "severity"), _INERT)
FILTERED = Fields(
    {
        **dict.fromkeys(("hate", "sexual", "violence", "self_harm", "profanity", "jailbreak", "indirect_attack"), Fields(_JUDGED)),
        "protected_material_text": Fields(_JUDGED),
        "protected_material_code": Fields({**_JUDGED, "citation": Fields({"URL": _UNKNOWN, "license": _UNKNOWN})}),
    }
)
"""What Azure's content filter says beside an answer (Microsoft Learn, "Content filtering annotations", read December 2026)."""
PROMPT_FILTERED = Items(Fields({"prompt_index": _INERT, "content_filter_results": FILTERED}))
_CALL = Fields(
    {"id": _INERT, "type": _INERT, "index": _INERT, "function": Fields({"name": _INERT, "arguments": Streamed()})},
)
_DELTA = Fields(
    {"role": _INERT, **dict.fromkeys(TEXT_CHANNELS, Streamed()), "tool_calls": Items(_CALL), "function_call": Unsupported()},
)
_CHUNK = Fields(
    {
        **dict.fromkeys(("id", "object", "created", "model", "system_fingerprint", "service_tier"), _INERT),
        "usage": Fields({}),
        "obfuscation": _INERT,
        "prompt_filter_results": PROMPT_FILTERED,
        "choices": Items(
            Fields(
                {"index": _INERT, "finish_reason": _INERT, "logprobs": LOGPROBS, "content_filter_results": FILTERED, "delta": _DELTA},
            )
        ),
    }
)
_HEAD = ("id", "object", "created", "model", "system_fingerprint", "service_tier")
"""What stands beside the choices of a chunk."""
_PLAIN_CHUNK = frozenset({*_HEAD, "choices", "usage", "obfuscation"})
_PLAIN_CHOICE = frozenset({"index", "delta", "finish_reason", "logprobs"})
_PLAIN_DELTA = frozenset({"role", *TEXT_CHANNELS})
_ERRORS = {401: "authentication_error"}


def error_of(status: int, code: str, message: str) -> bytes:
    """Return an error in OpenAI's shape."""
    kind = _ERRORS.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return msgspec.json.encode({"error": {"message": message, "type": kind, "param": None, "code": code}})


class ChatCodec:
    """Reads and writes the chunks of one stream.

    Args:
        made: What a chunk of the gateway's own making names, until the upstream's first one came.
    """

    needs_end = False
    stopped = "content_filter"
    __slots__ = ("_checked", "_echoes", "_head", "_placed")

    def __init__(self, made: Made) -> None:
        self._checked: tuple[Json, ...] = ()
        self._head: dict[str, Json] = {"id": made.exchange, "object": "chat.completion.chunk", "created": 0, "model": made.model}
        self._placed: dict[int, int] = {}
        self._echoes: dict[int, Echo] = {}

    def read(self, event: Event) -> Chunk:
        """Take a chunk apart."""
        if event.data == b"[DONE]":
            return Chunk({}, ended=True)
        body = read_object(event.data)
        choices = body.get("choices")
        if not isinstance(choices, list):
            mend = "check that the upstream speaks Chat Completions"
            raise InvalidInput("a chunk of the stream has no choices", where="/choices", mend=mend)
        plain = self._plain(body, choices)
        deltas = tuple(_delta(choice) for choice in choices)
        if self._echoes or not plain:
            deltas = tuple(self._with_echo(choice, delta) for choice, delta in zip(choices, deltas, strict=True))
        return Chunk(body, deltas, () if plain else _unknown(body))

    def accept(self, chunk: Chunk) -> list[bytes]:
        """Take over the head; a report of usage leaves at once."""
        # Only what the API knows stands beside the choices: what is unknown never leaves in a stream, whatever the policy says of it.
        body = chunk.body
        self._head = {key: body[key] for key in _HEAD if key in body}
        return [self._event([], body["usage"])] if isinstance(body.get("usage"), dict) else []

    def write(self, leaving: Leaving) -> list[bytes]:
        """Return the chunks that tell what may leave of one choice."""
        choice = leaving.choice
        echo = self._echoes.get(choice) if self._echoes else None
        fields: dict[str, Json] = {"role": leaving.role} if leaving.role else {}
        fields.update(leaving.texts if echo is None else echo.left(leaving.texts))
        if leaving.said:
            said = [text for _, text in leaving.said]
            fields["content"] = "\n".join([text for text in (text_of(fields.get("content")), *said) if text])
        if leaving.calls:
            fields["tool_calls"] = [self._call(choice, call) for _, call in leaving.calls]
        events = [self._event([_choice(choice, fields)])] if fields else []
        if leaving.finish:
            last = _choice(choice, {}, leaving.finish)
            if echo is not None and echo.holds(leaving.texts):
                last["logprobs"] = echo.value
            events.append(self._event([last]))
        return events

    def say(self, text: str) -> bytes:
        """Return the chunks of a stream that says one text, stopped by the policy."""
        return b"".join(self.write(Leaving(0, "assistant", {"content": text}, finish=self.stopped)))

    def path(self, choice: int, channel: str) -> str:
        """Return the pointer that a channel's text has in a whole response."""
        return f"/choices/{choice}/{channel}" if channel.startswith("logprobs") else f"/choices/{choice}/message/{channel}"

    def call_path(self, choice: int, position: int) -> str:
        """Return the pointer that a call's arguments have in a whole response."""
        return f"/choices/{choice}/message/tool_calls/{position}/function/arguments"

    def end(self) -> bytes:
        """Return the end marker."""
        return DONE

    def failure(self, code: str, message: str) -> bytes:
        """Return the event that ends a stream before its time."""
        return encode_event(error_of(503, code, message))

    def _with_echo(self, choice: Json, delta: Delta) -> Delta:
        """Keep log probabilities until their choice ends: they must not tell what is still held."""
        value = object_of(choice).get("logprobs")
        if value:
            self._echoes.setdefault(delta.choice, Echo(LOGPROBS, "logprobs")).add(value)
        echo = self._echoes.get(delta.choice)
        if echo is None:
            return delta
        echo.read(delta.texts)
        return delta if not delta.finish else echo.told(delta)

    def _call(self, choice: int, ref: CallRef) -> Json:
        place = self._placed.get(choice, 0)
        self._placed[choice] = place + 1
        return {"index": place, "id": ref.call, "type": "function", "function": {"name": ref.tool, "arguments": ref.arguments}}

    def _event(self, choices: "list[dict[str, Json]]", usage: Json = None) -> bytes:
        body: dict[str, object] = {**self._head, "choices": choices}
        if usage is not None:
            body["usage"] = usage
        return encode_event(msgspec.json.encode(body))

    def _plain(self, body: dict[str, Json], choices: list[Json]) -> bool:
        """Tell whether a chunk holds only what every chunk holds, so that the walk can be saved."""
        if not _PLAIN_CHUNK.issuperset(body):
            return False
        head = (body.get("id"), body.get("object"), body.get("model"), body.get("system_fingerprint"), body.get("service_tier"))
        if head != self._checked:
            if not all(value is None or (isinstance(value, str) and is_inert(value)) for value in head):
                return False
            self._checked = head
        return body.get("usage") is None and all(_plain_choice(choice) for choice in choices)


def _choice(index: int, delta: dict[str, Json], finish: str | None = None) -> dict[str, Json]:
    return {"index": index, "delta": delta, "finish_reason": finish}


def _unknown(body: dict[str, Json]) -> tuple[Segment, ...]:
    out = Extraction()
    walk(_CHUNK, body, "", out, _UNKNOWN)
    # A sentence in an inert field has no channel in which it could be guarded, so it is unknown too.
    # An empty one says nothing: Azure's first chunk has an empty head.
    return (*out.unknown, *(segment for segment in out.segments if segment.text and ECHO not in segment.path))


def _plain_choice(choice: Json) -> bool:
    if not isinstance(choice, dict) or not _PLAIN_CHOICE.issuperset(choice) or choice.get("logprobs"):
        return False
    finish = choice.get("finish_reason")
    if finish is not None and not (isinstance(finish, str) and is_inert(finish)):
        return False
    delta = choice.get("delta")
    return delta is None or (isinstance(delta, dict) and _PLAIN_DELTA.issuperset(delta) and _all_texts(delta))


def _all_texts(delta: dict[str, Json]) -> bool:
    role = delta.get("role")
    if role is not None and role != "assistant":
        return False
    for value in delta.values():  # noqa: SIM110 - on every chunk: all() of a generator takes three times as long
        if value is not None and not isinstance(value, str):
            return False
    return True


def _delta(choice: Json) -> Delta:
    if not isinstance(choice, dict):
        mend = "check that the upstream speaks Chat Completions"
        raise InvalidInput("a choice of the stream is not an object", where="/choices", mend=mend)
    index, delta, finish = choice.get("index", 0), choice.get("delta"), choice.get("finish_reason")
    inner = delta if isinstance(delta, dict) else {}
    texts = tuple((channel, text) for channel in TEXT_CHANNELS if channel in inner and isinstance(text := inner[channel], str) and text)
    calls = inner.get("tool_calls")
    known_finish = finish if isinstance(finish, str) and finish in FINISH_REASONS else "stop"
    return Delta(
        choice=index if isinstance(index, int) else 0,
        texts=texts,
        calls=tuple(_call_delta(call, place) for place, call in enumerate(calls)) if isinstance(calls, list) else (),
        role="assistant" if inner.get("role") else "",
        finish=known_finish if finish else "",
    )


def _call_delta(call: Json, place: int) -> CallDelta:
    record = object_of(call)
    index, function = record.get("index", place), object_of(record.get("function"))
    return CallDelta(
        position=index if isinstance(index, int) else place,
        call=text_of(record.get("id")),
        tool=text_of(function.get("name")),
        arguments=text_of(function.get("arguments")),
    )
