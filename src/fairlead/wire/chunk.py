"""Chunks of a streamed Chat Completion: what text each adds to which channel of which choice.

Shape: OpenAI API reference, "The chat completion chunk object" (read November 2026).
"""

from typing import NamedTuple

from fairlead.core import InvalidInput, Segment
from fairlead.wire.chat import RESPONSE_UNKNOWN, read_object
from fairlead.wire.fields import Extraction, Fields, Free, Inert, Items, Json, Text, Unsupported, is_inert, walk

TEXT_CHANNELS = ("content", "refusal", "reasoning_content", "reasoning")
"""Fields of a delta that stream text; each is a text of its own, guarded apart."""

FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
"""What the API knows; anything else is passed on as ``stop``."""

_INERT = Inert()
_TEXT = Text("model", "output")
_DELTA = Fields(
    {
        "role": _INERT,
        **dict.fromkeys(TEXT_CHANNELS, _TEXT),
        "tool_calls": Items(Free("model", "tool_call")),
        "function_call": Unsupported(),
    }
)
_CHUNK = Fields(
    {
        **dict.fromkeys(("id", "object", "created", "model", "system_fingerprint", "service_tier"), _INERT),
        "usage": Fields({}),
        "obfuscation": _INERT,
        "choices": Items(Fields({"index": _INERT, "finish_reason": _INERT, "logprobs": Unsupported(), "delta": _DELTA})),
    }
)
_PLAIN_CHUNK = frozenset({"id", "object", "created", "model", "system_fingerprint", "service_tier", "choices", "usage", "obfuscation"})
_PLAIN_CHOICE = frozenset({"index", "delta", "finish_reason", "logprobs"})
_PLAIN_DELTA = frozenset({"role", "tool_calls", *TEXT_CHANNELS})


class CallDelta(NamedTuple):
    """What one chunk adds to one tool call."""

    position: int
    """Which call of the choice: the wire's ``index``."""
    call: str
    tool: str
    arguments: str


class Delta(NamedTuple):
    """What one chunk adds to one choice."""

    choice: int
    texts: tuple[tuple[str, str], ...]
    """Channel and text."""
    calls: tuple[CallDelta, ...]
    role: str
    finish: str
    """Finish reason; empty while the choice goes on."""


class ChatChunk(NamedTuple):
    """One chunk, taken apart."""

    body: dict[str, Json]
    """The decoded chunk, for its other fields (id, model, usage …)."""
    deltas: tuple[Delta, ...]
    unknown: tuple[Segment, ...]
    usage: bool
    """True when the chunk reports token usage."""


class ChunkReader:
    """Takes the chunks of one stream apart."""

    __slots__ = ("_head",)

    def __init__(self) -> None:
        self._head: tuple[Json, ...] = ()

    def read(self, data: bytes) -> ChatChunk:
        """Take a chunk apart.

        Args:
            data: The data of one event.

        Raises:
            InvalidInput: Not JSON, or not of the API's shape.
        """
        body = read_object(data)
        choices = body.get("choices")
        if not isinstance(choices, list):
            raise InvalidInput(
                "a chunk of the stream has no choices", where="/choices", mend="check that the upstream speaks Chat Completions"
            )
        deltas = tuple(_delta(choice) for choice in choices)
        unknown: tuple[Segment, ...] = ()
        if not self._plain(body, choices):
            out = Extraction()
            walk(_CHUNK, body, "", out, RESPONSE_UNKNOWN)
            # Texts of the channels are guarded as they stream; a sentence in an inert field has no channel, so it is unknown.
            stray = (segment for segment in out.segments if segment.path.count("/") == 1)
            unknown = (*out.unknown, *stray)
        return ChatChunk(body, deltas, unknown, isinstance(body.get("usage"), dict))

    def _plain(self, body: dict[str, Json], choices: list[Json]) -> bool:
        """Tell whether a chunk holds only what every chunk holds, so that the walk can be saved."""
        if not _PLAIN_CHUNK.issuperset(body):
            return False
        head = (body.get("id"), body.get("object"), body.get("model"), body.get("system_fingerprint"), body.get("service_tier"))
        if head != self._head:
            if not all(value is None or (isinstance(value, str) and is_inert(value)) for value in head):
                return False
            self._head = head
        return body.get("usage") is None and all(_plain_choice(choice) for choice in choices)


def _plain_choice(choice: Json) -> bool:
    if not isinstance(choice, dict) or not _PLAIN_CHOICE.issuperset(choice) or choice.get("logprobs"):
        return False
    delta = choice.get("delta")
    return delta is None or (isinstance(delta, dict) and _PLAIN_DELTA.issuperset(delta) and all(map(_is_plain, delta.items())))


def _is_plain(field: tuple[str, Json]) -> bool:
    name, value = field
    return value is None or isinstance(value, list if name == "tool_calls" else str)


def _delta(choice: Json) -> Delta:
    if not isinstance(choice, dict):
        raise InvalidInput(
            "a choice of the stream is not an object", where="/choices", mend="check that the upstream speaks Chat Completions"
        )
    index, delta, finish = choice.get("index", 0), choice.get("delta"), choice.get("finish_reason")
    inner = delta if isinstance(delta, dict) else {}
    texts = tuple((channel, text) for channel in TEXT_CHANNELS if channel in inner and isinstance(text := inner[channel], str) and text)
    calls = inner.get("tool_calls")
    role = inner.get("role")
    known_finish = finish if isinstance(finish, str) and finish in FINISH_REASONS else "stop"
    return Delta(
        choice=index if isinstance(index, int) else 0,
        texts=texts,
        calls=tuple(_call_delta(call, place) for place, call in enumerate(calls)) if isinstance(calls, list) else (),
        role="assistant" if role else "",
        finish=known_finish if finish else "",
    )


def _call_delta(call: Json, place: int) -> CallDelta:
    record = call if isinstance(call, dict) else {}
    index, identity, function = record.get("index", place), record.get("id"), record.get("function")
    inner = function if isinstance(function, dict) else {}
    name, arguments = inner.get("name"), inner.get("arguments")
    return CallDelta(
        position=index if isinstance(index, int) else place,
        call=identity if isinstance(identity, str) else "",
        tool=name if isinstance(name, str) else "",
        arguments=arguments if isinstance(arguments, str) else "",
    )
