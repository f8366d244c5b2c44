"""Records in memory for cards, reports and KPIs: change one, delete one, and see what the page says."""

from collections.abc import Mapping, Sequence
from typing import Literal

from fairlead.core import Clock, canonical_bytes, digest_bytes
from fairlead.evals import CaseResult, GateAnswer, GateResult, Key, Outcome, Run
from fairlead.governance import Notary, Period, Signed, Sources
from fairlead.incidents import Incident, Status
from fairlead.ledger import Kind, Predicate
from fairlead.policy import Severity
from fairlead.releases import ModelPin, ReleaseRecord, RulePin, ToolPin


class MemoryRecords:
    """Every port that governance reads, over plain dictionaries; also the book that its notary writes to.

    Args:
        tenant: The one tenant that has records.
        system: The one System.
    """

    def __init__(self, tenant: str = "t1", system: str = "assistant") -> None:
        self.tenant = tenant
        self.system = system
        self.release = ""
        self.signed: list[Signed] = []
        self.bodies: dict[tuple[str, str], bytes] = {}
        self.found: dict[str, Incident] = {}
        self.costs: dict[str, tuple[int, int]] = {}
        """Exchange to when it was and its guard time, both in microseconds."""

    def sources(self) -> Sources:
        """Return itself as every source."""
        return Sources(evidence=self, incidents=self, decisions=self)

    def notary(self, clock: Clock) -> Notary:
        """Return the notary of the System."""
        return Notary(self, clock, tenant=self.tenant, system=self.system)

    def keep(self, kind: str, identifier: str, record: object) -> None:
        """Store a record, as its own room would."""
        self.bodies[kind, identifier] = canonical_bytes(record)

    def attest(self, kind: Kind, subjects: Mapping[str, bytes], predicate: Predicate) -> object:
        """Note what was signed; see ``fairlead.governance.notary.Book``."""
        ((name, body),) = subjects.items()
        entry = Signed(
            kind=kind,
            subject=name,
            digest=digest_bytes(body),
            position=len(self.signed),
            at_us=predicate.at_us,
            expires_us=predicate.expires_us,
            outcome=predicate.outcome,
            genuine=True,
            facts=predicate.facts,
        )
        self.signed.append(entry)
        return entry

    def attested(self, tenant: str, system: str, kind: str) -> Sequence[Signed]:
        """Return what was attested of a System, newest first."""
        return [one for one in reversed(self.signed) if one.kind == kind and self._mine(tenant, system)]

    def record(self, tenant: str, kind: str, identifier: str) -> bytes | None:
        """Return a record as it is stored now."""
        return self.bodies.get((kind, identifier)) if tenant == self.tenant else None

    def current_release(self, tenant: str, system: str) -> str:
        """Return the Release in force."""
        return self.release if self._mine(tenant, system) else ""

    def systems(self, tenant: str) -> Sequence[str]:
        """Return the Systems that have a Release in force."""
        return [self.system] if tenant == self.tenant and self.release else []

    def incidents(self, tenant: str, system: str, period: Period) -> Sequence[Incident]:
        """Return the Incidents opened in a period."""
        mine = self.found.values() if self._mine(tenant, system) else ()
        return [incident for incident in mine if period.since_us <= incident.opened_us < period.until_us]

    def standing(self, tenant: str, system: str) -> Sequence[Incident]:
        """Return the Incidents that are neither resolved nor closed."""
        mine = self.found.values() if self._mine(tenant, system) else ()
        return [incident for incident in mine if incident.status in ("open", "contained")]

    def find(self, tenant: str, incident: str) -> Incident | None:
        """Return one Incident."""
        return self.found.get(incident) if tenant == self.tenant else None

    def exchanges(self, tenant: str, system: str, period: Period) -> int:
        """Return how many Exchanges were guarded."""
        return len(self._ranked(tenant, system, period))

    def guard_cost_us(self, tenant: str, system: str, period: Period, rank: int) -> tuple[str, int]:
        """Return the Exchange at a rank by guard time."""
        took_us, exchange = self._ranked(tenant, system, period)[rank]
        return exchange, took_us

    def _mine(self, tenant: str, system: str) -> bool:
        return (tenant, system) == (self.tenant, self.system)

    def _ranked(self, tenant: str, system: str, period: Period) -> list[tuple[int, str]]:
        mine = self.costs.items() if self._mine(tenant, system) else ()
        return sorted((took, exchange) for exchange, (at_us, took) in mine if period.since_us <= at_us < period.until_us)


