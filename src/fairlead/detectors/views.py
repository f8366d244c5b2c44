"""Decode views: what a text says once it is decoded, with the way back to the original.

A cheap prefilter tells which decoders can apply at all; the rest costs nothing. Views are decoded again, to a depth, and all of them
together stay within a budget that grows with the text, so that the cost of any text is linear in its length. What did not fit is told.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain
from typing import NamedTuple

import re2

from fairlead.detectors.decoders.chunks import base64_of, binary_of, hex_of
from fairlead.detectors.decoders.ciphers import Ciphers
from fairlead.detectors.decoders.hidden import hidden_of
from fairlead.detectors.decoders.inplace import inplace_of
from fairlead.detectors.decoders.letters import chained_of, joined_of, leet_of, spaced_of
from fairlead.detectors.model import Span
from fairlead.detectors.normal import normalise
from fairlead.detectors.view import View

__all__ = ["BUDGET", "DEPTH", "View", "Views", "views_of"]

DEPTH = 4
"""How often a decoded text is decoded again."""
BUDGET = 4
"""Times the length of a text that all its views have at most, beside ``FREE``."""
FREE = 1 << 16
"""Characters of views that every text may have."""

Decoder = Callable[[View], Iterator[View]]


class Views(NamedTuple):
    """All views of a text."""

    views: tuple[View, ...]
    exhausted: bool
    """True when the budget or the depth ended before the views did: something was not looked at."""


class _Engine(NamedTuple):
    match: Callable[[bytes], list[int]]
    decoders: tuple[Decoder, ...]
    """In the order of the prefilter's expressions; those after them run on every text."""


class _Budget:
    """What is left of the budget, and what was seen already.

    Args:
        left: Characters.
        seen: Texts that say nothing new.
    """

    def __init__(self, left: int, seen: set[str]) -> None:
        self.left = left
        self.exhausted = False
        self._seen = seen

    def keep(self, views: Iterable[View]) -> Iterator[View]:
        """Yield the views that are new and fit."""
        for view in views:
            if view.text in self._seen or not view.text.strip():
                continue
            if len(view.text) > self.left:
                self.exhausted = True
                continue
            self.left -= len(view.text)
            self._seen.add(view.text)
            yield view

    def beyond(self, views: Iterable[View]) -> bool:
        """Return whether any of the views is one that only an encoding makes, and new: what stands below the depth was not read."""
        return any(not _CODED.isdisjoint(_last(view)) and view.text not in self._seen for view in views)


def views_of(original: str, normalised: View) -> Views:
    """Return the decode views of a text, views of views included.

    Args:
        original: As it came: normalisation takes away what is hidden in it.
        normalised: The normalised text.
    """
    budget = _Budget(FREE + BUDGET * len(original), {original, normalised.text})
    hidden = () if original.isascii() else _normal(hidden_of(View("", original, _itself)), "")
    level = list(budget.keep(chain(hidden, _decode(normalised))))
    if not level:
        return Views((), budget.exhausted)
    found = list(level)
    for _ in range(DEPTH - 1):
        level = list(budget.keep(view for parent in level for view in _decode(parent)))
        found += level
    deeper = budget.beyond(view for parent in level for view in _decode(parent))
    return Views(tuple(found), budget.exhausted or deeper)


def _itself(start: int, end: int) -> tuple[int, int]:
    return start, end


def _last(view: View) -> list[str]:
    return view.kind.rpartition(">")[2].split("+")


def _decode(parent: View) -> Iterator[View]:
    """Yield what one step of decoding makes of a view."""
    engine = _engine()
    matched = engine.match(parent.text.encode(errors="replace"))
    sure = matched and matched[0] == 0  # an engine that gave up decides nothing
    for index, decode in enumerate(engine.decoders, 1):
        if index >= _ALWAYS or not sure or index in matched:
            yield from _normal(decode(parent), parent.text)


def _normal(views: Iterable[View], known: str) -> Iterator[View]:
    """Yield views as a reader sees them, and what is hidden in them.

    Args:
        views: As they were decoded.
        known: A text that is normal.
    """
    for view in views:
        if view.text.isascii() or all(character.isascii() or character in known for character in set(view.text)):
            yield view
            continue
        yield from hidden_of(view)
        shown = normalise(view.text)
        yield View(view.kind, shown.text, _through(view.span, shown.span)) if shown.kind else view


def _through(outer: Span, inner: Span) -> Span:
    return lambda start, end: outer(*inner(start, end))


@cache
def _engine() -> _Engine:
    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    chosen = re2.Set.SearchSet(options)
    for expression in (r"\z", *(entry[0] for entry in _PREFILTERED)):
        chosen.Add(expression)
    chosen.Compile()
    match: Callable[[bytes], list[int]] = chosen._set.Match  # noqa: SLF001 - the public wrapper costs five times the match
    return _Engine(match, (*(entry[1] for entry in _PREFILTERED), Ciphers().decode))


_MEMORY = 8 << 20
"""Bytes that the prefilter may use."""
_CODED = frozenset({"base64", "hex", "binary", "url", "html", "escape", "selectors", "tags"})
_SEPARATOR = r"[-._*~|/,+]"
_PREFILTERED: tuple[tuple[str, Decoder], ...] = (
    (r"[A-Za-z0-9+/_-]{16}", base64_of),
    (r"(?:[0-9a-fA-F]{2}(?:[ :,\n]|\\x|0x)?){12}", hex_of),
    (r"(?:[01]{8}[ ,\n]?){6}", binary_of),
    (r"%[0-9a-fA-F]{2}|&#[xX]?[0-9a-fA-F]{1,7}|&[A-Za-z][A-Za-z0-9]{1,31};|\\[uxUnrt0-3/\"'\\]", inplace_of),
    (rf"(?:^|\s)(?:\S\s{{1,3}}){{7}}|(?:\b\w{_SEPARATOR}){{2}}\w\b", spaced_of),
    (r"[A-Za-z'](?:_[A-Za-z']+){3}|[A-Za-z'](?:\+[A-Za-z']+){3}|[A-Za-z'](?:-[A-Za-z']+){3}|[A-Za-z'](?:\.[A-Za-z']+){3}", chained_of),
    (r"[A-Za-z][0-9@$!|+]+[A-Za-z]|\b[0-9@$][A-Za-z]{2}|[A-Za-z]{2}[0-9]\b", leet_of),
    (r"[\"'`][ \t]*\r?\n?[ \t]*[,+.&][ \t]*\r?\n?[ \t]*[\"'`]", joined_of),
)
"""For each decoder an expression of what every text that it decodes holds."""
_ALWAYS = len(_PREFILTERED) + 1
