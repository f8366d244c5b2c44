"""The system card: what the System is, what guards it, what was measured, and what happened; every number from a record."""

from collections.abc import Sequence

import msgspec

from fairlead.evals import Run
from fairlead.governance.kpis import kpis
from fairlead.governance.measures import SuiteRuns, newest_runs, suite_figures
from fairlead.governance.model import Figure, Kpi, Period, Ref, Standing, Tier
from fairlead.governance.ports import Sources
from fairlead.governance.standing import Proven, prove, read_record
from fairlead.incidents import Incident
from fairlead.releases import ReleaseRecord


class ReleaseSection(msgspec.Struct, frozen=True, kw_only=True):
    """The Release in force, and whether its signature carries it."""

    id: str
    standing: Standing
    why: str
    record: ReleaseRecord | None
    """None when the record is gone or is not what was signed: then nothing of it is shown."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One rate, with the guard and without."""

    label: str
    guarded: Figure
    unguarded: Figure | None


class SuiteSection(msgspec.Struct, frozen=True, kw_only=True):
    """What one suite showed."""

    suite: str
    model: str
    """Model that was asked in the guarded run; what was measured says nothing of another."""
    overall: tuple[Row, ...]
    parts: tuple[Row, ...]
    """By hazard and by origin."""


class IncidentLine(msgspec.Struct, frozen=True, kw_only=True):
    """One Incident, in short."""

    id: str
    severity: str
    status: str
    hazard: str
    title: str
    detected_us: int
    contained_us: int
    due_us: int


class EvidenceLine(msgspec.Struct, frozen=True, kw_only=True):
    """One signed record that the card rests on."""

    ref: Ref
    position: int
    """In the ledger."""
    at_us: int
    outcome: str
    standing: Standing
    why: str
    expires_us: int


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a system card shows; the page and its JSON twin are made of it."""

    tenant: str
    system: str
    tier: Tier
    made_us: int
    period: Period
    release: ReleaseSection
    suites: tuple[SuiteSection, ...]
    kpis: tuple[Kpi, ...]
    incidents: tuple[IncidentLine, ...]
    evidence: tuple[EvidenceLine, ...]
    figures: int
    unsupported: int
    """Of the figures, how many no record carries."""


def build_card(sources: Sources, tenant: str, system: str, *, period: Period) -> Card:
    """Build the card of a System.

    Args:
        sources: Where records are read.
        tenant: Whose System.
        system: Its name in the policy.
        period: What the KPIs count; its end is the time of asking.
    """
    now_us = period.until_us
    release, proof = release_in_force(sources, tenant, system, now_us=now_us)
    tier = tier_of(release)
    runs = newest_runs(sources.evidence, tenant, system, tier=tier, now_us=now_us)
    suites = tuple(_suite(found) for found in runs)
    computed = kpis(sources, tenant, system, tier=tier, period=period)
    found = sources.incidents.incidents(tenant, system, period)
    figures = [kpi.figure for kpi in computed] + [figure for suite in suites for figure in _figures(suite)]
    proofs = [*([proof] if proof else []), *(run for suite in runs for run in (suite.guarded, suite.unguarded) if run is not None)]
    proofs += [prove(sources.evidence, tenant, signed, now_us=now_us) for signed in sources.evidence.attested(tenant, system, "gate")]
    return Card(
        tenant=tenant,
        system=system,
        tier=tier,
        made_us=now_us,
        period=period,
        release=release,
        suites=suites,
        kpis=computed,
        incidents=tuple(incident_line(incident) for incident in reversed(found)),
        evidence=tuple(_evidence(proof) for proof in proofs),
        figures=len(figures),
        unsupported=sum(not figure.supported for figure in figures),
    )


def release_in_force(sources: Sources, tenant: str, system: str, *, now_us: int) -> tuple[ReleaseSection, Proven | None]:
    """Return the Release in force with what carries it; the record is shown only if it is what was signed."""
    current = sources.evidence.current_release(tenant, system)
    if not current:
        return ReleaseSection(id="", standing="no_data", why="no Release was put in force", record=None), None
    signed = next((one for one in sources.evidence.attested(tenant, system, "release") if one.subject == current), None)
    if signed is None:
        return ReleaseSection(id=current, standing="unsigned", why=f"nobody signed release {current}", record=None), None
    proof = prove(sources.evidence, tenant, signed, now_us=now_us)
    record = read_record(proof, ReleaseRecord)
    standing, why = proof.standing, proof.why
    if standing == "supported" and (record is None or not record.intact):
        standing, why = "contradicted", f"release {current}: its id is not the digest of its canonical form"
    section = ReleaseSection(id=current, standing=standing, why=why, record=record if standing == "supported" else None)
    return section, proof


def tier_of(release: ReleaseSection) -> Tier:
    """Return the tier that the signed Release states; the strictest when there is none to believe."""
    tiers: dict[str, Tier] = {"minimal": "minimal", "limited": "limited", "high": "high"}
    return tiers.get(release.record.tier, "high") if release.record else "high"


def incident_line(incident: Incident) -> IncidentLine:
    """Return what a page shows of an Incident."""
    return IncidentLine(
        id=incident.id,
        severity=incident.severity,
        status=incident.status,
        hazard=incident.hazard,
        title=incident.title,
        detected_us=incident.detected_us,
        contained_us=incident.contained_us,
        due_us=incident.due_us,
    )


def _suite(runs: SuiteRuns) -> SuiteSection:
    guarded = suite_figures(runs.guarded, suite=runs.suite, state="guarded")
    unguarded = {figure.label: figure for figure in suite_figures(runs.unguarded, suite=runs.suite, state="unguarded")}
    rows = [Row(label=figure.label, guarded=figure, unguarded=unguarded.get(figure.label)) for figure in guarded]
    run = read_record(runs.guarded, Run) if runs.guarded is not None and runs.guarded.standing == "supported" else None
    return SuiteSection(
        suite=runs.suite,
        model=run.key.model if run is not None else "",
        overall=tuple(row for row in rows if "(" not in row.label),
        parts=tuple(row for row in rows if "(" in row.label),
    )


def _figures(suite: SuiteSection) -> Sequence[Figure]:
    rows = (*suite.overall, *suite.parts)
    return [*(row.guarded for row in rows), *(row.unguarded for row in rows if row.unguarded is not None)]


def _evidence(proof: Proven) -> EvidenceLine:
    return EvidenceLine(
        ref=proof.ref,
        position=proof.signed.position,
        at_us=proof.signed.at_us,
        outcome=proof.signed.outcome,
        standing=proof.standing,
        why=proof.why,
        expires_us=proof.expires_us,
    )
