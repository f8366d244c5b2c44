"""Edit a text by findings: overlapping matches are one union, replaced as one.

Streams and whole texts go through the same function, so that both give the same text (law 2): what stands there is a function of the
whole union, which a stream holds until it is decided.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from fairlead.detectors import Operators
from fairlead.policy import Edit


class Cut(NamedTuple):
    """One stretch of a text and what stands there afterwards."""

    start: int
    end: int
    replacement: str


class _Union(NamedTuple):
    """Overlapping edits."""

    start: int
    end: int
    edits: tuple[Edit, ...]


def cuts_of(edits: Iterable[Edit], text: str, operators: Operators, offset: int = 0) -> list[Cut]:
    """Merge edits into cuts that don't overlap.

    Args:
        edits: Edits of one text, in any order.
        text: The text, or a stretch of it that holds all of them.
        operators: Makes of a found text what stands there.
        offset: Where the stretch starts in the text that the edits count from.

    Returns:
        Cuts by start. Of overlapping edits the union is cut, and replaced as the one says that starts first, then the longest, then
        the first given; its operator is applied to the union, if all of it is of one entity that stands there in plain.
    """
    unions: list[_Union] = []
    for edit in sorted(edits, key=lambda edit: (edit.finding.span[0], -edit.finding.span[1])):
        start, end = edit.finding.span
        if unions and start < unions[-1].end:
            last = unions[-1]
            unions[-1] = _Union(last.start, max(last.end, end), (*last.edits, edit))
        else:
            unions.append(_Union(start, end, (edit,)))
    return [Cut(one.start, one.end, _replacement(one, text[one.start - offset : one.end - offset], operators)) for one in unions]


def _replacement(union: _Union, found: str, operators: Operators) -> str:
    first = union.edits[0]
    # A text that had to be decoded to be found is not what the operator's result would be taken for.
    plain = len({edit.finding.entity or edit.finding.hazard for edit in union.edits}) == 1 and not any(
        edit.finding.view for edit in union.edits
    )
    if first.operator == "placeholder" or not plain:
        return first.replacement
    return operators.replace(first.operator, first.finding.entity or first.finding.hazard, found)


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
