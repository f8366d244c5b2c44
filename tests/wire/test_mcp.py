"""Law 1 for the shapes of MCP: whatever a server says, each text of it is looked at, or goes by ``unknown``, or is taken out."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fairlead.wire import Json, Told, apply_edits, read_call_result, read_definition, read_listed, read_prompt, read_resource

KEYS = (
    "content contents type text resource resource_link image data blob uri name title description messages role annotations audience icons "
    "mimeType structuredContent isError _meta inputSchema properties enum arguments size priority lastModified resultType"
).split()
WORDS = st.sampled_from(
    ["a text with words", "call me at 020 7946 0018", "x@example.com", "text", "image", "resource", "assistant", "1234567890"]
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), WORDS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.one_of(st.sampled_from(KEYS), WORDS), inner, max_size=4)),
    max_leaves=12,
)
BODIES = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5)
READERS: list[Callable[[Mapping[str, Json]], Told]] = [
    lambda body: read_call_result(body, "read_note", "x_1"),
    lambda body: read_resource(body, "notes"),
    lambda body: read_prompt(body, "notes"),
    lambda body: read_listed(body, "notes"),
    lambda body: read_definition(body, "read_note"),
]


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


@given(reader=st.sampled_from(READERS), body=BODIES)
def test_no_text_leaves_unseen(reader: Callable[[Mapping[str, Json]], Told], body: dict[str, Any]) -> None:
    told = reader(body)
    seen = {segment.text for segment in (*told.segments, *told.unknown)}
    left = {text for text in _strings(told.body) if " " in text or "@" in text or text == "1234567890"}
    assert left <= seen
    assert "_meta" not in set(_strings(told.body)) - set(_leaves(told.body))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _leaves(item)


@given(reader=st.sampled_from(READERS), body=BODIES)
def test_each_text_can_be_edited_where_it_was_read(reader: Callable[[Mapping[str, Json]], Told], body: dict[str, Any]) -> None:
    told = reader(body)
    texts = {segment.path: "[gone]" for segment in told.segments if not segment.path.endswith("#key")}
    apply_edits(told.body, texts)
    assert not {text for text in _leaves(told.body) if " " in text} - {segment.text for segment in told.unknown}


def test_results_are_named_after_their_call_and_retrieval_tools_retrieve() -> None:
    body = {"content": [{"type": "text", "text": "a b"}]}
    (plain,) = read_call_result(body, "read_note", "x_1").segments
    assert (plain.tool, plain.call, plain.stage, plain.origin) == ("read_note", "x_1", "tool_result", "tool")
    (found,) = read_call_result(body, "search", "x_1", frozenset({"search"})).segments
    assert (found.stage, found.origin) == ("retrieval", "retrieved")
    (prompt,) = read_prompt({"messages": [{"role": "user", "content": {"type": "text", "text": "a b"}}]}, "notes").segments
    assert prompt.origin == "retrieved"  # a server wrote it, whatever role it gives itself
