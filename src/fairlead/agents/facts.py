"""What Cedar is told about a call: the context that ``policy.cedar`` describes, and nothing that its schema does not know."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from decimal import Decimal

from fairlead.agents.arguments import Value, leaves
from fairlead.agents.forms import hosts, path
from fairlead.agents.mail import domains
from fairlead.agents.provenance import Carried, Provenance
from fairlead.agents.trajectory import Trajectory
from fairlead.policy import SCALE, Kind, Label, Reads, Tool, summed

RECIPIENTS = ("to", "cc", "bcc")
"""Arguments that all name recipients: a condition on one counts for those of the others that have none of their own."""
MAX_NUMBER = 10**14
_LONG = 2**63


def present_names(tool: Tool, arguments: Mapping[str, Value]) -> list[str]:
    """Return the names of the arguments that the call has; one that is null is not there, and recipients stand for each other."""
    there = [name for name, value in arguments.items() if value is not None]
    counted = [name for name in tool.arguments if any(arguments.get(source) is not None for source in _sources(name, tool, arguments))]
    return list(dict.fromkeys((*there, *counted)))


def inputs(tool: Tool, arguments: Mapping[str, Value], reads: Reads) -> dict[str, object]:
    """Return the arguments of the kinds that the schema states; one of another kind is left out, so no condition on it holds."""
    return {
        name: arguments[name]
        for name, kind in tool.arguments.items()
        if reads.wants("input", name) and name in arguments and is_kind(arguments[name], kind)
    }


def is_kind(value: Value, kind: Kind) -> bool:
    """Tell whether a value is of a kind that Cedar has a type for."""
    if kind == "string":
        return isinstance(value, str)
    if kind == "strings":
        return isinstance(value, list) and all(isinstance(item, str) for item in value)
    if kind == "integer":
        return isinstance(value, int) and not isinstance(value, bool) and abs(value) < _LONG
    return kind == "boolean" and isinstance(value, bool)


def derived(tool: Tool, arguments: Mapping[str, Value], reads: Reads) -> dict[str, object]:
    """Return what the broker computes from the arguments, as far as a policy looks at it."""
    return {
        key: value
        for name, kind in tool.arguments.items()
        for key, compute in _computed(name, kind, tool, arguments)
        if reads.wants("derived", key) and (value := compute()) is not None
    }


def _computed(name: str, kind: Kind, tool: Tool, arguments: Mapping[str, Value]) -> Iterator[tuple[str, Callable[[], object]]]:
    value = arguments.get(name)
    if kind in ("string", "strings", "any"):
        yield (
            f"{name}.domains",
            lambda: sorted(domains(_texts(arguments.get(at) for at in _recipients(name, arguments, _bounded(tool))))) or None,
        )
        yield f"{name}.hosts", lambda: sorted(hosts(" ".join(str(leaf) for leaf in leaves(value)))) if value is not None else None
        yield f"{name}.length", lambda: len(value) if isinstance(value, str | list) else None
        yield f"{name}.count", lambda: sum(1 for _ in leaves(value))
    if kind in ("string", "any"):
        yield f"{name}.path", lambda: path(value) if isinstance(value, str) else None
    if kind in ("integer", "number"):
        yield f"{name}.e4", lambda: scale(value)
        yield f"{name}.minor", lambda: _minor(scale(value))


def _minor(scaled: int | None) -> int | None:
    """Return hundredths, such as cents; None when the number is no whole number of them."""
    return scaled // 100 if scaled is not None and scaled % 100 == 0 else None


def origins(tool: Tool, arguments: Mapping[str, Value], provenance: Provenance, reads: Reads | None = None) -> dict[str, list[Label]]:
    """Return for each argument the origins of its values; one without any value has none, so no condition on its origin holds.

    Args:
        tool: The manifest's entry.
        arguments: Of the call.
        provenance: Of this call.
        reads: When given, only what a policy looks at.
    """
    out: dict[str, list[Label]] = {}
    for name in tool.arguments:
        if reads is not None and not reads.wants("prov", name):
            continue
        found: set[Label] = set()
        for source in _recipients(name, arguments, tool.provenance):
            found |= provenance.labels(source, arguments.get(source))
        if found:
            out[name] = sorted(found)
    return out


def spending(tool: Tool, arguments: Mapping[str, Value]) -> tuple[tuple[str, int], ...]:
    """Return what a call adds to each sum; an amount that is no exact number counts as the largest."""
    out: list[tuple[str, int]] = []
    for name in summed(tool):
        value = arguments.get(name)
        if value is not None:
            scaled = scale(value)
            out.append((name, abs(scaled) if scaled is not None else MAX_NUMBER * SCALE))
    return tuple(out)


def session(tool: Tool, trajectory: Trajectory, sums: Iterable[tuple[str, int]]) -> dict[str, object]:
    """Return what is known of the Trajectory, this call counted."""
    return {
        "tainted": trajectory.tainted,
        "private_seen": trajectory.private_seen,
        "intended": trajectory.intended(tool),
        "calls": trajectory.calls(tool.name) + 1,
        "step": trajectory.calls() + 1,
        **{f"{name}.total.e4": min(trajectory.spent(tool.name, name) + amount, _LONG - 1) for name, amount in sums},
    }


def readers_ok(tool: Tool, arguments: Mapping[str, Value], trajectory: Trajectory, provenance: Provenance) -> bool:
    """Tell whether everybody whom the call would reach may read what was read, or was named by somebody who may say so."""
    if not trajectory.private_seen:
        return True
    allowed = trajectory.readers or frozenset()
    for name in tool.egress:
        value = arguments.get(name)
        if not provenance.labels(name, value) <= _MAY_NAME and not _reads(value, allowed):
            return False
    return True


def unvouched(tool: Tool, arguments: Mapping[str, Value], provenance: Provenance) -> Iterator[Carried]:
    """Yield what stands inside of an argument, with its evidence, and is nothing that the user can be taken to vouch for.

    That is a web or mail address or an account number that data names, and a card number that neither the user nor the System wrote.
    """
    if tool.does == "nothing" or not provenance.known.tainted:
        return
    for name, value in arguments.items():
        if name not in tool.provenance:
            yield from (found for found in provenance.carried(name, value) if not found.is_vouched)


_MAY_NAME: frozenset[Label] = frozenset({"user", "system", "developer", "tool", "selected", "endorsed", "const"})


def _reads(value: Value, allowed: Collection[str]) -> bool:
    found = domains(_texts([value]))
    return bool(found) and found <= frozenset(allowed)


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
