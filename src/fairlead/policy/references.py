"""What the parts of a policy say about each other, and about the detectors of this installation: all of it must exist."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from pydantic import BaseModel

from fairlead.core import FairleadError
from fairlead.detectors import Registry, builtin_patterns
from fairlead.policy.documents import did_you_mean, salvage
from fairlead.policy.entities import entity_problems
from fairlead.policy.errors import PolicyConflict, PolicyReference, PolicyShape, PolicyThreshold
from fairlead.policy.messages import DEFAULT_MESSAGES
from fairlead.policy.model import DetectorDocument, EntityDocument, IncidentDocument, RuleDocument, ToolDocument, UpstreamDocument
from fairlead.policy.remotes import Known, remote_problems, remotes_of
from fairlead.policy.source import Place, Plain, Source
from fairlead.policy.tools import contradictions

OWN_HAZARDS = frozenset({"tool_abuse", "data_exfiltration", "unbounded_consumption"})
"""Hazards that the broker and the limits report, without any detector."""
DEFAULT_UPSTREAM = "default"
M = TypeVar("M", bound=BaseModel)


class Parts(NamedTuple):
    """The entries of a file that are valid on their own, each with its index, and the names that the file gives."""

    source: Source
    rules: Sequence[tuple[int, RuleDocument]]
    tools: Sequence[tuple[int, ToolDocument]]
    incidents: Sequence[tuple[int, IncidentDocument]]
    entities: Sequence[tuple[int, EntityDocument]]
    detectors: Mapping[str, DetectorDocument]
    upstreams: Mapping[str, UpstreamDocument]

    @classmethod
    def of(cls, source: Source) -> "Parts":
        """Return what is valid of a file, whatever else is wrong with it."""
        return cls(
            source,
            salvage(_get(source, "rules"), RuleDocument),
            salvage(_get(source, "tools"), ToolDocument),
            salvage(_get(source, "incidents"), IncidentDocument),
            salvage(_get(source, "entities"), EntityDocument),
            _named(source, "detectors", DetectorDocument),
            _named(source, "upstream", UpstreamDocument),
        )

    def names(self, section: str, key: str = "") -> list[str]:
        """Return the names that a section gives, valid or not: a mapping's keys, or each entry's value of ``key``."""
        value = _get(self.source, section)
        if isinstance(value, dict):
            return list(value)
        entries = value if isinstance(value, list) else []
        return [str(entry[key]) for entry in entries if isinstance(entry, dict) and key in entry]


def reference_problems(parts: Parts) -> list[FairleadError]:
    """Return every reference inside the file that leads nowhere."""
    return [
        *_twice(parts),
        *_of_upstreams(parts),
        *_of_rules(parts),
        *_of_tools(parts),
        *_of_incidents(parts),
        *_of_mcp(parts),
        *_of_limits(parts),
        *entity_problems(parts.source, parts.entities),
    ]


def registry_problems(parts: Parts, registry: Registry) -> list[FairleadError]:
    """Return every detector, entity and hazard that this installation does not have, and every threshold that can't be had."""
    entities = {name for pattern in builtin_patterns() for name in (pattern.name, pattern.group, pattern.hazard) if name}
    entities |= set(parts.names("entities", "name"))
    known = Known(registry, remotes_of(parts.detectors, registry))
    hazards = known.hazards()
    detectors = {*known.ids(), *(name.partition("@")[0] for name in known.ids()), *parts.names("detectors")}
    places = {name: parts.source.where(("detectors", name)) for name in parts.detectors}
    problems: list[FairleadError] = [*remote_problems(parts.detectors, registry, places)]
    for index, rule in parts.rules:
        place: Place = ("rules", index)
        problems += _missing(parts, (*place, "entity"), rule.entity, entities, "there is no entity {}")
        problems += _missing(parts, (*place, "detector"), rule.detector, detectors, "there is no detector {}")
        if rule.hazard:
            problems += _missing(parts, (*place, "hazard"), (rule.hazard,), hazards, "no detector finds the hazard {}")
        scored = bool(rule.hazard) and bool(known.for_hazard(rule.hazard))
        if scored and rule.threshold is None and rule.max_fpr is None:
            what = f"the rule '{rule.id}' says not from which score on it holds"
            problems.append(PolicyThreshold(what, where=parts.source.where(place), mend="add 'max_fpr: 0.5%', or 'threshold: 0.8'"))
    for index, incident in parts.incidents:
        problems += _missing(
            parts,
            ("incidents", index, "when", "hazard"),
            incident.when.hazard,
            hazards | OWN_HAZARDS,
            "there is no hazard {}",
        )
    return problems


def _get(source: Source, key: str) -> Plain:
    return source.value.get(key) if isinstance(source.value, dict) else None


def _named(source: Source, section: str, model: type[M]) -> dict[str, M]:
    """Return the entries of a section that are valid on their own, by their names."""
    entries = _get(source, section)
    named = entries if isinstance(entries, dict) else {}
    return {name: found[0][1] for name, entry in named.items() if (found := salvage([entry], model))}


def _missing(parts: Parts, place: Place, used: Sequence[str], known: Collection[str], what: str) -> Iterator[FairleadError]:
    for name in used:
        if name not in known:
            where = parts.source.where(place)
            yield PolicyReference(what.format(f"'{name}'"), where=where, mend=did_you_mean(name, known))


def _twice(parts: Parts) -> Iterator[FairleadError]:
    for section, key in (("rules", "id"), ("tools", "tool"), ("incidents", "id"), ("entities", "name")):
        entries = _get(parts.source, section)
        seen: set[str] = set()
        for index, entry in enumerate(entries if isinstance(entries, list) else []):
            name = entry.get(key) if isinstance(entry, dict) else None
            if isinstance(name, str) and name in seen:
                where = parts.source.where((section, index, key))
                yield PolicyShape(f"'{name}' is in '{section}' twice", where=where, mend="give each a name of its own, or remove one")
            seen.add(str(name))


