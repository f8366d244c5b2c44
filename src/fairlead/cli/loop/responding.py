"""Step 9: a day at the desk, a blocked exfiltration that becomes an Incident, a lever that holds, and the case that is left."""

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from fairlead.cli.loop.model import TENANT, Row, Stage
from fairlead.core import Unavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fairlead.evals import Case, Observation
    from fairlead.guard import Lever
    from fairlead.incidents import Incident, ProbeResult

TOOL = "send_email"
"""The tool of the assistant through which data would leave."""
WORKERS = 2
KILLED = "worker-0.sock"
WAIT_S = 20.0
"""A worker that was killed is back within this."""


def respond(stage: Stage) -> list[Row]:
    """Take a blocked exfiltration from the Decision to the released lever.

    Args:
        stage: What to work with.
    """
    blocked, asked = _day(stage)
    incident = _opened(stage)
    rows = [
        Row(
            "incident",
            f"{incident.severity} by rule '{incident.opened_by}', after {blocked} of {asked} questions were stopped",
            incident.id,
        )
    ]
    rows += _contain(stage, incident)
    rows += _to_case(stage, incident)
    rows += _release(stage, incident)
    return rows


def _day(stage: Stage) -> tuple[int, int]:
    """Let customers ask the benign questions, and one record carry an injection that wants data mailed out."""
    from fairlead.evals import load_target, make_target, read_suite

    suite = read_suite(stage.site.example / "suite.yaml")
    questions = [case for case in suite.cases if case.kind == "benign"]
    attack = next(case for case in suite.cases if _mails_out(case))
    stage.say(f"live: {len(questions)} questions of customers, and one customer record that wants data mailed out")
    target = make_target(
        load_target(suite.target),
        suite.target,
        base_url=stage.site.gateway_url,
        api_key=stage.people.live_key,
        model=stage.site.model,
        guarded=True,
    )
    seen = [target.run(case) for case in [*questions, attack]]
    return sum(_stopped(observation) for observation in seen), len(seen)


def _mails_out(case: "Case") -> bool:
    return case.origin == "tool" and any(condition.effect == TOOL for condition in case.expect.never)


def _stopped(observation: "Observation") -> bool:
    return observation.blocked or bool(observation.approvals)


def _opened(stage: Stage) -> "Incident":
    """Return the Incident that the Decisions opened."""
    stage.plane.look()
    standing = [incident for incident in stage.plane.desk.incidents(TENANT) if incident.status in ("open", "contained")]
    mails = [incident for incident in standing if incident.tool == TOOL] or standing
    if not mails:
        raise Unavailable("no incident was opened", where="incidents of the policy", mend="see `fairlead incident list --tenant demo`")
    return mails[0]


def _contain(stage: Stage, incident: "Incident") -> list[Row]:
    stage.say(f"contain: {TOOL} is switched off, and each worker is asked whether it obeys")
    sockets = stage.site.settings.data_dir / "run"
    _wait_for_workers(sockets)
    contained = stage.plane.desk.contain(
        TENANT, incident.id, ("tool", TOOL), actor=stage.people.commander, reason="stop mail until the record is cleaned"
    )
    slowest = max((probe.took_ms for probe in contained.probes), default=0.0)
    rows = [
        Row("contain", f"{TOOL} off, seen in {_obeying(contained.probes)} workers", f"slowest probe {slowest:.0f} ms", contained.effective)
    ]
    killed = _kill_one(sockets)
    if killed:
        probes = _probe_again(stage, sockets, contained.lever, killed)
        holds = len(probes) == WORKERS and all(probe.effective for probe in probes)
        rows.append(Row("", f"one worker killed with SIGKILL and started again; {TOOL} still off", f"in {_obeying(probes)} workers", holds))
    return rows


def _to_case(stage: Stage, incident: "Incident") -> list[Row]:
    made = stage.plane.desk.to_case(TENANT, incident.id, actor=stage.people.commander, reason="keep it from happening again")
    return [Row("to-case", f"{made.case} from the sealed capture, shown to nobody", f"{made.hazard}, origin {made.origin}")]


def _release(stage: Stage, incident: "Incident") -> list[Row]:
    desk = stage.plane.desk
    for lever in desk.open(TENANT, incident.id).levers:
        desk.release(TENANT, incident.id, lever.id, actor=stage.people.reviewer, reason="the record is cleaned, the case is in the gate")
    closed = desk.close(TENANT, incident.id, actor=stage.people.reviewer, reason="contained, and kept by a regression case")
    contain_s = (closed.contain_us or 0) / 1e6
    return [
        Row("", "lever released and incident closed by a second person", f"{closed.status}; contained {contain_s:.1f} s after detection")
    ]


def _obeying(probes: "Sequence[ProbeResult]") -> str:
    return f"{sum(probe.effective for probe in probes)} of {len(probes)}"


def _wait_for_workers(sockets: Path) -> None:
    until = time.monotonic() + WAIT_S
    while len(list(sockets.glob("worker-[0-9].sock"))) < WORKERS:
        if time.monotonic() > until:
            raise Unavailable(f"fewer than {WORKERS} gateway workers are running", where=str(sockets), mend="see the log of the gateway")
        time.sleep(0.05)


def _kill_one(sockets: Path) -> int:
    """Kill the first worker as the kernel would when memory runs out; returns its process id, or 0 where it can't be found out."""
    import os

    pid = _listener(sockets / KILLED)
    if pid:
        os.kill(pid, signal.SIGKILL)
    return pid


def _listener(path: Path) -> int:
    """Return the process behind a Unix socket, which the kernel tells whoever connects (Linux); 0 elsewhere."""
    import socket
    import struct

    if not hasattr(socket, "SO_PEERCRED"):
        return 0
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return 0
        pid, _, _ = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(pid)


def _probe_again(stage: Stage, sockets: Path, lever: "Lever", killed: int) -> "list[ProbeResult]":
    """Probe all workers once the killed one is back under another process id."""
    from fairlead.incidents import SocketProber

    until = time.monotonic() + WAIT_S
    while _listener(sockets / KILLED) in (0, killed) and time.monotonic() < until:
        time.sleep(0.05)
    prober = SocketProber(sockets, lambda _: stage.people.live_key, TENANT)
    return [prober.probe(worker, lever) for worker in prober.workers()]
