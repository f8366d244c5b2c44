"""Anthropic Messages for tests: the largest request and answer that the gateway knows, and any answer as the events of a stream."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

JsonObject = dict[str, Any]

CACHE = {"type": "ephemeral", "ttl": "5m"}
CITATIONS = [
    {"type": "char_location", "cited_text": "as it says", "document_index": 0, "document_title": "The book", "start_char_index": 0},
    {
        "type": "web_search_result_location",
        "cited_text": "so it says",
        "encrypted_index": "EncX",
        "title": "A page",
        "url": "https://a.example",
    },
    {"type": "search_result_location", "cited_text": "it says", "search_result_index": 0, "source": "a shelf", "title": "A result"},
]
PDF = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0x"}}
DOCUMENT = {
    "type": "document",
    "source": {"type": "text", "media_type": "text/plain", "data": "once upon a time"},
    "title": "a tale",
    "context": "for children",
    "citations": {"enabled": True},
    "cache_control": CACHE,
}
SEARCH_RESULT = {
    "type": "search_result",
    "source": "https://b.example/x",
    "title": "a find",
    "content": [{"type": "text", "text": "found words"}],
    "citations": {"enabled": True},
}
IMAGE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo"}, "cache_control": CACHE}
CALLER = {"type": "code_execution_20260120", "tool_id": "srvtoolu_9"}
SERVER_TOOLS: list[JsonObject] = [
    {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "weather"}, "caller": CALLER},
    {
        "type": "web_search_tool_result",
        "tool_use_id": "srvtoolu_1",
        "content": [
            {"type": "web_search_result", "title": "Sky", "url": "https://c.example", "encrypted_content": "EncY", "page_age": "1 day"}
        ],
    },
    {"type": "server_tool_use", "id": "srvtoolu_2", "name": "web_fetch", "input": {"url": "https://c.example"}},
    {
        "type": "web_fetch_tool_result",
        "tool_use_id": "srvtoolu_2",
        "content": {
            "type": "web_fetch_result",
            "url": "https://c.example",
            "retrieved_at": "2026-11-30T10:00:00Z",
            "content": {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "page words"},
                "title": "Sky page",
            },
        },
    },
    {"type": "server_tool_use", "id": "srvtoolu_3", "name": "bash_code_execution", "input": {"command": "ls"}},
    {
        "type": "bash_code_execution_tool_result",
        "tool_use_id": "srvtoolu_3",
        "content": {
            "type": "bash_code_execution_result",
            "stdout": "one file",
            "stderr": "no error",
            "return_code": 0,
            "content": [{"type": "bash_code_execution_output", "file_id": "file_1"}],
        },
    },
    {"type": "mcp_tool_use", "id": "mcptoolu_1", "name": "list_notes", "server_name": "notes", "input": {"topic": "all"}},
    {
        "type": "mcp_tool_result",
        "tool_use_id": "mcptoolu_1",
        "is_error": False,
        "content": [{"type": "text", "text": "two notes"}],
    },
]
TOOL_USE = {
    "type": "tool_use",
    "id": "toolu_1",
    "name": "search_docs",
    "input": {"q": "refund é😀", "deep": {"list": ["a \\ b", 1]}},
    "caller": {"type": "direct"},
}
THINKING = {"type": "thinking", "thinking": "let me think", "signature": "EqQBCgIYAhIk"}
REDACTED = {"type": "redacted_thinking", "data": "EmwKAhgBEgy3"}

REQUEST: JsonObject = {
    "model": "claude-x",
    "max_tokens": 64,
    "temperature": 0.5,
    "service_tier": "auto",
    "inference_geo": "eu",
    "container": {"id": "container_1", "skills": [{"skill_id": "pptx", "type": "anthropic", "version": "latest"}]},
    "thinking": {"type": "enabled", "budget_tokens": 1024, "display": "summarized"},
    "output_config": {"effort": "high", "format": {"type": "json_schema", "schema": {"type": "object", "description": "an answer"}}},
    "metadata": {"user_id": "user-17"},
    "stop_sequences": ["the end"],
    "cache_control": CACHE,
    "context_management": {"edits": [{"type": "clear_tool_uses", "trigger": {"type": "input_tokens", "value": 3000}}]},
    "system": [{"type": "text", "text": "be kind", "cache_control": CACHE}],
    "tools": [
        {
            "name": "search_docs",
            "type": "custom",
            "description": "finds pages",
            "input_schema": {"type": "object", "properties": {"q": {"type": "string", "description": "what to find"}}},
            "input_examples": [{"q": "refund"}],
            "allowed_callers": ["direct"],
            "cache_control": CACHE,
        },
        {
            "type": "web_search_20250305",
            "name": "web_search",
            "max_uses": 2,
            "allowed_domains": ["c.example"],
            "user_location": {"type": "approximate", "city": "San Rafael", "timezone": "America/Los_Angeles"},
        },
        {"type": "mcp_toolset", "mcp_server_name": "notes", "default_config": {"enabled": True}, "configs": {"x": {"enabled": True}}},
    ],
    "tool_choice": {"type": "tool", "name": "search_docs", "disable_parallel_tool_use": True},
    "mcp_servers": [
        {
            "type": "url",
            "name": "notes",
            "url": "https://mcp.example/sse",
            "authorization_token": "token-1",
            "tool_configuration": {"allowed_tools": ["list_notes"], "enabled": True},
        }
    ],
    "messages": [
        {"role": "user", "content": "hello there"},
        {"role": "assistant", "content": [{"type": "text", "text": "good day", "citations": CITATIONS}, THINKING, REDACTED]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "read these", "cache_control": CACHE},
                IMAGE,
                {"type": "image", "source": {"type": "url", "url": "https://d.example/cat"}},
                DOCUMENT,
                PDF,
                {
                    "type": "document",
                    "source": {"type": "content", "content": [{"type": "text", "text": "first part"}, IMAGE]},
                },
                {"type": "document", "source": {"type": "content", "content": "second part"}},
                {"type": "document", "source": {"type": "file", "file_id": "file_2"}},
                SEARCH_RESULT,
                {"type": "container_upload", "file_id": "file_3"},
            ],
        },
        {"role": "assistant", "content": [TOOL_USE, *SERVER_TOOLS]},
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "is_error": False,
                    "content": [
                        {"type": "text", "text": "a result"},
                        IMAGE,
                        DOCUMENT,
                        SEARCH_RESULT,
                        {"type": "tool_reference", "tool_name": "search_docs"},
                    ],
                },
                {"type": "tool_result", "tool_use_id": "toolu_1", "content": "another result"},
            ],
        },
        {"role": "system", "content": "from now on be brief"},
    ],
}

REPLY: JsonObject = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [
        THINKING,
        REDACTED,
        {"type": "text", "text": "Zürich is fine 😀 today"},
        {"type": "text", "text": "as read", "citations": CITATIONS},
        *SERVER_TOOLS,
        {"type": "container_upload", "file_id": "file_9"},
        TOOL_USE,
    ],
    "stop_reason": "stop_sequence",
    "stop_sequence": "the end",
    "stop_details": {"type": "refusal", "category": "cyber", "explanation": "it was asked for"},
    "container": {"id": "container_1", "expires_at": "2026-11-30T11:00:00Z"},
    "usage": {"input_tokens": 12, "output_tokens": 34, "service_tier": "standard", "server_tool_use": {"web_search_requests": 1}},
}


COUNTED: JsonObject = {"model": "claude-x", "system": "be kind", "messages": [{"role": "user", "content": [DOCUMENT]}]}


def reply(*blocks: JsonObject | str, stop: str = "end_turn", **extra: Any) -> JsonObject:
    """Return a small answer; a string stands for a block of text."""
    content = [{"type": "text", "text": block} if isinstance(block, str) else block for block in blocks]
    body = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": content}
    return {**body, "stop_reason": stop, "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 4}, **extra}


def call(name: str, arguments: object, identity: str = "toolu_1") -> JsonObject:
    return {"type": "tool_use", "id": identity, "name": name, "input": arguments}


def events_of(message: JsonObject, size: int = 5) -> list[JsonObject]:
    """Return an answer as the events of its stream.

    Args:
        message: The answer.
        size: Characters of a piece of text or arguments.
    """
    ending = {key: message[key] for key in ("stop_reason", "stop_sequence", "stop_details", "container") if key in message}
    head = {
        **{key: value for key, value in message.items() if key not in ending},
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }
    events: list[JsonObject] = [{"type": "message_start", "message": head}, {"type": "ping"}]
    for index, block in enumerate(message["content"]):
        start, deltas = _taken_apart(block, size)
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    return [*events, {"type": "message_delta", "delta": ending, "usage": {"output_tokens": 34}}, {"type": "message_stop"}]


def wire(events: Sequence[JsonObject]) -> list[bytes]:
    """Return events as bytes, one for each."""
    return [f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode() for event in events]


def streamed(message: JsonObject, size: int = 5) -> list[bytes]:
    """Return an answer as the bytes of its stream."""
    return wire(events_of(message, size))


def left(body: bytes) -> list[JsonObject]:
    """Return the events that a client got."""
    return [json.loads(line[6:]) for line in body.split(b"\n") if line.startswith(b"data: ")]


def put_together(body: bytes) -> JsonObject:
    """Return the message that a stream tells, as a client puts it together."""
    message: JsonObject = {}
    arguments: dict[int, str] = {}
    for event in left(body):
        if event["type"] == "message_start":
            message = event["message"]
        elif event["type"] == "content_block_start":
            assert event["index"] == len(message["content"])
            message["content"].append(event["content_block"])
        elif event["type"] == "content_block_delta":
            _add(message["content"][event["index"]], event["delta"], event["index"], arguments)
        elif event["type"] == "message_delta":
            message |= event["delta"]
            message["usage"] |= event["usage"]
    for index, text in arguments.items():
        message["content"][index]["input"] = json.loads(text)
    return message


def _add(block: JsonObject, delta: JsonObject, index: int, arguments: dict[int, str]) -> None:
    if delta["type"] == "input_json_delta":
        arguments[index] = arguments.get(index, "") + delta["partial_json"]
    elif delta["type"] == "citations_delta":
        block.setdefault("citations", []).append(delta["citation"])
    else:
        field = delta["type"].removesuffix("_delta")
        block[field] += delta[field]


def _taken_apart(block: JsonObject, size: int) -> tuple[JsonObject, list[JsonObject]]:
    kind = block["type"]
    if kind == "text":
        cited = [{"type": "citations_delta", "citation": one} for one in block.get("citations", ())]
        return {"type": "text", "text": ""}, [*({"type": "text_delta", "text": piece} for piece in _pieces(block["text"], size)), *cited]
    if kind == "thinking":
        pieces = [{"type": "thinking_delta", "thinking": piece} for piece in _pieces(block["thinking"], size)]
        return {**block, "thinking": "", "signature": ""}, [*pieces, {"type": "signature_delta", "signature": block["signature"]}]
    if kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
        raw = json.dumps(block["input"])
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in _pieces(raw, size)]
    return block, []


def _pieces(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(0, len(text), size))
