"""Requests, answers and streams of the Responses API, as servers write them; for tests."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

Body = dict[str, Any]


def event(body: Body) -> bytes:
    """One event, on the wire."""
    return f"event: {body['type']}\ndata: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


def wire(events: Sequence[Body]) -> list[bytes]:
    """Events on the wire, numbered."""
    return [event({**body, "sequence_number": number}) for number, body in enumerate(events)]


def output_text(text: str, **extra: Any) -> Body:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": [], **extra}


def message(*parts: Body | str, identity: str = "msg_1", **extra: Any) -> Body:
    content = [output_text(part) if isinstance(part, str) else part for part in parts]
    return {"id": identity, "type": "message", "status": "completed", "role": "assistant", "content": content, **extra}


def function_call(tool: str, arguments: Any, call: str = "call_1", **extra: Any) -> Body:
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": f"fc_{call}", "type": "function_call", "status": "completed", "call_id": call, "name": tool, "arguments": raw, **extra}


def reply(*output: Body, **extra: Any) -> Body:
    """A whole response, with what a server repeats of the request."""
    usage = {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 8,
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": "completed",
        "completed_at": 1_700_000_001,
        "billing": {"payer": "developer"},
        "error": None,
        "incomplete_details": None,
        "instructions": "be kind",
        "max_output_tokens": None,
        "max_tool_calls": None,
        "model": "m-1",
        "output": list(output),
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": "low", "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage,
        "user": None,
        "metadata": {},
        **extra,
    }


_TEXTS = {
    "output_text": ("response.output_text", "text"),
    "refusal": ("response.refusal", "refusal"),
    "reasoning_text": ("response.reasoning_text", "text"),
    "summary_text": ("response.reasoning_summary_text", "text"),
}


def _part(part: Body, at: Body, size: int) -> Iterator[Body]:
    kind = part["type"]
    name, field = _TEXTS[kind]
    about = "response.reasoning_summary_part" if kind == "summary_text" else "response.content_part"
    extra: Body = {"logprobs": []} if kind == "output_text" else {}
    yield {"type": f"{about}.added", **at, "part": {**part, field: "", **({"annotations": [], "logprobs": []} if extra else {})}}
    text, tokens = part[field], part.get("logprobs") or []
    pieces = [text[start : start + size] for start in range(0, len(text), size)]
    for place, piece in enumerate(pieces):
        told = {"logprobs": tokens if place == len(pieces) - 1 else []} if extra else {}
        yield {"type": f"{name}.delta", **at, "delta": piece, **told}
    for place, note in enumerate(part.get("annotations") or []):
        yield {"type": f"{name}.annotation.added", **at, "annotation_index": place, "annotation": note}
    yield {"type": f"{name}.done", **at, field: text, **({"logprobs": tokens} if extra else {})}
    yield {"type": f"{about}.done", **at, "part": part}


def _item(item: Body, index: int, size: int) -> Iterator[Body]:
    at = {"output_index": index}
    emptied = {key: [] if key in ("content", "summary") else value for key, value in item.items()}
    field = {"function_call": "arguments", "custom_tool_call": "input"}.get(item["type"], "")
    yield {"type": "response.output_item.added", **at, "item": {**emptied, **({field: ""} if field else {}), "status": "in_progress"}}
    at = {**at, "item_id": item["id"]}
    for holder, place in (("summary", "summary_index"), ("content", "content_index")):
        for number, part in enumerate(item.get(holder) or []):
            yield from _part(part, {**at, place: number}, size)
    if field:
        name = "response.function_call_arguments" if field == "arguments" else "response.custom_tool_call_input"
        for start in range(0, len(item[field]), size):
            yield {"type": f"{name}.delta", **at, "delta": item[field][start : start + size]}
        yield {"type": f"{name}.done", **at, field: item[field]}
    if item["type"] == "web_search_call":
        yield {"type": "response.web_search_call.searching", **at}
    if item["type"] == "code_interpreter_call":
        yield {"type": "response.code_interpreter_call_code.delta", **at, "delta": item["code"]}
        yield {"type": "response.code_interpreter_call_code.done", **at, "code": item["code"]}
    if item["type"] == "mcp_call":
        yield {"type": "response.mcp_call_arguments.done", **at, "arguments": item["arguments"]}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def events(body: Body, size: int = 5, last: str = "response.completed") -> list[Body]:
    """The events that stream a response; texts are cut into pieces of so many characters."""
    begun = {**body, "status": "in_progress", "output": [], "usage": None, "completed_at": None}
    middle = [one for index, item in enumerate(body["output"]) for one in _item(item, index, size)]
    return [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        *middle,
        {"type": last, "response": body},
    ]


def told(body: bytes) -> list[Body]:
    """The events of a stream that left, decoded."""
    return [json.loads(line[6:]) for line in body.decode().split("\n") if line.startswith("data: ")]


def tokens(*pieces: str) -> list[Body]:
    """Log probabilities that tell a text, piece by piece, each with an alternative."""
    return [
        {"token": piece, "logprob": -0.1, "bytes": list(piece.encode()), "top_logprobs": [{"token": "x", "logprob": -3.0, "bytes": [120]}]}
        for piece in pieces
    ]


CITATION = {"type": "url_citation", "start_index": 0, "end_index": 4, "title": "A title", "url": "https://example.org/a page"}
FILE = {"type": "file_citation", "index": 1, "file_id": "file_1", "filename": "notes one.txt"}

OUTPUT: tuple[Body, ...] = (
    {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "I think so"}, {"type": "summary_text", "text": "and so on"}],
        "content": [{"type": "reasoning_text", "text": "some thoughts"}],
    },
    {
        "id": "fs_1",
        "type": "file_search_call",
        "status": "completed",
        "queries": ["what is it"],
        "results": [{"file_id": "file_1", "filename": "a b.txt", "score": 0.5, "text": "found text", "attributes": {"author": "some one"}}],
    },
    {
        "id": "ws_1",
        "type": "web_search_call",
        "status": "completed",
        "action": {
            "type": "search",
            "query": "the query",
            "queries": ["the query"],
            "sources": [{"type": "url", "url": "https://example.org/x"}],
        },
    },
    {
        "id": "ci_1",
        "type": "code_interpreter_call",
        "status": "completed",
        "container_id": "cntr_1",
        "code": "print('x y')",
        "outputs": [{"type": "logs", "logs": "x y"}],
    },
    {
        "id": "mcp_1",
        "type": "mcp_call",
        "status": "completed",
        "server_label": "docs",
        "name": "look_up",
        "arguments": '{"q": "a b"}',
        "output": "what the server said",
        "error": None,
        "approval_request_id": None,
    },
    {
        "id": "mcpl_1",
        "type": "mcp_list_tools",
        "server_label": "docs",
        "tools": [
            {"name": "look_up", "description": "looks things up", "input_schema": {"properties": {"q": {"description": "the query"}}}}
        ],
        "error": None,
    },
    message(
        output_text("Good day to you", annotations=[CITATION, FILE], logprobs=tokens("Good ", "day ", "to you")),
        {"type": "refusal", "refusal": "I can't do that"},
        phase="final_answer",
    ),
    function_call("search_docs", {"q": "how to"}),
)
"""One item of each kind that a server tells, all of them clean."""

REPLY: Body = {
    key: value
    for key, value in reply(*OUTPUT, instructions=None).items()
    if key not in ("text", "user", "safety_identifier", "prompt_cache_key")
}
"""A whole reply with all of them, and with nothing that only repeats its request."""

TOOLS: list[Body] = [
    {
        "type": "function",
        "name": "search_docs",
        "description": "looks in the docs",
        "parameters": {"type": "object", "properties": {"q": {"type": "string", "description": "what to look for"}}},
        "strict": True,
    },
    {
        "type": "custom",
        "name": "run_sql",
        "description": "runs a query",
        "format": {"type": "grammar", "syntax": "lark", "definition": "a b"},
    },
    {"type": "namespace", "name": "crm", "description": "the crm", "tools": [{"type": "custom", "name": "note", "description": "a note"}]},
    {"type": "local_shell"},
    {"type": "computer_use_preview", "display_height": 1, "display_width": 2, "environment": "browser"},
    {"type": "shell", "environment": {"type": "local", "skills": [{"name": "s", "description": "a skill", "path": "/x y"}]}},
]
HISTORY: list[Body] = [
    {"role": "system", "content": "be kind"},
    {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "answer in English"}]},
    {"role": "user", "content": [{"type": "input_text", "text": "hello there"}, {"type": "input_text", "text": "my friend"}]},
    *OUTPUT[:-2],
    message(
        {"type": "output_text", "text": "Good day to you", "annotations": [CITATION, FILE]},
        {"type": "refusal", "refusal": "I can't do that"},
        phase="final_answer",
    ),
    {"type": "function_call", "call_id": "call_1", "name": "search_docs", "arguments": '{"q": "how to"}'},
    {"type": "function_call_output", "call_id": "call_1", "output": "a result"},
    {"type": "custom_tool_call", "call_id": "call_2", "name": "run_sql", "input": "select one"},
    {"type": "custom_tool_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "one row"}]},
    {
        "type": "local_shell_call",
        "id": "ls_1",
        "call_id": "call_3",
        "status": "completed",
        "action": {"type": "exec", "command": ["ls", "a b"]},
    },
    {"type": "local_shell_call_output", "id": "call_3", "output": "some files"},
    {"type": "shell_call", "call_id": "call_4", "action": {"commands": ["ls -l"]}, "status": "completed"},
    {
        "type": "shell_call_output",
        "call_id": "call_4",
        "output": [{"stdout": "a file", "stderr": "no error", "outcome": {"type": "exit", "exit_code": 0}}],
    },
    {
        "type": "apply_patch_call",
        "call_id": "call_5",
        "status": "completed",
        "operation": {"type": "update_file", "path": "a b", "diff": "+ x y"},
    },
    {"type": "apply_patch_call_output", "call_id": "call_5", "status": "completed", "output": "done it"},
    {"type": "computer_call", "id": "cu_1", "call_id": "call_6", "status": "completed", "action": {"type": "type", "text": "hello you"}}
    | {"pending_safety_checks": [{"id": "sc_1", "code": "c", "message": "take care"}]},
    {"type": "mcp_approval_request", "id": "ma_1", "server_label": "docs", "name": "look_up", "arguments": '{"q": "a b"}'},
    {"type": "mcp_approval_response", "approval_request_id": "ma_1", "approve": True, "reason": "it is fine"},
]
REQUEST: Body = {
    "model": "m-1",
    "instructions": "be helpful",
    "input": HISTORY,
    "include": ["message.output_text.logprobs"],
    "tools": TOOLS,
    "tool_choice": {"type": "function", "name": "search_docs"},
    "text": {"format": {"type": "json_schema", "name": "x", "schema": {"properties": {"a": {"description": "an a"}}}}, "verbosity": "low"},
    "metadata": {"note": "some note"},
    "reasoning": {"effort": "low", "summary": "auto"},
    "stream_options": {"include_obfuscation": False},
    "context_management": [{"type": "compaction", "compact_threshold": 1000}],
    "prompt_cache_options": {"mode": "implicit", "ttl": "30m"},
    "user": "u-1",
    "safety_identifier": "s-1",
    "prompt_cache_key": "k-1",
    "service_tier": "auto",
    "truncation": "auto",
    "temperature": 0.5,
    "max_output_tokens": 100,
    "store": False,
}
"""A request with everything that the gateway can look at."""
