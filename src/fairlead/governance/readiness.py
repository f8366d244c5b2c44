"""Go or no-go: a computation over records, one page, with the reasons."""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from fairlead.evals import GateResult
from fairlead.governance.card import ReleaseSection, release_in_force, tier_of
from fairlead.governance.kpis import kpis, lost_incidents
from fairlead.governance.measures import newest_runs
from fairlead.governance.model import Kpi, Period, Ref, Tier
from fairlead.governance.ports import Sources
from fairlead.governance.standing import DAY_US, MAX_AGE_DAYS, prove, read_record

Answer = Literal["GO", "NO-GO"]
State = Literal["pass", "fail", "note"]
"""``note``: not as it should be, and not enough to stop a System of this tier."""

BLOCKING: dict[Tier, frozenset[str]] = {
    "high": frozenset({"release", "gate", "run", "incidents", "kpi", "kpi-evidence"}),
    "limited": frozenset({"release", "gate", "run", "incidents", "kpi"}),
    "minimal": frozenset({"release", "gate", "incidents"}),
}
"""Which failing checks stop a System, by tier; the others are notes."""

MEASURED = frozenset({7, 9})
"""KPIs that a launch rests on: without evidence for them there is no go for a System of tier high."""


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    id: str
    title: str
    state: State
    reason: str
    records: tuple[Ref, ...] = ()


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the readiness report shows."""

    answer: Answer
    tenant: str
    system: str
    tier: Tier
    owner: str
    release: ReleaseSection
    made_us: int
    valid_until_us: int
    """When the first record behind it expires; 0 when none does."""
    checks: tuple[Check, ...]
    kpis: tuple[Kpi, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why it is no go."""
        return tuple(check.reason for check in self.checks if check.state == "fail")


def build_readiness(sources: Sources, tenant: str, system: str, *, period: Period) -> Readiness:
    """Compute the readiness of a System.

    Args:
        sources: Where records are read.
        tenant: Whose System.
        system: Its name in the policy.
        period: What the KPIs count; its end is the time of asking.
    """
    now_us = period.until_us
    release, _ = release_in_force(sources, tenant, system, now_us=now_us)
    tier = tier_of(release)
    computed = kpis(sources, tenant, system, tier=tier, period=period)
    run_checks, expiries = _runs(sources, tenant, system, tier=tier, now_us=now_us)
    checks = (
        _release(release),
        *run_checks,
        *_gates(sources, tenant, system, now_us=now_us),
        *_incidents(sources, tenant, system, now_us=now_us),
        *(_kpi(kpi, tier) for kpi in computed),
    )
    judged = tuple(_judged(check, tier) for check in checks)
    return Readiness(
        answer="NO-GO" if any(check.state == "fail" for check in judged) else "GO",
        tenant=tenant,
        system=system,
        tier=tier,
        owner=release.record.owner if release.record else "",
        release=release,
        made_us=now_us,
        valid_until_us=min(expiries, default=0),
        checks=judged,
        kpis=computed,
    )


def _judged(check: Check, tier: Tier) -> Check:
    """Turn a failing check that does not stop a System of this tier into a note."""
    stops = check.id.partition("/")[0] in BLOCKING[tier]
    return check if check.state != "fail" or stops else msgspec.structs.replace(check, state="note")


def _release(release: ReleaseSection) -> Check:
    title = "The Release in force is recorded and signed"
    if release.standing != "supported":
        return Check(id="release", title=title, state="fail", reason=release.why)
    ref = Ref(kind="release", id=release.id)
    owner = release.record.owner if release.record else ""
    return Check(id="release", title=title, state="pass", reason=f"signed, owned by {owner}", records=(ref,))


