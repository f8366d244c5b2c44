"""Views: other readings of a text, and the way from each back to the text that came."""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from fairlead.detectors.model import Span


class View(NamedTuple):
    """A text that a text stands for."""

    kind: str
    """How it was decoded, such as ``base64``, or ``base64>hex`` for hex inside base64; empty for the text as it came."""
    text: str
    span: Span
    """From a span of the view to the span of the original that holds it."""

    def then(self, kind: str) -> str:
        """Return the kind of what is decoded from this view by ``kind``."""
        return f"{self.kind}>{kind}" if self.kind not in ("", "normalised") else kind


WHOLE, REVERSED = 0, -1


class Rewriting:
    """A text made from another one by replacing pieces of it, from its beginning to its end, with the way back.

    Args:
        source: The other text.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._parts: list[str] = []
        self._size = 0
        self._reached = 0
        # One entry per piece: where it starts and ends in the new text, where in the source, and how many characters one stands for.
        self._starts, self._ends = array("q"), array("q")
        self._begins, self._finishes = array("q"), array("q")
        self._steps = array("b")

    @property
    def changed(self) -> bool:
        """Return whether anything was replaced."""
        return bool(self._starts)

    def replace(self, begin: int, end: int, text: str, step: int = WHOLE) -> None:
        """Put a text in the place of a piece of the source; what stands before it and after the last piece stays.

        Args:
            begin: First character of the piece; at or after the end of the piece before.
            end: The place after its last one.
            text: What it becomes.
            step: How many characters of the source each of its characters stands for, one after the other; ``REVERSED`` for one each,
                from the end; ``WHOLE`` when the piece can only be taken whole.
        """
        if begin > self._reached:
            self._parts.append(self._source[self._reached : begin])
            self._size += begin - self._reached
        self._parts.append(text)
        self._starts.append(self._size)
        self._size += len(text)
        self._ends.append(self._size)
        self._begins.append(begin)
        self._finishes.append(end)
        self._steps.append(step)
        self._reached = end

    def view(self, parent: View, kind: str) -> View:
        """Return the new text as a view.

        Args:
            parent: The view that the source is of.
            kind: How it was decoded.
        """
        text = "".join((*self._parts, self._source[self._reached :]))
        self._parts.clear()
        self._source = ""

        def span(start: int, end: int) -> tuple[int, int]:
            first, last = self._place(start), self._place(end - 1)
            return parent.span(min(first[0], last[0]), max(first[1], last[1]))

        return View(parent.then(kind), text, span)

    def _place(self, position: int) -> tuple[int, int]:
        """Return the piece of the source that one character of the new text stands for."""
        index = bisect_right(self._starts, position) - 1
        if index < 0:
            return position, position + 1
        begin, end, inside = self._begins[index], self._finishes[index], position - self._starts[index]
        if position >= self._ends[index]:
            place = end + position - self._ends[index]
            return place, place + 1
        step = self._steps[index]
        if step == REVERSED:
            return end - inside - 1, end - inside
        if step:
            return begin + inside * step, min(begin + (inside + 1) * step, end)
        return begin, max(end, begin + 1)  # what stands for nothing, as a line break between two pieces, leads to its neighbour


class Spot(NamedTuple):
    """A piece of a text that stands for something else."""

    begin: int
    end: int
    text: str
    step: int = WHOLE
    """As in :meth:`Rewriting.replace`."""


def neighbourhoods(size: int, spots: Sequence[tuple[int, int]], context: int) -> list[tuple[int, int]]:
    """Return the pieces of a text that lie around spots, merged where they meet.

    Args:
        size: Characters of the text.
        spots: Start and end of each, in order.
        context: Characters on each side.
    """
    out: list[tuple[int, int]] = []
    for begin, end in spots:
        first, last = max(0, begin - context), min(size, end + context)
        if out and first <= out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return out
