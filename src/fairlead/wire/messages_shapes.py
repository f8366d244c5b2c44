"""Which fields of Anthropic's Messages carry text: the grammar of its requests, responses and stream events.

Shapes: Anthropic API reference, "Create a Message", "Streaming messages" and the types of the official Python client 2.14 (read
November 2026).
"""

from collections.abc import Mapping
from typing import NamedTuple

from fairlead.core import Origin
from fairlead.wire.fields import Either, Fields, Free, Inert, Items, Node, Signature, Streamed, Tagged, Text, Unsupported, media

REQUEST_UNKNOWN = Text("user", "input")
RESPONSE_UNKNOWN = Text("model", "output")

CALLS = frozenset({"tool_use", "server_tool_use", "mcp_tool_use"})
"""Blocks that call a tool: the client's, the provider's own, one of an MCP server that the provider asks."""

STREAMS = {"text": ("text_delta", "text"), "thinking": ("thinking_delta", "thinking")}
"""Blocks whose text leaves while it flows: the type of their deltas, and the field that these add to."""

_INERT = Inert()
_UNSUPPORTED = Unsupported()
_CACHE = Fields({"type": _INERT, "ttl": _INERT, "scope": _INERT})
_CALLER = Fields({"type": _INERT, "tool_id": _INERT})


class _Words(NamedTuple):
    """Who wrote what in the blocks of a message."""

    own: Text
    arguments: Free
    result: Text
    found: Text
    """Search results that stand in the message as they are."""
    uploads: Node
    """Ids of files."""


def _asked(own: Text) -> _Words:
    return _Words(own, Free(own.origin, own.stage, numbers=True), Text("tool", "tool_result"), Text("retrieved", "retrieval"), _UNSUPPORTED)


_TOLD = _Words(RESPONSE_UNKNOWN, Free("model", "tool_call"), Text("tool", "output"), Text("tool", "output"), _INERT)


def _citation(own: Text) -> Fields:
    told = ("cited_text", "document_title", "title", "url", "source", "encrypted_index")
    return Fields({"type": _INERT, "file_id": _INERT, **dict.fromkeys(told, own)})


def _text(own: Text) -> Fields:
    return Fields({"type": _INERT, "text": own, "citations": Items(_citation(own)), "cache_control": _CACHE})


def _image(own: Text) -> Fields:
    base64 = Fields({"type": _INERT, "media_type": _INERT, "data": media("image", own, bare=True)})
    source = _UNSUPPORTED if own.stage == "output" else Tagged("type", {"base64": base64})
    return Fields({"type": _INERT, "source": source, "cache_control": _CACHE, "transformations": Fields({"oversized_image": _INERT})})


def _document(own: Text) -> Fields:
    parts = Items(Tagged("type", {"text": _text(own), "image": _image(own)}))
    source = Tagged(
        "type",
        {
            "text": Fields({"type": _INERT, "media_type": _INERT, "data": own}),
            "content": Fields({"type": _INERT, "content": Either(own, parts)}),
        },
    )
    citations = Fields({"enabled": _INERT})
    return Fields(
        {"type": _INERT, "source": source, "title": own, "context": own, "citations": citations, "cache_control": _CACHE},
    )


def _search_result(found: Text) -> Fields:
    content = Items(Tagged("type", {"text": _text(found)}))
    citations = Fields({"enabled": _INERT})
    return Fields(
        {"type": _INERT, "source": found, "title": found, "content": content, "citations": citations, "cache_control": _CACHE},
    )


def _call(arguments: Free, *more: str) -> Fields:
    inert = dict.fromkeys(("type", "id", "name", "toolset_name", *more), _INERT)
    return Fields({**inert, "input": arguments, "caller": _CALLER, "cache_control": _CACHE})


def _result(content: Node) -> Fields:
    inert = dict.fromkeys(("type", "tool_use_id", "is_error", "toolset_name"), _INERT)
    return Fields({**inert, "content": content, "caller": _CALLER, "cache_control": _CACHE})


