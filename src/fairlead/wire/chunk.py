"""Chunks of a streamed Chat Completion: what text each adds to which channel of which choice.

Shape: OpenAI API reference, "The chat completion chunk object" (read November 2026).
"""

from typing import NamedTuple

from fairlead.core import InvalidInput, Segment
from fairlead.wire.chat import RESPONSE_UNKNOWN, read_object
from fairlead.wire.fields import Extraction, Fields, Free, Inert, Items, Json, Text, Unsupported, walk

TEXT_CHANNELS = ("content", "refusal", "reasoning_content", "reasoning")
"""Fields of a delta that stream text; each is a text of its own, guarded apart."""

_INERT = Inert()
_TEXT = Text("model", "output")
_DELTA = Fields(
    {
        "role": _INERT,
        **dict.fromkeys(TEXT_CHANNELS, _TEXT),
        "tool_calls": Free("model", "tool_call"),
        "function_call": Free("model", "tool_call"),
    }
)
_CHUNK = Fields(
    {
        **dict.fromkeys(("id", "object", "created", "model", "system_fingerprint", "service_tier"), _INERT),
        "usage": Free("model", "output"),
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


def read_chunk(data: bytes) -> ChatChunk:
    """Take a chunk apart.

    Args:
        data: The data of one event.

    Raises:
        InvalidInput: Not JSON, or not of the API's shape.
    """
    body = read_object(data)
    choices = body.get("choices")
    if not isinstance(choices, list):
        raise InvalidInput("a chunk of the stream has no choices", where="/choices", mend="check that the upstream speaks Chat Completions")
    deltas = tuple(_delta(choice) for choice in choices)
    unknown: tuple[Segment, ...] = ()
    if not _plain(body, choices):
        out = Extraction()
        walk(_CHUNK, body, "", out, RESPONSE_UNKNOWN)
        unknown = tuple(out.unknown)
    return ChatChunk(body, deltas, unknown, isinstance(body.get("usage"), dict))


def _plain(body: dict[str, Json], choices: list[Json]) -> bool:
    """Tell whether a chunk holds only what every chunk holds, so that the walk can be saved."""
    if not _PLAIN_CHUNK.issuperset(body):
        return False
    for choice in choices:
        if not isinstance(choice, dict) or not _PLAIN_CHOICE.issuperset(choice) or choice.get("logprobs"):
            return False
        delta = choice.get("delta")
        if delta is not None and (not isinstance(delta, dict) or not _PLAIN_DELTA.issuperset(delta)):
            return False
    return True


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
    return Delta(
        choice=index if isinstance(index, int) else 0,
        texts=texts,
        calls=tuple(_call_delta(call, place) for place, call in enumerate(calls)) if isinstance(calls, list) else (),
        role=role if isinstance(role, str) else "",
        finish=finish if isinstance(finish, str) else "",
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