def release_record(*, tenant: str = "t1", system: str = "assistant", tier: str = "high", at_us: int = 0) -> ReleaseRecord:
    """Return a small Release as it is recorded."""
    canonical = canonical_bytes({"system": system, "tier": tier, "rules": ["no-injection"]})
    return ReleaseRecord(
        id=digest_bytes(canonical),
        tenant=tenant,
        system=system,
        owner="support-platform",
        tier=tier,
        mode="enforce",
        capture="sealed_on_finding",
        audit="strict",
        unknown="block",
        models=(ModelPin(upstream="default", provider="openai", model="gpt-x"),),
        rules=(
            RulePin(id="no-injection", stages=("retrieval", "tool_result"), looks_for="prompt_injection", action="block", mode="enforce"),
        ),
        tools=(ToolPin(name="send_email", permission="allowed under conditions on to; else by approval", outputs="untrusted"),),
        canonical=canonical.decode(),
        by="test",
        at_us=at_us,
    )


def run_record(name: str, *, policy: str, unsafe: Sequence[bool], blocked: Sequence[bool], at_us: int, suite: str = "assistant") -> Run:
    """Return a run: for each attack whether it succeeded, for each harmless case whether it was stopped."""
    attacks = [_result(f"u-{i}", "unsafe", "unsafe" if hit else "safe") for i, hit in enumerate(unsafe)]
    harmless = [_result(f"b-{i}", "benign", "false_positive" if hit else "good") for i, hit in enumerate(blocked)]
    key = Key(cases="sha256:c", policy=policy, model="gpt-x", target="assistant", scorer="1", version="0.1.0")
    results = (*attacks, *harmless)
    return Run(
        id=name, suite=suite, suite_digest="sha256:s", key=key, results=results, started_us=at_us, ended_us=at_us, planned=len(results)
    )


def _result(case: str, kind: Literal["unsafe", "benign"], outcome: Outcome) -> CaseResult:
    return CaseResult(
        case=case, case_digest="sha256:0", kind=kind, hazard="jailbreak", cluster=case, origin="user", outcome=outcome, reason=""
    )


def gate_record(run: Run, *, answer: GateAnswer, reasons: Sequence[str] = (), at_us: int) -> GateResult:
    """Return the answer of a gate over a run."""
    return GateResult(
        answer=answer,
        reasons=tuple(reasons),
        run=run.id,
        run_digest=run.digest,
        suite=run.suite,
        suite_digest=run.suite_digest,
        key=run.key,
        judgements=(),
        estimates=(),
        regressions=(),
        regression_cases=0,
        unscored=(),
        comparison=None,
        at_us=at_us,
    )


def incident_record(
    name: str, *, at_us: int, detect_s: float = 5, contain_s: float = 60, severity: Severity = "P1", status: Status = "closed"
) -> Incident:
    """Return an Incident whose times are given in seconds."""
    detected = at_us + int(detect_s * 1e6)
    return Incident(
        id=name,
        tenant="t1",
        system="assistant",
        severity=severity,
        status=status,
        hazard="data_exfiltration",
        opened_by="exfiltration",
        rule="no-exfiltration",
        tool="send_email",
        title="A tool call to an outside address was stopped",
        owner="support-platform",
        due_us=detected + 86_400_000_000,
        onset_us=at_us,
        opened_us=at_us,
        detected_us=detected,
        last_us=at_us,
        contained_us=0 if status == "open" else detected + int(contain_s * 1e6),
    )
