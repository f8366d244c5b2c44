"""Where the values of a tool call come from: only positive evidence makes a value trusted.

A value that stands, whole and bounded, in a text of the user, the system or the developer, or in a tool's result that the manifest trusts,
has that origin. So has the id of the one record that a trusted look-up returned, and what a person endorsed. Everything else has the label
of the whole context: ``model`` as long as nothing untrusted was read, ``untrusted`` from then on, and beside that ``quoted`` (it stands,
whole, in data) or ``derived`` (it stands nowhere). An argument has the origins of all its values.

Known limit: a value that the user named can be put to another use than he meant.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import accumulate
from typing import NamedTuple, Protocol

from fairlead.agents.arguments import Value, leaves
from fairlead.agents.carried import MAX_CARRIED, Piece, pieces
from fairlead.agents.forms import canonical, has_form, spelled, spellings
from fairlead.agents.mail import addresses
from fairlead.core import Origin
from fairlead.policy import Label, Tool

TRUSTED_ORIGINS: Mapping[Origin, Label] = {"user": "user", "system": "system", "developer": "developer"}
TRUSTED_TEXTS: tuple[Label, ...] = ("user", "system", "developer", "tool", "endorsed")
DATA: Label = "quoted"
"""Texts that an outsider can write to: what stands in them is evidence of nothing but of standing there."""
MIN_CHARS = 4
"""A shorter text is trusted only where it stands in quotes, or as a name with its capital letter: it could stand anywhere by chance."""
MAX_PLACES = 64
"""Places of all texts of one label that a value is looked for in; what is repeated more often is no evidence."""
MAX_LEAVES = 512
_NUL = "\0"

_NUMBER = re.compile(r"(?<![\w.,-])-?\d{1,15}(?:,\d{3})*(?:\.\d{1,10})?(?!\w)", re.ASCII)
_GLUE = "@_-+%/\\&=~"
"""Characters that make a longer address, path or word of what stands beside them."""
_QUOTES = "\"'`\u201c\u201d\u00ab\u00bb"

Leaf = str | int | Decimal | bool


class Evidence(NamedTuple):
    """What was found out about one value."""

    labels: tuple[Label, ...]
    source: str = ""
    """Where it stands: a path, or a tool that the manifest lists; never content."""


class Carried(NamedTuple):
    """What was found out about one value inside of a text."""

    argument: str
    piece: Piece
    evidence: Evidence

    @property
    def is_vouched(self) -> bool:
        """Whether it may be carried; the number of a card only when somebody wrote it who may say so."""
        labels = set(self.evidence.labels)
        return labels <= _MAY_WRITE_CARDS if self.piece.kind == "card" else all_trusted(labels)


_MAY_WRITE_CARDS: frozenset[Label] = frozenset({"user", "system", "developer", "endorsed"})
_TOO_MANY = Carried("", Piece("web", ""), Evidence(("untrusted", "derived")))


class Texts:
    """Texts of one label, joined so that one search looks through all of them.

    Args:
        trusted: False for data: there a value counts only as it is written.
    """

    def __init__(self, *, trusted: bool = True) -> None:
        self._trusted = trusted
        self._sources: list[str] = []
        self._texts: list[str] = []
        self._raw: list[str] = []
        self._joined: str | None = None
        self._starts: list[int] = []

    def add(self, source: str, text: str, folded: str) -> None:
        """Add a text, as it is and canonical; the next search sees it."""
        self._sources.append(source)
        self._texts.append(folded)
        if self._trusted:
            self._raw.append(text)
        self._joined = None

    def find(self, value: str, raw: str = "") -> str | None:
        """Return where a canonical value stands whole and bounded, or None."""
        if not self._texts or not value or _NUL in value:
            return None
        joined = self._whole()
        for needle in (value, *spellings(value, days=self._trusted)):
            start = next(_places(needle, joined), None)
            if start is not None:
                return self._source(start)
        if self._trusted and 2 < len(raw) < MIN_CHARS and raw[:1].isupper() and raw.isalpha():
            return next((source for source, text in zip(self._sources, self._raw, strict=True) if _is_name_in(raw, text)), None)
        return None

    def find_number(self, value: Decimal) -> str | None:
        """Return where a number stands, or None; in trusted texts in any notation."""
        if not self._texts:
            return None
        joined = self._whole()
        if not self._trusted:
            start = next(_places(str(value), joined, shortest=1), None)
            return None if start is None else self._source(start)
        return next((source for source, text in zip(self._sources, self._texts, strict=True) if _is_number_in(value, text)), None)

    def of_source(self, source: str) -> tuple[str, ...]:
        """Return the texts that came from one source."""
        return tuple(text for at, text in zip(self._sources, self._texts, strict=True) if at == source)

    def _whole(self) -> str:
        if self._joined is None:
            self._joined = _NUL.join(self._texts)
            self._starts = list(accumulate((len(text) + 1 for text in self._texts[:-1]), initial=0))
        return self._joined

    def _source(self, start: int) -> str:
        return self._sources[bisect_right(self._starts, start) - 1]


class Known(Protocol):
    """What provenance is found in; a Trajectory is one."""

    @property
    def texts(self) -> Mapping[Label, Texts]:
        """The texts, by label."""
        ...

    @property
    def tainted(self) -> bool:
        """True once anything untrusted was read."""
        ...

    def vouched(self, tool: str, argument: str, kind: str, value: str) -> Label | None:
        """Return ``selected`` or ``endorsed`` for a value that is so, for this use."""
        ...

    def is_selected(self, value: str) -> bool:
        """Tell whether a value is one of the record that was meant, of whatever kind."""
        ...


class Provenance:
    """Finds the origins of the arguments of one call.

    Args:
        known: The texts that the model saw, labelled.
        tool: The manifest's entry of the called tool.
    """

    def __init__(self, known: Known, tool: Tool) -> None:
        self.known = known
        self._tool = tool

    def carried(self, argument: str, value: Value) -> Iterator[Carried]:
        """Yield what is known about each address and account number that stands inside of an argument."""
        texts = [leaf for leaf in leaves(value) if isinstance(leaf, str) and leaf not in self._tool.constants]
        for count, piece in enumerate(found for text in texts[:MAX_LEAVES] for found in pieces(text)):
            if count >= MAX_CARRIED:
                yield _TOO_MANY
                return
            yield Carried(argument, piece, self._of_piece(argument, piece))

    def _of_piece(self, argument: str, piece: Piece) -> Evidence:
        values = dict.fromkeys((piece.text, piece.compact))
        found = [self._of_text(argument, value) for value in values]
        best = next((evidence for evidence in found if "untrusted" not in evidence.labels), found[0])
        return Evidence(("selected",)) if "untrusted" in best.labels and self.known.is_selected(piece.compact) else best

    def labels(self, argument: str, value: Value) -> frozenset[Label]:
        """Return the origins of all values in an argument; empty when there is none."""
        return frozenset(label for evidence in self.evidence(argument, value) for label in evidence.labels)

    def evidence(self, argument: str, value: Value) -> Iterator[Evidence]:
        """Yield what is known about each value in an argument."""
        for count, leaf in enumerate(leaves(value)):
            if count >= MAX_LEAVES:
                yield Evidence(("untrusted", "derived"))
                return
            yield from self._of_leaf(argument, leaf)

    def _of_leaf(self, argument: str, leaf: Leaf) -> Iterator[Evidence]:
        if isinstance(leaf, bool):
            yield self._default(argument, str(leaf).lower(), None)
        elif not isinstance(leaf, str):
            number = Decimal(leaf)
            yield self._search(argument, spelled(leaf), lambda texts: texts.find_number(number))
        elif leaf in self._tool.constants:
            yield Evidence(("const",))
        else:
            for part in addresses(leaf) or [leaf]:
                if part.strip():
                    yield self._of_text(argument, part)

    def _of_text(self, argument: str, text: str) -> Evidence:
        value, raw = canonical(text), text.strip()
        return self._search(argument, value, lambda texts: texts.find(value, raw))

    def _search(self, argument: str, value: str, find: Callable[[Texts], str | None]) -> Evidence:
        texts = self.known.texts
        for label in TRUSTED_TEXTS:
            source = find(texts[label])
            if source is not None:
                return Evidence((label,), source)
        vouched = self.known.vouched(self._tool.name, argument, self._tool.takes.get(argument, ""), value)
        if vouched is not None:
            return Evidence((vouched,))
        return self._default(argument, value, lambda: find(texts[DATA]))

    def _default(self, argument: str, value: str, in_data: Callable[[], str | None] | None) -> Evidence:
        """Return the label of the context: what has no evidence of its own is worth what the model had read."""
        if not self.known.tainted:
            return Evidence(("model",))
        form = self._tool.declassify.get(argument)
        constraint = self._tool.when.get(argument)
        listed = (constraint.one_of if constraint is not None else None) or ()
        if form is not None and has_form(value, form, listed):
            return Evidence(("typed",))
        source = in_data() if in_data is not None else None
        return Evidence(("untrusted", "derived")) if source is None else Evidence(("untrusted", "quoted"), source)


def _places(needle: str, text: str, shortest: int = MIN_CHARS) -> Iterator[int]:
    """Yield where a value stands whole and bounded."""
    start = text.find(needle)
    for _ in range(MAX_PLACES):
        if start < 0:
            return
        end = start + len(needle)
        before, after = text[max(0, start - 3) : start], text[end : end + 2]
        quoted = before[-1:] in _QUOTES and before and after[:1] in _QUOTES and after
        if (len(needle) >= shortest or quoted) and not _glued_before(before) and not _glued_after(after):
            yield start
        start = text.find(needle, start + 1)


def _glued_before(chars: str) -> bool:
    last = chars[-1:]
    return bool(last) and (last.isalnum() or last in _GLUE or last == ".") and chars != "://"


def _glued_after(chars: str) -> bool:
    if not chars:
        return False
    first, second = chars[0], chars[1:2]
    # A dot or colon ends a sentence, unless something follows it at once.
    return first.isalnum() or first in _GLUE or (first in ".:'" and second.isalnum())


def _is_name_in(name: str, text: str) -> bool:
    """Tell whether a short name stands in a text as the name that it is, with its capital letter."""
    return any(True for _ in _places(name, text, shortest=1))


def _is_number_in(wanted: Decimal, text: str) -> bool:
    # Looking only where its first digit stands is several times faster than a regular expression over the whole text.
    needle = f"{wanted:f}"
    lead = needle[: 2 if needle.startswith("-") else 1]
    start = text.find(lead)
    while start >= 0:
        match = _NUMBER.match(text, start)
        if match is not None and Decimal(match.group().replace(",", "")) == wanted:
            return True
        start = text.find(lead, start + 1)
    return False


def all_trusted(labels: Iterable[Label]) -> bool:
    """Tell whether no value among these origins is of unknown worth."""
    return not {"untrusted", "typed"} & set(labels)


def sources_of(evidence: Sequence[Evidence]) -> tuple[str, ...]:
    """Return where untrusted values stand."""
    return tuple(dict.fromkeys(found.source for found in evidence if "untrusted" in found.labels and found.source))
