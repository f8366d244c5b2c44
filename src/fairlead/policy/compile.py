"""From the text of a policy to a Release that decides."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from fairlead.core import STAGES, FairleadError, Problems, Stage, digest
from fairlead.detectors import Detector, NoOperatingPoint, Pattern, PatternScanner, Registry, builtin_patterns, is_dear, patterns_of
from fairlead.policy.cascade import Cascade, dear_of, ladder_of
from fairlead.policy.cedar import ToolLaw, compile_law
from fairlead.policy.documents import validate
from fairlead.policy.entities import patterns_of_policy
from fairlead.policy.errors import PolicyConflict, PolicyThreshold
from fairlead.policy.messages import DEFAULT_MESSAGES
from fairlead.policy.model import IncidentDocument, PolicyDocument, RuleDocument
from fairlead.policy.overlays import Chooser, Merged, chooser_of, merge, read_overlays
from fairlead.policy.pins import Pins, read_pins
from fairlead.policy.references import Parts, reference_problems, registry_problems
from fairlead.policy.release import Release
from fairlead.policy.remotes import Known, remotes_of
from fairlead.policy.rules import PATTERN_THRESHOLD, IncidentRule, Rule, RuleTable
from fairlead.policy.source import Source, read_source
from fairlead.policy.tools import Tool, compile_tool


class Policy(NamedTuple):
    """A valid policy file: its document, and where each part of it stands."""

    document: PolicyDocument
    source: Source


def load_policy(path: str, text: str, registry: Registry | None = None) -> Policy:
    """Read a policy; nothing of it is taken unless all of it is valid (law 7).

    Args:
        path: How errors name the file.
        text: What it holds; reading it is the caller's business.
        registry: When given, what the policy says about detectors is checked too, so that all problems come at once.

    Raises:
        Problems: Every problem of the file, each with file, line, rule and mend.
    """
    source = read_source(path, text)
    document, problems = validate(source, PolicyDocument)
    if isinstance(source.value, dict):
        parts = Parts.of(source)
        problems += reference_problems(parts)
        if registry is not None:
            problems += registry_problems(parts, registry)
    if document is None or problems:
        raise _refused(path, problems)
    return Policy(document, source)


def compile_release(
    policy: Policy,
    registry: Registry,
    *,
    cedar: str = "",
    prompts: Mapping[str, str] | None = None,
    pins: str = "",
    overlays: Mapping[str, str] | None = None,
) -> Release:
    """Resolve a policy and its overlays against the detectors of this installation.

    Args:
        policy: From :func:`load_policy`.
        registry: The detectors.
        cedar: Text of ``tools.cedar`` beside the policy; empty if there is none.
        prompts: Prompts that belong to the Release, by name; only their digests are kept.
        pins: Text of ``mcp-pins.json`` beside the policy; empty if there is none.
        overlays: Texts of the overlays, by the names that errors give their files.

    Raises:
        InvalidInput: The pins are damaged.
        Problems: A detector, entity, hazard or operating point that is not here, Cedar that does not fit the tools, or overlays that may
            not be; all of it at once.
    """
    building = _Building(registry, cedar, prompts or {}, read_pins(pins))
    base, problems = building.compile(policy)
    if not overlays:
        if base is None or problems:
            raise _refused(policy.source.path, problems)
        return base
    read, wrong = read_overlays(overlays)
    problems += wrong
    chooser = chooser_of(policy.document, read, policy.source.path)
    variants: dict[tuple[str, ...], Release] = {}
    for names in sorted({names for names in chooser.table.values() if names}):
        merged, wrong = merge(policy.document, policy.source, [entry for entry in read if entry.name in names])
        problems += wrong
        variant, wrong = building.merged(merged, base)
        problems += wrong
        if variant is not None:
            variants[names] = msgspec.structs.replace(variant, overlays=names, set_at=merged.set_at)
    if base is None or problems:
        raise _refused(policy.source.path, problems)
    return _with_overlays(base, chooser, variants)


def _with_overlays(base: Release, chooser: Chooser, variants: Mapping[tuple[str, ...], Release]) -> Release:
    """Return the one Release that a base and its merged policies are; all of them have its id."""
    places = [[*place, list(names)] for place, names in sorted(chooser.table.items()) if names]
    canonical = {**base.canonical, "overlays": {"+".join(names): entry.canonical for names, entry in variants.items()}, "for": places}
    identifier = digest(canonical)
    merged = {names: msgspec.structs.replace(entry, id=identifier) for names, entry in variants.items()}
    return msgspec.structs.replace(base, id=identifier, canonical=canonical, chooser=chooser, variants=merged)


class _Building:
    """Compiles a policy and what its overlays make of it, which share what is dear to build."""

    def __init__(self, registry: Registry, cedar: str, prompts: Mapping[str, str], pins: Pins) -> None:
        self._registry = registry
        self._cedar = cedar
        self._prompts = prompts
        self._pins = pins
        self._scanners: dict[tuple[frozenset[str], tuple[Pattern, ...]], PatternScanner] = {}

    def compile(self, policy: Policy) -> tuple[Release | None, list[FairleadError]]:
        """Return the Release of one document, or everything that is wrong with it."""
        document, source = policy
        problems = registry_problems(Parts.of(source), self._registry)
        known = Known(self._registry, remotes_of(document.detectors, self._registry))
        rules: list[Rule] = []
        for index, entry in enumerate(document.rules if not problems else ()):
            try:
                rules.append(_rule(entry, policy, known, source.where(("rules", index))))
            except PolicyThreshold as problem:
                problems.append(problem)
        cascade = Cascade(rules, known, dear_of(self._registry.all(), remotes_of(document.detectors, self._registry)))
        if not problems:
            problems += cascade.problems(document.cascade, ladder_of(document.latency, document.tier), source)
        tools = tuple(compile_tool(entry, source.where(("tools", index))) for index, entry in enumerate(document.tools))
        law, wrong = compile_law(tools, self._cedar)
        problems += wrong
        return (None if problems else self._release(document, (tuple(rules), cascade), (tools, law))), problems

    def merged(self, merged: Merged, base: Release | None) -> tuple[Release | None, list[FairleadError]]:
        """Return the Release of a base with overlays; nothing is compiled that has a wrong shape or leads nowhere."""
        document, problems = validate(merged.source, PolicyDocument)
        problems += reference_problems(Parts.of(merged.source))
        if problems or document is None:
            return None, problems
        release, problems = self.compile(Policy(document, merged.source))
        if release is not None and base is not None:
            problems += _milder(base, release, merged)
        return release, problems

    def _release(
        self, document: PolicyDocument, ruling: tuple[tuple[Rule, ...], Cascade], tooling: tuple[tuple[Tool, ...], ToolLaw]
    ) -> Release:
        rules, cascade = ruling
        scanners = self._scanners_of(rules, patterns_of_policy(document))
        ladder = ladder_of(document.latency, document.tier)
        dear = cascade.resolve(document.cascade, ladder)
        remotes = remotes_of(document.detectors, self._registry)
        canonical: dict[str, object] = {
            "format": 1,
            "policy": document.model_dump(mode="json", by_alias=True),
            "cedar": {"schema": tooling[1].schema, "policies": {entry.id: entry.encoded for entry in tooling[1].statements}},
            "thresholds": {rule.id: {"patterns": rule.threshold, "detectors": dict(rule.thresholds)} for rule in rules},
            "cascade": {
                stage: {entry.id: {zone.hazard: dict(zone.starts) for zone in entry.zones} for entry in entries}
                for stage, entries in dear.items()
            },
            "patterns": {stage: scanner.id for stage, scanner in scanners.items()},
            "messages": {**DEFAULT_MESSAGES, **document.messages},
            "prompts": {name: digest(text) for name, text in self._prompts.items()},
            "pins": self._pins.servers,
        }
        return Release(
            id=digest(canonical),
            policy=document,
            rules=rules,
            tools=tooling[0],
            incidents=tuple(_incident(entry) for entry in document.incidents),
            messages={**DEFAULT_MESSAGES, **document.messages},
            law=tooling[1],
            pins=self._pins,
            detectors={stage: tuple(_detectors(stage, rules, self._registry)) for stage in STAGES},
            dear=dear,
            ladder=ladder,
            remotes={stage: tuple(remote for remote in remotes if remote.id in _needed(stage, rules)) for stage in STAGES},
            scanners=scanners,
            tables={stage: RuleTable([rule for rule in rules if stage in rule.stages]) for stage in STAGES},
            pseudonymises=any(rule.operator == "pseudonym" and rule.mode == "enforce" for rule in rules),
            canonical=canonical,
        )

    def _scanners_of(self, rules: Sequence[Rule], custom: tuple[Pattern, ...]) -> dict[Stage, PatternScanner]:
        """Return one scanner per Stage; Stages that look for the same entities share one, and so do merged policies."""
        out: dict[Stage, PatternScanner] = {}
        for stage in STAGES:
            names = frozenset(name for rule in rules if stage in rule.stages for name in rule.entities)
            if names:
                if (names, custom) not in self._scanners:
                    self._scanners[names, custom] = PatternScanner(patterns_of(names, custom))
                out[stage] = self._scanners[names, custom]
        return out


def _milder(base: Release, merged: Release, told: Merged) -> Iterator[FairleadError]:
    """Yield the rules of which a detector holds later than in the base, though nobody said so: a rate is shared by all that carry it."""
    before = {rule.id: rule for rule in base.rules}
    for rule in merged.rules:
        old = before.get(rule.id)
        if old is None or any("(loosened" in where for key, where in told.set_at.items() if key.startswith(f"rules.{rule.id}.")):
            continue
        for name, threshold in old.thresholds.items():
            if rule.thresholds.get(name, 2.0) > threshold:
                what = f"with the overlay the rule '{rule.id}' holds later for {name}"
                mend = "add a rule of its own instead, or write it under 'loosen' with a 'reason'"
                yield PolicyConflict(what, where=rule.where, mend=mend)


def _rule(entry: RuleDocument, policy: Policy, known: Known, where: str) -> Rule:
    document = policy.document
    threshold = PATTERN_THRESHOLD if entry.threshold is None else entry.threshold
    thresholds, left_out = _resolve(entry, known, where)
    band = document.near_miss_band if entry.near_miss_band is None else entry.near_miss_band
    say = {**DEFAULT_MESSAGES, **document.messages}[entry.say] if entry.say else ""
    return Rule(
        id=entry.id,
        stages=entry.at,
        action=entry.do,
        hazard=entry.hazard,
        entities=frozenset(pattern.name for pattern in _patterns(entry, patterns_of_policy(document))),
        threshold=threshold,
        thresholds=thresholds,
        unmeasured=left_out,
        band=band,
        say=say,
        replacement=entry.replacement,
        operator=entry.operator or "placeholder",
        route=entry.to,
        mode="shadow" if "shadow" in (entry.mode, document.mode) else "enforce",
        where=where,
    )


def _patterns(entry: RuleDocument, custom: tuple[Pattern, ...]) -> tuple[Pattern, ...]:
    if entry.entity:
        return patterns_of(entry.entity, custom)
    if entry.detector:
        return ()
    return tuple(pattern for pattern in (*custom, *builtin_patterns()) if pattern.hazard == entry.hazard)


def _resolve(entry: RuleDocument, known: Known, where: str) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return the threshold of each detector of a rule, and those that stay out because no card of theirs carries its rate.

    A rule with several detectors fires when any of them does, so each gets an equal share of the rule's rate: by the union bound the
    rule as a whole keeps to it.
    """
    chosen = [name for name in known.for_hazard(entry.hazard) if not entry.detector or _named(name, entry.detector)]
    if entry.threshold is not None:
        return dict.fromkeys(chosen, entry.threshold), ()
    if entry.max_fpr is None or not chosen:
        return {}, ()
    candidates = list(chosen)
    reasons: list[str] = []
    while candidates:
        share = entry.max_fpr / len(candidates)
        carried, refused = _operating_points(known, candidates, share)
        if not refused:
            return carried, tuple(name for name in chosen if name not in carried)
        reasons += [error.what for _, error in refused]
        if entry.detector:
            break
        dropped = {name for name, _ in refused}
        candidates = [name for name in candidates if name not in dropped]
    raise PolicyThreshold(
        f"the rule '{entry.id}' can't have max_fpr {entry.max_fpr:.3%}: {'; '.join(dict.fromkeys(reasons))}",
        where=where,
        mend="ask for a higher max_fpr, name a detector whose card carries it, or state a 'threshold'",
    )


