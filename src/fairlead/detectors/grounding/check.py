"""The check itself: an answer beside its sources, claim by claim."""

import re
from collections.abc import Sequence

import numpy as np

from fairlead.detectors.grounding.citations import Citation, citations
from fairlead.detectors.grounding.features import WORD_FEATURES, Read, read
from fairlead.detectors.grounding.lexicon import Floats
from fairlead.detectors.grounding.model import CONTRADICTING, Claim, Doubt, Evidence, Mark, Report, Scorer, Source, Span, Verdict
from fairlead.detectors.grounding.scorer import Shipped
from fairlead.detectors.grounding.sentences import split
from fairlead.detectors.grounding.sources import Index, terms
from fairlead.detectors.grounding.words import words

DOUBTFUL = 0.5
"""From this score on a claim is not borne out; what the card's loosest operating point stands for."""
MOST_SOURCE = 200_000
"""Characters of sources that are compared at most."""
MOST_ANSWER = 50_000
"""Characters of an answer that are compared at most."""
_MARKED = 0.5
_AT = {name: place for place, name in enumerate(WORD_FEATURES)}
_COURTESY = re.compile(
    r"(?:hi|hello|hey|dear|thanks?|thank you|sure|of course|certainly|great|ok(?:ay)?|you'?re welcome|please|"
    r"let me know|i hope|i'?m happy to|"
    r"here (?:is|are)|feel free|is there anything|would you like|sorry|i'?m sorry|i apologi[sz]e)\b",
    re.IGNORECASE,
)


class Grounding:
    """Compares answers with sources.

    Args:
        scorer: What scores claims in place of the shipped features, such as an adapter to an NLI model; the exact checks stay.

    Raises:
        ModelDamaged: A file of the shipped model is missing or not what was shipped.
    """

    def __init__(self, scorer: Scorer | None = None) -> None:
        self._shipped = Shipped()
        self._scorer = scorer
        self.card = self._shipped.card
        self.id = self._shipped.id if scorer is None else f"{self._shipped.id}+{scorer.id}"

    def check(self, answer: str, sources: Sequence[Source]) -> Report:
        """Return every claim of an answer with its verdict.

        Args:
            answer: The answer.
            sources: What it may rest on; without any, nothing can be borne out.
        """
        spans = split(answer)
        if len(answer) > MOST_ANSWER or sum(len(source.text) for source in sources) > MOST_SOURCE:
            return Report(tuple(Claim(span.start, span.end, "unsupported", 1.0, ("too_long",)) for span in spans[:1]))
        stems: dict[str, str] = {}
        index = Index(sources, self._shipped.lexicon, stems)
        cited = [citations(answer, span.start, span.end, sources) for span in spans]
        bare = _without(answer, [entry for entries in cited for entry in entries])
        seen: list[Read | None] = [read(bare, span, index, stems) if _claims(bare, span, stems) else None for span in spans]
        scores = self._scores(answer, index, seen)
        return Report(tuple(map(_Judge(answer, index, self._shipped).claim, spans, seen, scores, cited)))

    def _scores(self, answer: str, index: Index, seen: Sequence[Read | None]) -> list[float | None]:
        """Return what another scorer says of each claim; None where the shipped one is asked."""
        if self._scorer is None:
            return [None] * len(seen)
        asked = [entry for entry in seen if entry is not None]
        passages = [[_text(index, index.sentences[number]) for number in entry.evidence] for entry in asked]
        given = iter(self._scorer.score([answer[entry.span.start : entry.span.end] for entry in asked], passages))
        return [None if entry is None else float(next(given)) for entry in seen]


