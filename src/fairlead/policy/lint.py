"""What is odd about the rules of a Release: places that nobody looks at, and rules that never make a difference."""

from collections.abc import Collection, Iterator
from typing import Literal

import msgspec

from fairlead.core import SEVERITY, STAGES, Finding, Stage
from fairlead.policy.diff import probes
from fairlead.policy.release import Release
from fairlead.policy.rules import Rule, RuleTable, Ruling

Oddity = Literal["gap", "overlap", "thresholds"]


class Odd(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is odd."""

    kind: Oddity
    """``gap``: nobody looks there. ``overlap``: a rule without which all would be decided alike. ``thresholds``: such a rule, because a
    stricter one holds from a score that is no higher."""
    subject: str
    """A Stage, a hazard or a rule."""
    what: str
    where: str = ""
    """``file:line``."""


def lint(release: Release, hazards: Collection[str]) -> tuple[Odd, ...]:
    """Return what is odd about the rules.

    Args:
        release: Whose rules.
        hazards: What the detectors and patterns of this installation can find.
    """
    return (*_gaps(release, hazards), *(odd for rule in release.rules for odd in _idle(release, rule)))


def _gaps(release: Release, hazards: Collection[str]) -> Iterator[Odd]:
    for stage in STAGES:
        if not any(stage in rule.stages for rule in release.rules):
            yield Odd(kind="gap", subject=stage, what="no rule looks at this Stage")
    meaning = {pattern.name: pattern.hazard for scanner in release.scanners.values() for pattern in scanner.patterns}
    acted = {hazard for rule in release.rules if _acts(rule) for hazard in (rule.hazard, *(meaning[name] for name in rule.entities))}
    for hazard in sorted(set(hazards) - acted):
        yield Odd(kind="gap", subject=hazard, what="it can be found here, and no rule acts on it")


def _acts(rule: Rule) -> bool:
    return rule.action not in ("allow", "flag") and rule.mode == "enforce"


def _idle(release: Release, rule: Rule) -> Iterator[Odd]:
    deciders: dict[str, None] = {}
    for stage in rule.stages:
        without = RuleTable([other for other in release.rules if stage in other.stages and other is not rule])
        for finding in _held(release, stage, rule):
            ruling = release.decide(stage, (finding,))
            if _told(ruling) != _told(without.decide(stage, (finding,))):
                return
            deciders[ruling.rule] = None
    if not deciders:
        return
    others = [other for other in release.rules if other.id in deciders]
    stricter = all(SEVERITY[other.action] > SEVERITY[rule.action] for other in others)
    names = ", ".join(f"'{name}'" for name in deciders)
    what = f"{names} decides wherever it holds" + (", and is stricter from a score that is no higher" if stricter else "")
    yield Odd(kind="thresholds" if stricter else "overlap", subject=rule.id, what=what, where=rule.where)


def _held(release: Release, stage: Stage, rule: Rule) -> Iterator[Finding]:
    """Yield a Finding for each subject of a rule and each range of scores in which it holds."""
    for _, finding, scores in probes(stage, release):
        threshold = rule.threshold_for(finding)
        if threshold is not None:
            yield from (msgspec.structs.replace(finding, score=score) for score in scores if score >= threshold)


def _told(ruling: Ruling) -> tuple[object, ...]:
    edits = frozenset(edit.replacement for edit in ruling.edits)
    return ruling.verdict, ruling.rule, ruling.say, ruling.route, edits, ruling.mode, frozenset(ruling.shadow)
