"""Which fields of an API carry text: a small grammar, and the walk that turns JSON into Segments.

Law 1 starts here. Every string that is not declared inert becomes a Segment or an unknown; nothing is passed over. What is
*inert* is checked too: only a short token without spaces is (``gpt-x``, ``call_12``); a sentence, an address or a long number in an
inert field is a Segment like any other. Numbers, booleans and null carry no text.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from fairlead.core import Origin, Segment, Stage

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
"""Decoded JSON, at the edge only."""

_TOKEN = re.compile(r"[A-Za-z0-9_.:/+=@-]{0,256}\Z", re.ASCII)
_LONG_DIGITS = re.compile(r"[0-9]{7,}|@", re.ASCII)
KEY = "#key"
"""Ends the path of a key that is a text; the rest is the path of its value."""
_MAX_NAME = 64
"""A key longer than so many characters is a text, not a name."""


class Inert(NamedTuple):
    """A short token such as a model name or an id; anything else in its place is a Segment."""


class Text(NamedTuple):
    """A text that the guard looks at."""

    origin: Origin
    stage: Stage


class Free(NamedTuple):
    """Free-form JSON: every string in it, keys included, is a text."""

    origin: Origin
    stage: Stage


class Fields(NamedTuple):
    """An object whose text-bearing fields are declared."""

    known: Mapping[str, "Node"]


class Items(NamedTuple):
    """A list whose items are all alike."""

    item: "Node"


class Unsupported(NamedTuple):
    """A field that is known and can't be guarded yet; present and not null or false, it counts as unknown."""


Node = Inert | Text | Free | Fields | Items | Unsupported


class Extraction:
    """What a walk collects.

    Attributes:
        segments: Texts that the guard looks at.
        unknown: Strings in places that it does not know; the policy's ``unknown:`` rule decides.
    """

    __slots__ = ("segments", "unknown")

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.unknown: list[Segment] = []


def token_of(key: str, place: int) -> str:
    """Return a key as a token of a Segment's path.

    Paths are kept in records (law 4), so a key that is more than a name stands there as ``#`` and its place in the object; no name
    begins with ``#``. A name is written as RFC 6901 says.
    """
    if not is_name(key):
        return f"#{place}"
    return key.replace("/", "~1") if "/" in key else key


def walk(node: Node, value: Json, path: str, into: Extraction, unknown: Text) -> None:
    """Collect the Segments of a value.

    Args:
        node: What the value is declared to be.
        value: Decoded JSON.
        path: Its JSON pointer.
        into: Where Segments and unknowns go.
        unknown: Origin and Stage given to unknown strings.
    """
    if value is None or isinstance(value, bool | int | float):
        if isinstance(node, Unsupported) and value:
            into.unknown.append(Segment(path=path, origin=unknown.origin, stage=unknown.stage, text="unsupported field"))
    elif isinstance(value, str):
        _walk_string(node, value, path, into, unknown)
    elif isinstance(node, Free):
        _free(value, path, into.segments, Text(node.origin, node.stage))
    elif isinstance(node, Fields) and isinstance(value, dict):
        for place, (key, item) in enumerate(value.items()):
            inner = node.known.get(key)
            if inner is None:
                _unknown_field(key, item, f"{path}/{token_of(key, place)}", into, unknown)
            else:
                walk(inner, item, f"{path}/{key}", into, unknown)
    elif isinstance(node, Items) and isinstance(value, list):
        for index, item in enumerate(value):
            walk(node.item, item, f"{path}/{index}", into, unknown)
    else:
        _free(value, path, into.unknown, unknown)


def _walk_string(node: Node, value: str, path: str, into: Extraction, unknown: Text) -> None:
    if isinstance(node, Text | Free):
        into.segments.append(Segment(path=path, origin=node.origin, stage=node.stage, text=value))
    elif isinstance(node, Inert):
        if not is_inert(value):
            into.segments.append(Segment(path=path, origin=unknown.origin, stage=unknown.stage, text=value))
    else:
        into.unknown.append(Segment(path=path, origin=unknown.origin, stage=unknown.stage, text=value))


def is_inert(value: str) -> bool:
    """Tell whether a string is a short token that can't carry a sentence, an address or a number of a person."""
    return _TOKEN.match(value) is not None and _LONG_DIGITS.search(value) is None


def is_name(key: str) -> bool:
    """Tell whether a key is a short name, which may stand in a record; any other key is a text."""
    return len(key) <= _MAX_NAME and is_inert(key)


def _unknown_field(key: str, item: Json, place: str, into: Extraction, unknown: Text) -> None:
    _free(item, place, into.unknown, unknown)
    if not is_name(key):
        into.unknown.append(Segment(path=f"{place}{KEY}", origin=unknown.origin, stage=unknown.stage, text=key))


def _free(value: Json, path: str, out: list[Segment], kind: Text) -> None:
    if isinstance(value, str):
        out.append(Segment(path=path, origin=kind.origin, stage=kind.stage, text=value))
    elif isinstance(value, dict):
        for index, (key, item) in enumerate(value.items()):
            place = f"{path}/{token_of(key, index)}"
            if not is_name(key):
                out.append(Segment(path=f"{place}{KEY}", origin=kind.origin, stage=kind.stage, text=key))
            _free(item, place, out, kind)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _free(item, f"{path}/{index}", out, kind)


def replace_at(document: Json, path: str, text: str) -> None:
    """Put a text at a JSON pointer of a decoded document, in place.

    Args:
        document: Decoded JSON, changed in place.
        path: Path of an existing string, as a Segment gives it; a key (``…#key``) can't be replaced.
        text: What to put there.

    Raises:
        KeyError: The pointer leads nowhere.
    """
    tokens = path.split("/")[1:]
    here: Json = document
    for token in tokens[:-1]:
        here = _step(here, token)
    last = tokens[-1]
    if isinstance(here, dict) and _key(here, last) in here:
        here[_key(here, last)] = text
    elif isinstance(here, list) and last.isdigit() and int(last) < len(here):
        here[int(last)] = text
    else:
        raise KeyError(path)


def _step(here: Json, token: str) -> Json:
    if isinstance(here, dict):
        return here[_key(here, token)]
    if isinstance(here, list):
        return here[int(token)]
    raise KeyError(token)


def _key(record: dict[str, Json], token: str) -> str:
    if token.startswith("#") and token[1:].isdigit():
        return list(record)[int(token[1:])]
    return token.replace("~1", "/")