def _results(result: Text) -> dict[str, Node]:
    parts: dict[str, Node] = {
        "text": _text(result),
        "image": _image(result),
        "document": _document(result),
        "search_result": _search_result(result),
        "tool_reference": Fields({"type": _INERT, "tool_name": _INERT, "cache_control": _CACHE}),
        "browser_state": Free(result.origin, result.stage, numbers=True),
    }
    page = Fields({"type": _INERT, "url": result, "retrieved_at": _INERT, "content": Tagged("type", {"document": _document(result)})})
    failed = Fields({"type": _INERT, "error_code": _INERT})
    given = Either(result, Items(Tagged("type", parts)))
    ran = ("web_search", "code_execution", "bash_code_execution", "text_editor_code_execution", "tool_search", "advisor")
    return {
        "tool_result": _result(given),
        "mcp_tool_result": _result(given),
        "web_fetch_tool_result": _result(Tagged("type", {"web_fetch_result": page, "web_fetch_tool_result_error": failed})),
        **{f"{name}_tool_result": _result(Free(result.origin, result.stage, numbers=True)) for name in ran},
    }


def _blocks(words: _Words) -> Tagged:
    own = words.own
    model = Fields({"model": _INERT})
    return Tagged(
        "type",
        {
            "text": _text(own),
            "image": _image(own),
            "document": _document(own),
            "search_result": _search_result(words.found),
            "thinking": Fields({"type": _INERT, "thinking": own, "signature": Signature(own.origin, own.stage)}),
            "redacted_thinking": Fields({"type": _INERT, "data": own}),
            "tool_use": _call(words.arguments),
            "server_tool_use": _call(words.arguments),
            "mcp_tool_use": _call(words.arguments, "server_name"),
            "container_upload": Fields({"type": _INERT, "file_id": words.uploads, "cache_control": _CACHE}),
            "fallback": Fields(
                {"type": _INERT, "from": model, "to": model, "trigger": Fields({"type": _INERT, "category": _INERT})},
            ),
            **_results(words.result),
        },
    )


RESULTS = frozenset(_results(Text("tool", "tool_result")))
"""Blocks that hold what a tool gave."""

_ROLES: Mapping[str, Origin] = {"user": "user", "assistant": "model", "system": "system"}
BLOCKS_OF: Mapping[str, Tagged] = {role: _blocks(_asked(Text(origin, "input"))) for role, origin in _ROLES.items()}
"""The content blocks of a request, by the role of their message."""

MESSAGE_OF: Mapping[str, Fields] = {
    role: Fields({"role": _INERT, "content": Either(Text(origin, "input"), Items(BLOCKS_OF[role]))}) for role, origin in _ROLES.items()
}

_DEFINITION = Text("developer", "tool_definition")
_SCHEMA = Free("developer", "tool_definition")
_SETTING = Free("developer", "input")
_TOOL_INERT = ("type", "name", "strict", "defer_loading", "eager_input_streaming")
_TOOL = Fields(
    {
        **dict.fromkeys(_TOOL_INERT, _INERT),
        "description": _DEFINITION,
        "allowed_callers": Items(_INERT),
        "cache_control": _CACHE,
        **dict.fromkeys(("input_schema", "input_examples", "configs"), _SCHEMA),
    }
)
_CLIENT_RUN = ("custom", "bash_", "text_editor_", "computer_", "memory_", "browser_", "tool_search_tool_")
"""How the types of tools begin that run nothing but what the client runs itself; the search is among the tools of the request."""
_SKILLS = Items(Fields({"skill_id": _INERT, "type": _INERT, "version": _INERT}))
_REQUEST_INERT = ("model", "stream", "max_tokens", "temperature", "top_p", "top_k", "service_tier", "inference_geo", "speed")
REQUEST = Fields(
    {
        **dict.fromkeys(_REQUEST_INERT, _INERT),
        "messages": _INERT,
        "tools": _INERT,
        "system": Either(Text("system", "input"), Items(BLOCKS_OF["system"])),
        "cache_control": _CACHE,
        "container": Either(_INERT, Fields({"id": _INERT, "skills": _SKILLS})),
        "diagnostics": Fields({"previous_message_id": _INERT}),
        "thinking": Fields({"type": _INERT, "display": _INERT}),
        "output_config": Fields({"effort": _INERT, "format": _SCHEMA, "task_budget": Fields({"type": _INERT})}),
        "output_format": _SCHEMA,
        "metadata": _SETTING,
        "stop_sequences": _SETTING,
        "context_management": _SETTING,
        "tool_choice": Fields({"type": _INERT, "name": _INERT}),
        "mcp_servers": _UNSUPPORTED,
    }
)
"""A request but for its messages and tools, which are read one by one."""


