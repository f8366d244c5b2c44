"""Where the values of a tool call come from: only positive evidence makes a value trusted.

A value that stands, whole and bounded, in a text of the user, the system or the developer has that origin. Everything else is
``untrusted``: what stands only in retrieved documents, tool results, memory or another agent's words, what the model itself wrote,
and what stands nowhere. An argument has the origins of all its values.

Known limit: a value that the user named can be put to another use than he meant.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import cached_property

from fairlead.agents.arguments import Value, leaves
from fairlead.agents.mail import addresses
from fairlead.core import Origin, Segment
from fairlead.policy import Label

_LABELS: dict[Origin, Label] = {"user": "user", "system": "system", "developer": "developer"}
MIN_CHARS = 4
"""A shorter text is trusted only where it stands in quotes: it could stand anywhere by chance."""
MAX_PLACES = 64
"""Places of one text that a value is looked for in; a text that repeats a fragment more often is no evidence."""
MAX_LEAVES = 512

_NUMBER = re.compile(r"(?<![\w.,-])-?\d{1,15}(?:,\d{3})*(?:\.\d{1,10})?(?!\w)", re.ASCII)
_GLUE = "@_-+%/\\&=~"
"""Characters that make a longer address, path or word of what stands beside them."""
_QUOTES = "\"'`\u201c\u201d\u00ab\u00bb"


class Provenance:
    """Finds the origin of values among the texts that the model saw.

    Args:
        segments: All of them, labelled.
    """

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments

    @cached_property
    def _texts(self) -> list[tuple[Label, str]]:
        return [(_LABELS[segment.origin], canonical(segment.text)) for segment in self._segments if segment.origin in _LABELS]

    def labels(self, value: Value) -> frozenset[Label]:
        """Return the origins of all values in an argument; empty when there is none."""
        found: set[Label] = set()
        for count, leaf in enumerate(leaves(value)):
            if count >= MAX_LEAVES:
                found.add("untrusted")
                break
            found.update(self._of_leaf(leaf))
        return frozenset(found)

    def _of_leaf(self, leaf: str | int | Decimal | bool) -> Iterator[Label]:  # noqa: FBT001 - the value itself is what is looked at
        if isinstance(leaf, bool):
            yield "untrusted"
        elif isinstance(leaf, str):
            for part in addresses(leaf) or [leaf]:
                if part.strip():
                    yield self._search(canonical(part), _stands_in)
        else:
            yield self._search(str(leaf), _is_number_in)

    def _search(self, needle: str, stands: Callable[[str, str], bool]) -> Label:
        return next((label for label, text in self._texts if stands(needle, text)), "untrusted")


def canonical(text: str) -> str:
    """Return the text as values are compared: compatibility forms, case and runs of white space folded."""
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    return " ".join(folded.split())


def _stands_in(needle: str, text: str) -> bool:
    for start in _places(needle, text):
        before, after = text[start - 1 : start], text[start + len(needle) : start + len(needle) + 2]
        if len(needle) < MIN_CHARS and not (before and before in _QUOTES and after[:1] in _QUOTES and after):
            continue
        if not _glued_before(before) and not _glued_after(after):
            return True
    return False


def _places(needle: str, text: str) -> Iterable[int]:
    start = text.find(needle)
    for _ in range(MAX_PLACES):
        if start < 0:
            return
        yield start
        start = text.find(needle, start + 1)


def _glued_before(char: str) -> bool:
    return bool(char) and (char.isalnum() or char in _GLUE or char == ".")


def _glued_after(chars: str) -> bool:
    if not chars:
        return False
    first, second = chars[0], chars[1:2]
    # A dot or colon ends a sentence, unless something follows it at once.
    return first.isalnum() or first in _GLUE or (first in ".:'" and second.isalnum())


def _is_number_in(needle: str, text: str) -> bool:
    wanted = Decimal(needle)
    # Looking only where its first digit stands is several times faster than a regular expression over the whole text.
    lead = needle[: 2 if needle.startswith("-") else 1]
    start = text.find(lead)
    while start >= 0:
        match = _NUMBER.match(text, start)
        if match is not None and Decimal(match.group().replace(",", "")) == wanted:
            return True
        start = text.find(lead, start + 1)
    return False
