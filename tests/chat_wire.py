"""A request, a reply and a stream of Chat Completions that hold everything that the gateway can look at; for tests that walk them."""

import json
from collections.abc import Sequence
from typing import Any

from responses_wire import tokens

JsonObject = dict[str, Any]

CALL = {"id": "call_1", "type": "function", "function": {"name": "search_docs", "arguments": '{"q": "how to"}'}}
_HEAD = {"id": "c-1", "created": 1, "model": "m-1", "system_fingerprint": "fp_1", "service_tier": "default"}
_USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3, "prompt_tokens_details": {"cached_tokens": 0}}
_LOGPROBS = {"content": tokens("Good ", "day"), "refusal": None}

REQUEST: JsonObject = {
    "model": "m-1",
    "n": 2,
    "messages": [
        {"role": "system", "content": "be kind", "name": "boss"},
        {"role": "developer", "content": [{"type": "text", "text": "answer in English"}]},
        {"role": "user", "content": [{"type": "text", "text": "hello there"}, {"type": "text", "text": "my friend"}]},
        {"role": "assistant", "content": "good day", "refusal": "no no", "reasoning_content": "some thoughts", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "a result"},
    ],
    "tools": [{"type": "function", "function": {"name": "search_docs", "description": "looks it up", "parameters": {"a": {"b": "c d"}}}}],
    "tool_choice": {"type": "function", "function": {"name": "search_docs"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "x", "description": "an x", "schema": {"a": {"b": "c d"}}}},
    "metadata": {"note": "some note"},
    "stop": ["the end"],
    "user": "u-1",
}
_MESSAGE = {
    "role": "assistant",
    "content": "Good day",
    "refusal": "I can't",
    "reasoning_content": "some thoughts",
    "reasoning": "more of them",
    "annotations": [{"type": "url_citation", "url_citation": {"title": "A title", "url": "https://example.org/x"}}],
    "tool_calls": [CALL],
}
REPLY: JsonObject = {
    **_HEAD,
    "object": "chat.completion",
    "usage": _USAGE,
    "choices": [{"index": index, "finish_reason": "stop", "logprobs": _LOGPROBS, "message": _MESSAGE} for index in (0, 1)],
}
_DELTAS: tuple[JsonObject, ...] = (
    {"delta": {"role": "assistant", "content": ""}},
    {"delta": {"reasoning_content": "some thoughts", "reasoning": "more of them"}},
    {"delta": {"content": "Good ", "refusal": "I can't"}, "logprobs": _LOGPROBS},
    {"delta": {"content": "day"}},
    {"delta": {"tool_calls": [{"index": 0, **CALL}]}},
    {"delta": {}, "finish_reason": "stop"},
)
EVENTS: list[JsonObject] = [
    {**_HEAD, "object": "chat.completion.chunk", "choices": [{"index": index, "finish_reason": None, **choice}]}
    for index in (0, 1)
    for choice in _DELTAS
]


def wire(events: Sequence[JsonObject]) -> list[bytes]:
    """Chunks on the wire."""
    return [*(b"data: " + json.dumps(event).encode() + b"\n\n" for event in events), b"data: [DONE]\n\n"]