def _runs(sources: Sources, tenant: str, system: str, *, tier: Tier, now_us: int) -> tuple[list[Check], list[int]]:
    title = f"Measured against the Release in force, signed, at most {MAX_AGE_DAYS[tier]} days ago"
    checks, expiries = [], []
    for suite in newest_runs(sources.evidence, tenant, system, tier=tier, now_us=now_us):
        proof, identifier = suite.guarded, f"run/{suite.suite}"
        if proof is None:
            reason = f"suite {suite.suite} has no signed run against the Release in force"
            checks.append(Check(id=identifier, title=title, state="fail", reason=reason))
        elif proof.standing != "supported":
            checks.append(Check(id=identifier, title=title, state="fail", reason=proof.why, records=(proof.ref,)))
        else:
            age = (now_us - proof.signed.at_us) // DAY_US
            when = "today" if age == 0 else f"{age} days ago"
            checks.append(Check(id=identifier, title=title, state="pass", reason=f"suite {suite.suite}: {when}", records=(proof.ref,)))
            expiries.append(proof.expires_us)
    missing = Check(id="run", title=title, state="fail", reason="no suite was run against this System and signed")
    return checks or [missing], [at for at in expiries if at]


def _gates(sources: Sources, tenant: str, system: str, *, now_us: int) -> Iterator[Check]:
    """Look at the newest signed gate of each suite, about the Release in force."""
    title = "The gate passes"
    release = sources.evidence.current_release(tenant, system)
    seen: set[str] = set()
    for signed in sources.evidence.attested(tenant, system, "gate"):
        suite = str(signed.facts.get("suite", ""))
        if signed.facts.get("policy") != release or suite in seen:
            continue
        seen.add(suite)
        proof = prove(sources.evidence, tenant, signed, now_us=now_us)
        result = read_record(proof, GateResult)
        identifier = f"gate/{suite}"
        if proof.standing != "supported" or result is None:
            why = proof.why or f"gate {signed.subject} can't be read"
            yield Check(id=identifier, title=title, state="fail", reason=why, records=(proof.ref,))
            continue
        state: State = "pass" if result.answer == "PASS" else "fail"
        reason = f"suite {suite}: {result.answer}" + (f", {_first(result.reasons)}" if result.reasons else "")
        yield Check(id=identifier, title=title, state=state, reason=reason, records=(proof.ref,))
    if not seen:
        yield Check(id="gate", title=title, state="fail", reason="no gate about the Release in force was signed")


def _incidents(sources: Sources, tenant: str, system: str, *, now_us: int) -> Iterator[Check]:
    title = "No P0 or P1 incident is open, and none is overdue"
    severe = [incident for incident in sources.incidents.standing(tenant, system) if incident.severity in ("P0", "P1")]
    for incident in severe:
        refs = (Ref(kind="incident", id=incident.id),)
        overdue = incident.due_us < now_us
        state: State = "fail" if overdue or incident.status == "open" else "note"
        reason = (
            f"{incident.severity} {incident.id} ({incident.hazard}) is {incident.status}{', overdue' if overdue else ', not yet resolved'}"
        )
        yield Check(id=f"incidents/{incident.id}", title=title, state=state, reason=reason, records=refs)
    lost = lost_incidents(sources, tenant, system)
    for name in lost:
        reason = f"the containment of {name} was signed and the incident is gone"
        yield Check(id=f"incidents/{name}", title=title, state="fail", reason=reason)
    if not severe and not lost:
        yield Check(id="incidents", title=title, state="pass", reason="none is open or contained")


def _kpi(kpi: Kpi, tier: Tier) -> Check:
    title = f"KPI {kpi.number}: {kpi.name}"
    refs = kpi.figure.basis.records[:3]
    if kpi.verdict == "unsupported":
        essential = kpi.number in MEASURED
        identifier = f"kpi-evidence/{kpi.number}"
        state: State = "fail" if essential and tier == "high" else "note"
        return Check(id=identifier, title=title, state=state, reason=f"not supported: {kpi.figure.why}")
    if kpi.target is None:  # nothing that could hold
        reason = "no target until there is a period to compare with"
        return Check(id=f"kpi/{kpi.number}", title=title, state="note", reason=reason, records=refs)
    goal = kpi.target.text
    if kpi.verdict == "missed":
        return Check(id=f"kpi/{kpi.number}", title=title, state="fail", reason=f"{title}: target missed ({goal})", records=refs)
    if kpi.verdict == "undecided":
        reason = f"the data can't decide the target ({goal})"
        return Check(id=f"kpi/{kpi.number}", title=title, state="note", reason=reason, records=refs)
    return Check(id=f"kpi/{kpi.number}", title=title, state="pass", reason=goal, records=refs)


def _first(reasons: Sequence[str]) -> str:
    rest = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return reasons[0] + rest
