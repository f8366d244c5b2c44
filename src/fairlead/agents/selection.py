"""The one record: an id is trusted when a trusted look-up leaves no choice which record is meant."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from fairlead.agents.forms import canonical
from fairlead.policy import Records

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"
Record: TypeAlias = Mapping[str, Json]
Named: TypeAlias = Callable[[str], bool]
"""Tells whether a value stands in a trusted text."""
MAX_CHARS = 1_000_000
MAX_RECORDS = 2_000


def records_in(text: str) -> list[Record]:
    """Return the records of a tool's JSON result: one object, or a list of them; nothing for any other text."""
    if len(text) > MAX_CHARS or text.lstrip()[:1] not in ("{", "["):
        return []
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return []
    listed = found if isinstance(found, list) else [found]
    return listed if len(listed) <= MAX_RECORDS and all(isinstance(entry, dict) for entry in listed) else []


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
    if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
        yield canonical(str(value))
