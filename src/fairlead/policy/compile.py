"""From the text of a policy to a Release that decides."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from fairlead.core import STAGES, FairleadError, Problems, Stage, digest
from fairlead.detectors import Detector, NoOperatingPoint, Pattern, PatternScanner, Registry, builtin_patterns, is_dear, patterns_of
from fairlead.policy.cascade import Cascade, dear_of, ladder_of
from fairlead.policy.cedar import ToolLaw, compile_law
from fairlead.policy.documents import validate
from fairlead.policy.entities import patterns_of_policy
from fairlead.policy.errors import PolicyThreshold
from fairlead.policy.messages import DEFAULT_MESSAGES
from fairlead.policy.model import IncidentDocument, PolicyDocument, RuleDocument
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
    policy: Policy, registry: Registry, *, cedar: str = "", prompts: Mapping[str, str] | None = None, pins: str = ""
) -> Release:
    """Resolve a policy against the detectors of this installation.

    Args:
        policy: From :func:`load_policy`.
        registry: The detectors.
        cedar: Text of ``tools.cedar`` beside the policy; empty if there is none.
        prompts: Prompts that belong to the Release, by name; only their digests are kept.
        pins: Text of ``mcp-pins.json`` beside the policy; empty if there is none.

    Raises:
        InvalidInput: The pins are damaged.
        Problems: A detector, entity, hazard or operating point that is not here, or Cedar that does not fit the tools.
    """
    document, source = policy
    pinned = read_pins(pins)
    problems = registry_problems(Parts.of(source), registry)
    known = Known(registry, remotes_of(document.detectors))
    rules: list[Rule] = []
    for index, entry in enumerate(document.rules if not problems else ()):
        try:
            rules.append(_rule(entry, policy, known, source.where(("rules", index))))
        except PolicyThreshold as problem:
            problems.append(problem)
    cascade = Cascade(rules, known, dear_of(registry.all(), remotes_of(document.detectors)))
    if not problems:
        problems += cascade.problems(document.cascade, ladder_of(document.latency, document.tier), source)
    tools = tuple(compile_tool(entry, source.where(("tools", index))) for index, entry in enumerate(document.tools))
    law, wrong = compile_law(tools, cedar)
    problems += wrong
    if problems:
        raise _refused(source.path, problems)
    return _release(document, registry, (tuple(rules), cascade), (tools, law, pinned), prompts or {})


def _release(
    document: PolicyDocument,
    registry: Registry,
    ruling: tuple[tuple[Rule, ...], Cascade],
    tooling: tuple[tuple[Tool, ...], ToolLaw, Pins],
    prompts: Mapping[str, str],
) -> Release:
    rules, cascade = ruling
    scanners = _scanners(rules, patterns_of_policy(document))
    ladder = ladder_of(document.latency, document.tier)
    dear = cascade.resolve(document.cascade, ladder)
    remotes = remotes_of(document.detectors)
    detectors = {stage: tuple(_detectors(stage, rules, registry)) for stage in STAGES}
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
        "prompts": {name: digest(text) for name, text in prompts.items()},
        "pins": tooling[2].servers,
    }
    return Release(
        id=digest(canonical),
        policy=document,
        rules=rules,
        tools=tooling[0],
        incidents=tuple(_incident(entry) for entry in document.incidents),
        messages={**DEFAULT_MESSAGES, **document.messages},
        law=tooling[1],
        pins=tooling[2],
        detectors=detectors,
        dear=dear,
        ladder=ladder,
        remotes={stage: tuple(remote for remote in remotes if remote.id in _needed(stage, rules)) for stage in STAGES},
        scanners=scanners,
        tables={stage: RuleTable([rule for rule in rules if stage in rule.stages]) for stage in STAGES},
        pseudonymises=any(rule.operator == "pseudonym" and rule.mode == "enforce" for rule in rules),
        canonical=canonical,
    )


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


def _scanners(rules: Sequence[Rule], custom: tuple[Pattern, ...]) -> dict[Stage, PatternScanner]:
    """Return one scanner per Stage; Stages that look for the same entities share one."""
    built: dict[frozenset[str], PatternScanner] = {}
    out: dict[Stage, PatternScanner] = {}
    for stage in STAGES:
        names = frozenset(name for rule in rules if stage in rule.stages for name in rule.entities)
        if names:
            if names not in built:
                built[names] = PatternScanner(patterns_of(names, custom))
            out[stage] = built[names]
    return out


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
