"""Whatever is sent to whichever endpoint: an answer or an error of that API's shape, never a failure of the gateway's own."""

import copy
import json
from typing import Any

from gateway_door import Door
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

TOOL = {"type": "object", "properties": {"q": {"type": "string"}}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}
CALL = {"id": "c", "type": "function", "function": {"name": "t", "arguments": "{}"}}
CHAT = {
    "model": "m",
    "stream": True,
    "messages": [
        {"role": "system", "content": "be kind"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBO"}}],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "t", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "found"},
    ],
    "tools": [{"type": "function", "function": {"name": "t", "parameters": TOOL}}],
    "fairlead": {"trajectory": "t_1", "origins": {"/messages/1/content": "retrieved"}},
}
MESSAGES = {
    "model": "m",
    "max_tokens": 9,
    "system": [{"type": "text", "text": "be kind"}],
    "messages": [
        {"role": "user", "content": [{"type": "text", "text": "hi"}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "t", "input": {"q": "x"}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c", "content": "found"}]},
    ],
    "tools": [{"name": "t", "input_schema": TOOL}],
}
BODIES: dict[str, Any] = {
    "/v1/chat/completions": CHAT,
    "/v1/messages": MESSAGES,
    "/v1/messages/count_tokens": MESSAGES,
    "/v1/responses": {"model": "m", "input": [{"role": "user", "content": [{"type": "input_text", "text": "hi"}]}], "tools": [TOOL]},
    "/v1/embeddings": {"model": "m", "input": ["a", "b"], "encoding_format": "base64"},
    "/v1/moderations": {"input": [{"type": "text", "text": "hi"}]},
    "/v1/guard/check": {"batch": [{"stage": "input", "text": "hi"}]},
    "/v1/redact": {"batch": ["hi", {"a": ["b", 12345678]}]},
}
WRONG = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=8), inner, max_size=2),
    max_leaves=4,
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in _places(item, (*path, key)))]


@st.composite
def mistaken(draw: st.DrawFn) -> tuple[str, Any]:
    """Return an endpoint and a request of its shape but for one to three places."""
    path = draw(st.sampled_from(sorted(BODIES)))
    body = copy.deepcopy(BODIES[path])
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from([place for place in _places(body) if place] or [("x",)]))
        here = body
        for key in above:
            here = here[key]
        here[last] = draw(WRONG)
    return path, body


@given(mistaken())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_body_gets_an_answer_or_an_error_of_its_api(quick_door: Door, asked: tuple[str, Any]) -> None:
    path, body = asked
    quick_door.upstream.script.clear()
    quick_door.upstream.script.append([b"{}"])
    answer = quick_door.ask(body, path=path)
    assert answer.status in (200, 400, 403, 429, 502), answer.body
    if answer.status != 200:
        error = json.loads(answer.body)["error"]
        assert error["message"]
        assert error["code"] != "internal_error"
        assert ("type" in json.loads(answer.body)) is path.startswith("/v1/messages")


NO_OBJECT = st.binary(max_size=40).filter(lambda data: not data.lstrip().startswith(b"{"))


@given(st.sampled_from(sorted(BODIES)), NO_OBJECT)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_no_object_is_a_client_s_error(quick_door: Door, path: str, data: bytes) -> None:
    answer = quick_door.ask(None, path=path, raw=data)
    assert answer.status == 400, answer.body
