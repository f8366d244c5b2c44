"""The crash-test model talks to the official client: whole, streamed, with tools, and cuts every entity when it streams."""

import itertools
import json
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import OpenAI

from fairlead.crash_model import app
from fairlead.crash_model.chunks import split
from fairlead.testing import serving

MAIL = {
    "type": "function",
    "function": {"name": "send_email", "parameters": {"type": "object", "properties": {"to": {}, "subject": {}, "body": {}}}},
}
ASK = "Please repeat: bob@example.com has the card 4111111111111111"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving(app(seed=3)) as base:
        yield base


@pytest.fixture
def client(url: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as made:
        yield made


def test_whole_answer_has_choices_and_usage(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="crash-test", messages=[{"role": "user", "content": ASK}], n=2)
    assert [choice.message.content for choice in answer.choices] == [ASK, ASK]
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


def test_stream_says_the_same_in_pieces(client: OpenAI) -> None:
    with client.chat.completions.create(
        model="crash-test", messages=[{"role": "user", "content": ASK}], stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    pieces = [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]
    assert "".join(pieces) == ASK
    assert not any("4111111111111111" in piece or "bob@example.com" in piece for piece in pieces)
    assert chunks[-1].usage is not None


def test_tool_call_is_streamed_in_pieces(client: OpenAI) -> None:
    message = "Send an email to bob@example.com saying that the lamp is here"
    with client.chat.completions.create(
        model="crash-test",
        messages=[{"role": "user", "content": message}],
        tools=[MAIL],
        stream=True,  # type: ignore[list-item] # plain JSON
    ) as stream:
        chunks = [chunk.choices[0] for chunk in stream]
    deltas = [call for chunk in chunks for call in chunk.delta.tool_calls or ()]
    arguments = json.loads("".join((delta.function.arguments or "") if delta.function else "" for delta in deltas))
    assert arguments["to"] == "bob@example.com"
    assert len(deltas) > 5
    assert chunks[-1].finish_reason == "tool_calls"


def test_models_are_listed(client: OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["crash-test"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/healthz", None, 200),
        ("GET", "/nothing", None, 404),
        ("POST", "/v1/chat/completions", "{", 400),
        ("POST", "/v1/chat/completions", '{"messages":[]}', 400),
        ("POST", "/v1/chat/completions", '{"messages":[{"role":"user","content":"x"}],"n":99}', 400),
    ],
)
def test_wrong_request_is_told_so(url: str, method: str, path: str, body: str | None, status: int) -> None:
    assert httpx.request(method, url + path, content=body).status_code == status


@given(st.text(), st.integers(), st.integers(1, 40))
def test_pieces_are_the_text(text: str, seed: int, largest: int) -> None:
    pieces = list(split(text, seed, largest))
    assert "".join(pieces) == text
    assert all(1 <= len(piece) <= largest for piece in pieces)


def test_seed_decides_the_pieces() -> None:
    cuts = {tuple(split("the quick brown fox jumps over the lazy dog", seed)) for seed in range(8)}
    assert len(cuts) == 8
    assert all(any(len(first) != len(second) for first, second in itertools.pairwise(cut)) for cut in cuts)
