"""The response object: what of it is told, and how the gateway makes one of its own."""

from collections.abc import Mapping

from fairlead.wire.document import Json
from fairlead.wire.fields import Fields, Inert, Node

_INERT = Inert()
_TOLD = (
    "id",
    "object",
    "created_at",
    "completed_at",
    "status",
    "model",
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
    "previous_response_id",
    "prompt_cache_retention",
    "service_tier",
    "truncation",
)
HEAD: Mapping[str, Node] = {
    **dict.fromkeys(_TOLD, _INERT),
    "billing": Fields({"payer": _INERT}),
    "conversation": Fields({"id": _INERT}),
    "incomplete_details": Fields({"reason": _INERT}),
    "reasoning": Fields(dict.fromkeys(("effort", "summary", "generate_summary", "mode", "context"), _INERT)),
    "usage": Fields({}),
    "tool_usage": Fields({}),
    "instructions": _INERT,
    "metadata": Fields({}),
    "tools": _INERT,
    "tool_choice": _INERT,
}
"""What a response tells beside its output and its error."""
_REPEATED: Mapping[str, Json] = {"instructions": None, "metadata": {}, "tools": [], "tool_choice": "auto"}
"""What a response repeats of its request and every client expects in it, and what stands there instead: whoever asked knows it."""
_DROPPED = ("text", "prompt", "prompt_cache_key", "prompt_cache_options", "safety_identifier", "user", "context_management", "image")
FAILED: dict[str, Json] = {"code": "server_error", "message": "the model's server could not answer"}
"""In place of an upstream's error, whose words may quote the prompt."""
REASONS = frozenset({"max_output_tokens", "content_filter", "max_messages", "steered"})
"""Why a response may be incomplete; another reason is not told."""


def forget(body: dict[str, Json]) -> None:
    """Take out of a response what it only repeats of its request, and its server's own words about an error, in place."""
    for key in _DROPPED:
        body.pop(key, None)
    body.update(_REPEATED)
    body["error"] = dict(FAILED) if body.get("error") is not None else None


def response_of(head: Mapping[str, Json], output: list[Json]) -> dict[str, Json]:
    """Return a response object.

    Args:
        head: What is known of it; the rest is filled up with what every client expects.
        output: Its items.
    """
    base: dict[str, Json] = {
        "object": "response",
        "created_at": 0,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "parallel_tool_calls": True,
        "temperature": None,
        "top_p": None,
        "usage": None,
    }
    return {**base, **head, **_REPEATED, "output": output}


def stopped_response(response: dict[str, Json], reason: str = "content_filter") -> dict[str, Json]:
    """Return a response as one that was ended before its time."""
    details: Json = {"reason": reason} if reason else None
    return {**response, "status": "incomplete", "incomplete_details": details, "usage": response.get("usage") or _no_usage()}


def message_saying(identity: str, text: str, status: str = "completed") -> dict[str, Json]:
    """Return a message item with one text."""
    content: list[Json] = [{"type": "output_text", "text": text, "annotations": [], "logprobs": []}]
    return {"id": identity, "type": "message", "status": status, "role": "assistant", "content": content}


def _no_usage() -> dict[str, Json]:
    return {
        "input_tokens": 0,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 0,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 0,
    }
