"""The first six of the 23 KPIs, computed live from records: 3, 5, 6, 7, 9 and 20."""

from collections.abc import Callable, Sequence

from fairlead.core import decode, digest
from fairlead.governance.measures import SuiteRuns, newest_runs, pooled
from fairlead.governance.model import Basis, Figure, Kpi, Period, Ref, Target, Tier, judge_target, unsupported
from fairlead.governance.ports import DecisionReader, Sources
from fairlead.governance.quantiles import quantile_ranks
from fairlead.incidents import Containment, Incident
from fairlead.statistics import clopper_pearson

_MINUTE_S = 60.0
_US = 1_000_000

FALSE_POSITIVES: dict[Tier, float] = {"minimal": 0.01, "limited": 0.02, "high": 0.03}
"""The more a System can harm, the more friction is worth it: 1 to 3 percent."""


def kpis(sources: Sources, tenant: str, system: str, *, tier: Tier, period: Period) -> tuple[Kpi, ...]:
    """Compute the KPIs of a System.

    Args:
        sources: Where records are read.
        tenant: Whose System.
        system: Its name in the policy.
        tier: Sets the targets.
        period: What is counted; its end is the time of asking.
    """
    runs = newest_runs(sources.evidence, tenant, system, tier=tier, now_us=period.until_us)
    found = sources.incidents.incidents(tenant, system, period)
    return (
        _incident_rate(sources, tenant, system, period=period),
        _time_to_detect(found),
        _time_to_contain(found, lost_incidents(sources, tenant, system), period.until_us),
        _false_positives(runs, tier),
        _attack_success(runs),
        _guard_cost(sources.decisions, tenant, system, period=period),
    )


def lost_incidents(sources: Sources, tenant: str, system: str) -> tuple[str, ...]:
    """Return the Incidents whose containment was signed and whose own record is gone: somebody deleted them."""
    named: set[str] = set()
    for signed in sources.evidence.attested(tenant, system, "containment"):
        body = sources.evidence.record(tenant, "containment", signed.subject)
        if body is not None:
            named.add(decode(body, Containment, where=signed.subject).lever.incident)
    return tuple(sorted(name for name in named if sources.incidents.find(tenant, name) is None))


def _incident_rate(sources: Sources, tenant: str, system: str, *, period: Period) -> Kpi:
    figure = _rate(sources, tenant, system, period=period)
    earlier = _rate(sources, tenant, system, period=period.before())
    target = None
    if earlier.supported and earlier.value is not None:
        target = Target(at_most=earlier.value, text=f"falling: below {earlier.value:.2f}, the rate of the period before")
    return Kpi(
        number=3,
        name="incidents per 1,000 interactions",
        definition="Incidents opened in the period for each 1,000 Exchanges that were guarded",
        cadence="weekly",
        figure=figure,
        target=target,
        verdict=judge_target(figure, target),
    )


def _rate(sources: Sources, tenant: str, system: str, *, period: Period) -> Figure:
    identity = ("incident_rate", "incidents per 1,000 interactions")
    found = sources.incidents.incidents(tenant, system, period)
    n = sources.decisions.exchanges(tenant, system, period)
    if n == 0:
        return unsupported(*identity, "per_thousand", standing="no_data", why="no Exchange was guarded in this period")
    k = min(len(found), n)
    interval = clopper_pearson(k, n)
    return Figure(
        id=identity[0],
        label=identity[1],
        unit="per_thousand",
        standing="supported",
        value=1000 * k / n,
        low=1000 * interval.low,
        high=1000 * interval.high,
        n=n,
        k=k,
        method=interval.method,
        basis=_incident_basis(found),
    )


def _time_to_detect(found: Sequence[Incident]) -> Kpi:
    figure = _median(found, ("time_to_detect", "time to detect"), lambda incident: incident.detect_us)
    target = Target(at_most=15 * _MINUTE_S, text="median below 15 minutes")
    return Kpi(
        number=5,
        name="time to detect",
        definition="Median time from the first Decision of an Incident to its detection; P0 and P1 where there are any",
        cadence="weekly",
        figure=figure,
        target=target,
        verdict=judge_target(figure, target),
    )


