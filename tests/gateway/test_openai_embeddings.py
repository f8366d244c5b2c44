"""The official openai client and the Embeddings API through the gateway."""

import base64
import json
import struct
from typing import Any

import openai
import pytest
from gateway_bench import POLICY

SECRET = "AKIA" + "IOSFODNN7EXAMPLQ"
CARD = "4111 1111 1111 1111"
NUMBERS = [0.25, -0.5]


def answered(bench: Any, policy: str = POLICY, embedding: object = None) -> Any:
    bench.start(policy)
    packed = base64.b64encode(struct.pack("<2f", *NUMBERS)).decode()
    data = [{"object": "embedding", "index": 0, "embedding": packed if embedding is None else embedding}]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    bench.model.sends([json.dumps({"object": "list", "data": data, "model": "m", "usage": usage}).encode()])
    return bench.client()


def test_a_clean_text_gives_its_numbers_and_leaves_records(bench: Any) -> None:
    with answered(bench) as client:
        raw = client.embeddings.with_raw_response.create(model="m", input=["hello", "you"])
    assert raw.parse().data[0].embedding == NUMBERS
    decisions = [decision for decision in bench.decisions() if decision.exchange == raw.headers["x-fairlead-exchange"]]
    assert [decision.stage for decision in decisions] == ["input", "output"]
    assert [entry.path for entry in decisions[0].coverage] == ["/input/0", "/input/1"]


def test_a_secret_never_reaches_the_model(bench: Any) -> None:
    with answered(bench) as client, pytest.raises(openai.BadRequestError) as error:
        client.embeddings.create(model="m", input=["hello", f"the {SECRET}"])
    assert error.value.code == "content_filter"
    assert bench.model.requests == []


def test_what_the_policy_cuts_out_is_cut_out_of_what_is_embedded(bench: Any) -> None:
    with answered(bench, POLICY.replace("at: output, entity: payment_card", "at: [input, output], entity: payment_card")) as client:
        client.embeddings.create(model="m", input=["hello", f"my card {CARD}"])
    assert bench.model.requests[0]["input"] == ["hello", "my card [PAYMENT_CARD]"]


def test_what_the_policy_says_instead_is_an_error_here(bench: Any) -> None:
    with answered(bench, POLICY.replace("do: block}", "do: block, say: refusal.secret}")) as client, pytest.raises(openai.BadRequestError):
        client.embeddings.create(model="m", input=f"the {SECRET}")


@pytest.mark.parametrize("tokens", [[101, 102], [[101], [102]]])
def test_numbers_of_tokens_follow_the_rule_for_what_is_unknown(bench: Any, tokens: Any) -> None:
    with answered(bench) as client, pytest.raises(openai.BadRequestError, match="rule unknown"):
        client.embeddings.create(model="m", input=tokens)
    bench.stop()
    with answered(bench, POLICY.replace("unknown: block", "unknown: allow")) as client:
        client.embeddings.create(model="m", input=tokens)
    skipped = {entry.path for decision in bench.decisions() for entry in decision.coverage if entry.status == "skipped"}
    assert skipped >= ({"/input"} if tokens[0] == 101 else {"/input/0", "/input/1"})


def test_a_text_in_place_of_numbers_does_not_leave(bench: Any) -> None:
    with answered(bench, embedding=f"the {SECRET}") as client, pytest.raises(openai.APIStatusError) as error:
        client.embeddings.create(model="m", input="hello")
    assert SECRET not in error.value.response.text
