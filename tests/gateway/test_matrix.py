"""Law 1, whatever the API: a canary in any string, and under any unknown name, of the largest bodies of an API is seen.

The places are found by walking the bodies, not listed: whoever adds a field to an example has it tested. Join by a ``Specimen``.
"""

import copy
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

import chat_wire
import messages_wire
import pytest
import responses_wire
from gateway_door import Answer, Door

SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"
CANARY = f"the key {SECRET} is here"
"""A sentence, so that no short token is taken for it, with a secret that the policy blocks wherever it is looked at."""
MATRIX_POLICY = """\
fairlead: 1
system: test-system
owner: tests
tier: high
capture: none
audit: relaxed
unknown: scan
upstream:
  default: {provider: openai, base_url: "UPSTREAM"}
  claude: {provider: anthropic, base_url: "UPSTREAM"}
rules:
  - {id: no-secrets, at: [input, retrieval, tool_definition, tool_call, tool_result, output], entity: secret, do: block}
tools:
  - {tool: search_docs, allow: true}
  - {tool: web_search, allow: true}
  - {tool: web_fetch, allow: true}
  - {tool: bash_code_execution, allow: true}
  - {tool: list_notes, allow: true}
  - {tool: file_search, allow: true}
  - {tool: code_interpreter, allow: true}
  - {tool: docs/look_up, allow: true}
"""
CARD = "4111 1111 1111 1111"
CARDS = """\
  - {id: no-cards, at: [input, retrieval, tool_definition, tool_result, output], entity: payment_card, do: redact}
  - {id: no-cards-in-calls, at: tool_call, entity: payment_card, do: block}
"""
Path = tuple[str | int, ...]


class Specimen(NamedTuple):
    """What of an API is tried."""

    path: str
    request: dict[str, Any]
    """The largest one, not streamed."""
    reply: dict[str, Any]
    events: Sequence[dict[str, Any]] = ()
    """The largest stream; empty for an API without."""
    wire: Callable[[Sequence[dict[str, Any]]], list[bytes]] = messages_wire.wire
    near: Callable[[dict[str, Any], dict[str, Any]], bool] = lambda _event, _other: True
    """Whether an event is needed beside another one; the fewer are, the shorter is the walk."""