def tool_node(kind: str) -> Node:
    """Return the grammar of a tool of this type; one that the provider runs is unknown: no call of it can be stopped before it is made."""
    return _TOOL if not kind or kind.startswith(_CLIENT_RUN) else _UNSUPPORTED


RESPONSE_BLOCKS = _blocks(_TOLD)
_USAGE = Fields(
    {
        **dict.fromkeys(("service_tier", "inference_geo", "speed"), _INERT),
        **dict.fromkeys(("cache_creation", "server_tool_use", "output_tokens_details"), Fields({})),
        "iterations": Items(Fields({"type": _INERT, "model": _INERT, "cache_creation": Fields({})})),
    }
)
_ENDING: dict[str, Node] = {
    "stop_reason": _INERT,
    "stop_sequence": RESPONSE_UNKNOWN,
    "stop_details": Fields({"type": _INERT, "category": _INERT, "explanation": RESPONSE_UNKNOWN}),
    "container": Fields({"id": _INERT, "expires_at": _INERT, "skills": _SKILLS}),
}
_MANAGED = Fields({"applied_edits": Items(Fields({"type": _INERT}))})
RESPONSE = Fields(
    {
        **dict.fromkeys(("id", "type", "role", "model"), _INERT),
        **_ENDING,
        "content": Items(RESPONSE_BLOCKS),
        "usage": _USAGE,
        "diagnostics": Fields({"cache_miss_reason": Fields({"type": _INERT})}),
        "context_management": _MANAGED,
    }
)

_STREAMED = Streamed()
_PIECES = Tagged("type", {"input_json_delta": Fields({"type": _INERT, "partial_json": _STREAMED})})
_NOTHING = Tagged("type", {})
_DELTAS_OF: Mapping[str, Tagged] = {
    "text": Tagged(
        "type",
        {
            "text_delta": Fields({"type": _INERT, "text": _STREAMED}),
            "citations_delta": Fields({"type": _INERT, "citation": _citation(RESPONSE_UNKNOWN)}),
        },
    ),
    "thinking": Tagged(
        "type",
        {
            "thinking_delta": Fields({"type": _INERT, "thinking": _STREAMED}),
            "signature_delta": Fields({"type": _INERT, "signature": _STREAMED}),
        },
    ),
    **dict.fromkeys(CALLS, _PIECES),
}


def _delta_event(delta: Tagged) -> Fields:
    return Fields({"type": _INERT, "index": _INERT, "delta": delta})


DELTA_OF: Mapping[str, Fields] = {kind: _delta_event(_DELTAS_OF.get(kind, _NOTHING)) for kind in RESPONSE_BLOCKS.kinds}
"""The deltas that fit a block; any other one is unknown, whatever it is called."""

UNFITTING = _delta_event(_NOTHING)
"""A delta of a block that is unknown itself."""

EVENTS: Mapping[str, Fields] = {
    "message_start": Fields({"type": _INERT, "message": RESPONSE}),
    "content_block_start": Fields({"type": _INERT, "index": _INERT, "content_block": RESPONSE_BLOCKS}),
    "content_block_stop": Fields({"type": _INERT, "index": _INERT}),
    "message_delta": Fields({"type": _INERT, "delta": Fields(_ENDING), "usage": _USAGE, "context_management": _MANAGED}),
    "ping": Fields({"type": _INERT}),
}
"""Events but for deltas, and for the end of the stream."""

UNKNOWN_EVENT = _NOTHING
