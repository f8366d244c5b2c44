"""What a detector is, what it says, and what a pattern is."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from fairlead.core import Origin

if TYPE_CHECKING:
    from fairlead.detectors.text import Text
    from fairlead.detectors.views import View

Runs = Literal["stream", "sentence", "whole"]
"""Where a detector can run: on the fly with bounded context, at the end of a sentence, or on the whole text only."""

Span = Callable[[int, int], tuple[int, int]]
"""Takes a span and returns the span of another text that it stands for."""


class Hit(NamedTuple):
    """One thing that a detector saw; offsets in code points of the original text."""

    start: int
    end: int
    hazard: str
    entity: str
    score: float
    view: str = ""
    """Decode view that it was seen in; empty for the text as it came."""

    def seen_in(self, view: "View") -> "Hit":
        """Return the hit with the span of the original text that a view's span stands for."""
        start, end = view.span(self.start, self.end)
        return self._replace(start=start, end=end, view=view.kind)


class Detector(Protocol):
    """Text in, Hits out. Pure: no I/O, no state between calls."""

    @property
    def id(self) -> str:
        """Return ``name@version``."""
        ...

    @property
    def runs(self) -> Runs:
        """Return where it can run."""
        ...

    @property
    def hazards(self) -> tuple[str, ...]:
        """Return the hazards that it can find."""
        ...

    def detect(self, text: "Text", origin: Origin) -> Sequence[Hit]:
        """Return what it sees.

        Args:
            text: The prepared text.
            origin: Who wrote it; an imperative in data is an attack, in a user's message it is a request.
        """
        ...


def is_dear(detector: Detector) -> bool:
    """Tell whether a detector says that it is dear (``cost = "dear"``): a policy may ask it only where the fast ones are in doubt."""
    return getattr(detector, "cost", "fast") == "dear"


Validator = Callable[[str], int]
"""Takes a candidate and returns how many of its leading characters are a valid entity; 0 rejects it."""


class Context(NamedTuple):
    """Words that stand before a candidate and say what it is, or what it is not; the last of them decides.

    Only what stands before counts, and only so many characters of it (``detectors.prefix.CONTEXT``): so a stream decides as the whole
    text does, and waits for nothing.
    """

    words: str
    """Alternatives of a regular expression, read without regard to case and as whole words."""
    score: float
    """Confidence of a match after one of them."""
    against: str = ""
    """Words that speak against it; the same form."""
    lowered: float = 0.0
    """Confidence of a match after one of those; 0 is no match."""


class Pattern(NamedTuple):
    """One entity that a regular expression and a validator describe.

    The expression keeps to what a stream allows (see ``detectors.prefix``). If it has a group, the first is the entity, and the rest is
    what gives it away, such as the name of a field.
    """

    name: str
    """Entity, such as ``payment_card``; several patterns may share one."""
    hazard: str
    """``pii`` or ``secret`` for the built-in ones."""
    expression: str
    """Python syntax, ASCII classes."""
    source: str
    """Where the format is described."""
    example: str
    """A text that it must find."""
    counter: str
    """A look-alike that it must not find."""
    validator: Validator | None = None
    score: float = 1.0
    """Confidence of a match without context; 1.0 when a checksum or a fixed prefix backs it, 0 when only context makes it one."""
    probe: str = ""
    """RE2 syntax: an expression that every match (or, for one that takes context to be one, its context) contains, for the prefilter.
    The expression, or the context's words, when empty."""
    context: Context | None = None
    locale: str = "any"
    """Countries whose format it is, as ISO 3166 codes, or ``any``."""
    checksum: str = "none"
    """What its validator checks."""
    group: str = ""
    """Name that a policy may use for this entity and its relatives, such as ``national_id``."""
    linear: bool = False
    """True for patterns of a policy: they are matched by RE2, in linear time whatever they are, and leftmost-longest."""


class Cluster(NamedTuple):
    """Overlapping matches as their union."""

    start: int
    end: int
    hits: tuple[Hit, ...]

    def moved(self, span: Span, offset: int) -> "Cluster":
        """Return the cluster in the text that ``span`` leads to, shifted by ``offset``."""
        return Cluster(*_shifted(span(self.start, self.end), offset), tuple(_moved(hit, span, offset) for hit in self.hits))


def _moved(hit: Hit, span: Span, offset: int) -> Hit:
    start, end = _shifted(span(hit.start, hit.end), offset)
    return hit._replace(start=start, end=end)


def _shifted(pair: tuple[int, int], offset: int) -> tuple[int, int]:
    return pair[0] + offset, pair[1] + offset


class Settled(NamedTuple):
    """What a stream has decided: no later text changes it."""

    start: int
    """Absolute offset of :attr:`text`."""
    text: str
    """Original text."""
    clusters: tuple[Cluster, ...]
    """Absolute offsets; each lies wholly inside the text."""
    capped: bool = False
    """True when the hold cap forced characters out before they were decided."""
