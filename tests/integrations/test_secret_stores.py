"""Keys in stores of secrets: asked as the documents say, kept, and taken over anew when they were rotated. No live service was asked."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openai
import pytest
from gateway_bench import POLICY, bench_in

from fairlead.core import InvalidInput
from fairlead.integrations import KeptSecrets
from fairlead.integrations.secret_refusals import SecretAbsent, StoreFailed
from fairlead.integrations.secret_stores import Ask, Signing, ask_store, signed
from fairlead.testing import FixedClock, ScriptedModel, serving
from fairlead.testing.policies import small_release

VAULT = {"VAULT_TOKEN": "hvs.t", "VAULT_NAMESPACE": "team"}
AWS = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s3cret", "AWS_SESSION_TOKEN": "session"}
AZURE = {"AZURE_TENANT_ID": "t-1", "AZURE_CLIENT_ID": "c-1", "AZURE_CLIENT_SECRET": "s3cret"}


class Store(ScriptedModel):
    """A store that answers what a test scripts."""

    def says_json(self, body: object, status: int = 200) -> None:
        self.sends([json.dumps(body).encode()], status=status)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Store, str]]:
    store = Store()
    with serving(store) as address:
        yield store, address


def _ask(reference: str, variables: dict[str, str], **extra: Any) -> str:
    return ask_store(reference, lambda name: variables.get(name, ""), FixedClock(), **extra)


def test_vault_is_asked_for_the_latest_version(served: tuple[Store, str]) -> None:
    store, address = served
    # The example of HashiCorp's document, with its metadata.
    store.says_json({"data": {"data": {"foo": "bar"}, "metadata": {"created_time": "2018-03-22T02:24:06.945319214Z", "version": 1}}})
    assert _ask("vault:secret/my/app#foo", {**VAULT, "VAULT_ADDR": address}) == "bar"
    path, headers = store.asked[-1]
    assert (path, headers["x-vault-token"], headers["x-vault-namespace"]) == ("/v1/secret/data/my/app", "hvs.t", "team")


def test_aws_is_asked_with_a_signature(served: tuple[Store, str]) -> None:
    store, address = served
    variables = {**AWS, "AWS_ENDPOINT_URL_SECRETS_MANAGER": address}
    store.says_json({"ARN": "arn:aws:secretsmanager:eu-west-1:1:secret:a", "Name": "a", "SecretString": '{"key":"bar"}'})
    assert _ask("aws:prod/a#key", variables) == "bar"
    store.says_json({"Name": "a", "SecretString": "plain"})
    assert _ask("aws:prod/a", variables) == "plain"
    _, headers = store.asked[-1]
    assert store.requests[-1] == {"SecretId": "prod/a"}
    assert (headers["x-amz-target"], headers["x-amz-security-token"]) == ("secretsmanager.GetSecretValue", "session")
    assert (
        "/eu-west-1/secretsmanager/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target"
        in headers["authorization"]
    )


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        ("GET", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ],
)
def test_a_signature_is_that_of_the_published_suite(method: str, signature: str) -> None:
    """AWS Signature Version 4 test suite, get-vanilla and post-vanilla."""
    who = Signing("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service")
    made = signed(Ask(method, "https://example.amazonaws.com/", {}), who, datetime(2015, 8, 30, 12, 36, tzinfo=UTC))
    assert made.headers["authorization"].endswith(f"SignedHeaders=host;x-amz-date, Signature={signature}")


def test_azure_is_asked_with_a_token_of_its_directory() -> None:
    asked: list[Ask] = []
    answers = deque(
        [{"token_type": "Bearer", "expires_in": 3599, "access_token": "eyJ"}, {"value": "bar", "id": "https://v.vault.azure.net/x"}]
    )

    def send(ask: Ask) -> bytes:
        asked.append(ask)
        return json.dumps(answers.popleft()).encode()

    assert _ask("azure:my-vault/my-key", AZURE, send=send) == "bar"
    token, secret = asked
    assert token.url == "https://login.microsoftonline.com/t-1/oauth2/v2.0/token"
    assert b"scope=https%3A%2F%2Fvault.azure.net%2F.default" in token.body
    assert secret == Ask("GET", "https://my-vault.vault.azure.net/secrets/my-key?api-version=7.4", {"authorization": "Bearer eyJ"})


def test_what_a_store_does_not_have_is_no_failure_of_the_store(served: tuple[Store, str]) -> None:
    store, address = served
    variables = {**VAULT, **AWS, "VAULT_ADDR": address, "AWS_ENDPOINT_URL_SECRETS_MANAGER": address}
    store.says_json({"errors": []}, status=404)
    with pytest.raises(SecretAbsent):
        _ask("vault:secret/a#foo", variables)
    store.says_json({"data": {"data": {"other": "x"}}})
    with pytest.raises(SecretAbsent):
        _ask("vault:secret/a#foo", variables)
    store.says_json({"__type": "ResourceNotFoundException"}, status=400)
    with pytest.raises(SecretAbsent):
        _ask("aws:a", variables)


def test_a_store_that_fails_says_why_and_no_secret(served: tuple[Store, str]) -> None:
    store, address = served
    variables = {**VAULT, "VAULT_ADDR": address}
    for body, status, why in (([b"no"], 503, "503"), ([b"{}"], 200, "shape"), ([b""], 302, "302"), ([b"x" * 70_000], 200, "long")):
        store.sends(body, status=status)
        with pytest.raises(StoreFailed, match=why) as caught:
            _ask("vault:secret/a#foo", variables)
        assert "hvs" not in str(caught.value)
    with pytest.raises(StoreFailed, match="VAULT_ADDR is not set"):
        _ask("vault:secret/a#foo", VAULT)
    with pytest.raises(StoreFailed, match="no URL"):
        _ask("vault:secret/a#foo", {**VAULT, "VAULT_ADDR": "file:///etc"})
    with pytest.raises(StoreFailed, match="could not be reached"):
        _ask("vault:secret/a#foo", {**VAULT, "VAULT_ADDR": "http://127.0.0.1:9"})


def _scripted(*answers: str | Exception) -> Callable[[str], str]:
    left = deque(answers)

    def ask(_: str) -> str:
        answer = left.popleft()
        if isinstance(answer, Exception):
            raise answer
        return answer

    return ask


def test_a_secret_is_kept_while_its_store_is_away_and_dropped_when_it_is_gone() -> None:
    with closing(KeptSecrets(_scripted("old", StoreFailed("away"), "new", SecretAbsent()))) as kept:
        kept.prepare(["vault:secret/a#foo", "env:NAME", ""])
        seen = [kept.read("vault:secret/a#foo")]
        for _ in range(3):
            kept.renew()
            seen.append(kept.read("vault:secret/a#foo"))
    assert seen == ["old", "old", "new", ""]
    assert kept.read("aws:other") == ""


def test_it_is_asked_for_again_by_itself() -> None:
    asked, again = [], threading.Event()

    def ask(reference: str) -> str:
        asked.append(reference)
        if len(asked) > 1:
            again.set()
        return "x"

    with closing(KeptSecrets(ask, every_s=0.001)) as kept:
        kept.prepare(["aws:a"])
        assert again.wait(10)
    assert set(asked) == {"aws:a"}


def test_a_gateway_takes_a_rotated_key_without_a_restart(
    served: tuple[Store, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, address = served
    for name, value in {"VAULT_ADDR": address, "VAULT_TOKEN": "hvs.t"}.items():
        monkeypatch.setenv(name, value)
    policy = POLICY.replace('base_url: "UPSTREAM"', 'base_url: "UPSTREAM", key: "vault:secret/app#key"')
    store.says_json({"errors": []}, status=503)
    with bench_in(tmp_path) as bench:
        bench.start(policy)
        assert bench.plane is not None
        with bench.client() as client:
            user: Any = [{"role": "user", "content": "hello"}]
            with pytest.raises(openai.InternalServerError):
                client.chat.completions.create(model="m", messages=user)
            for key in ("one", "two"):
                store.says_json({"data": {"data": {"key": key}}})
                bench.plane.stores.renew()
                bench.model.says("good day")
                client.chat.completions.create(model="m", messages=user)
                assert bench.model.asked[-1][1]["authorization"] == f"Bearer {key}"
    assert all(b"two" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


@pytest.mark.parametrize("reference", ["vault:secret/a", "vault:secret/../a#x", "vault:a#x", "azure:v/../x", "aws:", "sk-live-1", "gcp:a"])
def test_what_is_no_reference_is_refused(reference: str) -> None:
    policy = f'fairlead: 1\nsystem: s\nowner: o\ntier: limited\nupstream: {{default: {{provider: openai, key: "{reference}"}}}}\n'
    with pytest.raises(InvalidInput):
        small_release(policy)
    assert small_release(policy.replace(reference, "vault:kv/team/app#key")).policy.upstream["default"].key
