"""Which fields of an API carry text: a small grammar, and the walk that turns JSON into Segments.

Law 1 starts here. Every string that is not declared inert becomes a Segment or an unknown; nothing is passed over. What is
*inert* is checked too: only a short token without spaces is (``gpt-x``, ``call_12``); a sentence, an address or a long number in an
inert field is a Segment like any other. Numbers, booleans and null carry no text.
"""

import base64
import binascii
import re
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from fairlead.core import MediaKind, MediaSegment, Origin, Segment, Stage
from fairlead.wire.document import Json
from fairlead.wire.logprobs import texts_told

_TOKEN = re.compile(r"[A-Za-z0-9_.:/+=@-]{0,256}\Z", re.ASCII)
_LONG_DIGITS = re.compile(r"[0-9]{7,}|@", re.ASCII)
KEY = "#key"
"""Ends the path of a key that is a text; the rest is the path of its value."""
ECHO = "#echo"
"""Ends, before a number, the path of a text that is told again token by token."""
UNREADABLE = "unsupported field"
"""Stands for what carries a text in a form that no detector reads."""
READ = "#text"
"""Ends the path of the text that was read in an image or heard in a recording; the rest is the path of that."""
_DATA_URL = re.compile(r"data:[A-Za-z0-9.+/-]{0,100};base64,")
_SMALLEST, _LARGEST = 1e-12, 1e4
"""Between them is every number of an embedding that is not 0; of the numbers that 32 random bits give it is one in five."""
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
    numbers: bool = False
    """Whether a number of seven digits or more is a text too: what tools are given and give may be a card's."""


class Fields(NamedTuple):
    """An object whose text-bearing fields are declared."""

    known: Mapping[str, "Node"]


class Items(NamedTuple):
    """A list whose items are all alike."""

    item: "Node"


class Tagged(NamedTuple):
    """An object that says in one of its fields which kind it is; a kind that is not declared is unknown, all of it."""

    key: str
    kinds: Mapping[str, "Node"]
    default: str = ""
    """Kind of an object that does not say."""


class Either(NamedTuple):
    """A string of some kind, or what stands in its place when it is not a string."""

    text: Text | Inert
    other: "Node"


class Tokens(NamedTuple):
    """A text told again token by token, with alternatives: log probabilities. What it says is looked at, rank by rank."""

    origin: Origin
    stage: Stage


class Media(NamedTuple):
    """An image or a recording: a data URL or, where the API takes no address, bare base64. An address or an id is unknown."""

    kind: MediaKind
    origin: Origin
    stage: Stage
    bare: bool = False


class Signature(NamedTuple):
    """A text that vouches for what stands beside it: looked at like any other, and emptied when a neighbour is edited."""

    origin: Origin
    stage: Stage


class Vector(NamedTuple):
    """Numbers, in a list or as base64 of 32-bit floats; anything else in their place is unknown."""


class Streamed(NamedTuple):
    """A text of a stream's event that is guarded where it flows; anything but a string in its place is unknown."""


class Unsupported(NamedTuple):
    """A field that is known and can't be guarded yet; present and not null or false, it counts as unknown."""


_READ = (Text, Free, Signature)
"""What is read where a string stands."""
_NUMBERS = (int, float)
"""And booleans, which are integers."""

Node = Inert | Text | Free | Fields | Items | Tagged | Either | Tokens | Signature | Vector | Streamed | Media | Unsupported


class Extraction:
    """What a walk collects.

    Attributes:
        segments: Texts that the guard looks at.
        unknown: Strings in places that it does not know; the policy's ``unknown:`` rule decides.
        echoes: Pointers to what tells a text again; it must go when the text is edited.
        signatures: Pointers to what signs the fields beside it.
    """

    __slots__ = ("echoes", "segments", "signatures", "unknown")

    def __init__(self) -> None:
        self.segments: list[Segment] = []
        self.unknown: list[Segment] = []
        self.echoes: list[str] = []
        self.signatures: list[str] = []


def media(kind: MediaKind, text: Text, *, bare: bool = False) -> Media | Unsupported:
    """Return the node of an image or a recording beside a text; what a model itself shows or says can't be read yet."""
    return Unsupported() if text.stage == "output" else Media(kind, text.origin, text.stage, bare)


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
    if isinstance(node, Either):
        walk(node.text if isinstance(value, str) else node.other, value, path, into, unknown)
    elif isinstance(node, Unsupported):
        _walk_unsupported(value, path, into, unknown)
    elif isinstance(value, str):
        _walk_string(node, value, path, into, unknown)
    elif value is None or isinstance(value, _NUMBERS):
        if isinstance(node, Free):
            _free(value, path, into.segments, node)
    elif isinstance(value, dict):
        _walk_object(node, value, path, into, unknown)
    else:
        _walk_list(node, value, path, into, unknown)


