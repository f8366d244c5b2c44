"""``Guard``: check texts, whole Interactions and streams in your own process."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import msgspec

from fairlead.config import Settings, load_settings
from fairlead.core import USUAL_ORIGIN, Decision, InvalidInput, Origin, Segment, Stage, new_id
from fairlead.guard import (
    Flow,
    GuardUnavailable,
    MediaReader,
    Spot,
    StageOutcome,
    ToolCall,
    ToRedact,
    check_stage,
    guard_call,
    redact_value,
    redacted,
)
from fairlead.sdk.checked import Checked, Redacted, checked_text
from fairlead.sdk.exchange import Body, GuardedExchange
from fairlead.sdk.marking import How
from fairlead.sdk.protect import Protect
from fairlead.sdk.retrieval import Given, Retrieved
from fairlead.sdk.stream import GuardedStream
from fairlead.sdk.trajectory import GuardedTrajectory
from fairlead.sdk.turn import Turn, alone
from fairlead.wire import Extension
from fairlead.wiring.data_plane import DataPlane, build_data_plane

F = TypeVar("F", bound=Callable[..., Any])

_TEXT, _CALL = "/text", "/tool_call/arguments"


class Guard:
    """A policy, loaded and ready. Use :meth:`load`; close it, or use it as a context manager.

    Every method that decides has a twin whose name begins with ``a``, for event loops.

    Args:
        plane: Built by ``wiring.data_plane``.
        tenant: Whose Decisions these are.
    """

    def __init__(self, plane: DataPlane, tenant: str) -> None:
        self._plane = plane
        self._tenant = tenant

    @classmethod
    def load(
        cls,
        policy: str | Path = "fairlead.yaml",
        *,
        tenant: str = "default",
        settings: Settings | None = None,
        audio: MediaReader | None = None,
    ) -> Self:
        """Load a policy file.

        Args:
            policy: Path of ``fairlead.yaml``.
            tenant: Whose Decisions these are.
            settings: Where things are; read from the environment by default.
            audio: Who hears recordings, for a policy with ``media: {audio: port}``.

        Raises:
            InvalidInput: The policy is invalid; all problems at once, each with file and line.
            Unavailable: The journal can't be opened.
        """
        # A journal of its own, so that a process may hold several guards, under several policies.
        journal = f"sdk-{os.getpid()}-{new_id('x')[-8:]}"
        return cls(build_data_plane(settings or load_settings(), Path(policy), journal, audio=audio), tenant)

    def check(self, text: str, stage: Stage = "input", *, origin: Origin | None = None, sources: Sequence[str] = ()) -> Decision:
        """Return the Decision about one text; durable when this returns.

        Args:
            text: What to look at.
            stage: Where it stands.
            origin: Who wrote it; what is usual for the Stage by default.
            sources: Texts that an answer may rest on, for the rules at ``output`` that compare. They are compared with and not
                looked at; check them at ``retrieval``.

        Raises:
            GuardUnavailable: The guard failed and the policy is fail-closed.
        """
        return self.apply(text, stage, origin=origin, sources=sources).decision

    async def acheck(self, text: str, stage: Stage = "input", *, origin: Origin | None = None, sources: Sequence[str] = ()) -> Decision:
        """Like :meth:`check`, on an event loop."""
        return (await self.aapply(text, stage, origin=origin, sources=sources)).decision

    def apply(self, text: str, stage: Stage = "input", *, origin: Origin | None = None, sources: Sequence[str] = ()) -> Checked:
        """Like :meth:`check`, and return the text as the policy leaves it."""
        turn, flow = self._checking(text, stage, origin, sources)
        return checked_text(turn.run(flow)[0], _TEXT, text)

    async def aapply(self, text: str, stage: Stage = "input", *, origin: Origin | None = None, sources: Sequence[str] = ()) -> Checked:
        """Like :meth:`apply`, on an event loop."""
        turn, flow = self._checking(text, stage, origin, sources)
        return checked_text((await turn.arun(flow))[0], _TEXT, text)

    def check_call(self, tool: str, arguments: str | bytes, *, seen: tuple[Segment, ...] = ()) -> Checked:
        """Decide about a tool call before it is made.

        Args:
            tool: Name of the tool.
            arguments: Its arguments as JSON.
            seen: What the model saw, for the provenance of the arguments.
        """
        turn, call, flow = self._calling(tool, arguments, seen)
        return checked_text(turn.run(flow)[0], _CALL, call.arguments.decode("utf-8", "replace"))

    async def acheck_call(self, tool: str, arguments: str | bytes, *, seen: tuple[Segment, ...] = ()) -> Checked:
        """Like :meth:`check_call`, on an event loop."""
        turn, call, flow = self._calling(tool, arguments, seen)
        return checked_text((await turn.arun(flow))[0], _CALL, call.arguments.decode("utf-8", "replace"))

    def exchange(self, request: Body, *, api: str = "openai_chat") -> GuardedExchange:
        """Guard a whole request, as the gateway would get it; its reply is guarded by what this returns.

        Args:
            request: The request's body: decoded JSON, or bytes. Its ``fairlead`` object is taken out as in the gateway.
            api: Whose shape it has.

        Raises:
            InvalidInput: It is not of that shape, or there is no such API.
            GuardUnavailable: The guard failed and the policy is fail-closed.
        """
        return GuardedExchange(self._plane, self._tenant, request, api).ask()

    async def aexchange(self, request: Body, *, api: str = "openai_chat") -> GuardedExchange:
        """Like :meth:`exchange`, on an event loop."""
        return await GuardedExchange(self._plane, self._tenant, request, api).aask()

    def stream(self, stage: Stage = "output", *, sources: Sequence[str] = ()) -> GuardedStream:
        """Return a guard for a text that comes in pieces.

        Args:
            stage: ``output``; the only Stage that streams.
            sources: As for :meth:`check`.

        Raises:
            ValueError: Another Stage.
        """
        if stage != "output":
            raise ValueError(f"only the stage 'output' streams, not {stage!r}; use check() there")
        turn = Turn(self._plane, self._tenant)
        turn.rest_on(sources)
        return GuardedStream(turn)

    def redact(self, value: object, stage: Stage = "output", *, keys: bool = True) -> Redacted:
        """Replace what the rules of a Stage redact, replace or stop, in a text or in any value made of texts, lists and mappings.

        Args:
            value: The value; it is copied where it changes. Whole numbers of at least seven digits are read as texts too.
            stage: Whose rules count.
            keys: Whether keys of mappings are read and replaced too.

        Raises:
            NothingToRedact: No rule of the Stage replaces anything.
            GuardUnavailable: The guard failed and the policy is fail-closed, or a rule does not say which part of a text it is about.
        """
        turn, wanted, flow = self._redacting(value, stage, keys=keys)
        return _redacted(turn, wanted, turn.run(flow)[0])

    async def aredact(self, value: object, stage: Stage = "output", *, keys: bool = True) -> Redacted:
        """Like :meth:`redact`, on an event loop."""
        turn, wanted, flow = self._redacting(value, stage, keys=keys)
        return _redacted(turn, wanted, (await turn.arun(flow))[0])

    def retrieved(self, documents: Sequence[Given], *, user: str = "", groups: Sequence[str] = (), mark: How | None = None) -> Retrieved:
        """Return which retrieved documents may be used, guarded: by the policy's ``retrieval``, by levers, and by its rules.

        A document that a rule stops is left out, and the others are looked at again.

        Args:
            documents: What the index found, with what it knows of each; a :class:`Passage`, or a mapping of its fields.
            user: Who asks, as the documents' readers name him.
            groups: Of that user.
            mark: How to mark the texts as data; see :class:`Marking`.

        Raises:
            Stopped: A rule stops all of them.
            GuardUnavailable: The guard failed and the policy is fail-closed.
        """
        return self.trajectory(user=user, groups=groups).retrieved(documents, mark=mark)

    async def aretrieved(
        self, documents: Sequence[Given], *, user: str = "", groups: Sequence[str] = (), mark: How | None = None
    ) -> Retrieved:
        """Like :meth:`retrieved`, on an event loop."""
        return await self.trajectory(user=user, groups=groups).aretrieved(documents, mark=mark)

    def trajectory(self, trajectory: str = "", *, user: str = "", groups: Sequence[str] = (), delegation: str = "") -> GuardedTrajectory:
        """Return an agent at work: what it reads, which tools it may call, what they return.

        Args:
            trajectory: Its id; a new one by default.
            user: The application's own user for whom it works.
            groups: Of that user.
            delegation: Token of delegated authority.

        Raises:
            InvalidInput: The id is none.
        """
        said = {"trajectory": trajectory or new_id("t"), "user": user, "groups": tuple(groups), "delegation": delegation}
        try:
            return GuardedTrajectory(self._plane, self._tenant, msgspec.convert(said, Extension))
        except msgspec.ValidationError as error:
            mend = "use letters, digits and _ . : - for the id, and texts for the rest"
            raise InvalidInput("this is no Trajectory", where="trajectory", mend=mend) from error

    def protect(self, function: F) -> F:
        """Guard a function, as a decorator: its text arguments at ``input``, what it returns or yields at ``output``.

        Plain functions, coroutines, generators and async generators. Texts inside lists, tuples and mappings are guarded too. All of one
        call is one Exchange. The function gets its arguments as the policy leaves them, and the caller what the policy leaves of the
        result. A function that returns or yields what holds no text that can be read raises InvalidInput: nothing leaves unread.

        The decorated function raises Stopped when the policy stops an argument or the result (a generator: after what may be shown was),
        and GuardUnavailable when the guard failed and the policy is fail-closed.

        Args:
            function: The function.
        """
        return Protect(self._plane, self._tenant, None)(function)

    def protect_at(self, **stages: Stage) -> Protect:
        """Return a decorator like :meth:`protect` that guards the named arguments, each at its Stage, and no other.

        What is guarded at ``retrieval`` or ``tool_result`` is a source of the answer.

        Args:
            stages: Argument to Stage.
        """
        return Protect(self._plane, self._tenant, stages)

    def close(self) -> None:
        """Flush and close the journal."""
        self._plane.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _checking(self, text: str, stage: Stage, origin: Origin | None, sources: Sequence[str]) -> tuple[Turn, Flow[list[StageOutcome]]]:
        turn = Turn(self._plane, self._tenant)
        segment = Segment(path=_TEXT, origin=origin or USUAL_ORIGIN[stage], stage=stage, text=text)
        turn.rest_on(sources)
        turn.exchange.saw((segment,))
        return turn, alone(check_stage(turn.exchange.context, Spot(stage, "check"), (segment,)))

    def _calling(self, tool: str, arguments: str | bytes, seen: tuple[Segment, ...]) -> tuple[Turn, ToolCall, Flow[list[StageOutcome]]]:
        turn = Turn(self._plane, self._tenant)
        call = ToolCall(tool=tool, arguments=arguments.encode() if isinstance(arguments, str) else arguments, path=_CALL)
        turn.exchange.saw(seen)
        return turn, call, alone(guard_call(turn.exchange.context, call, seen, place="call:0"))

    def _redacting(self, value: object, stage: Stage, *, keys: bool) -> tuple[Turn, ToRedact, Flow[list[StageOutcome]]]:
        turn = Turn(self._plane, self._tenant)
        wanted = ToRedact(value=value, path=_TEXT if isinstance(value, str) else "/json", stage=stage, keys=keys)
        segments = wanted.segments()
        turn.exchange.saw(segments)
        return turn, wanted, redact_value(turn.exchange.context, wanted, segments)


def _redacted(turn: Turn, wanted: ToRedact, outcome: StageOutcome) -> Redacted:
    if outcome.stopped:
        mend = f"see the rule {outcome.decision.rule}"
        raise GuardUnavailable("a rule stops this and does not say which part of it", mend=mend)
    value, replaced = redacted(turn.serving.release, wanted, outcome)
    return Redacted(decision=outcome.decision, value=value, replaced=replaced)
