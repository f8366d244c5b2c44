"""What each page shows: a typed Context, computed from records. The page and its JSON twin are two spellings of the same Context."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

import msgspec

from fairlead.agents import ApprovalLoad, KeptApproval
from fairlead.console.bars import Bar, bar
from fairlead.console.errors import QueryInvalid
from fairlead.console.ports import EvidenceFile, Reads, RunLine, SystemLine
from fairlead.core import ACTIONS, STAGES, Action, Decision, Stage
from fairlead.evals import CaseResult, GateResult, MetricEstimate, estimates
from fairlead.incidents import STANDING, Containment, Incident, IncidentFile
from fairlead.statistics import Judgement
from fairlead.store import DecisionFilter

ROWS = 100
"""Rows of a list page."""
LOAD_DAYS = 30
DAY_US = 24 * 3_600_000_000

BAD_OUTCOMES = frozenset({"unsafe", "false_positive", "missed", "unscored"})
"""Outcomes of a case that a person should look at."""

T = TypeVar("T", Stage, Action)


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a page is asked for."""

    tenant: str
    now_us: int
    name: str = ""
    """Id in the path, for a page about one record."""
    query: Mapping[str, str] = {}


class Portfolio(msgspec.Struct, frozen=True, kw_only=True):
    """The Systems, and whether each may go."""

    systems: Sequence[SystemLine]


class DecisionLine(msgspec.Struct, frozen=True, kw_only=True):
    """A Decision, as the list shows it."""

    decision: Decision
    hazards: tuple[str, ...]
    """Hazard or entity of each Finding, each once."""
    ran: int
    """Segments on which the detectors ran."""
    skipped: int
    """Segments on which they did not run; the Decision says why."""
    failed: int
    """Segments on which they failed or took too long."""


