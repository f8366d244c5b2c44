"""What a new Release lets pass that the old one stopped, and the other way round.

Content rules are compared by what they decide: for everything that they can be about (an entity, or a detector's hazard) and every
range of scores between two thresholds. Tools are compared condition by condition; whether a changed condition is wider or narrower
is not claimed here, so it reads ``changed``.
"""

from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from fairlead.core import SEVERITY, STAGES, Finding, Stage
from fairlead.policy.cedar import conditions_of
from fairlead.policy.release import Release
from fairlead.policy.rules import Ruling

Effect = Literal["passes", "blocks", "changed"]
SETTINGS = (
    "mode",
    "unknown",
    "hold_cap",
    "on_error",
    "capture",
    "capture_share",
    "audit",
    "tier",
    "limits",
    "upstream",
    "upstreams",
    "regions",
    "store",
    "retention_days",
    "cascade",
    "latency",
    "detectors",
    "mcp",
)


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One difference between two Releases."""

    effect: Effect
    """``passes``: the new Release is milder here. ``blocks``: it is stricter. ``changed``: a person must look."""
    rule: str
    """The rule that makes the difference."""
    subject: str
    """What it is about: Stage and entity, tool and condition, or setting."""
    old: str
    new: str


def diff(old: Release, new: Release) -> tuple[Change, ...]:
    """Return every difference in what two Releases decide.

    Args:
        old: The one in force.
        new: The one proposed.
    """
    found = _differences(old, new)
    listed = list(found)
    for names in sorted({*old.variants, *new.variants}):
        # One that is gone, or new, is compared with what decided instead.
        own = [change for change in _differences(old.variants.get(names, old), new.variants.get(names, new)) if change not in found]
        listed += (msgspec.structs.replace(change, subject=f"with {', '.join(names)}: {change.subject}") for change in own)
    return tuple(listed)


def _differences(old: Release, new: Release) -> tuple[Change, ...]:
    return (*_settings(old, new), *_rules(old, new), *_tools(old, new), *_cedar(old, new), *_pins(old, new))


def _settings(old: Release, new: Release) -> Iterator[Change]:
    before, after = old.policy.model_dump(mode="json"), new.policy.model_dump(mode="json")
    for key in SETTINGS:
        if before[key] != after[key]:
            yield Change(effect="changed", rule="", subject=key, old=str(before[key]), new=str(after[key]))


def _rules(old: Release, new: Release) -> Iterator[Change]:
    merged: dict[tuple[Stage, str, str, str, Effect, str], list[str]] = {}
    for stage in STAGES:
        for subject, finding, scores in probes(stage, old, new):
            for low, high in zip(scores, [*scores[1:], 1.0], strict=True):
                before = old.decide(stage, (msgspec.structs.replace(finding, score=low),))
                after = new.decide(stage, (msgspec.structs.replace(finding, score=low),))
                difference = _strictness(after) - _strictness(before)
                if difference:
                    effect: Effect = "blocks" if difference > 0 else "passes"
                    span = "" if len(scores) == 1 else f" at scores {low:.4g} to {high:.4g}"
                    rule = (before if difference < 0 else after).rule or before.rule
                    merged.setdefault((stage, rule, _said(before), _said(after), effect, span), []).append(subject)
    for (at, rule, before_said, after_said, effect, span), subjects in merged.items():
        yield Change(effect=effect, rule=rule, subject=f"{at}: {', '.join(subjects)}{span}", old=before_said, new=after_said)


def probes(stage: Stage, *releases: Release) -> Iterator[tuple[str, Finding, list[float]]]:
    """Yield everything that rules of a Stage can be about, and the scores at which a verdict can change."""
    scores: dict[tuple[str, str, str], set[float]] = {}
    for release in releases:
        for rule in release.rules:
            if stage not in rule.stages:
                continue
            for entity in rule.entities:
                scores.setdefault(("", "", entity), {0.0}).add(rule.threshold)
            for detector, threshold in rule.thresholds.items():
                scores.setdefault((detector, rule.hazard, ""), {0.0}).add(threshold)
    for (detector, hazard, entity), found in sorted(scores.items()):
        finding = Finding(hazard=hazard, score=0.0, span=(0, 0), path="", detector=detector, entity=entity)
        yield entity or f"{hazard} by {detector}", finding, sorted(found)


def _strictness(ruling: Ruling) -> int:
    return SEVERITY[ruling.verdict] if ruling.mode == "enforce" else 0


def _said(ruling: Ruling) -> str:
    return f"{ruling.verdict} (shadow)" if ruling.mode == "shadow" else ruling.verdict


def _tools(old: Release, new: Release) -> Iterator[Change]:
    names = dict.fromkeys(tool.name for release in (old, new) for tool in release.tools)
    for name in names:
        before, after = _terms(old, name), _terms(new, name)
        for term in dict.fromkeys((*before, *after)):
            if before.get(term) != after.get(term):
                effect = _tool_effect(term, before, after)
                yield Change(
                    effect=effect, rule=f"tools.{name}", subject=f"{name}.{term}", old=before.get(term, "-"), new=after.get(term, "-")
                )


def _terms(release: Release, name: str) -> dict[str, str]:
    tool = release.tool(name)
    if tool is None:
        return {"allow": "no"}
    return {
        "allow": "yes" if tool.allow else "no",
        "else": tool.otherwise,
        "outputs": tool.outputs,
        "arguments": "declared only" if tool.closed else "any",
        **dict(conditions_of(tool)),
    }


def _tool_effect(term: str, before: Mapping[str, str], after: Mapping[str, str]) -> Effect:
    pair = (before.get(term), after.get(term))
    if term == "allow":
        return "passes" if pair[1] == "yes" else "blocks"
    if term in ("else", "outputs", "arguments"):
        milder = {"require_approval", "trusted", "any"}
        if None in pair:
            return "changed"
        return "passes" if pair[1] in milder else "blocks"
    if pair[1] is None:
        return "passes" if after["allow"] == "yes" else "blocks"
    return "blocks" if pair[0] is None and before["allow"] == "yes" else "changed"


def _cedar(old: Release, new: Release) -> Iterator[Change]:
    before, after = _written(old), _written(new)
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            pair = (_short(before.get(name)), _short(after.get(name)))
            yield Change(effect="changed", rule=name, subject="tools.cedar", old=pair[0], new=pair[1])


def _pins(old: Release, new: Release) -> Iterator[Change]:
    for server in dict.fromkeys((*old.pins.servers, *new.pins.servers)):
        before, after = old.pins.servers.get(server, {}), new.pins.servers.get(server, {})
        for tool in dict.fromkeys((*before, *after)):
            if before.get(tool) != after.get(tool):
                pair = (before.get(tool, "-"), after.get(tool, "-"))
                yield Change(effect="changed", rule="", subject=f"pin of {server}/{tool}", old=pair[0], new=pair[1])


def _written(release: Release) -> dict[str, str]:
    """Return the policies of ``tools.cedar``, by id."""
    own = {name for tool in release.tools for name in (f"tools.{tool.name}", f"tools.{tool.name}.approved")}
    return {entry.id: entry.text for entry in release.law.statements if entry.id not in own}


def _short(text: str | None) -> str:
    return "-" if text is None else " ".join(text.split())
