"""The one record: an id is trusted when a trusted look-up leaves no choice which record is meant."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TypeAlias

from fairlead.agents.forms import spelled
from fairlead.policy import Records

Json: TypeAlias = "str | int | Decimal | bool | list[Json] | dict[str, Json] | None"
Record: TypeAlias = Mapping[str, Json]
Named: TypeAlias = Callable[[str], bool]
"""Tells whether a value stands in a trusted text."""
MAX_CHARS = 1_000_000
MAX_RECORDS = 2_000
MAX_NAME = 64
"""Characters of the longest value of a field that is no prose."""


def records_in(text: str) -> list[Record]:
    """Return the records of a tool's JSON result: one object, or a list of them; nothing for any other text."""
    if len(text) > MAX_CHARS or text.lstrip()[:1] not in ("{", "["):
        return []
    try:
        found = json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError):
        return []
    listed = found if isinstance(found, list) else [found]
    return listed if len(listed) <= MAX_RECORDS and all(isinstance(entry, dict) for entry in listed) else []


class Fields:
    """The fields of a tool's results, each with its values: what a person vouches for who vouches for more than one value at once."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], dict[str, None]] = {}
        self._prose: set[tuple[str, str]] = set()

    def add(self, tool: str, text: str) -> None:
        """Take in a result: records by field, or a plain list as the one field that it is."""
        for field, value in _fields(text):
            place = (tool, field)
            known = self._of.setdefault(place, {})
            if len(value) > MAX_NAME or not value.isprintable() or len(known) >= MAX_RECORDS:
                self._prose.add(place)
            known[spelled(value)] = None

    def beside(self, tool: str, value: str) -> Iterator[str]:
        """Yield all values of each field of a tool's results in which a value stands; a field that holds prose vouches for nothing."""
        for place, known in self._of.items():
            if place[0] == tool and value in known and place not in self._prose:
                yield from known


def _fields(text: str) -> Iterator[tuple[str, str]]:
    for record in records_in(text):
        yield from ((field, str(value)) for field, value in record.items() if isinstance(value, str | int | Decimal))
    if text.lstrip()[:1] == "[" and len(text) <= MAX_CHARS:
        yield from (("", entry) for entry in _listed(text))


def _listed(text: str) -> list[str]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return found if len(found) <= MAX_RECORDS and all(isinstance(entry, str) for entry in found) else []


def selected(found: Sequence[Record], shape: Records, named: Named, *, searched: bool) -> list[tuple[str, str]]:
    """Return the ids, each with its kind, of the one record that is meant; nothing when several could be.

    Args:
        found: The records of a result.
        shape: Which fields hold ids, and which can single a record out.
        named: Tells whether a value stands in a trusted text.
        searched: True when the look-up had arguments, all of them trusted: its only record is the one that was asked for.
    """
    if searched and len(found) == 1:
        return ids_of(found[0], shape)
    for field in shape.by:
        fitting = [record for record in found if _is_named(record.get(field), named)]
        if len(fitting) == 1:
            return ids_of(fitting[0], shape)
        if fitting:
            return []
    return []


def ids_of(record: Record, shape: Records) -> list[tuple[str, str]]:
    """Return the ids of a record, each with its kind."""
    return [(kind, value) for field, kind in shape.ids.items() for value in _texts(record.get(field))]


def _is_named(value: Json, named: Named) -> bool:
    return isinstance(value, str) and named(value)


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, str | int | Decimal) and not isinstance(value, bool) and value != "":
        yield spelled(value)
