"""The items that a Response is asked with and answers with: which of their fields carry text, and which of them ask for a tool.

Shapes: OpenAI API reference, "Create a model response" and "The response object" (read November 2026).
"""

from collections.abc import Mapping

from fairlead.wire.document import Json, encode, object_of, text_of
from fairlead.wire.fields import Either, Fields, Free, Inert, Items, Node, Tagged, Text, Tokens, Unsupported, media
from fairlead.wire.interaction import CallRef

INERT = Inert()
UNSUPPORTED = Unsupported()
_ID = ("type", "id", "call_id", "status", "name", "namespace", "async", "server_label")
_HEAD: dict[str, Node] = {**dict.fromkeys(_ID, INERT), "caller": Fields({"type": INERT, "caller_id": INERT}), "created_by": INERT}

CALLS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "function_call": ("", ("arguments",)),
    "custom_tool_call": ("", ("input",)),
    "mcp_approval_request": ("", ("arguments",)),
    "computer_call": ("computer", ("action", "actions")),
    "local_shell_call": ("local_shell", ("action",)),
    "shell_call": ("shell", ("action",)),
    "apply_patch_call": ("apply_patch", ("operation",)),
    "mcp_call": ("", ("arguments",)),
    "web_search_call": ("web_search", ("action",)),
    "file_search_call": ("file_search", ("queries",)),
    "code_interpreter_call": ("code_interpreter", ("code",)),
    "image_generation_call": ("image_generation", ("revised_prompt",)),
}
"""Items that call a tool, those of the provider's own included: name of the tool, empty where the item names it, and the fields that say
what it is to do."""

RESULTS = (
    "function_call_output",
    "custom_tool_call_output",
    "computer_call_output",
    "local_shell_call_output",
    "shell_call_output",
    "apply_patch_call_output",
)
"""Items that tell what came of a call."""


def annotation(said: Text) -> Node:
    """Return the grammar of a citation in an output text."""
    inert: dict[str, Node] = dict.fromkeys(("type", "index", "start_index", "end_index", "file_id", "container_id"), INERT)
    return Fields({**inert, "filename": said, "title": said, "url": said})


def content(said: Node, notes: Text, tokens: Node) -> Node:
    """Return the grammar of one part of a message or of a reasoning.

    Args:
        said: What its text is.
        notes: What the texts of its citations are.
        tokens: What its log probabilities are.
    """
    cache = Fields({"mode": INERT, "ttl": INERT})
    text: dict[str, Node] = {"type": INERT, "text": said, "prompt_cache_breakpoint": cache}
    unseen: dict[str, Node] = {"type": INERT, "detail": INERT, "file_id": UNSUPPORTED, "prompt_cache_breakpoint": cache}
    return Tagged(
        "type",
        {
            "input_text": Fields(text),
            "text": Fields(text),
            "summary_text": Fields(text),
            "reasoning_text": Fields(text),
            "output_text": Fields({**text, "annotations": Items(annotation(notes)), "logprobs": tokens}),
            "refusal": Fields({"type": INERT, "refusal": said}),
            "input_image": Fields({**unseen, "image_url": media("image", notes)}),
            "input_file": Fields({**unseen, "filename": notes, "file_data": UNSUPPORTED, "file_url": UNSUPPORTED}),
        },
    )


def message(text: Text) -> Node:
    """Return the grammar of a message of one role."""
    parts = Items(content(text, text, Tokens(text.origin, text.stage)))
    return Fields({**dict.fromkeys(("type", "id", "role", "status", "phase"), INERT), "content": Either(text, parts)})


