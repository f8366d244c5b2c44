"""Requests: what a term's variables are for a Cedar context, and the Cedar request that an answer of the solver stands for."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from fairlead.policy.context import Attribute
from fairlead.policy.proofs.evaluate import Assignment
from fairlead.policy.proofs.law import UNDECLARED
from fairlead.policy.proofs.terms import Name, Scalar

Json: TypeAlias = "str | int | bool | list[str] | dict[str, Json]"
OUTSIDE = "outside.example"
"""Stands for a text that no policy names, where mail domains and hosts are."""
OTHER = "other"
"""Stands for any other text that no policy names."""
ANYBODY = "anybody"


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker asks Cedar about a call."""

    tool: str
    principal: str
    context: Mapping[str, Json]
    undeclared: bool = False
    """True when the call has an argument that nobody has heard of."""

    def cedar(self) -> dict[str, object]:
        """Return it as the engine takes it."""
        return {
            "principal": {"type": "User", "id": self.principal},
            "action": {"type": "Action", "id": self.tool},
            "resource": {"type": "Tool", "id": self.tool},
            "context": self.context,
        }


def request_of(tool: str, context: Mapping[str, Attribute], found: Assignment, named: Iterable[str] = ()) -> Request:
    """Return the request that an assignment stands for.

    Args:
        tool: Whose.
        context: Attributes of the context; the request has those of them that the assignment says are there.
        found: Value of each variable; those that are left out are false, 0 or empty.
        named: Texts that policies name: what stands for another text is none of them.
    """
    taken = frozenset(named)
    members: dict[tuple[str, ...], list[str]] = {}
    for name, value in found.items():
        if value and name.kind in ("holds", "more"):
            text = name.text if name.kind == "holds" else _fresh(name.path, taken)
            members.setdefault(name.path, []).append(text)
    built = {key: _value((key,), of, found, members) for key, of in context.items()}
    principal = str(found.get(Name("value", ("principal",), "text"), "")) or ANYBODY
    undeclared = bool(found.get(Name("more", UNDECLARED)))
    return Request(tool=tool, principal=principal, context=built, undeclared=undeclared)


def _fresh(path: tuple[str, ...], taken: frozenset[str]) -> str:
    text = OUTSIDE if path[-1].endswith((".domains", ".hosts")) else OTHER
    while text in taken:
        text = f"x.{text}"
    return text


def _value(path: tuple[str, ...], of: Attribute, found: Assignment, members: Mapping[tuple[str, ...], list[str]]) -> Json:
    if of.type == "Record":
        there = {name: inner for name, inner in of.inner.items() if not inner.optional or found.get(_has((*path, name), inner))}
        return {name: _value((*path, name), inner, found, members) for name, inner in there.items()}
    if of.type == "Set<String>":
        return sorted(members.get(path, ()))
    if of.type == "Bool":
        return bool(found.get(Name("value", path), False))
    if of.type == "Long":
        return int(found.get(Name("value", path, "int"), 0))
    return str(found.get(Name("value", path, "text"), ""))


def _has(path: tuple[str, ...], of: Attribute) -> Name:
    return Name("has", path, text=of.type)


def assignment_of(request: Request, context: Mapping[str, Attribute], named: Iterable[str]) -> dict[Name, Scalar]:
    """Return the variables of a request; the other way round than :func:`request_of`.

    Args:
        request: Which.
        context: Attributes of the context.
        named: Texts that policies name.
    """
    out: dict[Name, Scalar] = {Name("value", ("principal",), "text"): request.principal, Name("more", UNDECLARED): request.undeclared}
    texts = frozenset(named)
    for key, of in context.items():
        _assign((key,), of, request.context[key], (out, texts))
    return out


def _assign(path: tuple[str, ...], of: Attribute, value: Json, into: tuple[dict[Name, Scalar], frozenset[str]]) -> None:
    out, named = into
    if isinstance(value, dict):
        for name, inner in of.inner.items():
            if inner.optional:
                out[_has((*path, name), inner)] = name in value
            if name in value:
                _assign((*path, name), inner, value[name], into)
    elif isinstance(value, list):
        out.update({Name("holds", path, text=text): True for text in value})
        out[Name("more", path)] = any(text not in named for text in value)
    else:
        out[Name("value", path, "bool" if isinstance(value, bool) else "int" if isinstance(value, int) else "text")] = value
