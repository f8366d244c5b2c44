"""Tool definitions of servers: which of them a model may see, under which name, and why the others are withheld.

A definition is text that a model obeys, so it is shown only as a person has reviewed it: pinned, whole, by its digest. What hides
characters is withheld even then, and so is what could be taken for the tool of another server, or speaks of one.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

import msgspec

from fairlead.core import digest
from fairlead.detectors import shows_all, skeleton
from fairlead.policy import Pins

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

HIDDEN = "mcp.hidden"
UNPINNED = "mcp.unpinned"
CHANGED = "mcp.changed"
SHADOWED = "mcp.shadowed"
SHADOWING = "mcp.shadowing"
MENDS: Mapping[str, str] = {
    HIDDEN: "its definition holds characters that no reader sees",
    UNPINNED: "its definition was never reviewed: run `fairlead mcp pin`",
    CHANGED: "its definition is not the one that was pinned: review it, then run `fairlead mcp pin` again",
    SHADOWED: "another tool has the same name, or one that looks like it: list it in the policy as server__tool",
    SHADOWING: "its definition speaks of another server's tool",
}
"""What to tell of a tool that is withheld."""
BETWEEN = "__"
"""Between a server's name and its tool's, where the policy lists a tool with its server."""
_DISTINCT = re.compile(r"[A-Za-z][a-z0-9]*([_.:/-][A-Za-z0-9]|[A-Z])")
"""A name that is no plain word, so that naming it is no accident."""


class Definition(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One tool as a server defines it."""

    server: str
    name: str
    body: dict[str, Json]
    """Decoded, as the server gave it."""

    @cached_property
    def digest(self) -> str:
        """What is pinned: the digest of all of it."""
        return digest(self.body)

    @cached_property
    def strings(self) -> tuple[str, ...]:
        """Every string in it, keys too."""
        return tuple(_strings(self.body))


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What comes of a definition."""

    definition: Definition
    tool: str
    """The name under which the policy lists it, and clients see it."""
    withheld: str = ""
    """Rule that withholds it; empty for one that is shown."""


def standings(definitions: Sequence[Definition], listed: Sequence[str], pins: Pins) -> tuple[Standing, ...]:
    """Return what comes of definitions whose tools the policy lists; the others are never shown.

    What shadows what is judged by the pins of all servers, so it does not depend on which of them answer now.

    Args:
        definitions: Of any of the servers, all of each.
        listed: Names of the policy's tools; ``server__tool`` stands for the tool of that server only.
        pins: The digests that were reviewed, of the servers in use.
    """
    told = Counter((definition.server, definition.name) for definition in definitions)
    out: list[Standing] = []
    for definition in definitions:
        own = f"{definition.server}{BETWEEN}{definition.name}"
        name = own if own in listed else definition.name
        if name in listed:
            twice = told[definition.server, definition.name] > 1
            withheld = SHADOWED if twice else _withheld(definition, pins, namespaced=name == own)
            out.append(Standing(definition=definition, tool=name, withheld=withheld))
    return tuple(out)


def _withheld(definition: Definition, pins: Pins, *, namespaced: bool) -> str:
    if not all(shows_all(text) for text in definition.strings):
        return HIDDEN
    pinned = pins.of(definition.server, definition.name)
    if pinned != definition.digest:
        return CHANGED if pinned else UNPINNED
    own = (definition.server, definition.name)
    others = [(server, name) for server, tools in pins.servers.items() for name in tools if (server, name) != own]
    twins = [server for server, name in others if skeleton(name) == skeleton(definition.name)]
    if twins and (not namespaced or definition.server in twins):
        return SHADOWED
    if any(server != definition.server and _speaks_of(definition, server, name) for server, name in others):
        return SHADOWING
    return ""


def _speaks_of(definition: Definition, server: str, tool: str) -> bool:
    """Tell whether a definition names another server's tool: as ``server__tool``, by a name that is no plain word, or as a tool."""
    if skeleton(tool) == skeleton(definition.name):
        return False
    name = re.escape(tool)
    whole = rf"(?<![\w.-]){name}(?![\w-])"
    if not _DISTINCT.match(tool):
        whole = rf"[`'\"]{name}[`'\"]|{whole}(?:\(|\s+(?:tool|function)\b)|\b(?:tool|function)\s+{name}(?![\w-])"
    pattern = re.compile(rf"{whole}|{re.escape(server + BETWEEN + tool)}", re.IGNORECASE)
    return any(pattern.search(text) for text in definition.strings if text != definition.name)


def _strings(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