class _Judge:
    """Puts what was read of each claim into a verdict."""

    def __init__(self, answer: str, index: Index, shipped: Shipped) -> None:
        self._answer, self._index, self._shipped = answer, index, shipped

    def claim(self, span: Span, seen: Read | None, given: float | None, cited: list[Citation]) -> Claim:
        names = tuple(entry.name for entry in cited)
        unknown = [Mark(entry.start, entry.end, "unknown_citation") for entry in cited if entry.source < 0]
        if seen is None:
            verdict: Verdict = "unsupported" if unknown else "no_claim"
            doubts: tuple[Doubt, ...] = ("unknown_citation",) if unknown else ()
            return Claim(span.start, span.end, verdict, 1.0 if unknown else 0.0, doubts, tuple(unknown), None, names)
        odds = self._shipped.weights.words(seen.word) if len(seen.word) else np.zeros(0, dtype=np.float32)
        score = self._shipped.score(self._shipped.weights.claim(seen, odds)) if given is None else given
        score = score if self._index.forms else 1.0
        marks = [mark for mark in _marks(seen, odds) if score >= DOUBTFUL or mark.doubt in _EXACT]
        wrong = [Mark(entry.start, entry.end, "wrong_citation") for entry in cited if self._misses(entry, seen)]
        marks = sorted([*marks, *unknown, *wrong])
        if unknown or wrong:
            # Citations are checked exactly, whatever the words are like.
            score = max(score, 0.9 if unknown else 0.7)
        doubts = tuple(dict.fromkeys(mark.doubt for mark in marks)) or (("new_words",) if score >= DOUBTFUL else ())
        return Claim(
            span.start, span.end, _verdict(score, doubts, seen), round(score, 4), doubts, tuple(marks), self._evidence(seen), names
        )

    def _misses(self, cited: Citation, seen: Read) -> bool:
        """Tell whether the source that is cited holds none of the sentences that come closest."""
        return (
            cited.source >= 0
            and bool(seen.evidence)
            and all(self._index.sentences[number].source != cited.source for number in seen.evidence)
        )

    def _evidence(self, seen: Read) -> Evidence | None:
        if not seen.evidence:
            return None
        best = self._index.sentences[seen.evidence[0]]
        beside = [self._index.sentences[number] for number in seen.evidence if abs(number - seen.evidence[0]) == 1]
        near = [best, *(entry for entry in beside if entry.source == best.source)]
        return Evidence(best.source, min(entry.start for entry in near), max(entry.end for entry in near))


_EXACT: frozenset[Doubt] = frozenset({"number"})
"""What is marked whatever the score of the claim is."""


def _verdict(score: float, doubts: Sequence[Doubt], seen: Read) -> Verdict:
    if score < DOUBTFUL:
        return "supported"
    about_the_same = bool(seen.claim.size) and float(seen.claim[0]) >= 0.6
    return "contradicted" if about_the_same and CONTRADICTING & set(doubts) else "unsupported"


def _marks(seen: Read, odds: Floats) -> list[Mark]:
    out: list[Mark] = []
    quantified: set[int] = set()
    for row, term in enumerate(seen.terms):
        features = seen.word[row]
        quantity = seen.counted[row]
        if quantity is not None:
            if not features[_AT["number_given"]] and not quantity.small and quantity.start not in quantified:
                quantified.add(quantity.start)
                out.append(Mark(quantity.start, quantity.end, "number"))
            continue
        doubt = _doubt(features, negated=bool(seen.negated[row]))
        if doubt in ("negation", "opposite") or 1 / (1 + np.exp(-odds[row])) >= _MARKED:
            out.append(Mark(term.word.start, term.word.end, doubt))
    return out


def _doubt(features: Floats, *, negated: bool) -> Doubt:
    for doubt, holds in (
        ("negation", negated or (features[_AT["is_not"]] and not features[_AT["exact_near"]])),
        ("quantifier", features[_AT["is_quantity_word"]]),
        ("opposite", features[_AT["opposite_here"]] and not features[_AT["exact_near"]]),
        ("name", features[_AT["is_name"]] and not features[_AT["exact"]]),
        ("changed_word", features[_AT["anchored"]] >= 0.75 and not features[_AT["exact"]]),
    ):
        if holds:
            return doubt  # type: ignore[return-value]  # mypy widens the literals of a tuple to str
    return "new_words"


def _claims(text: str, span: Span, stems: dict[str, str]) -> bool:
    """Tell whether a sentence asserts anything: questions, greetings, offers and bare headings do not."""
    shown = text[span.start : span.end]
    if shown.rstrip("\"'”’)*_ ").endswith("?"):  # noqa: RUF001 - quotes are meant
        return False
    said = terms(words(text, stems, span.start, span.end))
    if len(said) < 2 and not any(term.word.text[:1].isdigit() for term in said):
        return False
    return not (_COURTESY.match(shown) and (len(said) <= 6 or shown.endswith(":")))


def _without(answer: str, cited: Sequence[Citation]) -> str:
    """Return the answer with blanks where it cites: the number of a source is no number that the answer states."""
    for entry in cited:
        answer = f"{answer[: entry.start]}{' ' * (entry.end - entry.start)}{answer[entry.end :]}"
    return answer


def _text(index: Index, evidence: Evidence) -> str:
    return index.sources[evidence.source].text[evidence.start : evidence.end]
