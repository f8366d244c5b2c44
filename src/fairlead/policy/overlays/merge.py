"""Merging overlays into a base: the same result whatever their order, and never milder than the base but where a line says so.

For each key the strictest of base and overlays counts. What an overlay loosens is set as it says, and then no other overlay of the same
request may touch that key: which of them is right is for people to say, so it is refused with both lines.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from fairlead.core import FairleadError
from fairlead.policy.documents import did_you_mean
from fairlead.policy.errors import PolicyConflict, PolicyReference, PolicyShape
from fairlead.policy.model import PolicyDocument, RuleDocument
from fairlead.policy.overlays.model import Overlay, Setting, at
from fairlead.policy.overlays.scales import CHANGEABLE, Key, same, scale_of
from fairlead.policy.source import Place, Plain, Source


class Merged(NamedTuple):
    """A policy with overlays, as if it had been written so."""

    source: Source
    set_at: Mapping[str, str]
    """Key that an overlay changed, to the line that decided, with the reason where it loosens."""


class _Base(NamedTuple):
    document: PolicyDocument
    source: Source
    rules: Mapping[str, RuleDocument]

    def value(self, key: Key) -> object:
        """Return what the base says of a key; of ``on_error`` what it means where nothing is said."""
        if key[0] == "rules":
            rule = self.rules[key[1]]
            return getattr(rule, key[2])
        if key == ("on_error",) and self.document.on_error is None:
            return "open" if self.document.tier == "minimal" else "closed"
        if key[0] == "deny":
            return 0
        if key[0] == "limits":
            dumped = self.document.limits.model_dump(mode="json", by_alias=True)
            return at({"limits": dumped}, key)
        return None if key[0] == "messages" else getattr(self.document, key[0])


def merge(document: PolicyDocument, source: Source, overlays: Sequence[Overlay]) -> tuple[Merged, list[FairleadError]]:
    """Merge overlays into a base, and return the result with everything that may not be.

    Args:
        document: The base.
        source: Its file.
        overlays: Those that apply together, in any order.
    """
    base = _Base(document, source, {rule.id: rule for rule in document.rules})
    settings: dict[Key, list[Setting]] = {}
    problems: list[FairleadError] = []
    for overlay in sorted(overlays, key=lambda entry: entry.name):
        for setting in overlay.settings(tuple(base.rules)):
            wrong = list(_misplaced(setting, base))
            problems += wrong
            if not wrong:
                settings.setdefault(setting.key, []).append(setting)
    decided: list[Setting] = []
    chosen: Setting | None
    for key, found in sorted(settings.items()):
        chosen, wrong = _added(found) if key[0] == "rules" and len(key) == 2 else _decided(base, key, found)
        problems += wrong
        if chosen is not None:
            decided.append(chosen)
    return _written(base, decided), problems


def _misplaced(setting: Setting, base: _Base) -> Iterator[FairleadError]:
    key = setting.key
    if key[0] == "rules" and len(key) == 3 and key[2] not in CHANGEABLE:
        what = f"an overlay can't change '{key[2]}' of the base's rule '{key[1]}'"
        yield PolicyShape(what, where=setting.where, mend=f"change one of {', '.join(CHANGEABLE)}, or add a rule with an id of its own")
    elif key[0] == "rules" and len(key) == 3 and key[2] in ("threshold", "max_fpr") and base.value(key) is None:
        own = "max_fpr" if key[2] == "threshold" else "threshold"
        what = f"the base's rule '{key[1]}' has no '{key[2]}' that could be compared"
        yield PolicyShape(what, where=setting.where, mend=f"write '{own}', or add a rule with an id of its own")
    elif key[0] == "deny" and key[1] not in (tools := [tool.tool for tool in base.document.tools]):
        yield PolicyReference(f"there is no tool '{key[1]}'", where=setting.where, mend=did_you_mean(key[1], tools))
    elif key[0] == "deny" and setting.reason:
        yield PolicyShape("a denial loosens nothing", where=setting.where, mend="move 'deny' out of 'loosen'")
    elif key[:2] == ("limits", "cost_per_million"):
        yield PolicyShape("prices are the same for everybody", where=setting.where, mend="write 'cost_per_million' into the base")


def _added(found: Sequence[Setting]) -> tuple[Setting | None, list[FairleadError]]:
    """Return a rule that is added; by several overlays only if they write it alike."""
    first = found[0]
    others = [setting for setting in found if setting.raw != first.raw]
    return first, [_conflict(first, other, f"the rule '{first.key[1]}' is added in two ways") for other in others]


def _decided(base: _Base, key: Key, found: Sequence[Setting]) -> tuple[Setting | None, list[FairleadError]]:
    name = ".".join(key)
    loosening = [setting for setting in found if setting.reason]
    if loosening:
        first = loosening[0]
        clashes = [other for other in found if other is not first and not (other.reason and same(key, first.value, other.value))]
        return first, [
            _conflict(first, other, f"'{name}' is loosened, and set by another overlay of the same request") for other in clashes
        ]
    problems: list[FairleadError] = []
    scale, before = scale_of(key), base.value(key)
    decided: Setting | None = None
    for setting in found:
        if not scale.at_least(setting.value, before):
            mend = "overlays only tighten: write it under 'loosen' with a 'reason'"
            problems.append(PolicyConflict(f"'{name}' is milder than in the base", where=setting.where, mend=mend))
        else:
            decided = setting if decided is None else _stricter(key, decided, setting, problems)
    return decided, problems


def _stricter(key: Key, one: Setting, other: Setting, problems: list[FairleadError]) -> Setting:
    """Return the join of two settings; of equal ones the first, so that the line told does not depend on who wrote it again."""
    scale = scale_of(key)
    if same(key, one.value, other.value):
        return one
    below, above = scale.at_least(one.value, other.value), scale.at_least(other.value, one.value)
    if below is not above:
        return one if below else other
    if scale.joins is None:
        problems.append(_conflict(one, other, f"'{'.'.join(key)}' is set in two ways"))
        return one
    value = scale.joins(one.value, other.value)
    raw: Plain = [str(entry) for entry in value] if isinstance(value, tuple) else None
    return one._replace(value=value, raw=raw, where=f"{one.where}, {other.where}")


def _conflict(one: Setting, other: Setting, what: str) -> PolicyConflict:
    mend = f"make them agree, or let 'for' keep them apart; the other line: {one.where}"
    return PolicyConflict(what, where=other.where, mend=mend)


def _written(base: _Base, settings: Sequence[Setting]) -> Merged:
    value = _copy(base.source.value)
    lines = dict(base.source.lines)
    told: dict[Place, str] = {}
    set_at: dict[str, str] = {}
    if not isinstance(value, dict):
        return Merged(base.source, {})
    for setting in settings:
        place = _place(value, setting)
        _put(value, place, _copy(setting.raw) if setting.key[0] != "deny" else _denied(at(value, place)))
        told[place] = setting.where
        if setting.key[0] == "rules" and len(setting.key) == 3:
            told[place[:2]] = f"{told.get(place[:2]) or base.source.where(place[:2])}, {setting.where}"
        set_at[".".join(setting.key)] = setting.where + (f" (loosened: {setting.reason})" if setting.reason else "")
    return Merged(Source(base.source.path, value, lines, told), set_at)


def _place(value: dict[str, Plain], setting: Setting) -> Place:
    """Return where in the merged file a setting goes."""
    key = setting.key
    if key[0] not in ("rules", "deny"):
        return key
    section, name = ("rules", "id") if key[0] == "rules" else ("tools", "tool")
    entries = value.setdefault(section, [])
    listed = entries if isinstance(entries, list) else []
    index = next((at for at, entry in enumerate(listed) if isinstance(entry, dict) and entry.get(name) == key[1]), len(listed))
    return (section, index, *key[2:])


def _denied(tool: Plain) -> Plain:
    """Return a tool that may not be called; what its results are worth stays."""
    kept = {key: entry for key, entry in tool.items() if key not in ("when", "else")} if isinstance(tool, dict) else {}
    return {**kept, "allow": False}


def _put(value: dict[str, Plain], place: Place, raw: Plain) -> None:
    here: Plain = value
    for part, following in pairwise(place):
        if isinstance(here, list) and isinstance(part, int):
            here = here[part]
        elif isinstance(here, dict):
            here = here.setdefault(str(part), [] if isinstance(following, int) else {})
    last = place[-1]
    if isinstance(here, list) and isinstance(last, int):
        here[last:] = [raw] if last >= len(here) else [raw, *here[last + 1 :]]
    elif isinstance(here, dict):
        here[str(last)] = raw


def _copy(value: Plain) -> Plain:
    if isinstance(value, dict):
        return {key: _copy(entry) for key, entry in value.items()}
    return [_copy(entry) for entry in value] if isinstance(value, list) else value