def _walk_unsupported(value: Json, path: str, into: Extraction, unknown: Text) -> None:
    if value is None or value is False:
        return
    before = len(into.unknown)
    _free(value, path, into.unknown, unknown)
    if len(into.unknown) == before:
        into.unknown.append(Segment(path=path, origin=unknown.origin, stage=unknown.stage, text=UNREADABLE))


def _walk_string(node: Node, value: str, path: str, into: Extraction, unknown: Text) -> None:
    if isinstance(node, _READ):
        into.segments.append(Segment(path=path, origin=node.origin, stage=node.stage, text=value))
        if isinstance(node, Signature):
            into.signatures.append(path)
    elif isinstance(node, Media) and (node.bare or _DATA_URL.match(value)):
        into.segments.append(MediaSegment(path=path, origin=node.origin, stage=node.stage, text=value, kind=node.kind))
    elif isinstance(node, Inert):
        if not is_inert(value):
            into.segments.append(Segment(path=path, origin=unknown.origin, stage=unknown.stage, text=value))
    elif not isinstance(node, Streamed) and not (isinstance(node, Vector) and is_vector(value)):
        into.unknown.append(Segment(path=path, origin=unknown.origin, stage=unknown.stage, text=value))


def _walk_object(node: Node, value: dict[str, Json], path: str, into: Extraction, unknown: Text) -> None:
    if isinstance(node, Tagged):
        kind = value.get(node.key, node.default)
        inner = node.kinds.get(kind) if isinstance(kind, str) else None
        if inner is not None:
            walk(inner, value, path, into, unknown)
            return
    if isinstance(node, Free):
        _free(value, path, into.segments, node)
    elif not isinstance(node, Fields):
        _free(value, path, into.unknown, unknown)
    else:
        for place, (key, item) in enumerate(value.items()):
            known = node.known.get(key)
            if known is None:
                _unknown_field(key, item, f"{path}/{token_of(key, place)}", into, unknown)
            else:
                walk(known, item, f"{path}/{key}", into, unknown)


def _walk_list(node: Node, value: list[Json], path: str, into: Extraction, unknown: Text) -> None:
    if isinstance(node, Free):
        _free(value, path, into.segments, node)
    elif isinstance(node, Items):
        for index, item in enumerate(value):
            walk(node.item, item, f"{path}/{index}", into, unknown)
    elif isinstance(node, Tokens):
        told = texts_told(value)
        if told is None:
            _free(value, path, into.unknown, unknown)
            into.unknown.append(Segment(path=path, origin=unknown.origin, stage=unknown.stage, text=UNREADABLE))
            return
        into.echoes.append(path)
        into.segments += (
            Segment(path=f"{path}{ECHO}{rank}", origin=node.origin, stage=node.stage, text=text) for rank, text in enumerate(told)
        )
    elif not (isinstance(node, Vector) and all(isinstance(item, _NUMBERS) for item in value)):
        _free(value, path, into.unknown, unknown)


def is_vector(value: str) -> bool:
    """Tell whether a string is base64 of 32-bit floats of the size that embeddings have: of a text, few pieces would be."""
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    if len(data) % 4:
        return False
    return all(number == 0 or _SMALLEST < abs(number) < _LARGEST for (number,) in struct.iter_unpack("<f", data))


def is_inert(value: str) -> bool:
    """Tell whether a string is a short token that can't carry a sentence, an address or a number of a person."""
    return _is_token(value) if len(value) <= _MAX_NAME else _is_token.__wrapped__(value)


@lru_cache(maxsize=4096)
def _is_token(value: str) -> bool:
    """Remember what names are: the same few stand in every request."""
    return _TOKEN.match(value) is not None and _LONG_DIGITS.search(value) is None


def is_name(key: str) -> bool:
    """Tell whether a key is a short name, which may stand in a record; any other key is a text."""
    return len(key) <= _MAX_NAME and is_inert(key)


def _unknown_field(key: str, item: Json, place: str, into: Extraction, unknown: Text) -> None:
    _free(item, place, into.unknown, unknown)
    if not is_name(key):
        into.unknown.append(Segment(path=f"{place}{KEY}", origin=unknown.origin, stage=unknown.stage, text=key))


def _free(value: Json, path: str, out: list[Segment], kind: Text | Free) -> None:
    if isinstance(value, _NUMBERS) and not isinstance(value, bool):
        if isinstance(kind, Free) and kind.numbers and _LONG_DIGITS.search(str(value)):
            out.append(Segment(path=path, origin=kind.origin, stage=kind.stage, text=str(value)))
    elif isinstance(value, str):
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
