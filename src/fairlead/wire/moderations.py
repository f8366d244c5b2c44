"""OpenAI Moderations, answered here: texts as Segments, and what was found in them in the API's shape.

Shape: OpenAI API reference, "Create moderation", model omni-moderation-2024-09-26 (read November 2026).
"""

from collections.abc import Mapping
from typing import NamedTuple

from fairlead.core import InvalidInput, Segment
from fairlead.wire.document import Json, encode, read_object
from fairlead.wire.fields import Extraction, Fields, Inert, Items, Tagged, Text, walk
from fairlead.wire.interaction import Extension, take_extension

CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "harassment": ("toxicity",),
    "harassment/threatening": (),
    "hate": ("hate",),
    "hate/threatening": (),
    "illicit": ("harmful_request", "non_violent_crimes"),
    "illicit/violent": ("violent_crimes", "indiscriminate_weapons"),
    "self-harm": ("suicide_self_harm",),
    "self-harm/instructions": (),
    "self-harm/intent": (),
    "sexual": ("sexual_content",),
    "sexual/minors": ("child_sexual_exploitation",),
    "violence": ("violent_crimes",),
    "violence/graphic": (),
}
"""Category of the API to the hazards whose finding it is. One without is never found: no hazard of the taxonomy is as narrow."""
MOST = 256
"""Texts in one request at most."""
_INERT = Inert()
_INPUT = Text("user", "input")
_REQUEST = Fields({"model": _INERT, "input": _INERT})
_PARTS = Items(Tagged("type", {"text": Fields({"type": _INERT, "text": _INPUT})}))


class Moderated(NamedTuple):
    """What gets one result: a text, or the parts of one message."""

    segments: tuple[Segment, ...]
    unknown: tuple[Segment, ...]


class Verdict(NamedTuple):
    """What was found in it."""

    exchange: str
    verdict: str
    rule: str
    scores: Mapping[str, float]
    """Hazard to its highest score; a hazard that was found nowhere is not named."""
    held: frozenset[str]
    """Categories that a rule of the policy holds for."""
    flagged: bool
    covered: frozenset[str]
    """Hazards that a detector looked for."""
    unseen: tuple[str, ...]
    """Pointers to what no detector can look at."""


def read_moderation(data: bytes) -> tuple[Extension, list[Moderated]]:
    """Take a request apart.

    Args:
        data: The body as it came.

    Raises:
        InvalidInput: Not JSON, not of the API's shape, or too many texts at once.
    """
    body = read_object(data)
    extension = take_extension(body)
    if extension.origins:
        mend = "ask POST /v1/guard/check about texts of other origins"
        raise InvalidInput("what is moderated is a user's", where="/fairlead/origins", mend=mend)
    given = body.get("input")
    texts = given if isinstance(given, list) and all(isinstance(item, str) for item in given) else [given]
    if not given or not isinstance(given, str | list) or len(texts) > MOST:
        raise InvalidInput("a moderation needs an input", where="/input", mend=f"send a text, up to {MOST} texts, or a list of parts")
    beside = Extraction()
    walk(_REQUEST, {**body, "input": None}, "", beside, _INPUT)
    found: list[Moderated] = []
    for index, value in enumerate(texts):
        out = Extraction()
        walk(_INPUT if isinstance(value, str) else _PARTS, value, "/input" if texts[0] is given else f"/input/{index}", out, _INPUT)
        # What stands beside the input counts with each of its texts.
        found.append(Moderated((*out.segments, *beside.segments), (*out.unknown, *beside.unknown)))
    return extension, found


def moderation_of(verdicts: list[Verdict]) -> bytes:
    """Return the answer.

    Args:
        verdicts: One for each result, in their order.
    """
    results: list[Json] = [_result(verdict) for verdict in verdicts]
    return encode({"id": f"modr-{verdicts[0].exchange}", "model": "fairlead", "results": results})


def _result(found: Verdict) -> dict[str, Json]:
    covered = {name: found.covered.intersection(hazards) for name, hazards in CATEGORIES.items()}
    scores: dict[str, Json] = {
        name: max((found.scores.get(hazard, 0.0) for hazard in hazards), default=0.0) for name, hazards in CATEGORIES.items()
    }
    beside: dict[str, Json] = {
        "exchange": found.exchange,
        "verdict": found.verdict,
        "rule": found.rule,
        "hazards": dict(found.scores),
        "not_covered": [name for name, hazards in covered.items() if not hazards],
        "unseen": list(found.unseen),
    }
    return {
        "flagged": found.flagged,
        "categories": {name: name in found.held for name in CATEGORIES},
        "category_scores": scores,
        "category_applied_input_types": {name: ["text"] if hazards else [] for name, hazards in covered.items()},
        "fairlead": beside,
    }
