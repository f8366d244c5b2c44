"""What is stricter than what: a partial order for each key that an overlay may change, and the strictest of several values.

Each order is a join semilattice where both values can be compared, so the join of tightenings is the same in any order, and of one value
with itself the value.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from fairlead.core import ACTIONS

Key = tuple[str, ...]


class Scale(NamedTuple):
    """How values of a key are compared."""

    at_least: Callable[[object, object], bool]
    """Takes a value and another; tells whether the first is at least as strict."""
    joins: Callable[[object, object], object] | None = None
    """Takes two values neither of which is at least as strict as the other; returns the strictest that both allow. None: they conflict."""


def _ranked(*order: str) -> Scale:
    return Scale(lambda one, other: order.index(str(one)) >= order.index(str(other)))


def _number(value: object, absent: float) -> float:
    return float(value) if isinstance(value, int | float) else absent


def _names(value: object) -> frozenset[str] | None:
    return None if value is None else frozenset(map(str, value)) if isinstance(value, Sequence | frozenset) else frozenset()


def _within(one: object, other: object) -> bool:
    inner, outer = _names(one), _names(other)
    return outer is None or (inner is not None and inner <= outer)


def _common(one: object, other: object) -> object:
    return tuple(sorted((_names(one) or frozenset()) & (_names(other) or frozenset())))


def _all(one: object, other: object) -> object:
    return tuple(sorted((_names(one) or frozenset()) | (_names(other) or frozenset())))


LOWER = Scale(lambda one, other: _number(one, math.inf) <= _number(other, math.inf))
HIGHER = Scale(lambda one, other: _number(one, 0) >= _number(other, 0))
NARROWER = Scale(_within, _common)
WIDER = Scale(lambda one, other: (_names(one) or frozenset()) >= (_names(other) or frozenset()), _all)
FREE = Scale(lambda _one, _other: True)
"""Neither way is stricter."""
NOTHING_KEPT = Scale(lambda one, other: one in ("none", other))
"""Nothing kept is strictest; of two ways of keeping neither is."""

_SCALES: Mapping[str, Scale] = {
    "mode": _ranked("shadow", "enforce"),
    "capture": NOTHING_KEPT,
    "capture_share": LOWER,
    "unknown": _ranked("allow", "scan", "block"),
    "hold_cap": _ranked("pass", "block"),
    "on_error": _ranked("open", "closed"),
    "deny": HIGHER,
    "limits": LOWER,
    "upstreams": NARROWER,
    "store": NARROWER,
    "retention_days": LOWER,
    "messages": FREE,
}
_OF_RULES: Mapping[str, Scale] = {
    "at": WIDER,
    "do": _ranked(*ACTIONS),
    "threshold": LOWER,
    "max_fpr": HIGHER,
    "mode": _ranked("shadow", "enforce"),
    "say": FREE,
}
CHANGEABLE = tuple(_OF_RULES)
"""Keys of a rule of the base that an overlay may change."""


def scale_of(key: Key) -> Scale:
    """Return how values of a key are compared; its first part is a key of the policy."""
    return _OF_RULES.get(key[-1], FREE) if key[0] == "rules" else _SCALES[key[0]]


def same(key: Key, one: object, other: object) -> bool:
    """Tell whether two values of a key mean the same."""
    if scale_of(key) is FREE:
        return one == other
    at_least = scale_of(key).at_least
    return at_least(one, other) and at_least(other, one)