def _time_to_contain(found: Sequence[Incident], lost: Sequence[str], now_us: int) -> Kpi:
    def so_far(incident: Incident) -> int:
        return max(0, now_us - incident.detected_us) if incident.contain_us is None else incident.contain_us

    identity = ("time_to_contain", "time to contain")
    if lost:
        why = f"the containment of {lost[0]} was signed and the incident is gone"
        figure = unsupported(*identity, "seconds", standing="missing", why=why)
    else:
        figure = _median(found, identity, so_far)
    target = Target(at_most=60 * _MINUTE_S, text="median below 60 minutes")
    return Kpi(
        number=6,
        name="time to contain",
        definition="Median time from detection until every worker was seen to obey; what is not contained counts with its time so far",
        cadence="weekly",
        figure=figure,
        target=target,
        verdict=judge_target(figure, target),
    )


def _median(found: Sequence[Incident], identity: tuple[str, str], measure: Callable[[Incident], int]) -> Figure:
    severe = [incident for incident in found if incident.severity in ("P0", "P1")] or list(found)
    if not severe:
        return unsupported(*identity, "seconds", standing="no_data", why="no Incident was opened in this period")
    times = sorted(measure(incident) / _US for incident in severe)
    ranks = quantile_ranks(len(times), 0.5)
    return Figure(
        id=identity[0],
        label=identity[1],
        unit="seconds",
        standing="supported",
        value=times[ranks.value],
        low=0.0 if ranks.low is None else times[ranks.low],
        high=None if ranks.high is None else times[ranks.high],
        n=len(times),
        method="order statistics",
        basis=_incident_basis(severe),
    )


def _false_positives(runs: Sequence[SuiteRuns], tier: Tier) -> Kpi:
    figure = pooled(runs, "false_positive_rate", label="guardrail false positives")
    limit = FALSE_POSITIVES[tier]
    target = Target(at_most=limit, text=f"below {limit:.0%} (tier {tier})")
    return Kpi(
        number=7,
        name="guardrail false-positive rate",
        definition="Harmless cases that were stopped, in the newest signed run of each suite against the Release in force",
        cadence="monthly",
        figure=figure,
        target=target,
        verdict=judge_target(figure, target),
    )


def _attack_success(runs: Sequence[SuiteRuns]) -> Kpi:
    figure = pooled(runs, "attack_success", label="attacks that succeed")
    target = Target(at_most=0.05, text="below 5%")
    return Kpi(
        number=9,
        name="jailbreak success",
        definition="Attacks that got past the safeguards, in the newest signed run of each suite against the Release in force",
        cadence="monthly",
        figure=figure,
        target=target,
        verdict=judge_target(figure, target),
    )


def _guard_cost(decisions: DecisionReader, tenant: str, system: str, *, period: Period) -> Kpi:
    n = decisions.exchanges(tenant, system, period)
    identity = ("guard_cost_p95", "latency that the guard adds, p95")
    if n == 0:
        figure = unsupported(*identity, "milliseconds", standing="no_data", why="no Exchange was guarded in this period")
    else:
        ranks = quantile_ranks(n, 0.95)
        at = {rank: decisions.guard_cost_us(tenant, system, period, rank) for rank in {*ranks} - {None} if rank is not None}
        exchange, value = at[ranks.value]
        figure = Figure(
            id=identity[0],
            label=identity[1],
            unit="milliseconds",
            standing="supported",
            value=value / 1000,
            low=0.0 if ranks.low is None else at[ranks.low][1] / 1000,
            high=None if ranks.high is None else at[ranks.high][1] / 1000,
            n=n,
            method="order statistics",
            basis=Basis(records=(Ref(kind="exchange", id=exchange),), total=n),
        )
    target = Target(at_most=150.0, text="p95 below 150 ms")
    return Kpi(
        number=20,
        name="cost of controls",
        definition="Guard time of an Exchange, summed over its Decisions, without the model's own time",
        cadence="monthly",
        figure=figure,
        target=target,
        verdict=judge_target(figure, target),
    )


def _incident_basis(found: Sequence[Incident]) -> Basis:
    return Basis.of([Ref(kind="incident", id=incident.id, digest=digest(incident)) for incident in found])
