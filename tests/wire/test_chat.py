"""Chat Completions: every string of a request or response is a Segment, an unknown, or a short token."""

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import InvalidInput
from fairlead.wire import ChatCompletions, Reply, apply_edits, encode

CHAT = ChatCompletions()
CANARY = "canary sentence 4711"


def body(**extra: object) -> bytes:
    return json.dumps({"model": "m-1", "messages": [{"role": "user", "content": "hello there"}], **extra}).encode()


def seen(data: bytes) -> set[str]:
    request = CHAT.read_request(data)
    return {segment.text for segment in (*request.segments, *request.unknown)}


@pytest.mark.parametrize(
    "extra",
    [
        {"new_field": CANARY},
        {"metadata": {"note": CANARY}},
        {"metadata": {CANARY: "x"}},
        {"user": CANARY},
        {"model": CANARY},
        {"stop": [CANARY]},
        {"tools": [{"type": "function", "function": {"name": "f", "description": CANARY}}]},
        {"tools": [{"type": "function", "function": {"name": CANARY}}]},
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"properties": {"a": {"enum": [CANARY]}}}}}]},
        {"tools": [{"type": "function", "x": {"deep": [[CANARY]]}}]},
        {"response_format": {"json_schema": {"description": CANARY}}},
        {"tool_choice": {"function": {"name": CANARY}}},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": CANARY}]}]},
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": CANARY}}]}]},
        {"messages": [{"role": "user", "content": "x", "name": CANARY}]},
        {"messages": [{"role": "user", "content": "x", "odd": CANARY}]},
        {"messages": [{"role": "user", "content": "x", CANARY: None}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": CANARY}}]}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "c", "odd": {"x": CANARY}}]}]},
        {"messages": [{"role": "tool", "tool_call_id": "c", "content": CANARY}]},
        {"messages": [{"role": "tool", "tool_call_id": CANARY, "content": "x"}]},
        {"messages": [{"role": "developer", "content": CANARY}]},
        {"messages": [{"role": "assistant", "refusal": CANARY}]},
        {"messages": [{"role": "assistant", "reasoning_content": CANARY}]},
    ],
)
def test_a_canary_in_any_field_of_a_request_is_seen(extra: dict[str, object]) -> None:
    assert CANARY in seen(body(**extra))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.just(CANARY),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(string.ascii_letters, min_size=1, max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.sampled_from(["/", "/messages/0", "/tools", "/metadata", "/stream_options", "/messages/0/content/0"]),
    st.text(string.ascii_letters, min_size=1, max_size=12),
    JSON,
)
def test_a_canary_under_any_unknown_name_is_seen(place: str, name: str, value: object) -> None:
    request = {
        "model": "m",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
        "metadata": {},
        "stream_options": {},
    }
    request["tools"] = {"unknown": [{}]}
    here: object = request
    for token in place.split("/")[1:]:
        if token and isinstance(here, list):
            here = here[int(token)]
        elif token and isinstance(here, dict):
            here = here[token]
    if not isinstance(here, dict) or name in here:
        return
    here[name] = value
    data = json.dumps(request).encode()
    if CANARY in data.decode():
        assert CANARY in seen(data)


def test_a_tool_result_knows_its_tool_and_a_retrieval_tool_gives_documents() -> None:
    messages = [
        {"role": "user", "content": "find it"},
        {"role": "assistant", "tool_calls": [{"id": "c1", "function": {"name": "search_docs", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "a document"},
    ]
    request = CHAT.read_request(body(messages=messages), retrieval_tools=frozenset({"search_docs"}))
    document = next(segment for segment in request.segments if segment.text == "a document")
    assert (document.origin, document.stage, document.tool) == ("retrieved", "retrieval", "search_docs")


def test_a_declared_origin_lowers_trust_and_leaves_with_the_extension() -> None:
    request = CHAT.read_request(body(fairlead={"origins": {"/messages/0/content": "retrieved"}}))
    assert [(segment.origin, segment.stage) for segment in request.segments] == [("retrieved", "retrieval")]
    assert b"fairlead" not in encode(request.body)


@pytest.mark.parametrize("origin", ["system", "user", "developer", "model"])
def test_an_origin_that_raises_trust_is_refused(origin: str) -> None:
    with pytest.raises(InvalidInput, match="only lower trust"):
        CHAT.read_request(body(fairlead={"origins": {"/messages/0/content": origin}}))


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"[]", b'{"messages": []}', b'{"messages": [{"role": "wizard"}]}', b'{"messages": [1]}', b"\xff", b"[" * 100_000],
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        CHAT.read_request(data)


def test_of_a_key_that_stands_twice_the_guarded_one_is_sent() -> None:
    request = CHAT.read_request(b'{"model":"m","messages":[{"role":"user","content":"first","content":"second"}]}')
    assert [segment.text for segment in request.segments] == ["second"]
    assert b"first" not in encode(request.body)


def test_every_choice_of_a_response_is_seen_and_text_is_put_back_where_it_was() -> None:
    message = {"role": "assistant", "content": "one"}
    calls = {"role": "assistant", "content": None, "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": '{"a":1}'}}]}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}, {"index": 1, "message": calls, "finish_reason": "tool_calls"}]
    response = CHAT.read_reply(json.dumps({"id": "r", "choices": choices, "provider": "a b"}).encode())
    assert [(segment.path, segment.text) for segment in response.segments] == [("/choices/0/message/content", "one")]
    assert [(call.tool, call.arguments) for call in response.calls] == [("f", '{"a":1}')]
    assert [segment.text for segment in response.unknown] == ["a b"]
    apply_edits(response.body, {"/choices/0/message/content": "two"})
    assert b'"content":"two"' in encode(response.body)


TOKENS = [
    {"token": "he", "logprob": -0.1, "bytes": [104, 101], "top_logprobs": [{"token": "a b", "logprob": -1, "bytes": None}]},
    {"token": "llo", "logprob": -0.1, "bytes": [108, 108, 111], "top_logprobs": [{"token": " c", "logprob": -1, "bytes": [33]}]},
]


def told(entries: object) -> Reply:
    choice = {"index": 0, "message": {"role": "assistant", "content": "hello"}, "logprobs": {"content": entries}}
    return CHAT.read_reply(json.dumps({"choices": [choice]}).encode())


def test_what_log_probabilities_tell_is_seen_rank_by_rank() -> None:
    reply = told(TOKENS)
    assert {segment.text for segment in reply.segments} == {"hello", "a b c!"}
    assert reply.unknown == ()


def test_log_probabilities_go_when_the_text_that_they_tell_is_edited() -> None:
    reply = told(TOKENS)
    apply_edits(reply.body, {"/choices/0/message/content": "[X]"}, reply.echoes)
    assert b'logprob"' not in encode(reply.body)


@pytest.mark.parametrize("entries", [[{"token": "x", "odd": 1}], [{"token": 1}], [{"token": "x", "bytes": [300]}], [1], "text", {"a": "b"}])
def test_log_probabilities_of_another_shape_are_unknown(entries: object) -> None:
    assert told(entries).unknown
