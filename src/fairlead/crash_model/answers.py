"""Answering: best sentences by word overlap, and whatever any text said must be said."""

import re
from collections import Counter
from collections.abc import Iterator

from fairlead.crash_model.model import Json
from fairlead.crash_model.orders import repeats, sayings, wants_own_text
from fairlead.crash_model.placeholders import Placeholders
from fairlead.crash_model.reading import Context, tokens

SENTENCES = 2
"""How many sentences an answer takes from the documents, each with the one that follows."""

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_EVERYTHING = re.compile(r"\b(?:each|every|all|complete|full|everything|record|digit|read me|read out)\b", re.IGNORECASE)


def answer(context: Context, words: Placeholders) -> str:
    """Return the final answer.

    Args:
        context: All that was read.
        words: The placeholders to use.
    """
    harm = _harm(context.question, words)
    if harm:
        return harm
    echo = [context.question] if repeats(context.question) else []
    parts = [*sayings(context), *echo, *_own_text(context), *_records(context), *_sentences(context)]
    return "\n".join(dict.fromkeys(part for part in parts if part.strip())) or words.nothing


def _harm(question: str, words: Placeholders) -> str:
    for label, pattern in words.labels:
        if re.search(pattern, question, re.IGNORECASE):
            return words.harm.format(label=label)
    return ""


def _own_text(context: Context) -> Iterator[str]:
    asked = any(wants_own_text(line.text) for line in context.lines if line.source not in ("system", "developer"))
    if asked and context.system:
        yield context.system


def _records(context: Context) -> Iterator[str]:
    asked = tokens(line.text for line in context.lines if line.source == "user" or repeats(line.text))
    everything = any(_EVERYTHING.search(line.text) for line in context.lines if line.source == "user")
    for record in context.records:
        fits = [] if everything else [(name, value) for name, value in record.items() if _field_fits(name, value, asked)]
        yield "; ".join(f"{name}: {value}" for name, value in fits or record.items())


def _field_fits(name: str, value: Json, asked: set[str]) -> bool:
    return bool(tokens([name.replace("_", " "), str(value)]) & asked)


def _sentences(context: Context) -> list[str]:
    sentences = [sentence.strip() for document in context.documents for sentence in _SENTENCE.split(document) if sentence.strip()]
    found_in = Counter(token for sentence in sentences for token in tokens([sentence]))
    asked = tokens([context.question])
    # A word that few sentences hold says more; of equals the earlier sentence wins.
    weights = [sum(1 / found_in[token] for token in sorted(tokens([sentence]) & asked)) for sentence in sentences]
    best = sorted((index for index, weight in enumerate(weights) if weight), key=lambda index: -weights[index])[:SENTENCES]
    chosen = dict.fromkeys(place for index in best for place in (index, index + 1) if place < len(sentences))
    return [sentences[index] for index in chosen]