def _operating_points(known: Known, detectors: Sequence[str], share: float) -> tuple[dict[str, float], list[tuple[str, NoOperatingPoint]]]:
    carried: dict[str, float] = {}
    refused: list[tuple[str, NoOperatingPoint]] = []
    for name in detectors:
        try:
            carried[name] = known.threshold(name, share)
        except NoOperatingPoint as error:
            refused.append((name, error))
    return carried, refused


def _named(detector: str, names: Sequence[str]) -> bool:
    return detector in names or detector.partition("@")[0] in names


def _detectors(stage: Stage, rules: Sequence[Rule], registry: Registry) -> Iterator[Detector]:
    local = {detector.id: detector for detector in registry.all() if not is_dear(detector)}
    for name in sorted(_needed(stage, rules)):
        if name in local:
            yield local[name]


def _needed(stage: Stage, rules: Sequence[Rule]) -> set[str]:
    return {name for rule in rules if stage in rule.stages for name in rule.thresholds}


def _incident(entry: IncidentDocument) -> IncidentRule:
    when = entry.when
    return IncidentRule(
        id=entry.id,
        severity=entry.severity,
        stages=when.stage or (),
        actions=when.action or (),
        hazards=when.hazard,
        rules=when.rule,
        tools=when.tool,
    )


def _refused(path: str, problems: Sequence[FairleadError]) -> Problems:
    told = {(problem.where, problem.what): problem for problem in problems}
    return Problems(f"{path} is refused", tuple(sorted(told.values(), key=_position)))


def _position(problem: FairleadError) -> tuple[str, int]:
    file, _, line = problem.where.rpartition(":")
    return file, int(line) if line.isdigit() else 0
