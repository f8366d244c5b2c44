"""A deployment of Azure OpenAI as an upstream: how it is asked, and what it says beside an answer."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from gateway_bench import POLICY, Bench, bench_in

from fairlead.core import InvalidInput
from fairlead.testing.policies import small_release

USER: Any = [{"role": "user", "content": "hello"}]
CARD = "4111 1111 1111 1111"
AZURE = 'azure: {deployment: gpt-test, api_version: "2024-10-21"}'
SAFE = {"filtered": False, "severity": "safe"}
FILTERED = {
    **dict.fromkeys(("hate", "self_harm", "sexual", "violence"), SAFE),
    "protected_material_code": {"filtered": False, "detected": True, "citation": {"URL": f"https://a.example/{CARD}", "license": "MIT"}},
}
PROMPT = [{"prompt_index": 0, "content_filter_results": {**dict.fromkeys(("hate", "violence"), SAFE), "jailbreak": {"filtered": False}}}]


@pytest.fixture(scope="module")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench_in(tmp_path_factory.mktemp("azure")) as bench, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AZURE_KEY", "azure-secret")
        yield bench.start(POLICY.replace('base_url: "UPSTREAM"', f'base_url: "UPSTREAM", key: env:AZURE_KEY, {AZURE}'))


def test_a_deployment_is_asked_as_it_wants_to_be(azure: Bench) -> None:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": f"pay {CARD}"}}
    body = {"id": "r", "object": "chat.completion", "created": 1, "model": "gpt", "prompt_filter_results": PROMPT}
    azure.model.sends([json.dumps({**body, "choices": [{**choice, "content_filter_results": FILTERED}]}).encode()])
    with azure.client() as client:
        answer = client.chat.completions.create(model="m", messages=USER)
    assert answer.choices[0].message.content == "pay [PAYMENT_CARD]"
    told = answer.choices[0].model_extra or {}
    assert told["content_filter_results"]["protected_material_code"]["citation"]["URL"] == "https://a.example/[PAYMENT_CARD]"
    path, headers = azure.model.asked[-1]
    assert path == "/openai/deployments/gpt-test/chat/completions"
    assert (headers["api-key"], "authorization" in headers) == ("azure-secret", False)
    assert azure.model.queries[-1] == "api-version=2024-10-21"


def test_a_stream_passes_with_what_the_filter_says(azure: Bench) -> None:
    first = {"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": PROMPT}
    parts = [b"data: " + json.dumps(first).encode() + b"\n\n"]
    harmless = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), SAFE)
    for delta, finish in (({"role": "assistant", "content": "pay "}, None), ({"content": CARD}, None), ({}, "stop")):
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "content_filter_results": harmless, "logprobs": None}
        body = {"id": "r", "object": "chat.completion.chunk", "created": 1, "model": "gpt", "choices": [choice]}
        parts.append(b"data: " + json.dumps(body).encode() + b"\n\n")
    azure.model.sends([*parts, b"data: [DONE]\n\n"], content_type=b"text/event-stream")
    with azure.client() as client, client.chat.completions.stream(model="m", messages=USER) as stream:
        assert stream.get_final_completion().choices[0].message.content == "pay [PAYMENT_CARD]"


def test_responses_are_not_a_deployment_s(azure: Bench) -> None:
    with azure.client() as client, pytest.raises(openai.BadRequestError):
        client.responses.create(model="m", input="hello")


@pytest.mark.parametrize(
    "upstream",
    [
        AZURE,
        f'base_url: "https://a.example", provider: anthropic, {AZURE}',
        'base_url: "https://a.example", azure: {deployment: "../x", api_version: "2024-10-21"}',
        'base_url: "https://a.example", azure: {deployment: x, api_version: latest}',
    ],
)
def test_what_is_no_deployment_is_refused(upstream: str) -> None:
    policy = "fairlead: 1\nsystem: s\nowner: o\ntier: limited\nupstream: {default: {UPSTREAM}}\n"
    assert small_release(policy.replace("UPSTREAM", f'base_url: "https://a.example", {AZURE}')).policy.upstream["default"].azure
    with pytest.raises(InvalidInput):
        small_release(policy.replace("UPSTREAM", upstream))
