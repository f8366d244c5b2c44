"""Try a Release on texts and tool calls: the real flow, detectors and broker, without a gateway and without a record."""

import json
from collections.abc import Sequence

from fairlead.agents.approvals import MemoryApprovals
from fairlead.agents.broker import Broker
from fairlead.core import Clock, Origin, Segment, Stage, SystemClock
from fairlead.guard import (
    ExchangeContext,
    Lever,
    MemoryLimits,
    Ports,
    RemoteDetectors,
    Spot,
    StageOutcome,
    ToolCall,
    check_stage,
    drive,
    guard_call,
)
from fairlead.policy import PolicyCase, Release

USUAL_ORIGIN: dict[Stage, Origin] = {
    "input": "user",
    "retrieval": "retrieved",
    "tool_definition": "developer",
    "tool_call": "model",
    "tool_result": "tool",
    "memory": "memory",
    "handoff": "agent",
    "output": "model",
}
"""Who usually writes the texts of a Stage."""


class Rehearsal:
    """Runs single texts and calls through a Release; nothing is kept.

    Args:
        release: What decides.
        clock: Source of time.
        remote: Who asks the detectors outside the process; without it they fail, as the policy's ``on_error`` says.
    """

    def __init__(self, release: Release, clock: Clock | None = None, remote: RemoteDetectors | None = None) -> None:
        used = clock or SystemClock()
        self._context = ExchangeContext(release=release, exchange="x_rehearsal", tenant="rehearsal")
        self._ports = Ports(
            clock=used,
            levers=_NoLevers(),
            limits=MemoryLimits(),
            broker=Broker(release, MemoryApprovals(used)),
            fingerprint=_no_fingerprint,
            remote=remote,
        )

    def text(self, stage: Stage, text: str, origin: Origin | None = None) -> StageOutcome:
        """Return what comes of a text.

        Args:
            stage: Where it stands.
            text: The text.
            origin: Who wrote it; what is usual for the Stage by default.
        """
        segment = Segment(path="/text", origin=origin or USUAL_ORIGIN[stage], stage=stage, text=text)
        return drive(check_stage(self._context, Spot(stage, "rehearsal"), (segment,)), self._ports)

    def call(self, tool: str, arguments: bytes, seen: Sequence[Segment] = ()) -> StageOutcome:
        """Return what comes of a tool call.

        Args:
            tool: Its name.
            arguments: Raw JSON.
            seen: What the model saw before.
        """
        call = ToolCall(tool=tool, arguments=arguments, path="/tool_call/arguments")
        return drive(guard_call(self._context, call, tuple(seen), place="call:0"), self._ports)

    def run(self, case: PolicyCase) -> StageOutcome:
        """Return what comes of a test's text or call."""
        if case.tool_call is None:
            return self.text(case.stage, case.text or "", case.origin)
        raw = case.tool_call.arguments
        arguments = raw if isinstance(raw, str) else json.dumps(raw)
        seen = [
            Segment(path=f"/seen/{index}", origin=entry.origin, stage="input", text=entry.text) for index, entry in enumerate(case.seen)
        ]
        return self.call(case.tool_call.name, arguments.encode(), seen)


class _NoLevers:
    def current(self) -> tuple[Lever, ...]:
        return ()


def _no_fingerprint(texts: tuple[str, ...]) -> str:  # noqa: ARG001 - nothing of a rehearsal is kept, so nothing needs a fingerprint
    return ""
