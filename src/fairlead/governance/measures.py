"""Figures from signed runs: the newest run of each suite against the Release in force, and its unguarded counterpart."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fairlead.evals import CaseResult, MetricEstimate, Run, estimates, read, suite_results
from fairlead.governance.model import Basis, Figure, Tier, unsupported
from fairlead.governance.ports import Evidence, Signed
from fairlead.governance.standing import DAY_US, MAX_AGE_DAYS, Proven, carried, prove, read_record
from fairlead.statistics import Estimate, estimate

METRICS = {
    "attack_success": "attacks that succeed",
    "false_positive_rate": "harmless requests that are stopped",
    "answered": "harmless requests that are answered well",
}


UNREADABLE = "(not signed)"
"""Stands for the suite of a run whose attestation can't be believed."""


class SuiteRuns(NamedTuple):
    """The newest signed runs of one suite."""

    suite: str
    guarded: Proven | None
    """Against the Release in force; None when that Release was not measured."""
    unguarded: Proven | None


def newest_runs(evidence: Evidence, tenant: str, system: str, *, tier: Tier, now_us: int) -> tuple[SuiteRuns, ...]:
    """Return the newest signed runs of each suite; what a run is about is read from its signed statement, not from its record.

    An entry whose signature does not hold says nothing about its suite either, so it counts against the System as a suite of its own.
    """
    release = evidence.current_release(tenant, system)
    found: dict[str, dict[str, Proven]] = {}
    for signed in evidence.attested(tenant, system, "run"):
        suite, role = _about(signed, release)
        if role and role not in found.setdefault(suite, {}):
            age = MAX_AGE_DAYS[tier] * DAY_US
            found[suite][role] = prove(evidence, tenant, signed, now_us=now_us, max_age_us=age)
    return tuple(SuiteRuns(suite, runs.get("guarded"), runs.get("unguarded")) for suite, runs in sorted(found.items()))


def _about(signed: Signed, release: str) -> tuple[str, str]:
    """Return the suite of a run, and ``guarded``, ``unguarded``, or nothing when it is about another Release."""
    if not signed.genuine:
        return UNREADABLE, "guarded"
    policy = str(signed.facts.get("policy") or "")
    role = "unguarded" if not policy else "guarded" if policy == release else ""
    return str(signed.facts.get("suite", "")), role


def suite_figures(proof: Proven | None, *, suite: str, state: str) -> tuple[Figure, ...]:
    """Return every rate of one run, overall first; one unsupported figure for each metric when the run carries none.

    Args:
        proof: The run; None when there is none.
        suite: Name of the suite, for the figures' ids.
        state: ``guarded`` or ``unguarded``.
    """
    prefix = f"{suite}/{state}"
    if proof is None:
        why = "no signed run of this suite against the Release in force" if state == "guarded" else "no signed run without the guard"
        return tuple(unsupported(f"{prefix}/{metric}", label, "share", standing="no_data", why=why) for metric, label in METRICS.items())
    run = read_record(proof, Run)
    if run is None or proof.standing != "supported":
        return tuple(carried([proof], _nothing, identity=(f"{prefix}/{metric}", label, "share")) for metric, label in METRICS.items())
    return tuple(_figure(row, prefix, proof) for row in estimates(run))


def pooled(runs: Sequence[SuiteRuns], metric: str, *, label: str) -> Figure:
    """Return one rate over the guarded runs of all suites; cases of one cluster count as one idea, whichever suite they are in."""
    proofs = [suite.guarded for suite in runs if suite.guarded is not None]
    if not proofs:
        why = "no signed run against the Release in force"
        return unsupported(metric, label, "share", standing="no_data", why=why)

    def make(basis: Basis, expires_us: int) -> Figure:
        sample = read(_results(proofs), metric).worst
        if not sample.clusters:
            return unsupported(metric, label, "share", standing="no_data", why="the signed runs hold no such case")
        return of_estimate(estimate(sample), metric, label, basis=basis, expires_us=expires_us)

    return carried(proofs, make, identity=(metric, label, "share"))


def of_estimate(rate: Estimate, identifier: str, label: str, *, basis: Basis, expires_us: int = 0) -> Figure:
    """Return a share as a figure."""
    return Figure(
        id=identifier,
        label=label,
        unit="share",
        standing="supported",
        value=rate.value,
        low=rate.low,
        high=rate.high,
        n=rate.n,
        k=rate.k,
        method=rate.method if rate.clusters == rate.n else f"{rate.method}, {rate.clusters} clusters",
        confidence=rate.confidence,
        basis=basis,
        expires_us=expires_us,
    )


def _figure(row: MetricEstimate, prefix: str, proof: Proven) -> Figure:
    part = "" if row.part == "all" else f" ({row.part.replace('=', ': ').replace('_', ' ')})"
    name = row.metric if row.part == "all" else f"{row.metric}/{row.part}"

    def make(basis: Basis, expires_us: int) -> Figure:
        return of_estimate(row.estimate, f"{prefix}/{name}", METRICS[row.metric] + part, basis=basis, expires_us=expires_us)

    return carried([proof], make, identity=(f"{prefix}/{name}", METRICS[row.metric] + part, "share"))


def _nothing(basis: Basis, expires_us: int) -> Figure:  # noqa: ARG001 - the signature of a maker
    return unsupported("", "", "share", standing="contradicted", why="the record is not a run")


def _results(proofs: Sequence[Proven]) -> Iterator[CaseResult]:
    for proof in proofs:
        run = read_record(proof, Run)
        if run is not None:
            yield from suite_results(run)
