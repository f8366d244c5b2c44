"""What the grounding check says: claims of an answer, each with a verdict and where it comes from."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

Verdict = Literal["supported", "unsupported", "contradicted", "no_claim"]
"""``no_claim`` is a sentence that asserts nothing that sources could bear out: a question, a greeting, a heading."""

Doubt = Literal[
    "number", "name", "negation", "quantifier", "opposite", "changed_word", "new_words", "unknown_citation", "wrong_citation", "too_long"
]
"""Why a claim is doubted; a word without content, so that it may be logged."""

DOUBTS: dict[Doubt, str] = {
    "number": "a number, date or amount that no source gives",
    "name": "a name that no source gives",
    "negation": "a source says it with 'not', the claim without, or the other way round",
    "quantifier": "a source says how many, how often or how surely in another way",
    "opposite": "a word stands where a source has its opposite",
    "changed_word": "a word stands where a source has another one",
    "new_words": "words that no source bears out",
    "unknown_citation": "it cites a source that is not there",
    "wrong_citation": "the source that it cites does not bear it out, another one does",
    "too_long": "the answer or its sources are too long to be compared",
}
"""Each reason in words."""

CONTRADICTING: frozenset[Doubt] = frozenset({"negation", "opposite", "number"})
"""Reasons that say that a source says something else, where it speaks of the same."""


class Span(NamedTuple):
    """A stretch of a text, in characters."""

    start: int
    end: int


class Source(NamedTuple):
    """One text that an answer may rest on."""

    name: str
    """How citations name it."""
    text: str


class Evidence(NamedTuple):
    """The stretch of a source that comes closest to a claim."""

    source: int
    """Its place among the sources."""
    start: int
    end: int


class Mark(NamedTuple):
    """One word, number or name of a claim that is in doubt."""

    start: int
    end: int
    doubt: Doubt


class Claim(NamedTuple):
    """One sentence of an answer."""

    start: int
    """In characters of the answer."""
    end: int
    verdict: Verdict
    score: float
    """How surely it is *not* borne out, 0 to 1; on the card's scale: 0.5 is what 5% of the pool of borne-out answers reach."""
    doubts: tuple[Doubt, ...] = ()
    marks: tuple[Mark, ...] = ()
    evidence: Evidence | None = None
    citations: tuple[str, ...] = ()
    """Names that it cites, as they stand there."""


class Report(NamedTuple):
    """All claims of an answer."""

    claims: tuple[Claim, ...]

    @property
    def score(self) -> float:
        """Score of the claim that is borne out least; 0 where there is none."""
        return max((claim.score for claim in self.claims), default=0.0)

    def count(self, verdict: Verdict) -> int:
        """Return how many claims have a verdict."""
        return sum(claim.verdict == verdict for claim in self.claims)


class Scorer(Protocol):
    """Says how surely a claim is not borne out. The shipped one reads features; an adapter may ask an NLI or fact-checking model."""

    @property
    def id(self) -> str:
        """Return ``name@version``."""
        ...

    def score(self, claims: Sequence[str], passages: Sequence[Sequence[str]]) -> Sequence[float]:
        """Return one score for each claim, 0 (borne out) to 1.

        Args:
            claims: The claims, as they stand in the answer.
            passages: For each, the stretches of sources that come closest, the closest first.
        """
        ...
