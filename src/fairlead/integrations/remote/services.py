"""Moderation services over HTTP: OpenAI moderation, Azure AI Content Safety with Prompt Shields, Perspective.

Documents and versions: see ``detectors.remote.KINDS``. None of them was ever asked by this project: the shapes are those of the documents.
"""

from collections.abc import Sequence

import msgspec

from fairlead.core import decode
from fairlead.integrations.remote.asks import Adapter, HttpAsk, Piece, Scores, post, unreadable

AZURE_VERSION = "2024-09-01"
_AZURE_KEY = "ocp-apim-subscription-key"
_WHERE = "the service's answer"
_WORST_SEVERITY = 7


class _Result(msgspec.Struct):
    category_scores: dict[str, float]


class _Moderation(msgspec.Struct):
    results: list[_Result]


class _Category(msgspec.Struct):
    category: str
    severity: int


class _Analysis(msgspec.Struct):
    categories: list[_Category] = msgspec.field(name="categoriesAnalysis")


class _Attack(msgspec.Struct):
    detected: bool = msgspec.field(name="attackDetected")


class _Shields(msgspec.Struct):
    prompt: _Attack | None = msgspec.field(name="userPromptAnalysis", default=None)
    documents: list[_Attack] | None = msgspec.field(name="documentsAnalysis", default=None)


class _Score(msgspec.Struct):
    value: float


class _Attribute(msgspec.Struct):
    summary: _Score = msgspec.field(name="summaryScore")


class _Comment(msgspec.Struct):
    attributes: dict[str, _Attribute] = msgspec.field(name="attributeScores")


def _ask_openai(piece: Piece) -> Sequence[HttpAsk]:
    body = {"input": piece.text, "model": piece.remote.model or "omni-moderation-latest"}
    return [post(piece.remote, "/moderations", body)]


def _read_openai(piece: Piece, answers: Sequence[bytes]) -> Scores:  # noqa: ARG001 - every adapter reads alike
    results = decode(answers[0], _Moderation, where=_WHERE).results
    if len(results) != 1 or not results[0].category_scores:
        raise unreadable()
    return results[0].category_scores


def _ask_azure(piece: Piece) -> Sequence[HttpAsk]:
    body = {"text": piece.text, "categories": list(piece.remote.labels), "outputType": "EightSeverityLevels"}
    return [post(piece.remote, f"/contentsafety/text:analyze?api-version={AZURE_VERSION}", body, _AZURE_KEY)]


def _read_azure(piece: Piece, answers: Sequence[bytes]) -> Scores:
    found = {entry.category: entry.severity / _WORST_SEVERITY for entry in decode(answers[0], _Analysis, where=_WHERE).categories}
    if not found.keys() >= piece.remote.labels.keys():
        raise unreadable()
    return found


def _ask_shields(piece: Piece) -> Sequence[HttpAsk]:
    body = {"userPrompt": piece.text, "documents": []} if piece.origin == "user" else {"userPrompt": "", "documents": [piece.text]}
    return [post(piece.remote, f"/contentsafety/text:shieldPrompt?api-version={AZURE_VERSION}", body, _AZURE_KEY)]


def _read_shields(piece: Piece, answers: Sequence[bytes]) -> Scores:
    answer = decode(answers[0], _Shields, where=_WHERE)
    if piece.origin == "user":
        if answer.prompt is None:
            raise unreadable()
        return {"user": float(answer.prompt.detected)}
    if not answer.documents:
        raise unreadable()
    return {"document": float(any(entry.detected for entry in answer.documents))}


def _ask_perspective(piece: Piece) -> Sequence[HttpAsk]:
    wanted: dict[str, dict[str, str]] = {label: {} for label in piece.remote.labels}
    body = {"comment": {"text": piece.text}, "requestedAttributes": wanted, "doNotStore": True}
    # The key goes in a header, since addresses end up in logs.
    return [post(piece.remote, "/v1alpha1/comments:analyze", body, "x-goog-api-key")]


def _read_perspective(piece: Piece, answers: Sequence[bytes]) -> Scores:
    found = {label: entry.summary.value for label, entry in decode(answers[0], _Comment, where=_WHERE).attributes.items()}
    if not found.keys() >= piece.remote.labels.keys():
        raise unreadable()
    return found


OPENAI_MODERATION = Adapter(_ask_openai, _read_openai)
AZURE_CONTENT_SAFETY = Adapter(_ask_azure, _read_azure)
AZURE_PROMPT_SHIELDS = Adapter(_ask_shields, _read_shields)
PERSPECTIVE = Adapter(_ask_perspective, _read_perspective)
