"""``Guard``: check texts and streams in your own process."""

import os
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from fairlead.config import Settings, load_settings
from fairlead.core import USUAL_ORIGIN, Decision, Origin, Segment, Stage, canonical_bytes, new_id
from fairlead.guard import ExchangeContext, GuardUnavailable, Spot, StageOutcome, StreamGuard, ToolCall, check_stage, drive, guard_call
from fairlead.journal import Record
from fairlead.wiring.data_plane import DataPlane, Serving, build_data_plane


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a check: the Decision, and the text that may go on."""

    decision: Decision
    text: str
    """The text as the policy leaves it; empty when it is stopped."""
    say: str = ""
    """What to tell the user instead, if the policy says."""

    @property
    def allowed(self) -> bool:
        """True when the text may go on (perhaps edited)."""
        return self.decision.action not in ("block", "require_approval")


class Guard:
    """A policy, loaded and ready. Use :meth:`load`; close it, or use it as a context manager.

    Args:
        plane: Built by ``wiring.data_plane``.
        tenant: Whose Decisions these are.
    """

    def __init__(self, plane: DataPlane, tenant: str) -> None:
        self._plane = plane
        self._tenant = tenant

    @classmethod
    def load(cls, policy: str | Path = "fairlead.yaml", *, tenant: str = "default", settings: Settings | None = None) -> Self:
        """Load a policy file.

        Args:
            policy: Path of ``fairlead.yaml``.
            tenant: Whose Decisions these are.
            settings: Where things are; read from the environment by default.

        Raises:
            InvalidInput: The policy is invalid; all problems at once, each with file and line.
            Unavailable: The journal can't be opened.
        """
        # A journal of its own, so that a process may hold several guards, under several policies.
        journal = f"sdk-{os.getpid()}-{new_id('x')[-8:]}"
        return cls(build_data_plane(settings or load_settings(), Path(policy), journal), tenant)

    def check(self, text: str, stage: Stage = "input", *, origin: Origin | None = None) -> Decision:
        """Return the Decision about one text; durable when this returns.

        Args:
            text: What to look at.
            stage: Where it stands.
            origin: Who wrote it; what is usual for the Stage by default.

        Raises:
            GuardUnavailable: The guard failed and the policy is fail-closed.
        """
        return self.apply(text, stage, origin=origin).decision

    def apply(self, text: str, stage: Stage = "input", *, origin: Origin | None = None) -> Checked:
        """Like :meth:`check`, and return the text as the policy leaves it."""
        serving = self._plane.serving
        segment = Segment(path="/text", origin=origin or USUAL_ORIGIN[stage], stage=stage, text=text)
        outcome = drive(check_stage(self._context(serving), Spot(stage, "check"), (segment,)), serving.ports)
        self._keep(outcome)
        return Checked(decision=outcome.decision, text="" if outcome.stopped else outcome.texts.get("/text", text), say=outcome.say)

    def check_call(self, tool: str, arguments: str | bytes, *, seen: tuple[Segment, ...] = ()) -> Checked:
        """Decide about a tool call before it is made.

        Args:
            tool: Name of the tool.
            arguments: Its arguments as JSON.
            seen: What the model saw, for the provenance of the arguments.
        """
        serving = self._plane.serving
        raw = arguments.encode() if isinstance(arguments, str) else arguments
        call = ToolCall(tool=tool, arguments=raw, path="/tool_call/arguments")
        outcome = drive(guard_call(self._context(serving), call, seen, place="call:0"), serving.ports)
        self._keep(outcome)
        return Checked(decision=outcome.decision, text="" if outcome.stopped else raw.decode("utf-8", "replace"), say=outcome.say)

    def stream(self, stage: Stage = "output") -> "GuardedStream":
        """Return a guard for a text that comes in pieces.

        Args:
            stage: ``output``; the only Stage that streams.

        Raises:
            ValueError: Another Stage.
        """
        if stage != "output":
            raise ValueError(f"only the stage 'output' streams, not {stage!r}; use check() there")
        serving = self._plane.serving
        return GuardedStream(self._plane, serving, self._context(serving))

    def close(self) -> None:
        """Flush and close the journal."""
        self._plane.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _context(self, serving: Serving) -> ExchangeContext:
        return ExchangeContext(release=serving.release, exchange=new_id("x"), tenant=self._tenant)

    def _keep(self, outcome: StageOutcome) -> None:
        keep(self._plane, outcome.decision)
        if outcome.failed:
            raise GuardUnavailable("the guard could not check this and the policy is fail-closed", mend="see the Decision's coverage")


class GuardedStream:
    """Takes the pieces of one text and gives what may be shown."""

    def __init__(self, plane: DataPlane, serving: Serving, context: ExchangeContext) -> None:
        self._plane = plane
        self._serving = serving
        self._guard = StreamGuard(context)
        self.blocked = False
        """True once a rule stopped the text; nothing more comes out."""
        self.decision: Decision | None = None
        """The final record, after :meth:`close`."""
        keep(plane, drive(self._guard.opening(), serving.ports))

    def feed(self, text: str) -> str:
        """Take the next piece and return what may be shown now."""
        released = self._guard.feed(0, "content", text)
        self.blocked = self.blocked or released.blocked
        return released.text

    def close(self) -> str:
        """End the text: return what was still held; the final record is durable when this returns."""
        rest = self._guard.close(0)
        self.blocked = self.blocked or any(released.blocked for _, released in rest)
        self.decision = drive(self._guard.finish(), self._serving.ports).decision
        keep(self._plane, self.decision)
        return "".join(released.text for _, released in rest)


def keep(plane: DataPlane, decision: Decision) -> None:
    """Make a Decision durable and count it."""
    plane.journal.commit([Record(kind="decision", id=decision.id, body=canonical_bytes(decision))])
    if decision.state != "open":
        plane.observe(decision)
