"""The cascade: which detectors are dear, when they are asked at all, and which give way first when an Exchange is late.

Patterns and fast heads always run. A dear detector is a model or a service: it is asked about a text only where the fast ones of the
same hazard are in doubt, if the policy's ``cascade`` says so. That grey zone begins at the score that it names, and ends where a rule stops
the Stage.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal

import msgspec

from fairlead.core import STAGES, FairleadError, Finding, Stage
from fairlead.detectors import Detector, NoOperatingPoint, is_dear
from fairlead.detectors.remote import KINDS, Remote
from fairlead.policy.documents import did_you_mean
from fairlead.policy.errors import PolicyReference, PolicyThreshold
from fairlead.policy.latency import CLASSES, LatencyDocument, ZoneDocument
from fairlead.policy.remotes import Known
from fairlead.policy.rules import Rule
from fairlead.policy.source import Source

DearClass = Literal["remote", "model"]
"""``remote``: asked over a network. ``model``: a dear one that runs on this machine."""


class Zone(msgspec.Struct, frozen=True):
    """The grey zone of one hazard at one Stage."""

    hazard: str
    starts: Mapping[str, float]
    """Fast detector to the score from which on it is in doubt."""

    def holds(self, findings: Sequence[Finding], ran: Collection[str]) -> bool:
        """Tell whether a text lies in the zone; one that no fast detector looked at does.

        Args:
            findings: Of that text.
            ran: Detectors that ran on it.
        """
        if not any(name in ran for name in self.starts):
            return True
        return any(finding.hazard == self.hazard and finding.score >= self.starts.get(finding.detector, 2.0) for finding in findings)


class Dear(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A dear detector at one Stage."""

    id: str
    asks: Detector | Remote
    kind: DearClass
    zones: tuple[Zone, ...] = ()
    """It is asked about a text that lies in one of these; about every text when there is none."""
    rung: int | None = None
    """Its place in the degrade ladder, 0 for what gives way first; None for what is always waited for."""


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """What guarding an Exchange may take, in microseconds of guard time."""

    budget_us: int
    deadline_us: int | None
    degrade: tuple[str, ...]
    """Detectors and classes, in the order in which they give way."""

    def rung_of(self, name: str, kind: DearClass) -> int | None:
        """Return the first place that names a detector, or its class."""
        own = (name, name.partition("@")[0], kind)
        return next((place for place, entry in enumerate(self.degrade) if entry in own), None)


def ladder_of(latency: LatencyDocument, tier: str) -> Ladder:
    """Return the ladder of a policy: what it says, or what its tier does by default."""
    usual = CLASSES if tier == "minimal" else ()
    deadline = None if latency.deadline_ms is None else latency.deadline_ms * 1000
    return Ladder(budget_us=latency.budget_ms * 1000, deadline_us=deadline, degrade=usual if latency.degrade is None else latency.degrade)


def class_of(detector: Detector | Remote) -> DearClass:
    """Return the class of a dear detector."""
    return "remote" if isinstance(detector, Remote) and KINDS[detector.kind].remote else "model"


class Cascade:
    """Resolves what a policy says of dear detectors.

    Args:
        rules: The compiled rules.
        known: The detectors that they can name.
        dear: Dear detectors by id.
    """

    def __init__(self, rules: Sequence[Rule], known: Known, dear: Mapping[str, Detector | Remote]) -> None:
        self._rules = rules
        self._known = known
        self._dear = dear

    def resolve(self, zones: Mapping[str, ZoneDocument], ladder: Ladder) -> dict[Stage, tuple[Dear, ...]]:
        """Return the dear detectors of each Stage that has any, those of this machine first.

        Raises:
            NoOperatingPoint: No card carries a zone's rate; :meth:`problems` tells before.
        """
        found: dict[Stage, tuple[Dear, ...]] = {}
        for stage in STAGES:
            entries = [self._entry(stage, name, zones, ladder) for name in self._dear if self._hazards(stage, name)]
            if entries:
                found[stage] = tuple(sorted(entries, key=lambda entry: entry.kind == "remote"))
        return found

    def problems(self, zones: Mapping[str, ZoneDocument], ladder: Ladder, source: Source) -> Iterator[FairleadError]:
        """Yield what can't be resolved, each with its line."""
        for hazard, zone in zones.items():
            where = source.where(("cascade", hazard))
            stages = [stage for stage in STAGES if any(hazard in self._hazards(stage, name) for name in self._dear)]
            if not stages:
                what = f"no rule asks a dear detector about '{hazard}'"
                yield PolicyReference(what, where=where, mend="remove the entry, or name a model or service in a rule on this hazard")
            for stage in stages:
                try:
                    fast = self._starts(stage, hazard, zone)
                except NoOperatingPoint as error:
                    yield PolicyThreshold(error.what, where=where, mend="ask for a higher max_fpr, or state 'from'")
                    continue
                if not fast:
                    what = f"no fast detector of a rule at '{stage}' finds '{hazard}', so the dear ones would always be asked"
                    yield PolicyReference(what, where=where, mend="add a rule with a fast detector at that Stage, or remove the entry")
        names = {*self._dear, *(name.partition("@")[0] for name in self._dear), *CLASSES}
        for entry in ladder.degrade:
            if entry not in names:
                where = source.where(("latency", "degrade"))
                yield PolicyReference(f"there is no dear detector '{entry}'", where=where, mend=did_you_mean(entry, names))

    def _entry(self, stage: Stage, name: str, zones: Mapping[str, ZoneDocument], ladder: Ladder) -> Dear:
        hazards = self._hazards(stage, name)
        resolved = [Zone(hazard, self._starts(stage, hazard, zones[hazard])) for hazard in hazards if hazard in zones]
        kind = class_of(self._dear[name])
        # A hazard without a zone wants the detector asked about every text.
        narrowed = tuple(resolved) if len(resolved) == len(hazards) else ()
        return Dear(id=name, asks=self._dear[name], kind=kind, zones=narrowed, rung=ladder.rung_of(name, kind))

    def _hazards(self, stage: Stage, name: str) -> list[str]:
        return list(dict.fromkeys(rule.hazard for rule in self._rules if stage in rule.stages and name in rule.thresholds))

    def _starts(self, stage: Stage, hazard: str, zone: ZoneDocument) -> dict[str, float]:
        named = (name for rule in self._rules if stage in rule.stages and rule.hazard == hazard for name in rule.thresholds)
        fast = [name for name in dict.fromkeys(named) if name not in self._dear]
        if zone.max_fpr is None:
            return dict.fromkeys(fast, zone.start or 0.0)
        return {name: self._known.threshold(name, zone.max_fpr) for name in fast}


def dear_of(detectors: Sequence[Detector], remotes: Sequence[Remote]) -> dict[str, Detector | Remote]:
    """Return the dear ones by id: all that run outside the process or are loaded from elsewhere, and those that say so of themselves."""
    local: dict[str, Detector | Remote] = {detector.id: detector for detector in detectors if is_dear(detector)}
    return local | {remote.id: remote for remote in remotes}