SPECIMENS = {
    "chat": Specimen("/v1/chat/completions", chat_wire.REQUEST, chat_wire.REPLY, chat_wire.EVENTS, chat_wire.wire),
    "responses": Specimen(
        "/v1/responses",
        responses_wire.REQUEST,
        responses_wire.REPLY,
        responses_wire.events(responses_wire.REPLY, 1000),
        responses_wire.wire,
    ),
    "embeddings": Specimen(
        "/v1/embeddings",
        {"model": "m-1", "input": ["one text", "another text"], "encoding_format": "float", "dimensions": 2, "user": "u-1"},
        {
            "object": "list",
            "model": "m-1",
            "data": [
                {"object": "embedding", "index": 0, "embedding": [0.5, -0.5]},
                {"object": "embedding", "index": 1, "embedding": "AAAAPw=="},
            ],
            "usage": {"prompt_tokens": 4, "total_tokens": 4},
        },
    ),
    "messages": Specimen(
        "/v1/messages",
        messages_wire.REQUEST,
        messages_wire.REPLY,
        messages_wire.events_of(messages_wire.REPLY, 1000),
        near=lambda event, other: event.get("index", 0) == other.get("index", 0) or "index" not in event,
    ),
    "count_tokens": Specimen(
        "/v1/messages/count_tokens", messages_wire.COUNTED, {"input_tokens": 9, "context_management": {"original": 9}}
    ),
}
every_api = pytest.mark.parametrize("specimen", SPECIMENS.values(), ids=SPECIMENS.keys())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door to every provider whose policy looks at what it does not know."""
    with ExitStack() as stack:
        yield Door(stack, tmp_path_factory.mktemp("matrix")).start(MATRIX_POLICY)


@pytest.fixture(scope="module")
def cutting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """A door whose policy cuts out what it finds, and lets nothing pass that it does not know."""
    policy = MATRIX_POLICY.replace("unknown: scan", "unknown: block").replace("rules:\n", f"rules:\n{CARDS}")
    with ExitStack() as stack:
        yield Door(stack, tmp_path_factory.mktemp("cutting")).start(policy)


def strings(value: Any, path: Path = ()) -> Iterator[Path]:
    """Walk to every string of a body."""
    if isinstance(value, str):
        yield path
    for key, item in _items(value):
        yield from strings(item, (*path, key))


def objects(value: Any, path: Path = ()) -> Iterator[Path]:
    """Walk to every object of a body."""
    if isinstance(value, dict):
        yield path
    for key, item in _items(value):
        yield from objects(item, (*path, key))


def put(body: Any, path: Path, value: Any) -> Any:
    """Return a body with another value at a place."""
    changed = copy.deepcopy(body)
    here = changed
    for step in path[:-1]:
        here = here[step]
    here[path[-1]] = value
    return changed


def changes(body: Any) -> Iterator[tuple[Path, Any]]:
    """Give a body with the canary in each string, and then, in each object, under an unknown name and as one."""
    for path in strings(body):
        yield path, put(body, path, CANARY)
    for path in objects(body):
        yield (*path, "brand_new"), put(body, (*path, "brand_new"), {"x": [[{"type": CANARY}]]})
        yield (*path, CANARY), put(body, (*path, CANARY), 1)


def _items(value: Any) -> Iterator[tuple[str | int, Any]]:
    return iter(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())


def ask(desk: Door, specimen: Specimen, request: Any, answer: Sequence[bytes]) -> Answer:
    desk.upstream.script.clear()
    desk.upstream.requests.clear()
    desk.upstream.script.append(answer)
    return desk.ask(request, path=specimen.path)


def whole(specimen: Specimen, reply: Any = None) -> list[bytes]:
    return [json.dumps(specimen.reply if reply is None else reply).encode()]


@every_api
def test_the_largest_example_passes_unchanged(desk: Door, specimen: Specimen) -> None:
    """Else the tests below would show nothing."""
    answer = ask(desk, specimen, specimen.request, whole(specimen))
    assert answer.status == 200, answer.body
    assert desk.upstream.requests == [specimen.request]
    assert json.loads(answer.body) == specimen.reply


@every_api
def test_a_canary_anywhere_in_a_request_stays_here(desk: Door, specimen: Specimen) -> None:
    for path, body in changes(specimen.request):
        answer = ask(desk, specimen, body, whole(specimen))
        assert desk.upstream.requests == [], path
        assert answer.status == 400, path
        assert SECRET.encode() not in answer.body, path


@every_api
def test_a_canary_anywhere_in_a_response_stays_here(desk: Door, specimen: Specimen) -> None:
    for path, body in changes(specimen.reply):
        answer = ask(desk, specimen, specimen.request, whole(specimen, body))
        assert len(desk.upstream.requests) == 1
        assert SECRET.encode() not in answer.body, path


@every_api
def test_a_canary_anywhere_in_a_stream_stays_here(desk: Door, specimen: Specimen) -> None:
    request = {**specimen.request, "stream": True}
    for path, events in changes(specimen.events):
        # What a client puts together of the pieces, too: an event is all that the canary needs.
        near = [event for event, before in zip(events, specimen.events, strict=True) if specimen.near(before, specimen.events[path[0]])]
        answer = ask(desk, specimen, request, specimen.wire([event for event in near if "type" in event]))
        assert len(desk.upstream.requests) == 1
        assert SECRET.encode() not in answer.body, path


HALF, REST = SECRET[:9], SECRET[9:]


def _said(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _asked(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 9, "messages": list(messages)}


def _of(role: str, *texts: str) -> dict[str, Any]:
    return {"role": role, "content": texts[0] if len(texts) == 1 else [_said(text) for text in texts]}


_USED = [
    {"role": "user", "content": "go"},
    {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "search_docs", "input": {}}]},
]
_CALLED = {"id": "call_1", "type": "function", "function": {"name": "search_docs", "arguments": "{}"}}
SPLIT_REQUESTS = {
    "chat parts": ("chat", _asked(_of("user", HALF, REST))),
    "chat messages": ("chat", _asked(_of("user", HALF), _of("user", REST))),
    "chat message and part": ("chat", _asked(_of("user", "a", HALF), _of("user", REST))),
    "chat tool result": (
        "chat",
        _asked(_USED[0], {"role": "assistant", "tool_calls": [_CALLED]}, {**_of("tool", HALF, REST), "tool_call_id": "call_1"}),
    ),
    "messages blocks": ("messages", _asked(_of("user", "x ", HALF, REST, " y"))),
    "messages messages": ("messages", _asked(_of("user", HALF), _of("user", REST, "y"))),
    "messages system": ("messages", {**_asked(_of("user", "x")), "system": [_said(HALF), _said(REST)]}),
    "messages tool result": (
        "messages",
        _asked(
            *_USED, {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": [_said(HALF), _said(REST)]}]}
        ),
    ),
    "counted": ("count_tokens", _asked(_of("user", HALF, REST))),
    "responses parts": (
        "responses",
        {"model": "m", "input": [{"role": "user", "content": [{"type": "input_text", "text": text} for text in (HALF, REST)]}]},
    ),
    "responses messages": ("responses", {"model": "m", "input": [_of("user", HALF), _of("user", REST)]}),
}
SPLIT_REPLIES = {
    "messages blocks": ("messages", messages_wire.reply("it is ", HALF, REST, "so")),
    "messages thinking": (
        "messages",
        messages_wire.reply(*({"type": "thinking", "thinking": text, "signature": "EqQBCg"} for text in (HALF, REST)), "done"),
    ),
    "messages cited": (
        "messages",
        messages_wire.reply({**_said(HALF), "citations": [{"type": "char_location", "cited_text": "as read"}]}, REST),
    ),
    "responses parts": ("responses", responses_wire.reply(responses_wire.message("it is ", HALF, REST))),
    "responses items": ("responses", responses_wire.reply(responses_wire.message(HALF), responses_wire.message(REST, identity="msg_2"))),
}


@pytest.mark.parametrize(("api", "request_"), SPLIT_REQUESTS.values(), ids=SPLIT_REQUESTS.keys())
def test_a_secret_over_two_parts_of_a_request_stays_here(desk: Door, api: str, request_: dict[str, Any]) -> None:
    answer = ask(desk, SPECIMENS[api], request_, whole(SPECIMENS[api]))
    assert answer.status == 400, answer.body
    assert desk.upstream.requests == []


@pytest.mark.parametrize(("api", "reply"), SPLIT_REPLIES.values(), ids=SPLIT_REPLIES.keys())
def test_a_secret_over_two_parts_of_an_answer_stays_here(desk: Door, api: str, reply: dict[str, Any]) -> None:
    specimen = SPECIMENS[api]
    assert HALF.encode() not in ask(desk, specimen, specimen.request, whole(specimen, reply)).body
    for size in (1, 5, 1000):
        told = messages_wire.events_of(reply, size) if api == "messages" else responses_wire.events(reply, size)
        answer = ask(desk, specimen, {**specimen.request, "stream": True}, specimen.wire(told))
        shown = "".join(_deltas(answer.body))
        assert HALF[:4] not in shown, (size, shown)
        assert HALF.encode() not in answer.body
        assert answer.ended


def _deltas(body: bytes) -> Iterator[str]:
    for event in messages_wire.left(body):
        delta = event.get("delta")
        yield delta if isinstance(delta, str) else "".join(text for text in (delta or {}).values() if isinstance(text, str))


@pytest.mark.slow
@every_api
def test_what_is_cut_out_of_any_string_is_gone(cutting: Door, specimen: Specimen) -> None:
    """Also from what tells it again."""
    said = f" card {CARD} it is "
    for path in strings(specimen.request):
        ask(cutting, specimen, put(specimen.request, path, said), whole(specimen))
        assert CARD not in json.dumps(cutting.upstream.requests), path
    for path in strings(specimen.reply):
        assert CARD.encode() not in ask(cutting, specimen, specimen.request, whole(specimen, put(specimen.reply, path, said))).body, path
    for path in strings(list(specimen.events)):
        answer = ask(cutting, specimen, {**specimen.request, "stream": True}, specimen.wire(put(list(specimen.events), path, said)))
        assert CARD.encode() not in answer.body, path