def _of_upstreams(parts: Parts) -> Iterator[FairleadError]:
    upstreams = parts.names("upstream")
    if upstreams and DEFAULT_UPSTREAM not in upstreams:
        where = parts.source.where(("upstream",))
        yield PolicyReference("no upstream is called 'default'", where=where, mend="call the one that requests go to 'default'")
    permitted = _permitted(parts)
    yield from _missing(parts, ("upstreams",), permitted or (), upstreams, "there is no upstream {}")
    if permitted is not None and upstreams and not set(permitted).intersection(upstreams):
        yield PolicyConflict(
            "no upstream may be asked", where=parts.source.where(("upstreams",)), mend="permit one of those that there are"
        )
    for name, upstream in parts.upstreams.items():
        if permitted is None or name in permitted:
            yield from _unpermitted(parts, ("upstream", name, "fallback"), upstream.fallback)
        place: Place = ("upstream", name, "fallback")
        yield from _missing(parts, place, upstream.fallback, upstreams, "there is no upstream {}")
        for other in upstream.fallback:
            stand_in = parts.upstreams.get(other, upstream)
            if other == name or not (stand_in.provider == upstream.provider or stand_in.translate):
                where, mend = parts.source.where(place), f"name others with 'provider: {upstream.provider}', or with 'translate: true'"
                yield PolicyShape(f"'{other}' can't stand in for '{name}'", where=where, mend=mend)


def _permitted(parts: Parts) -> list[str] | None:
    """Return the upstreams that may be asked; None for all."""
    value = _get(parts.source, "upstreams")
    if value is None:
        return None
    return [str(name) for name in value] if isinstance(value, list) else [str(value)]


def _unpermitted(parts: Parts, place: Place, used: Sequence[str]) -> Iterator[FairleadError]:
    permitted = _permitted(parts)
    for name in used if permitted is not None else ():
        if name not in (permitted or ()):
            mend = f"name one that {parts.source.where(('upstreams',))} permits: {', '.join(permitted or ())}"
            yield PolicyConflict(f"the upstream '{name}' may not be asked", where=parts.source.where(place), mend=mend)


def _of_rules(parts: Parts) -> Iterator[FairleadError]:
    messages = {*parts.names("messages"), *DEFAULT_MESSAGES}
    upstreams = parts.names("upstream")
    for index, rule in parts.rules:
        if rule.say:
            yield from _missing(parts, ("rules", index, "say"), (rule.say,), messages, "there is no message {}")
        if rule.to:
            yield from _missing(parts, ("rules", index, "to"), (rule.to,), upstreams, "there is no upstream {}")
            yield from _unpermitted(parts, ("rules", index), (rule.to,))


def _of_tools(parts: Parts) -> Iterator[FairleadError]:
    for index, tool in parts.tools:
        place: Place = ("tools", index)
        for argument, what in contradictions(tool):
            where = parts.source.where((*place, "when", argument))
            yield PolicyShape(f"the argument '{argument}' of '{tool.tool}': {what}", where=where, mend="mend the constraint or 'arguments'")
        if tool.arguments is not None:
            yield from _missing(parts, (*place, "critical"), tool.critical, tool.arguments, "there is no argument {}")


def _of_incidents(parts: Parts) -> Iterator[FairleadError]:
    tools = parts.names("tools", "tool")
    rules = {*parts.names("rules", "id"), *(f"tools.{tool}" for tool in tools), *BROKER_RULES, *MCP_RULES, *RETRIEVAL_RULES}
    for index, incident in parts.incidents:
        place: Place = ("incidents", index, "when")
        yield from _missing(parts, (*place, "rule"), incident.when.rule, rules, "there is no rule {}")
        yield from _missing(parts, (*place, "tool"), incident.when.tool, {*tools, "unknown"}, "there is no tool {}")


def _of_limits(parts: Parts) -> Iterator[FairleadError]:
    limits = _get(parts.source, "limits")
    per = limits.get("per") if isinstance(limits, dict) else None
    tool = per.get("tool") if isinstance(per, dict) else None
    named = [str(name) for name in tool] if isinstance(tool, dict) else []
    yield from _missing(parts, ("limits", "per", "tool"), named, parts.names("tools", "tool"), "there is no tool {}")


def _of_mcp(parts: Parts) -> Iterator[FairleadError]:
    section = _get(parts.source, "mcp")
    keys = section.get("keys") if isinstance(section, dict) else None
    tools = parts.names("tools", "tool")
    for key, named in keys.items() if isinstance(keys, dict) else ():
        listed = named if isinstance(named, list) else [named]
        yield from _missing(parts, ("mcp", "keys", key), [str(name) for name in listed], tools, "there is no tool {}")


BROKER_RULES = ("tools.unlisted", "tools.arguments", "tools.failed")
"""Rules that the broker has without any line in a policy: an unlisted tool, arguments that can't be read, Cedar that can't decide."""
MCP_RULES = (
    "mcp.absent",
    "mcp.changed",
    "mcp.hidden",
    "mcp.malformed",
    "mcp.refused",
    "mcp.scope",
    "mcp.server-request",
    "mcp.shadowed",
    "mcp.shadowing",
    "mcp.unpinned",
)
"""Rules that the MCP gateway has without any line in a policy; ``docs/reference/mcp.md`` says what each stops."""
RETRIEVAL_RULES = tuple(f"retrieval.{reason}" for reason in ("quarantined", "canary", "tenant", "acl", "source", "stale", "copy"))
"""Rules by which retrieved documents are withheld; ``docs/reference/policy.md`` says what each means."""
