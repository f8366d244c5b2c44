"""Anthropic Messages: who wrote what, what is told twice, and streams whose events make no sense."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages_wire import DOCUMENT, REPLY, REQUEST, SEARCH_RESULT, call, events_of, reply

from fairlead.core import InvalidInput
from fairlead.wire import APIS, Event, Interaction, Made, Reply, apply_edits, encode

MESSAGES = APIS["anthropic_messages"]
COUNT = APIS["anthropic_count_tokens"]
MADE = Made("x_1", "claude-x")


def read(
    *blocks: object, role: str = "user", before: tuple[object, ...] = (), retrieval: tuple[str, ...] = (), **extra: Any
) -> Interaction:
    messages = [*before, {"role": role, "content": list(blocks)}]
    body = {"model": "claude-x", "max_tokens": 9, "messages": messages, **extra}
    return MESSAGES.read_request(json.dumps(body).encode(), frozenset(retrieval))


def told(request: Interaction) -> dict[str, tuple[str, str, str]]:
    return {segment.text: (segment.origin, segment.stage, segment.tool) for segment in request.segments}


def answered(message: object) -> Reply:
    return MESSAGES.read_reply(json.dumps(message).encode())


def events(*bodies: object) -> list[Event]:
    return [Event(json.dumps(body).encode()) for body in bodies]


def result(content: object, identity: str = "toolu_1") -> dict[str, object]:
    return {"type": "tool_result", "tool_use_id": identity, "content": content}


def test_every_text_says_who_wrote_it() -> None:
    found = told(MESSAGES.read_request(json.dumps(REQUEST).encode()))
    assert found["hello there"] == ("user", "input", "")
    assert found["good day"] == found["let me think"] == found["weather"] == ("model", "input", "")
    assert found["be kind"] == found["from now on be brief"] == ("system", "input", "")
    assert found["finds pages"] == found["what to find"] == ("developer", "tool_definition", "")
    assert found["the end"] == ("developer", "input", "")
    assert found["once upon a time"] == ("tool", "tool_result", "search_docs")
    assert found["a result"] == found["another result"] == ("tool", "tool_result", "search_docs")
    assert found["Sky"] == ("tool", "tool_result", "web_search")
    assert found["page words"] == ("tool", "tool_result", "web_fetch")
    assert found["two notes"] == ("tool", "tool_result", "list_notes")


def test_search_results_were_found_and_documents_are_their_senders() -> None:
    found = told(read(SEARCH_RESULT, DOCUMENT))
    assert found["found words"] == found["a find"] == ("retrieved", "retrieval", "")
    assert found["once upon a time"] == ("user", "input", "")


def test_results_of_a_retrieval_tool_are_documents() -> None:
    before = ({"role": "assistant", "content": [call("search_docs", {})]},)
    for content in ("a page", [{"type": "text", "text": "a page"}]):
        assert told(read(result(content), before=before, retrieval=("search_docs",)))["a page"] == ("retrieved", "retrieval", "search_docs")
    assert told(read(result("a page", "toolu_9"), before=before))["a page"] == ("tool", "tool_result", "")


@pytest.mark.parametrize("kind", ["text", "search_result", "thinking"])
def test_nothing_but_a_result_can_be_passed_off_as_one(kind: str) -> None:
    """Rules at ``input`` would not look at it."""
    request = read({"type": kind, kind if kind != "search_result" else "title": "mine", "tool_use_id": "toolu_1"})
    assert told(request)["mine"][1] in ("input", "retrieval")


def test_a_declared_origin_lowers_trust_and_leaves_with_the_extension() -> None:
    request = read({"type": "text", "text": "mine"}, DOCUMENT, fairlead={"origins": {"/messages/0/content/1": "retrieved"}})
    assert told(request)["once upon a time"][:2] == ("retrieved", "retrieval")
    assert told(request)["mine"][:2] == ("user", "input")
    assert b"fairlead" not in encode(request.body)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b'{"messages": []}',
        b'{"messages": [1]}',
        b'{"messages": [{"role": "wizard", "content": "x"}]}',
        b'{"messages": [{"role": ["user"], "content": "x"}]}',
        b'{"messages": [{"content": "x"}]}',
        b"\xff",
    ],
)
def test_what_is_no_request_is_refused(data: bytes) -> None:
    for api in (MESSAGES, COUNT):
        with pytest.raises(InvalidInput):
            api.read_request(data)


@pytest.mark.parametrize(
    "content", [7, None, {"text": "odd words"}, [["odd words"]], ["odd words"], [{"type": ["text"], "text": "odd words"}]]
)
def test_content_of_another_shape_is_unknown(content: Any) -> None:
    request = MESSAGES.read_request(json.dumps({"messages": [{"role": "user", "content": content}]}).encode())
    assert [segment.text for segment in request.unknown if segment.text != "text"] == (["odd words"] if "odd" in str(content) else [])


@pytest.mark.parametrize(
    "source", [{"type": "base64", "data": "iVBO"}, {"type": "url", "url": "https://a.example"}, {"type": "file", "file_id": "f1"}]
)
@pytest.mark.parametrize("kind", ["image", "document"])
def test_what_no_detector_reads_is_unknown(kind: str, source: dict[str, str]) -> None:
    assert read({"type": kind, "source": source}).unknown
    assert read(result([{"type": kind, "source": source}])).unknown
    assert not read(DOCUMENT).unknown


@pytest.mark.parametrize("kind", ["web_search_20250305", "web_fetch_20250910", "code_execution_20260521", "mcp_toolset", "brand_new"])
def test_a_tool_that_the_provider_runs_is_unknown(kind: str) -> None:
    """No call of it can be stopped before it is made."""
    assert read(tools=[{"type": kind, "name": "x"}]).unknown
    assert read(mcp_servers=[{"type": "url", "url": "https://mcp.example", "name": "x"}]).unknown
    for own in ({}, {"type": "custom"}, {"type": "bash_20250124"}, {"type": None}, {"type": "tool_search_tool_regex_20251119"}):
        assert not read({"type": "text", "text": "x"}, tools=[{**own, "name": "x", "description": "y"}]).unknown
    assert read(tools={"x": "some text"}).unknown


def test_a_long_number_that_a_tool_is_given_or_gives_is_a_text() -> None:
    number = 4111111111111111
    used = {"role": "assistant", "content": [call("search_docs", {"card": number, "n": 12, "is": True})]}
    given_ = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [{"title": "x", "size": float(number)}]}
    request = read(given_, before=(used,))
    assert {str(number), f"{number}.0"} < set(told(request))
    assert "12" not in told(request)
    apply_edits(request.body, {"/messages/0/content/0/input/card": "[X]"})
    assert b'{"card":"[X]","n":12,"is":true}' in encode(request.body)
    assert str(number) in {segment.text for segment in answered(reply({**given_, "content": number})).segments}


def test_a_key_that_is_a_text_is_edited_where_it_stands() -> None:
    for api in (MESSAGES, APIS["openai_chat"]):
        data = {"messages": [{"role": "user", "content": "hello"}], "an odd key": "mine", "model": "m"}
        request = api.read_request(json.dumps(data).encode())
        [path] = [segment.path for segment in request.unknown if segment.text == "mine"]
        apply_edits(request.body, {path: "edited"})
        assert request.body == {**data, "an odd key": "edited"}


def test_an_edit_of_a_thought_empties_its_signature_and_no_other() -> None:
    thought = {"type": "thinking", "thinking": "a", "signature": "EqQB"}
    read_ = answered(reply(thought, thought, "b"))
    assert {segment.text for segment in read_.segments} == {"a", "b", "EqQB"}
    apply_edits(read_.body, {"/content/0/thinking": "[X]", "/content/2/text": "c"}, read_.echoes, read_.signatures)
    assert read_.body["content"] == [{**thought, "thinking": "[X]", "signature": ""}, thought, {"type": "text", "text": "c"}]


def test_calls_of_every_kind_are_calls() -> None:
    found = [(found.path, found.tool, found.call, json.loads(found.arguments)) for found in answered(REPLY).calls]
    assert [(tool, identity) for _, tool, identity, _ in found] == [
        ("web_search", "srvtoolu_1"),
        ("web_fetch", "srvtoolu_2"),
        ("bash_code_execution", "srvtoolu_3"),
        ("list_notes", "mcptoolu_1"),
        ("search_docs", "toolu_1"),
    ]
    assert found[0][0] == "/content/4/input"
    assert found[-1][3] == REPLY["content"][-1]["input"]
    odd = answered(reply({"type": "tool_use", "name": ["x"], "id": 7}))
    assert [(ref.tool, ref.call, ref.arguments) for ref in odd.calls] == [("", "", "{}")]


def test_a_call_without_id_takes_nothing_else_with_it() -> None:
    read_ = answered(
        reply({"type": "server_tool_use", "name": "x", "input": {}}, "kept", {"type": "web_search_tool_result", "content": []})
    )
    MESSAGES.settle_calls(read_, {0: "stopped"})
    assert [block["type"] for block in read_.body["content"]] == ["text", "text", "web_search_tool_result"]  # type: ignore[union-attr,index,call-overload] # decoded JSON


@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b'{"type": "error"}', b'{"content": "x"}', b'{"content": {}}'])
def test_what_is_no_answer_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        MESSAGES.read_reply(data)


def test_a_count_has_no_place_for_a_text() -> None:
    assert COUNT.whole(MADE, "stopped") == b""
    assert COUNT.read_reply(b'{"input_tokens": 3}').unknown == ()
    assert [segment.text for segment in COUNT.read_reply(b'{"input_tokens": "three words here"}').unknown] == ["three words here"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (502, "api_error"),
        (504, "timeout_error"),
    ],
)
def test_an_error_has_anthropic_s_shape(status: int, kind: str) -> None:
    error = json.loads(MESSAGES.error(status, "some_code", "what is wrong"))
    assert error == {"type": "error", "error": {"type": kind, "message": "what is wrong", "code": "some_code"}}


MISFITS = [
    ("text", {"type": "thinking_delta", "thinking": "odd words"}),
    ("text", {"type": "input_json_delta", "partial_json": "odd words"}),
    ("text", {"type": "text_delta", "text": ["odd words"]}),
    ("text", {"type": "text_delta", "text": "x", "note": "odd words"}),
    ("text", {"type": "signature_delta", "signature": "odd words"}),
    ("text", {"type": "citations_delta", "citation": "odd words"}),
    ("text", {"type": ["text_delta"], "text": "odd words"}),
    ("text", "odd words"),
    ("thinking", {"type": "text_delta", "text": "odd words"}),
    ("thinking", {"type": "signature_delta", "signature": {"x": "odd words"}}),
    ("tool_use", {"type": "text_delta", "text": "odd words"}),
    ("redacted_thinking", {"type": "text_delta", "text": "odd words"}),
    ("hologram", {"type": "text_delta", "text": "odd words"}),
    ("web_search_tool_result", {"type": "citations_delta", "citation": {"cited_text": "odd words"}}),
]


@pytest.mark.parametrize(("kind", "delta"), MISFITS)
def test_a_delta_that_does_not_fit_its_block_is_unknown_and_never_leaves(kind: str, delta: Any) -> None:
    codec = MESSAGES.codec(MADE)
    head, *_ = events_of(reply())
    start = {"type": "content_block_start", "index": 3, "content_block": {"type": kind}}
    for event in events(head, start):
        codec.read(event)
    [event] = events({"type": "content_block_delta", "index": 3, "delta": delta})
    chunk = codec.read(event)
    assert "odd words" in [segment.text for segment in chunk.unknown]
    assert not any("odd words" in text for part in chunk.deltas for _, text in part.texts)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 4) | st.sampled_from(["text", "thinking", "tool_use", "text_delta", "end_turn", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "index", "delta", "content_block", "message", "text", "content", "input", "id", "usage"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=8,
)
KINDS = st.sampled_from(
    ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "ping", "odd"]
)


@given(started=st.booleans(), bodies=st.lists(st.tuples(KINDS, JSON), max_size=6))
def test_no_event_breaks_the_codec(*, started: bool, bodies: list[tuple[str, Any]]) -> None:
    codec = MESSAGES.codec(MADE)
    sent = [
        *(events_of(reply())[:1] if started else ()),
        *({**(body if isinstance(body, dict) else {}), "type": kind} for kind, body in bodies),
    ]
    for event in events(*sent):
        try:
            codec.read(event)
        except InvalidInput:
            return
