"""Which texts of a body follow one another directly: the parts of a message, and messages of one writer with nothing between them.

Whoever puts an answer together, or reads a conversation, reads them as one text; so a match may begin in one and end in the next.
"""

import re
from typing import NamedTuple

_PLACE = re.compile(r"/([0-9]+)(?=/[a-z_])")
"""The place of an object in a list; a text that stands in a list itself is no part of anything."""


class Part(NamedTuple):
    """Where a text stands among its like."""

    field: str
    """Its pointer without places; a message's only text and the text of one of its parts have the same."""
    places: tuple[int, ...]
    beside: str
    """Begins the pointers of what belongs to it, such as citations."""

    def then(self, other: "Part") -> bool:
        """Tell whether the other one follows this one directly."""
        if self.field != other.field:
            return False
        for depth, (here, there) in enumerate(zip(self.places, other.places, strict=False)):
            if here != there:
                return there == here + 1 and not any(other.places[depth + 1 :])
        return False


def part_of(path: str) -> Part | None:
    """Return where a text stands among its like; None for one that is no part, or a choice among others.

    Args:
        path: JSON pointer of a text.
    """
    if path.startswith("/choices/") or "#" in path:
        return None
    places = tuple(map(int, _PLACE.findall(path)))
    if not places:
        return None
    return Part(_PLACE.sub("", path).removesuffix("/text"), places, f"{path.rpartition('/')[0]}/")
