"""What Cedar knows of a call of a tool: the attributes of its context, as ``policy.cedar`` describes them, with their types."""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from fairlead.policy.tools import Kind, Tool

Type = Literal["String", "Long", "Bool", "Set<String>", "Record"]
_TYPES: dict[Kind, Type] = {"string": "String", "strings": "Set<String>", "integer": "Long", "boolean": "Bool"}


class Attribute(NamedTuple):
    """One attribute of a context."""

    type: Type
    optional: bool = False
    inner: Mapping[str, "Attribute"] = {}
    """Attributes of a record."""

    def __str__(self) -> str:
        """Return its type as Cedar writes it."""
        if self.type != "Record":
            return self.type
        # Names of arguments may be any words, so they are quoted; what is always there has a plain name.
        return "{" + ", ".join(f"{quoted(name)}?: {of}" if of.optional else f"{name}: {of}" for name, of in self.inner.items()) + "}"


def context_of(tool: Tool) -> dict[str, Attribute]:
    """Return the attributes of the context of a tool's calls, by name."""
    kinds = tool.arguments
    sums = {f"{name}.total.e4": Attribute("Long", optional=True) for name in summed(tool)}
    return {
        "present": Attribute("Set<String>"),
        "approvals": Attribute("Set<String>"),
        "input": _record({name: _TYPES[kind] for name, kind in kinds.items() if kind in _TYPES}),
        "derived": _record({name: of for argument, kind in kinds.items() for name, of in _derived(argument, kind)}),
        "prov": _record(dict.fromkeys(kinds, "Set<String>")),
        "session": Attribute("Record", inner={**_SESSION, **sums}),
        "readers_ok": Attribute("Bool"),
        "content_ok": Attribute("Bool"),
        "token": Attribute("Record", inner={"depth": Attribute("Long"), "caps": Attribute("Set<String>")}),
    }


_SESSION: Mapping[str, Attribute] = {
    "tainted": Attribute("Bool"),
    "private_seen": Attribute("Bool"),
    "intended": Attribute("Bool"),
    "calls": Attribute("Long"),
    "step": Attribute("Long"),
}


def summed(tool: Tool) -> list[str]:
    """Return the arguments whose values are added up over a Trajectory."""
    return [name for name, kind in tool.arguments.items() if kind in ("integer", "number")]


def quoted(text: str) -> str:
    """Return a Cedar string literal."""
    return '"' + "".join(_escaped(char) for char in text) + '"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return "\\" + char
    return char if char.isprintable() else f"\\u{{{ord(char):x}}}"


def _record(types: Mapping[str, Type]) -> Attribute:
    return Attribute("Record", inner={name: Attribute(of, optional=True) for name, of in types.items()})


def _derived(name: str, kind: Kind) -> Iterator[tuple[str, Type]]:
    if kind in ("string", "strings", "any"):
        yield f"{name}.domains", "Set<String>"
        yield f"{name}.hosts", "Set<String>"
        yield f"{name}.length", "Long"
        yield f"{name}.count", "Long"
    if kind in ("string", "any"):
        yield f"{name}.path", "String"
    if kind in ("integer", "number"):
        yield f"{name}.e4", "Long"
        yield f"{name}.minor", "Long"
