"""A System with everything in order: the other tests take one thing away and look at what the pages say."""

from typing import NamedTuple

import msgspec

from fairlead.evals import GateAnswer
from fairlead.governance import Card, Period, Readiness, build_card, build_readiness
from fairlead.governance.pages import render_card, render_readiness
from fairlead.ledger import Predicate
from fairlead.testing import FixedClock
from fairlead.testing.governance import MemoryRecords, gate_record, incident_record, release_record, run_record

DAY_US = 86_400_000_000
NOW_US = 1_764_000_000_000_000
PERIOD = Period(NOW_US - 30 * DAY_US, NOW_US)


class Scene(NamedTuple):
    """Records, and the pages that are made of them."""

    records: MemoryRecords

    def card(self) -> Card:
        return build_card(self.records.sources(), "t1", "assistant", period=PERIOD)

    def readiness(self) -> Readiness:
        return build_readiness(self.records.sources(), "t1", "assistant", period=PERIOD)

    def card_page(self) -> str:
        return render_card(self.card(), "html")

    def readiness_page(self) -> str:
        return render_readiness(self.readiness(), "html")


def good_scene(
    *, tier: str = "high", unsafe: int = 0, blocked: int = 2, cases: int = 400, gate: GateAnswer = "PASS", run_days: int = 3
) -> Scene:
    records = MemoryRecords()
    notary = records.notary(FixedClock(NOW_US - run_days * DAY_US))
    release = release_record(tier=tier)
    records.keep("release", release.id, release)
    records.release = release.id
    _sign(records, "release", release.id)
    for name, policy, hits in (("run_open", "", cases - 10), ("run_guarded", release.id, unsafe)):
        attacks = [number < hits for number in range(cases)]
        harmless = [number < blocked and bool(policy) for number in range(cases)]
        run = run_record(name, policy=policy, unsafe=attacks, blocked=harmless, at_us=NOW_US)
        records.keep("run", run.id, run)
        notary.attest_run(run)
        if policy:
            result = gate_record(run, answer=gate, reasons=[] if gate == "PASS" else ["claim attacks-stopped: excluded"], at_us=NOW_US)
            records.keep("gate", result.digest, result)
            notary.attest_gate(result)
    for number in range(8):
        incident = incident_record(f"inc_{number}", at_us=NOW_US - (20 - number) * DAY_US, detect_s=2 + number, contain_s=30 + 10 * number)
        records.found[incident.id] = incident
    for number in range(2000):
        records.costs[f"x_{number:04}"] = (NOW_US - DAY_US, 300 + number)
    return Scene(records)


def _sign(records: MemoryRecords, kind: str, name: str) -> None:
    records.attest("release", {name: records.bodies[kind, name]}, Predicate(at_us=NOW_US - 5 * DAY_US, tenant="t1", system="assistant"))


def change_run(scene: Scene, name: str, **changes: object) -> None:
    """Change one stored run, as somebody with access to the database could."""
    run = msgspec.json.decode(scene.records.bodies["run", name])
    scene.records.keep("run", name, run | changes)
