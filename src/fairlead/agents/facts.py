"""What Cedar is told about a call: the context that ``policy.cedar`` describes, and nothing that its schema does not know."""

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal

from fairlead.agents.arguments import Value
from fairlead.agents.mail import domains
from fairlead.agents.provenance import Provenance
from fairlead.policy import SCALE, Kind, Label, Tool

RECIPIENTS = ("to", "cc", "bcc")
"""Arguments that all name recipients: a condition on one counts for those of the others that have none of their own."""
MAX_NUMBER = 10**14
_LONG = 2**63


def present_names(tool: Tool, arguments: Mapping[str, Value]) -> list[str]:
    """Return the names of the arguments that the call has; one that is null is not there, and recipients stand for each other."""
    there = [name for name, value in arguments.items() if value is not None]
    counted = [name for name in tool.arguments if any(arguments.get(source) is not None for source in _sources(name, tool, arguments))]
    return list(dict.fromkeys((*there, *counted)))


def inputs(tool: Tool, arguments: Mapping[str, Value]) -> dict[str, object]:
    """Return the arguments of the kinds that the schema states; one of another kind is left out, so no condition on it holds."""
    return {name: arguments[name] for name, kind in tool.arguments.items() if name in arguments and is_kind(arguments[name], kind)}


def is_kind(value: Value, kind: Kind) -> bool:
    """Tell whether a value is of a kind that Cedar has a type for."""
    if kind == "string":
        return isinstance(value, str)
    if kind == "strings":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LONG
    return kind == "boolean" and isinstance(value, bool)


def derived(tool: Tool, arguments: Mapping[str, Value]) -> dict[str, object]:
    """Return what the broker computes from the arguments."""
    out: dict[str, object] = {}
    for name, kind in tool.arguments.items():
        if kind in ("string", "strings", "any"):
            found = domains(_texts(arguments.get(source) for source in _recipients(name, arguments, _bounded(tool))))
            if found:
                out[f"{name}.domains"] = sorted(found)
            value = arguments.get(name)
            if isinstance(value, str | list):
                out[f"{name}.length"] = len(value)
        elif kind in ("integer", "number"):
            scaled = scale(arguments.get(name))
            if scaled is not None:
                out[f"{name}.e4"] = scaled
    return out


def origins(tool: Tool, arguments: Mapping[str, Value], provenance: Provenance) -> dict[str, list[Label]]:
    """Return for each argument the origins of its values; one without any value has none, so no condition on its origin holds."""
    out: dict[str, list[Label]] = {}
    for name in tool.arguments:
        found: set[Label] = set()
        for source in _recipients(name, arguments, tool.provenance):
            found |= provenance.labels(arguments.get(source))
        if found:
            out[name] = sorted(found)
    return out


def scale(value: Value) -> int | None:
    """Return a number in whole ten-thousandths, or None when that is not exact or too large."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    if isinstance(value, int):
        return value * SCALE if abs(value) < MAX_NUMBER else None
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or len(digits) + exponent > 14:
        return None
    text = "".join(map(str, digits)).lstrip("0") or "0"
    shift = exponent + 4
    if shift < 0:
        # Only zeros may be cut off: nothing is rounded.
        if text.rstrip("0") and len(text) - len(text.rstrip("0")) < -shift:
            return None
        text, shift = text[:shift] or "0", 0
    return int(f"{'-' if sign else ''}{text}{'0' * shift}")


def _sources(name: str, tool: Tool, arguments: Mapping[str, Value]) -> list[str]:
    """Return every argument that some condition on this one looks at."""
    bounded = _bounded(tool)
    by_domain = _recipients(name, arguments, bounded) if name in bounded else [name]
    by_origin = _recipients(name, arguments, tool.provenance) if name in tool.provenance else [name]
    return [*by_domain, *by_origin]


def _bounded(tool: Tool) -> list[str]:
    return [name for name, constraint in tool.when.items() if constraint.domain_in is not None]


def _recipients(name: str, arguments: Mapping[str, Value], own: Collection[str]) -> list[str]:
    """Return the arguments that a condition on this one looks at: itself, and recipients that have no such condition of their own."""
    if name not in RECIPIENTS:
        return [name]
    others = [other for other in arguments if other.strip().casefold() in RECIPIENTS and other != name and other not in own]
    return [name, *others]


def _texts(values: Iterable[Value]) -> list[object]:
    out: list[object] = []
    for value in values:
        if isinstance(value, list):
            out.extend(value)
        elif value is not None:
            out.append(value)
    return out