def items(said: Text, call: Text, gave: Text, found: Text) -> dict[str, Node]:
    """Return the grammars of all items but messages, by type.

    Args:
        said: What a text of the model is.
        call: What the arguments of a call are.
        gave: What the result of a tool is.
        found: What a retrieved document is.
    """
    patch = Free(call.origin, call.stage)
    part = content(said, said, Tokens(said.origin, said.stage))
    given = Either(gave, Items(content(gave, gave, Tokens(gave.origin, gave.stage))))
    told = Free(gave.origin, gave.stage)
    checks = Items(Fields({"id": INERT, "code": INERT, "message": said}))
    shell = Items(Fields({"stdout": gave, "stderr": gave, "outcome": Fields({"type": INERT, "exit_code": INERT}), "created_by": INERT}))
    result = Fields({"file_id": INERT, "score": INERT, "filename": found, "text": found, "attributes": Free(found.origin, found.stage)})
    search: dict[str, Node] = {
        "queries": Items(call),
        "query": call,
        "pattern": call,
        "url": call,
        "sources": Items(Fields({"type": INERT, "url": found})),
    }
    picture = ("action", "background", "output_format", "quality", "size")
    fields: dict[str, dict[str, Node]] = {
        "reasoning": {"summary": Items(part), "content": Items(part), "encrypted_content": UNSUPPORTED},
        "compaction": {"encrypted_content": UNSUPPORTED},
        "function_call": {"arguments": call},
        "custom_tool_call": {"input": call},
        "mcp_approval_request": {"arguments": call},
        "computer_call": {"action": patch, "actions": patch, "pending_safety_checks": checks},
        "local_shell_call": {"action": patch},
        "shell_call": {"action": patch, "environment": told},
        "apply_patch_call": {"operation": patch},
        "function_call_output": {"output": given},
        "custom_tool_call_output": {"output": given},
        "computer_call_output": {"output": UNSUPPORTED, "acknowledged_safety_checks": checks},
        "local_shell_call_output": {"output": gave},
        "shell_call_output": {"output": shell, "max_output_length": INERT},
        "apply_patch_call_output": {"output": gave},
        "file_search_call": {"queries": Items(call), "results": Items(result)},
        "web_search_call": {"action": Fields({"type": INERT, **search})},
        "code_interpreter_call": {
            "code": said,
            "container_id": INERT,
            "outputs": Items(Fields({"type": INERT, "logs": gave, "url": gave})),
        },
        "image_generation_call": {**dict.fromkeys(picture, INERT), "result": UNSUPPORTED, "revised_prompt": call, "error": told},
        "mcp_call": {"arguments": call, "output": gave, "error": told, "approval_request_id": INERT},
        "mcp_list_tools": {"tools": Items(told), "error": told},
        "mcp_approval_response": {"approval_request_id": INERT, "approve": INERT, "reason": said},
        "compaction_trigger": {},
    }
    return {kind: Fields({**_HEAD, **own}) for kind, own in fields.items()}


def tools(text: Text) -> Node:
    """Return the grammar of a tool that the client runs; one that the provider runs is unknown: no call of it can be stopped."""
    free = Free(text.origin, text.stage)
    callers: dict[str, Node] = {"allowed_callers": Items(INERT)}
    inert: dict[str, Node] = {**callers, **dict.fromkeys(("type", "name", "strict", "async", "defer_loading"), INERT)}
    own: dict[str, Node] = {
        "function": Fields({**inert, "description": text, "parameters": free, "output_schema": free}),
        "custom": Fields({**inert, "description": text, "format": free}),
    }
    local = Tagged("type", {"local": free})
    return Tagged(
        "type",
        {
            **own,
            "namespace": Fields({"type": INERT, "name": INERT, "description": text, "tools": Items(Tagged("type", own))}),
            "computer": Fields({"type": INERT}),
            "computer_use_preview": Fields(dict.fromkeys(("type", "display_height", "display_width", "environment"), INERT)),
            "local_shell": Fields({"type": INERT}),
            "shell": Fields({"type": INERT, **callers, "environment": local}),
            "apply_patch": Fields({"type": INERT, **callers}),
        },
    )


def call_of(item: Json, path: str) -> CallRef | None:
    """Return the tool call that an item asks for; None when it asks for none.

    Args:
        item: The item, decoded.
        path: Its pointer.
    """
    record = object_of(item)
    known = CALLS.get(text_of(record.get("type")))
    if known is None:
        return None
    tool, fields = known
    told = record.get(fields[0])
    if tool:
        told = encode({field: record[field] for field in fields if field in record}).decode()
    return CallRef(f"{path}/{fields[0]}", tool or tool_of(record), text_of(record.get("call_id")), text_of(told))


def tool_of(item: dict[str, Json]) -> str:
    """Return the name of the tool that an item calls; a tool of a server or namespace is not one of the same name elsewhere."""
    name, above = text_of(item.get("name")), text_of(item.get("namespace")) or text_of(item.get("server_label"))
    return f"{above}/{name}" if above else name


_OUTPUT = Text("model", "output")
RESPONSE_ITEMS: dict[str, Node] = {
    "message": message(_OUTPUT),
    **items(_OUTPUT, Text("model", "tool_call"), Text("tool", "output"), Text("retrieved", "output")),
}
"""Items of a response, by type."""
