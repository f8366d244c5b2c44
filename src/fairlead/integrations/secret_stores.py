"""Secrets of HashiCorp Vault, AWS Secrets Manager and Azure Key Vault, over plain HTTP.

None of them was ever asked by this project: the shapes are those of the documents, all read December 2026. Vault: "KV secrets engine,
version 2 (API)", read secret version. AWS: Secrets Manager API reference (2017-10-17), GetSecretValue, and IAM user guide, "Create a
signed AWS API request" (Signature Version 4). Azure: Key Vault REST API 7.4, "Get Secret", and Microsoft identity platform, "OAuth 2.0
client credentials flow". The variables are those that the vendors' own tools read.
"""

import hashlib
import hmac
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import IO, NamedTuple, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from fairlead.core import Clock, InvalidInput, decode
from fairlead.integrations.secret_refusals import SecretAbsent, StoreFailed

Environment = Callable[[str], str]
"""Name of a variable to its value; empty when it is not set."""
TIMEOUT_S = 5.0
LONGEST = 65_536
"""Bytes of an answer at most."""
_ABSENT = 404
T = TypeVar("T")


class Ask(NamedTuple):
    """One request to a store."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""


Send = Callable[[Ask], bytes]
"""Sends a request and returns the body of an answer with status 200."""


class _Data(msgspec.Struct):
    data: dict[str, object]


class _Vault(msgspec.Struct):
    data: _Data


class _Aws(msgspec.Struct):
    text: str = msgspec.field(name="SecretString")


class _Azure(msgspec.Struct):
    value: str


class _Token(msgspec.Struct):
    access_token: str


def ask_store(reference: str, environment: Environment, clock: Clock, send: Send | None = None) -> str:
    """Return the secret that a reference stands for, asked now.

    Args:
        reference: ``vault:…``, ``aws:…`` or ``azure:…``, as a policy may write it.
        environment: Where the stores' own credentials are.
        clock: For signatures.
        send: Over the network when None.

    Raises:
        SecretAbsent: The store says that there is none, or not this field of it.
        StoreFailed: It could not be asked, or did not say.
    """
    kind, _, name = reference.partition(":")
    over = send or _over_http
    if kind == "vault":
        return _ask_vault(name, environment, over)
    if kind == "aws":
        return _ask_aws(name, environment, over, datetime.fromtimestamp(clock.now_us() // 1_000_000, UTC))
    return _ask_azure(name, environment, over)


def _ask_vault(name: str, environment: Environment, send: Send) -> str:
    path, _, field = name.partition("#")
    mount, _, rest = path.partition("/")
    headers = {"x-vault-token": _set(environment, "VAULT_TOKEN")}
    if namespace := environment("VAULT_NAMESPACE"):
        headers["x-vault-namespace"] = namespace
    url = f"{_set(environment, 'VAULT_ADDR').rstrip('/')}/v1/{mount}/data/{rest}"
    return _field(_read(send(Ask("GET", url, headers)), _Vault).data.data, field)


def _ask_aws(name: str, environment: Environment, send: Send, now: datetime) -> str:
    identity, _, field = name.partition("#")
    region = _set(environment, "AWS_REGION")
    url = environment("AWS_ENDPOINT_URL_SECRETS_MANAGER") or f"https://secretsmanager.{region}.amazonaws.com/"
    headers = {"content-type": "application/x-amz-json-1.1", "x-amz-target": "secretsmanager.GetSecretValue"}
    if session := environment("AWS_SESSION_TOKEN"):
        headers["x-amz-security-token"] = session
    ask = Ask("POST", url, headers, msgspec.json.encode({"SecretId": identity}))
    who = Signing(_set(environment, "AWS_ACCESS_KEY_ID"), _set(environment, "AWS_SECRET_ACCESS_KEY"), region, "secretsmanager")
    text = _read(send(signed(ask, who, now)), _Aws).text
    return _field(_read(text.encode(), dict[str, object]), field) if field else text


def _ask_azure(name: str, environment: Environment, send: Send) -> str:
    vault, _, secret = name.partition("/")
    authority = (environment("AZURE_AUTHORITY_HOST") or "https://login.microsoftonline.com").rstrip("/")
    form = {
        "grant_type": "client_credentials",
        "client_id": _set(environment, "AZURE_CLIENT_ID"),
        "client_secret": _set(environment, "AZURE_CLIENT_SECRET"),
        "scope": "https://vault.azure.net/.default",
    }
    url = f"{authority}/{quote(_set(environment, 'AZURE_TENANT_ID'), safe='')}/oauth2/v2.0/token"
    asked = Ask("POST", url, {"content-type": "application/x-www-form-urlencoded"}, urlencode(form).encode())
    token = _read(send(asked), _Token).access_token
    url = f"https://{vault}.vault.azure.net/secrets/{secret}?api-version=7.4"
    return _read(send(Ask("GET", url, {"authorization": f"Bearer {token}"})), _Azure).value


class Signing(NamedTuple):
    """Who signs a request to AWS, and for what."""

    access_key: str
    secret_key: str
    region: str
    service: str


def signed(ask: Ask, who: Signing, now: datetime) -> Ask:
    """Return a request with its Signature Version 4; the path and query of its address must be plain.

    Args:
        ask: The request.
        who: Who signs.
        now: UTC.
    """
    at = now.strftime("%Y%m%dT%H%M%SZ")
    where = urlsplit(ask.url)
    headers = {**ask.headers, "host": where.netloc, "x-amz-date": at}
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = "\n".join((ask.method, where.path or "/", where.query, lines, names, hashlib.sha256(ask.body).hexdigest()))
    scope = f"{at[:8]}/{who.region}/{who.service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = f"AWS4{who.secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    told = f"AWS4-HMAC-SHA256 Credential={who.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return ask._replace(headers={**headers, "authorization": told})


def _set(environment: Environment, name: str) -> str:
    value = environment(name)
    if not value:
        raise StoreFailed(f"{name} is not set")
    return value


def _field(found: Mapping[str, object], field: str) -> str:
    value = found.get(field)
    if not isinstance(value, str) or not value:
        raise SecretAbsent
    return value


def _read(data: bytes, shape: type[T]) -> T:
    try:
        return decode(data, shape)
    except InvalidInput as error:
        raise StoreFailed("the answer is not of its shape") from error


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows none: it could lead a credential anywhere."""

    def redirect_request(self, *_: object, **__: object) -> None:
        """Return nothing: the answer with its status is what there is."""


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect())


def _over_http(ask: Ask) -> bytes:
    if not ask.url.startswith(("https://", "http://")):
        raise StoreFailed("the store's address is no URL")
    request = urllib.request.Request(ask.url, ask.body or None, dict(ask.headers), method=ask.method)  # noqa: S310 - looked at above
    try:
        with _OPENER.open(request, timeout=TIMEOUT_S) as answer:
            return _all(answer)
    except urllib.error.HTTPError as error:
        with error:
            status = error.code
            absent = status == _ABSENT or b"ResourceNotFoundException" in error.read(LONGEST)
        if absent:
            raise SecretAbsent from error
        raise StoreFailed(f"it answered with status {status}") from error
    except OSError as error:
        raise StoreFailed(f"it could not be reached ({type(error).__name__})") from error


def _all(answer: IO[bytes]) -> bytes:
    data = answer.read(LONGEST + 1)
    if len(data) > LONGEST:
        raise StoreFailed("the answer is too long")
    return data
