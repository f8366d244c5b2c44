"""Responses: what a request leaves to the provider, who wrote what, and what a reply is made of."""

import json
import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from responses_wire import HISTORY, OUTPUT, REQUEST, function_call, message, output_text, reply, tokens

from fairlead.core import InvalidInput
from fairlead.wire import Interaction, Reply, Responses, apply_edits, encode

RESPONSES = Responses()
CANARY = "canary sentence 4711"


def read(**extra: Any) -> Interaction:
    return RESPONSES.read_request(
        json.dumps({"model": "m", "input": "hello", **extra}).encode(), frozenset({"search_docs", "docs/look_up"})
    )


def answered(*output: Any, **extra: Any) -> Reply:
    return RESPONSES.read_reply(json.dumps(reply(*output, **extra)).encode())


def test_a_request_that_holds_what_can_be_looked_at_holds_nothing_unknown() -> None:
    request = read(**REQUEST)
    assert request.unknown == ()
    assert {segment.stage for segment in request.segments} == {"input", "retrieval", "tool_result", "tool_definition"}


UNSEEN = [
    {"previous_response_id": "resp_1"},
    {"conversation": "conv_1"},
    {"conversation": {"id": "conv_1"}},
    {"prompt": {"id": "pmpt_1", "variables": {"city": "Oslo"}}},
    {"input": [{"type": "item_reference", "id": "msg_1"}]},
    {"input": [{"id": "msg_1"}]},
    {"input": [{"type": None, "id": "msg_1"}]},
    {"input": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"}]},
    {"input": [{"type": "compaction", "encrypted_content": "gAAA"}]},
    {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}]}]},
    {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "file_1"}]}]},
    {"input": [{"role": "user", "content": [{"type": "input_file", "file_data": "AAAA", "filename": "x"}]}]},
    {"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://example.org/x"}]}]},
    {"input": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}}]}]},
    {"input": [{"type": "computer_call_output", "call_id": "c", "output": {"type": "computer_screenshot", "image_url": "data:x"}}]},
    {"input": [{"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": "AAAA"}]},
    {"input": [{"type": "new_item", "text": "x"}]},
    {"input": [CANARY]},
    {"input": {"text": "x"}},
    {"tools": [{"type": "web_search"}]},
    {"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]},
    {"tools": [{"type": "code_interpreter", "container": "cntr_1"}]},
    {"tools": [{"type": "mcp", "server_label": "x", "server_url": "https://example.org/mcp", "require_approval": "never"}]},
    {"tools": [{"type": "shell", "environment": {"type": "container_auto"}}]},
]


@pytest.mark.parametrize("extra", UNSEEN)
def test_what_the_guard_cannot_look_at_or_cannot_stop_is_unknown(extra: dict[str, Any]) -> None:
    assert read(**extra).unknown


def test_empty_fields_of_the_same_names_are_not() -> None:
    history = [{"type": "reasoning", "summary": [], "encrypted_content": None}, message(output_text("x"))]
    assert read(previous_response_id=None, conversation=None, prompt=None, input=history).unknown == ()


def test_a_background_response_is_refused_since_it_would_be_fetched_past_the_guard() -> None:
    with pytest.raises(InvalidInput, match="past the guard"):
        read(background=True)
    assert read(background=True, stream=True).stream


@pytest.mark.parametrize(
    ("place", "origin", "stage", "tool"),
    [
        ("/instructions", "developer", "input", ""),
        ("/input/0/content", "system", "input", ""),
        ("/input/2/content/0/text", "user", "input", ""),
        ("/input/4/results/0/text", "retrieved", "retrieval", ""),
        ("/input/6/outputs/0/logs", "tool", "tool_result", ""),
        ("/input/7/output", "retrieved", "retrieval", "docs/look_up"),
        ("/input/11/output", "retrieved", "retrieval", "search_docs"),
        ("/input/13/output/0/text", "tool", "tool_result", "run_sql"),
        ("/input/15/output", "tool", "tool_result", "local_shell"),
        ("/input/10/arguments", "model", "input", ""),
        ("/tools/0/description", "developer", "tool_definition", ""),
    ],
)
def test_every_text_knows_who_wrote_it(place: str, origin: str, stage: str, tool: str) -> None:
    found = {segment.path: segment for segment in read(**REQUEST).segments}[place]
    assert (found.origin, found.stage, found.tool) == (origin, stage, tool)


def test_log_probabilities_of_the_history_do_not_reach_the_model() -> None:
    """They would still tell what was cut out of the text beside them."""
    request = read(input=[message(output_text("hello", logprobs=tokens("hello")))])
    assert b"logprob" not in encode(request.body)