class Decisions(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions, newest first; never content."""

    lines: Sequence[DecisionLine]
    stage: str
    action: str
    rule: str
    system: str
    refresh: bool
    """Whether the page loads itself again every few seconds."""
    older: int
    """Asks for the next rows; 0 when there are none."""
    until: int
    """What the page was asked for; 0 for the newest."""
    stages: tuple[str, ...] = STAGES
    actions: tuple[str, ...] = ACTIONS


class Incidents(msgspec.Struct, frozen=True, kw_only=True):
    """Incidents, the standing ones first."""

    standing: Sequence[Incident]
    over: Sequence[Incident]


class IncidentPage(msgspec.Struct, frozen=True, kw_only=True):
    """One Incident with its timeline, levers and probes."""

    file: IncidentFile
    proofs: Sequence[Containment]
    """Every containment that was tried, newest first."""
    overdue: bool
    logins: Mapping[str, str]
    """Login of each person whom the file names, by account id."""


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """Runs and the gates over them."""

    runs: Sequence[RunLine]


class ClaimLine(msgspec.Struct, frozen=True, kw_only=True):
    """A judged claim and its drawing."""

    judgement: Judgement
    bar: Bar | None


class GatePage(msgspec.Struct, frozen=True, kw_only=True):
    """One gate over a run."""

    gate: GateResult
    claims: Sequence[ClaimLine]
    more: tuple[str, ...]
    """Reasons of its answer that no claim tells."""


class RunPage(msgspec.Struct, frozen=True, kw_only=True):
    """One run: what was claimed, what the data say, and which cases failed."""

    run: str
    suite: str
    model: str
    policy: str
    digest: str
    started_us: int
    took_us: int
    cases: int
    rates: Sequence[MetricEstimate]
    """Each rate of the run with its interval, over all cases first."""
    gates: Sequence[GatePage]
    """Newest first."""
    failing: Sequence[CaseResult]


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger, and what its verification found just now."""

    file: EvidenceFile
    before: int
    """Position that the entries stand before; 0 for the newest."""
    older: int
    """Asks for the next ones; 0 when there are none."""


class Approvals(msgspec.Struct, frozen=True, kw_only=True):
    """Tool calls that wait for a person, and how much work that makes; values of arguments are not kept."""

    waiting: Sequence[KeptApproval]
    """The oldest first."""
    answered: Sequence[KeptApproval]
    """Answers that still hold."""
    logins: Mapping[str, str]
    """Login of each approver, by account id."""
    load: ApprovalLoad
    days: int
    """What the load is counted over."""


class Page(NamedTuple):
    """A page: where it is, how it looks, how its Context is computed."""

    path: str
    template: str
    title: str
    build: Callable[[Reads, Ask], msgspec.Struct]


def portfolio(reads: Reads, ask: Ask) -> Portfolio:
    """Return the Systems of the tenant."""
    return Portfolio(systems=reads.systems(ask.tenant))


def decisions(reads: Reads, ask: Ask) -> Decisions:
    """Return the Decisions that are asked for.

    Raises:
        QueryInvalid: A filter has a value that does not exist.
    """
    query = ask.query
    stage, action = _one_of(query.get("stage", ""), STAGES, "stage"), _one_of(query.get("action", ""), ACTIONS, "action")
    until = _number(query.get("until", ""), "until")
    rule, system = query.get("rule", ""), query.get("system", "")
    wanted = DecisionFilter(stage=stage, action=action, rule=rule, system=system, until_us=until or None)
    found = reads.decisions(ask.tenant, wanted, ROWS + 1)
    shown, older = _cut(found)
    return Decisions(
        lines=[_line(decision) for decision in shown],
        stage=stage or "",
        action=action or "",
        rule=rule,
        system=system,
        refresh=query.get("refresh") == "on" and not until,
        older=older,
        until=until,
    )


def incidents(reads: Reads, ask: Ask) -> Incidents:
    """Return the Incidents of the tenant."""
    found = reads.incidents(ask.tenant)
    standing = [incident for incident in found if incident.status in STANDING]
    return Incidents(
        standing=sorted(standing, key=lambda incident: (incident.severity, incident.due_us)),
        over=[incident for incident in found if incident.status not in STANDING],
    )


def incident(reads: Reads, ask: Ask) -> IncidentPage:
    """Return one Incident.

    Raises:
        NotFound: There is none of that id in the tenant.
    """
    file = reads.incident(ask.tenant, ask.name)
    proofs = [line.containment for line in reversed(file.events) if line.containment is not None]
    overdue = file.incident.status != "closed" and file.incident.due_us < ask.now_us
    named = {line.actor for line in file.events} | {lever.by for lever in file.levers}
    logins = {account: login for account, login in reads.logins(ask.tenant).items() if account in named}
    return IncidentPage(file=file, proofs=proofs, overdue=overdue, logins=logins)


def runs(reads: Reads, ask: Ask) -> Runs:
    """Return the runs of the tenant."""
    return Runs(runs=reads.runs(ask.tenant))


def run(reads: Reads, ask: Ask) -> RunPage:
    """Return one run with its gates and its failing cases.

    Raises:
        NotFound: There is none of that id in the tenant.
    """
    file = reads.run(ask.tenant, ask.name)
    found = file.run
    return RunPage(
        run=found.id,
        suite=found.suite,
        model=found.key.model,
        policy=found.key.policy,
        digest=found.digest,
        started_us=found.started_us,
        took_us=max(0, found.ended_us - found.started_us),
        cases=len(found.results),
        rates=estimates(found),
        gates=[_gate(gate) for gate in file.gates],
        failing=[result for result in found.results if result.outcome in BAD_OUTCOMES],
    )


def evidence(reads: Reads, ask: Ask) -> Evidence:
    """Return the ledger of the tenant.

    Raises:
        QueryInvalid: The position is none.
    """
    before = _number(ask.query.get("before", ""), "before")
    file = reads.evidence(ask.tenant, before or None, ROWS)
    return Evidence(file=file, before=before, older=file.entries[-1].position if file.entries else 0)


def approvals(reads: Reads, ask: Ask) -> Approvals:
    """Return the approvals of the tenant, and their load in the last days."""
    kept = reads.approvals(ask.tenant)
    named = {each.approver for each in kept}
    return Approvals(
        waiting=[each for each in kept if each.state == "waiting"],
        answered=[each for each in kept if each.state != "waiting"],
        logins={account: login for account, login in reads.logins(ask.tenant).items() if account in named},
        load=reads.approval_load(ask.tenant, ask.now_us - LOAD_DAYS * DAY_US, ask.now_us),
        days=LOAD_DAYS,
    )


def twin_of(path: str) -> str:
    """Return where the JSON twin of a page is."""
    return "/portfolio.json" if path == "/" else f"{path}.json"


PAGES = (
    Page("/", "portfolio.html", "Portfolio", portfolio),
    Page("/decisions", "decisions.html", "Decisions", decisions),
    Page("/incidents", "incidents.html", "Incidents", incidents),
    Page("/incidents/{name}", "incident.html", "Incident", incident),
    Page("/runs", "runs.html", "Runs and gates", runs),
    Page("/runs/{name}", "run.html", "Run", run),
    Page("/evidence", "evidence.html", "Evidence", evidence),
    Page("/approvals", "approvals.html", "Approvals", approvals),
)
"""Every page; each has a twin under the same path with ``.json``."""


def _cut(found: Sequence[Decision]) -> tuple[Sequence[Decision], int]:
    """Return the rows of one page, and the time before which the next ones are; no row is lost where times are alike."""
    if len(found) <= ROWS:
        return found, 0
    beyond = found[ROWS].at_us
    above = [decision for decision in found if decision.at_us > beyond]
    return (above, beyond + 1) if above else (found[:ROWS], beyond)


def _line(decision: Decision) -> DecisionLine:
    counts = Counter(entry.status for entry in decision.coverage)
    hazards = tuple(dict.fromkeys(finding.entity or finding.hazard for finding in decision.findings))
    failed = counts.total() - counts["ran"] - counts["skipped"]
    return DecisionLine(decision=decision, hazards=hazards, ran=counts["ran"], skipped=counts["skipped"], failed=failed)


def _gate(gate: GateResult) -> GatePage:
    told = {f"claim {judgement.claim.id}: {judgement.reason}" for judgement in gate.judgements}
    return GatePage(
        gate=gate,
        claims=[ClaimLine(judgement=judgement, bar=bar(judgement)) for judgement in gate.judgements],
        more=tuple(reason for reason in gate.reasons if reason not in told),
    )


def _one_of(value: str, known: tuple[T, ...], name: str) -> T | None:
    if not value:
        return None
    found = next((each for each in known if each == value), None)
    if found is None:
        raise QueryInvalid(f"there is no such {name}", where=name, mend=f"choose one of {', '.join(known)}")
    return found


def _number(value: str, name: str) -> int:
    if value and not (value.isascii() and value.isdigit() and len(value) < 18):
        raise QueryInvalid("this is no number", where=name, mend="follow the links of the page")
    return int(value or 0)
