"""Embeddings: texts are read, numbers of tokens are unknown, and a reply holds numbers only."""

import base64
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import InvalidInput
from fairlead.wire import APIS, Interaction, Reply

EMBEDDINGS = APIS["openai_embeddings"]
WIDTHS = st.floats(-1, 1, width=32).filter(lambda number: number == 0 or abs(number) > 1e-9)


def read(given_input: Any, **extra: Any) -> Interaction:
    return EMBEDDINGS.read_request(json.dumps({"model": "m", "input": given_input, **extra}).encode())


def answered(embedding: Any, **extra: Any) -> Reply:
    data = [{"object": "embedding", "index": 0, "embedding": embedding}]
    return EMBEDDINGS.read_reply(json.dumps({"object": "list", "model": "m", "data": data, **extra}).encode())


def packed(*numbers: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()


def test_every_text_is_input() -> None:
    assert [(one.path, one.stage, one.text) for one in read("a text").segments] == [("/input", "input", "a text")]
    assert [(one.path, one.text) for one in read(["one", "two"]).segments] == [("/input/0", "one"), ("/input/1", "two")]


@pytest.mark.parametrize("tokens", [[1, 2], [[1, 2], [3]], ["text", [1]], [], {"text": "x"}, [{"type": "image_url"}], 7])
def test_what_is_no_text_is_unknown(tokens: Any) -> None:
    assert read(tokens).unknown


def test_a_stream_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not streamed"):
        read("x", stream=True)


@given(st.lists(WIDTHS, min_size=1, max_size=50))
def test_an_embedding_passes_in_both_encodings(numbers: list[float]) -> None:
    for embedding in (numbers, packed(*numbers)):
        reply = answered(embedding, usage={"prompt_tokens": 1, "total_tokens": 1})
        assert (reply.segments, reply.unknown) == ((), ())


@pytest.mark.parametrize(
    "embedding",
    [
        "the key",
        ["text"],
        {"a": "text"},
        "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dcQ4Rx9Tbn",
        "ghp_" + "a8Kd02mQp5LzXc7RtYvB3nWe6UiH1oSf",
        packed(1e9),
        packed(float("nan")),
    ],
)
def test_what_is_no_embedding_is_unknown(embedding: Any) -> None:
    assert answered(embedding).unknown


@pytest.mark.parametrize("data", [b"[]", b"{}", b'{"data": {}}'])
def test_what_is_no_reply_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        EMBEDDINGS.read_reply(data)
