"""Material for the tests of incidents."""

from fairlead.core import Action, Decision, Finding, Stage
from fairlead.guard import Lever
from fairlead.incidents import Containment, Incident, ProbeResult, consider, matching

NOW_US = 1_764_000_000_000_000
HOUR_US = 3_600_000_000


def decision(
    name: str = "d_1",
    *,
    at_us: int = NOW_US,
    stage: Stage = "tool_call",
    action: Action = "block",
    hazard: str = "data_exfiltration",
    rule: str = "tool:send_email",
    tool: str = "send_email",
    tenant: str = "t1",
    system: str = "assistant",
    capture: str = "",
) -> Decision:
    finding = Finding(hazard=hazard, score=1.0, span=(0, 9), path="/choices/0/message/tool_calls/0/function/arguments", detector="broker@1")
    return Decision(
        id=name,
        exchange="x_" + name,
        tenant=tenant,
        system=system,
        release="sha256:00",
        stage=stage,
        at_us=at_us,
        verdict=action,
        action=action,
        rule=rule,
        tool=tool,
        findings=(finding,),
        capture=capture,
    )


def opened(made: Decision | None = None, *, now_us: int = NOW_US + 1_000_000) -> Incident:
    made = made or decision()
    rule = matching(made, ())
    assert rule is not None
    return consider(made, rule, (), owner="support-platform", now_us=now_us).incident


def lever(by: str = "acc_alice", *, kind: str = "tool", target: str = "send_email", incident: str = "inc_1", tenant: str = "t1") -> Lever:
    return Lever(id="lev_1", kind=kind, target=target, by=by, at_us=NOW_US, tenant=tenant, incident=incident, reason="stop it")  # type: ignore[arg-type] # any kind


def containment(*effective: bool, at_us: int = NOW_US + 5_000_000) -> Containment:
    probes = tuple(ProbeResult(worker=f"worker-{number}", effective=each) for number, each in enumerate(effective))
    return Containment(lever=lever(), probes=probes, at_us=at_us)
