"""Texts that follow one another directly are read joined as well: a match may begin in one part of a message and end in the next.

Of a joined reading only what lies over a seam counts; the rest is seen in each text on its own. A match may begin where any text begins
and end where any text ends, as if nothing stood before and after. What lies over a seam is one Finding for each text that it touches.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

from fairlead.core import Finding, Segment
from fairlead.wire import Part, part_of

SEAM = "joined"
"""View of a Finding that lies over a seam: its text alone is not what was found, so no operator can be applied to it."""
_APART = frozenset({"tool_definition", "tool_call"})
"""Stages whose texts nobody reads one after the other."""


MOST = 8
"""A match lies over so many texts at most."""


class Crossing(NamedTuple):
    """What of a match over a seam lies in one text."""

    place: int
    """Which text."""
    start: int
    end: int


def runs_in(segments: Sequence[Segment]) -> list[tuple[Segment, ...]]:
    """Return what stands in a row: two texts or more, each of which follows the one before it directly.

    Args:
        segments: Texts of one Stage, in the order in which they stand in the body.
    """
    runs: list[list[Segment]] = []
    last: Segment | None = None
    place: Part | None = None
    for before, segment in pairwise(segments):
        # A conversation in turns has no two texts of one writer in a row: nothing else is asked of it.
        if segment.origin != before.origin or segment.stage in _APART:
            last = None
            continue
        if last is None:
            last, place = before, part_of(before.path)
        here = part_of(segment.path)
        if place is not None and here is not None and place.then(here) and (last.stage, last.call) == (segment.stage, segment.call):
            if not runs or runs[-1][-1] is not last:
                runs.append([last])
            runs[-1].append(segment)
        elif place is not None and segment.path.startswith(place.beside):
            continue
        last, place = segment, here
    return [tuple(run) for run in runs]


def over_seams(findings: Iterable[Finding], texts: Sequence[Segment], *, last: bool = False) -> Iterator[Finding]:
    """Yield what of the findings in joined texts lies over a seam, one for each text that it touches.

    Args:
        findings: Found in the texts, joined.
        texts: The texts.
        last: Count only what begins in the first text and ends in the last.
    """
    lengths = [len(text.text) for text in texts]
    for finding in findings:
        parts = crossings(*finding.span, lengths)
        if last and (not parts or parts[0].place != 0 or parts[-1].place != len(texts) - 1):
            continue
        for part in parts:
            span = (part.start, part.end)
            yield msgspec.structs.replace(finding, path=texts[part.place].path, span=span, view=finding.view or SEAM)


def crossings(start: int, end: int, lengths: Sequence[int]) -> list[Crossing]:
    """Return where a match of joined texts lies; nothing for one that lies in one text.

    Args:
        start: Where it begins.
        end: Where it ends.
        lengths: Characters of each text.
    """
    out: list[Crossing] = []
    begin = 0
    for place, length in enumerate(lengths):
        if length and start < begin + length and begin < end:
            out.append(Crossing(place, max(start - begin, 0), min(end - begin, length)))
        begin += length
    return out if len(out) > 1 else []


def stretches(run: Sequence[Segment], width: int) -> Iterator[tuple[Segment, ...]]:
    """Yield what a match may lie over: each text with those that follow it, as far as a match can reach.

    Of the last text of each only as much is given as a match can reach.

    Args:
        run: What stands in a row.
        width: Characters of the longest match.
    """
    for first in range(len(run) - 1):
        between = 0
        for last in range(first + 1, min(first + MOST, len(run))):
            end = run[last]
            yield (*run[first:last], msgspec.structs.replace(end, text=end.text[:width]) if len(end.text) > width else end)
            between += len(end.text)
            if between >= width:
                break
