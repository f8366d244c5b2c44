"""Claims with their sources and whether those bear them out: our own retellings, and dialogues about pieces of knowledge."""

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from training.sources import Data

OWN = "written for Fairlead"
_SLOT = re.compile(r"\{([^{}]*)\}")
_TRUE_VARIANTS = 4


class Told(NamedTuple):
    """One claim, or an answer of several, beside its source."""

    source: str
    """Which set it comes from."""
    group: str
    """Document or piece of knowledge: what is near-duplicate shares it."""
    document: str
    text: str
    wrong: bool
    """True when the document does not bear it out."""
    changed: tuple[int, int] | None = None
    """Where it was made wrong, in characters, if that is known."""


def own() -> Iterator[Told]:
    """Yield our own retellings: right ones, ones that were made wrong in one place, and invented ones."""
    for text in (Path(__file__).parent / "own" / "grounding.txt").read_text().split("\n= ")[1:]:
        name, _, rest = text.partition("\n")
        lines = rest.splitlines()
        document = "\n".join(line for line in lines if not line.startswith(("- ", "! ")))
        chosen = random.Random(name)  # noqa: S311 - a seed that makes training repeatable is the point
        for line in lines:
            if line.startswith("! "):
                yield Told(OWN, name, document, line[2:], wrong=True)
            elif line.startswith("- "):
                yield from _retold(name, document, line[2:], chosen)


def _retold(name: str, document: str, line: str, chosen: random.Random) -> Iterator[Told]:
    slots = [_choices(match[1]) for match in _SLOT.finditer(line)]
    right = {_filled(line, [chosen.choice(good) for good, _ in slots])[0] for _ in range(3 * _TRUE_VARIANTS)}
    yield from (Told(OWN, name, document, text, wrong=False) for text in sorted(right)[:_TRUE_VARIANTS])
    for place, (_, bad) in enumerate(slots):
        for word in bad:
            put = [chosen.choice(good) for good, _ in slots]
            put[place] = word
            text, spans = _filled(line, put)
            yield Told(OWN, name, document, text, wrong=True, changed=spans[place])


def _choices(slot: str) -> tuple[list[str], list[str]]:
    good, _, bad = slot.partition("=>")
    return good.split("|"), [word for word in bad.split("|") if word.strip()]


def _filled(line: str, put: list[str]) -> tuple[str, list[tuple[int, int]]]:
    out, spans, position = "", [], 0
    for match, word in zip(_SLOT.finditer(line), put, strict=True):
        out += line[position : match.start()]
        spans.append((len(out), len(out) + len(word)))
        out += word
        position = match.end()
    return out + line[position:], spans


def dialogues(data: Data) -> Iterator[Told]:
    """Yield what people and models said of a piece of knowledge, where raters were clear about it."""
    for row in data.rows("q2", "cross_annotation.csv.gz"):
        for model in ("dodeca", "memnet"):
            yield Told("q2", row["knowledge"], row["knowledge"], row[f"{model}_response"], wrong=row[f"{model}_label"] == "1")
    for name in ("wow", "cmu"):
        for row in data.rows("begin", f"begin_dev_{name}.csv.gz"):
            if row["begin_label"] != "Generic":
                yield Told("begin", row["knowledge"], row["knowledge"], row["response"], wrong=row["begin_label"].startswith("Not"))
    for path in sorted((data.root / "faithdial_audit").glob("*.csv.gz")):
        for row in data.rows("faithdial_audit", path.name):
            knowledge = row.get("knowledge") or row.get("evidence") or ""
            response = next((row[key] for key in ("response", "ctrl", "doha", "gpt2") if row.get(key)), "")
            label = (row.get("begin_label") or row.get("BEGIN") or "").lower()
            if response and label in _FAITHDIAL:
                yield Told("faithdial_audit", knowledge, knowledge, response, wrong=_FAITHDIAL[label])


_FAITHDIAL = {
    "hallucination": True,
    "entailment,hallucination": True,
    "partial hallucination": True,
    "entailment": False,
    "entailment,uncooperative": False,
}