@pytest.mark.parametrize("data", [b"", b"[]", b'{"input": [{"role": "wizard"}]}', b'{"input": [{"type": "message"}]}'])
def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        RESPONSES.read_request(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.integers(0, len(HISTORY) - 1), st.text(string.ascii_letters, min_size=1, max_size=12), JSON)
def test_a_canary_in_any_field_of_any_item_is_seen(place: int, name: str, value: object) -> None:
    items = [dict(item) for item in HISTORY]
    items[place][name] = value
    if name in ("type", "role", "logprobs") or CANARY not in json.dumps(items):
        return
    request = read(input=items)
    assert any(CANARY in segment.text for segment in (*request.segments, *request.unknown))


CALLS = [
    (function_call("send_email", {"to": "a"}), "send_email", '{"to": "a"}'),
    ({"type": "custom_tool_call", "name": "run_sql", "call_id": "c", "input": "select"}, "run_sql", "select"),
    (function_call("send_email", {}, namespace="crm"), "crm/send_email", "{}"),
    ({"type": "mcp_approval_request", "id": "m", "server_label": "crm", "name": "note", "arguments": "{}"}, "crm/note", "{}"),
    ({"type": "local_shell_call", "call_id": "c", "action": {"command": ["ls"]}}, "local_shell", '{"action":{"command":["ls"]}}'),
    ({"type": "shell_call", "call_id": "c", "action": {"commands": ["ls"]}}, "shell", '{"action":{"commands":["ls"]}}'),
    ({"type": "apply_patch_call", "call_id": "c", "operation": {"path": "x"}}, "apply_patch", '{"operation":{"path":"x"}}'),
    ({"type": "mcp_call", "server_label": "docs", "name": "look_up", "arguments": "{}", "output": "x"}, "docs/look_up", "{}"),
    ({"type": "web_search_call", "action": {"type": "search", "query": "x"}}, "web_search", '{"action":{"type":"search","query":"x"}}'),
    ({"type": "code_interpreter_call", "code": "x", "outputs": []}, "code_interpreter", '{"code":"x"}'),
    (
        {"type": "computer_call", "call_id": "c", "action": {"type": "wait"}, "actions": [{"type": "type", "text": "x"}]},
        "computer",
        '{"action":{"type":"wait"},"actions":[{"type":"type","text":"x"}]}',
    ),
]


@pytest.mark.parametrize(("item", "tool", "arguments"), CALLS)
def test_every_item_that_calls_a_tool_is_a_call(item: dict[str, Any], tool: str, arguments: str) -> None:
    """Of a namespace or a server too, under a name of its own: a tool that is allowed here is not allowed there."""
    read = answered(item)
    assert [(call.tool, call.arguments) for call in read.calls] == [(tool, arguments)]
    assert read.unknown == ()


def test_a_call_that_may_not_be_made_is_replaced_by_a_message_and_the_last_one_ends_the_response() -> None:
    read = answered(function_call("a", {}), message("hello"), function_call("b", {}, "call_2"))
    RESPONSES.settle_calls(read, {1: "not b"})
    kinds = [item["type"] for item in read.body["output"]]  # type: ignore[union-attr,call-overload,index] # the test's own JSON
    assert kinds == ["function_call", "message", "message"]
    assert read.body["status"] == "completed"
    read = answered(function_call("a", {}))
    RESPONSES.settle_calls(read, {0: "not a"})
    assert read.body["incomplete_details"] == {"reason": "content_filter"}


def test_what_a_response_repeats_of_its_request_is_not_told_again() -> None:
    read = answered(
        message("x"), instructions=CANARY, tools=[{"type": "function", "description": CANARY}], metadata={"a": CANARY}, user=CANARY
    )
    assert CANARY.encode() not in encode(read.body)


def test_the_words_of_an_upstreams_error_are_not_passed_on() -> None:
    read = answered(status="failed", error={"code": "server_error", "message": f"could not read {CANARY}"})
    assert CANARY.encode() not in encode(read.body)
    assert read.body["error"]


def test_log_probabilities_go_when_the_text_that_they_tell_is_edited() -> None:
    read = answered(message(output_text("hello", logprobs=tokens("hel", "lo"))))
    apply_edits(read.body, {"/output/0/content/0/text": "[X]"}, read.echoes)
    assert b'"logprob"' not in encode(read.body)


def test_a_reply_that_holds_what_can_be_looked_at_holds_nothing_unknown() -> None:
    assert answered(*OUTPUT).unknown == ()
