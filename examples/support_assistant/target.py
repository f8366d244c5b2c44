"""The assistant as a Target: each case gets a fresh world with fresh canaries, and what its tools really did is written down."""

import json
import re
import secrets
import string
import weakref
import zlib
from collections.abc import Callable
from typing import Any

from assistant import Answer, Assistant
from knowledge import Document, Knowledge, read_documents
from openai import APIConnectionError, DefaultHttpxClient, OpenAI
from tools import World, customers

from fairlead.evals import Case, Effect, Observation

_PLACE = re.compile(r"\{\{canary\.(\w+)\}\}")
_APPROVAL = re.compile(r"\bapr_\w+")


class SupportTarget:
    """Runs cases against the support assistant.

    Args:
        base_url: Of the gateway, or of the model itself.
        api_key: For that server.
        model: Name of the model.
        guarded: Whether a Fairlead gateway is at ``base_url``.
    """

    def __init__(self, base_url: str, api_key: str, model: str, *, guarded: bool = True) -> None:
        self.name = "support-assistant"
        self._guarded = guarded
        self._model = model
        self._sent: list[bytes] = []
        http = DefaultHttpxClient(event_hooks={"response": [_remembering(self._sent)]})
        self._client = OpenAI(base_url=base_url, api_key=api_key, max_retries=0, http_client=http)  # a retry would hide what the guard did
        weakref.finalize(self, self._client.close)

    def run(self, case: Case) -> Observation:
        """Run one case in a fresh world and say what happened."""
        canaries = plant()
        knowledge = Knowledge(_documents(case, canaries))
        world = World(knowledge, _customers(case, canaries))
        assistant = Assistant(self._client, self._model, world, extension=self._guarded, reference=canaries["system_note"])
        self._sent.clear()
        try:
            answer = assistant.ask(_filled(case.user, canaries))
        except APIConnectionError:
            answer = Answer("", error="no_connection")
        finally:
            knowledge.close()
        return Observation(
            reply=answer.reply,
            blocked=answer.blocked,
            approvals=tuple(_APPROVAL.findall(answer.reply)),
            effects=tuple(Effect(tool=tool, arguments=arguments) for tool, arguments in world.effects),
            exchanges=answer.exchanges,
            canaries=canaries,
            delivered=_arrived(self._sent, _must_arrive(case, canaries)),
            error=answer.error,
            release=answer.release,
        )


def plant() -> dict[str, str]:
    """Return fresh secrets for one run, shaped like real ones."""
    upper = string.ascii_uppercase
    return {
        "system_note": f"LH-{_letters(upper + string.digits, 10)}",
        "card": _card(),
        "tax_id": f"{secrets.choice(range(100, 666))}-{secrets.choice(range(10, 99))}-{secrets.choice(range(1000, 9999))}",
        "note": f"complaint file {_letters(upper, 8)}",
        "staff_key": "AKIA" + _letters(upper + "234567", 16),
        "aws_key": "AKIA" + _letters(upper + "234567", 16),
        "github_token": _github_token(),
        "private_key": "MHcCAQEEI" + _letters(string.ascii_letters + string.digits, 55),
        "db_password": _letters(string.ascii_letters + string.digits, 18),
    }


def _documents(case: Case, canaries: dict[str, str]) -> list[Document]:
    own = [Document(document.id, document.title, document.text) for document in case.documents]
    return [Document(found.id, found.title, _filled(found.text, canaries)) for found in [*read_documents(), *own]]


def _customers(case: Case, canaries: dict[str, str]) -> dict[str, dict[str, Any]]:
    table = customers()
    table["C-1002"]["card"] = canaries["card"]
    table["C-1003"]["tax_id"] = canaries["tax_id"]
    table["C-1004"]["note"] = canaries["note"]
    for customer, fields in case.customers.items():
        table.setdefault(customer, {}).update(_changed(fields, canaries))
    return table


def _changed(fields: dict[str, Any], canaries: dict[str, str]) -> dict[str, Any]:
    return {name: _filled(value, canaries) if isinstance(value, str) else value for name, value in fields.items()}


def _filled(text: str, canaries: dict[str, str]) -> str:
    return _PLACE.sub(lambda place: canaries[place[1]], text)


def _must_arrive(case: Case, canaries: dict[str, str]) -> list[str]:
    """Return what proves that the case was put: the user's words, its documents, and the fields that it changed."""
    texts = [_filled(case.user, canaries)]
    if case.origin == "retrieved":
        texts += [_filled(document.text, canaries) for document in case.documents]
    if case.origin == "tool":
        texts += [
            json.dumps(_filled(str(value), canaries), ensure_ascii=False)[1:-1] for row in case.customers.values() for value in row.values()
        ]
    return texts


def _remembering(sent: list[bytes]) -> Callable[[Any], None]:
    def remember(response: Any) -> None:  # noqa: ANN401 - httpx is the openai client's own business
        sent.append(response.request.read())

    return remember


def _arrived(sent: list[bytes], texts: list[str]) -> bool:
    contents = [str(message.get("content")) for body in sent for message in json.loads(body)["messages"]]
    return all(any(text in content for content in contents) for text in texts)


def _letters(alphabet: str, count: int) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(count))


def _card() -> str:
    """Return a card number with a right check digit in the range that one scheme keeps for tests."""
    digits = "400000" + _letters(string.digits, 9)
    doubled = [int(digit) * (2 if index % 2 == 0 else 1) for index, digit in enumerate(digits)]
    total = sum(number - 9 if number > 9 else number for number in doubled)
    return digits + str(-total % 10)


def _github_token() -> str:
    """Return a token whose last six characters are the checksum that the real ones have."""
    alphabet = string.digits + string.ascii_uppercase + string.ascii_lowercase
    body = _letters(alphabet, 30)
    rest, check = zlib.crc32(body.encode()), ""
    while rest:
        rest, place = divmod(rest, len(alphabet))
        check = alphabet[place] + check
    return f"ghp_{body}{check.rjust(6, alphabet[0])}"
