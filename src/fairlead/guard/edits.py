"""Edit a text by findings: overlapping matches are one union, replaced by one placeholder.

Streams and whole texts go through the same function, so that both give the same text (law 2).
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fairlead.policy import Edit


class Cut(NamedTuple):
    """One stretch of a text and what stands there afterwards."""

    start: int
    end: int
    replacement: str


def cuts_of(edits: Iterable[Edit]) -> list[Cut]:
    """Merge edits into cuts that don't overlap.

    Args:
        edits: Edits of one text, in any order.

    Returns:
        Cuts by start. Of overlapping edits the union is cut; the placeholder is that of the one that starts first, then of the
        longest, then of the first given.
    """
    spans = sorted(((edit.finding.span[0], -edit.finding.span[1], rank, edit.replacement) for rank, edit in enumerate(edits)))
    cuts: list[Cut] = []
    for start, negative_end, _, replacement in spans:
        end = -negative_end
        if cuts and start < cuts[-1].end:
            last = cuts[-1]
            cuts[-1] = Cut(last.start, max(last.end, end), last.replacement)
        else:
            cuts.append(Cut(start, end, replacement))
    return cuts


def apply_cuts(text: str, cuts: Sequence[Cut], offset: int = 0) -> str:
    """Return the text with the cuts made.

    Args:
        text: A text, or a stretch of one.
        cuts: Cuts that lie wholly inside the stretch, by start.
        offset: Where the stretch starts in the text that the cuts count from.
    """
    out: list[str] = []
    position = 0
    for cut in cuts:
        out.append(text[position : cut.start - offset])
        out.append(cut.replacement)
        position = cut.end - offset
    out.append(text[position:])
    return "".join(out)
