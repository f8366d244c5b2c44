"""Why a Stage was decided as it was: every rule's score beside its threshold."""

from collections.abc import Sequence

import msgspec

from fairlead.core import Action, Finding, Mode, Stage
from fairlead.policy.release import Release


class RuleScore(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of a Stage and how near it came."""

    rule: str
    where: str
    """``file:line``."""
    action: Action
    mode: Mode
    score: float | None
    """Highest score of what the rule is about; None when nothing of the kind was seen."""
    threshold: float
    """From which score on the rule holds: that of the detector with the score, else its lowest."""
    held: bool
    decided: bool


def explain(release: Release, stage: Stage, findings: Sequence[Finding]) -> tuple[RuleScore, ...]:
    """Return every rule of a Stage with its best score and its threshold, in the order of the file.

    Args:
        release: Whose rules.
        stage: Where the Findings were made.
        findings: All of that Stage.
    """
    decider = release.decide(stage, findings).rule
    out: list[RuleScore] = []
    for rule in release.rules:
        if stage not in rule.stages:
            continue
        about = [(finding.score, threshold) for finding in findings if (threshold := rule.threshold_for(finding)) is not None]
        # The score that came nearest to its own threshold speaks for the rule.
        best = max(about, key=lambda pair: pair[0] - pair[1], default=None)
        lowest = min(rule.thresholds.values(), default=rule.threshold)
        out.append(
            RuleScore(
                rule=rule.id,
                where=rule.where,
                action=rule.action,
                mode=rule.mode,
                score=None if best is None else best[0],
                threshold=lowest if best is None else best[1],
                held=best is not None and best[0] >= best[1],
                decided=rule.id == decider,
            )
        )
    return tuple(out)
