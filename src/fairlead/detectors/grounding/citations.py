"""Citations in an answer: which sources a claim names, and which of them are not there."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from fairlead.detectors.grounding.model import Source

_BRACKETS = re.compile(r"\[(\^?[\w.:/#-]+(?:\s?[,;]\s?[\w.:/#-]+)*)\](?!\()|【(\d+)[^】]{0,20}】")
_FOOTNOTE = re.compile(r"[\u00b9\u00b2\u00b3\u2070\u2074-\u2079]+")
_SUPERSCRIPT = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")
_NUMBER_WITH_UNIT = re.compile(r"[a-zA-Z]{1,2}\Z|\d\Z")


class Citation(NamedTuple):
    """One reference to a source."""

    start: int
    end: int
    name: str
    source: int
    """Place of the source it names; -1 where there is none of that name."""


def citations(text: str, start: int, end: int, sources: Sequence[Source]) -> list[Citation]:
    """Return the citations of a claim: ``[1]``, ``[doc-id]``, ``[1, 3]``, ``[^2]`` and superscript footnotes.

    Args:
        text: The answer.
        start: Where the claim begins.
        end: Where it ends.
        sources: The sources; numbers count them from 1, names are theirs.
    """
    places = {source.name.casefold(): place for place, source in enumerate(sources)}
    found: list[Citation] = []
    for match in _BRACKETS.finditer(text, start, end):
        names = re.split(r"\s?[,;]\s?", match[1] or match[2])
        found += [_cited(match, name.removeprefix("^"), places, len(sources)) for name in names if _looks_cited(name, places)]
    for match in _FOOTNOTE.finditer(text, start, end):
        # A superscript after a unit or a digit is a power: km², 10³.
        if not _NUMBER_WITH_UNIT.search(text[max(start, match.start() - 3) : match.start()].rpartition(" ")[2]):
            found.append(_cited(match, match.group().translate(_SUPERSCRIPT), places, len(sources)))
    return found


def _looks_cited(name: str, places: dict[str, int]) -> bool:
    """Tell whether what stands in brackets names a source: a number, a known name, or something with a digit or a hyphen in it."""
    bare = name.removeprefix("^")
    return (
        bare.casefold() in places
        or (bare.isdigit() and len(bare) <= 3)
        or (len(bare) > 2 and bool(re.search(r"[a-zA-Z].*[-_:/.]?\d|\w[-_:/]\w", bare)))
    )


def _cited(match: re.Match[str], name: str, places: dict[str, int], count: int) -> Citation:
    place = places.get(name.casefold(), -1)
    if place < 0 and name.isdigit() and 1 <= int(name) <= count:
        place = int(name) - 1
    return Citation(match.start(), match.end(), name, place)
