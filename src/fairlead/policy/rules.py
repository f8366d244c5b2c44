"""Rules, compiled: which Findings they hold for, and the Ruling that follows."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from fairlead.core import SEVERITY, Action, Decision, Finding, Mode, Stage
from fairlead.detectors import OperatorName, placeholder
from fairlead.policy.model import Severity

PATTERN_THRESHOLD = 0.5
"""Threshold of a rule on patterns that states none: a pattern's score says how much of it a checksum or fixed prefix backs."""


class Rule(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One rule, resolved against the detectors of this installation."""

    id: str
    stages: tuple[Stage, ...]
    action: Action
    hazard: str = ""
    """What it looks for; empty for a rule on entities."""
    entities: frozenset[str] = frozenset()
    """Pattern entities that it holds for."""
    threshold: float = PATTERN_THRESHOLD
    """Least score of a pattern."""
    thresholds: Mapping[str, float] = {}
    """Detector id to its least score."""
    unmeasured: tuple[str, ...] = ()
    """Detectors that could find the hazard and stay out of the rule, since their cards don't carry its false-positive rate."""
    band: float = 0.0
    """Width of the near-miss band below a threshold."""
    say: str = ""
    """Text for the client; empty for the API's own error."""
    replacement: str = ""
    operator: OperatorName = "placeholder"
    """What ``redact`` puts in place of a Finding."""
    route: str = ""
    mode: Mode = "enforce"
    where: str = ""
    """``file:line``."""

    def threshold_for(self, finding: Finding) -> float | None:
        """Return the score from which on the rule holds for such a Finding; None when the rule is about something else."""
        if finding.entity in self.entities:
            return self.threshold
        if finding.hazard == self.hazard:
            return self.thresholds.get(finding.detector)
        return None

    def edit_for(self, finding: Finding) -> "Edit":
        """Return what stands in place of a Finding under ``redact`` or ``replace``."""
        if self.action == "replace":
            return Edit(finding, self.replacement)
        return Edit(finding, placeholder(finding.entity or finding.hazard), self.operator)


class Edit(NamedTuple):
    """What stands in place of a Finding."""

    finding: Finding
    replacement: str
    """A text that is the same whatever was found."""
    operator: OperatorName = "placeholder"
    """What is made of the found text, where it can be; else the replacement stands there."""


class Ruling(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules of a Stage say of its Findings."""

    verdict: Action = "allow"
    rule: str = ""
    """Id of the rule that decided; empty for a plain allow."""
    say: str = ""
    route: str = ""
    edits: tuple[Edit, ...] = ()
    near_miss: bool = False
    mode: Mode = "enforce"
    """``shadow`` when only rules in shadow had something to say: the verdict is recorded and nothing is enforced."""
    shadow: tuple[tuple[str, Action], ...] = ()
    """Every rule in shadow that held, and what it would have done."""


class RuleTable:
    """The rules of one Stage, found by what a Finding is.

    Args:
        rules: In the order of the file; of equally strict rules the first decides.
    """

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._by_entity: dict[str, list[tuple[Rule, float, float]]] = {}
        self._by_detector: dict[tuple[str, str], list[tuple[Rule, float, float]]] = {}
        self._rank = {rule.id: (SEVERITY[rule.action], -index) for index, rule in enumerate(rules)}
        for rule in rules:
            for entity in rule.entities:
                self._by_entity.setdefault(entity, []).append((rule, rule.threshold, rule.threshold - rule.band))
            for detector, threshold in rule.thresholds.items():
                self._by_detector.setdefault((detector, rule.hazard), []).append((rule, threshold, threshold - rule.band))

    def decide(self, stage: Stage, findings: Sequence[Finding]) -> Ruling:
        """Return the Ruling: the strictest rule that is enforced decides.

        Args:
            stage: Where the Findings were made.
            findings: All of that Stage.
        """
        held: list[tuple[Rule, Finding]] = []
        shadowed: list[Rule] = []
        near = False
        for finding in findings:
            for rule, threshold, floor in self._about(finding):
                if finding.score >= threshold:
                    if rule.mode == "enforce":
                        held.append((rule, finding))
                    else:
                        shadowed.append(rule)
                elif finding.score >= floor and rule.mode == "enforce":
                    near = True
        if not held and not shadowed:
            return Ruling(near_miss=True) if near else _ALLOW
        return self._rule(stage, held, tuple(dict.fromkeys(shadowed)), near=near)

    def edits(self, findings: Sequence[Finding]) -> tuple[Edit, ...]:
        """Return what stands in place of everything that an enforced rule would not let pass as it is; see :meth:`Release.edits`."""
        return tuple(
            rule.edit_for(finding)
            for finding in findings
            for rule, threshold, _ in self._about(finding)
            if rule.mode == "enforce" and finding.score >= threshold and SEVERITY[rule.action] >= SEVERITY["redact"]
        )

    def _about(self, finding: Finding) -> Sequence[tuple[Rule, float, float]]:
        """Return the rules that are about such a Finding, each with its threshold and where its near-miss band begins."""
        return self._by_entity.get(finding.entity) or self._by_detector.get((finding.detector, finding.hazard)) or ()

    def _rule(self, stage: Stage, held: Sequence[tuple[Rule, Finding]], shadowed: Sequence[Rule], *, near: bool) -> Ruling:
        shadow = tuple((rule.id, rule.action) for rule in shadowed)
        if not held:
            strictest = max(shadowed, key=self._order)
            return Ruling(verdict=strictest.action, rule=strictest.id, mode="shadow", near_miss=near, shadow=shadow)
        decider = max((rule for rule, _ in held), key=self._order)
        stopped = SEVERITY[decider.action] >= SEVERITY["require_approval"]
        edits = tuple(rule.edit_for(finding) for rule, finding in held if rule.action in ("redact", "replace"))
        return Ruling(
            verdict=decider.action,
            rule=decider.id,
            say=decider.say,
            route=decider.route,
            edits=() if stopped else edits,
            # What a stronger rule stopped anyway was not missed; but someone who tries a critical path is news even when stopped.
            near_miss=(stage == "tool_call") if stopped else near,
            shadow=shadow,
        )

    def _order(self, rule: Rule) -> tuple[int, int]:
        return self._rank[rule.id]


_ALLOW = Ruling()


class IncidentRule(msgspec.Struct, frozen=True, kw_only=True):
    """Which Decisions open an Incident, and how grave it is. An empty condition holds for all."""

    id: str
    severity: Severity
    stages: tuple[Stage, ...] = ()
    actions: tuple[Action, ...] = ()
    hazards: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()

    def matches(self, decision: Decision) -> bool:
        """Tell whether a Decision opens this Incident; what was enforced counts, not what a rule in shadow would have done."""
        return (
            (not self.stages or decision.stage in self.stages)
            and (not self.actions or decision.action in self.actions)
            and (not self.rules or decision.rule in self.rules)
            and (not self.tools or decision.tool in self.tools)
            and (not self.hazards or any(finding.hazard in self.hazards for finding in decision.findings))
        )
