"""``GuardedTrajectory``: an agent at work in a program; its tools are called when the broker allows it, and what it read is kept."""

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from fairlead.core import InvalidInput, Origin, Segment, Stage, UsageError, new_id
from fairlead.guard import (
    Flow,
    Spot,
    StageOutcome,
    ToolCall,
    check_stage,
    documents_in,
    explain,
    guard_call,
    guard_output,
    guard_request,
    metadata_of,
)
from fairlead.sdk.errors import Stopped
from fairlead.sdk.marking import How
from fairlead.sdk.protect import require_read
from fairlead.sdk.retrieval import Given, Retrieval, Retrieved
from fairlead.sdk.turn import Turn, alone, stopped
from fairlead.wire import Extension, Text, texts_in, with_texts
from fairlead.wiring.data_plane import DataPlane

F = TypeVar("F", bound=Callable[..., Any])

_CALL, _RESULT = "/tool_call/arguments", "/result"
_STAGES: Mapping[Origin, Stage] = {"retrieved": "retrieval", "tool": "tool_result", "memory": "memory", "agent": "handoff"}
MAX_ASKED = 64
"""Questions to people that one Trajectory waits for at once; the oldest is no longer presented."""


class GuardedTrajectory:
    """One agent at work. Made by ``Guard.trajectory``.

    Every method that decides has a twin whose name begins with ``a``, for event loops. Each raises Stopped when the policy stops
    something, and GuardUnavailable when the guard failed and the policy is fail-closed.

    Args:
        plane: The data plane.
        tenant: Whose Decisions these are.
        said: Id of the Trajectory, its user and what else a request would say.
    """

    def __init__(self, plane: DataPlane, tenant: str, said: Extension) -> None:
        self._plane = plane
        self._tenant = tenant
        self._said = said
        self._calls = 0
        self._asked: list[str] = list(said.approvals)
        self.id = said.trajectory
        """Id of the Trajectory."""
        self.seen: list[Segment] = []
        """What the model saw, with origin: the provenance of what it writes."""

    # ------------------------------------------------------------------ what the model reads
    def read(self, text: str, origin: Origin = "user") -> str:
        """Guard a text that the model is about to see, and remember where it came from.

        Args:
            text: The text.
            origin: Who wrote it.

        Returns:
            It as the policy leaves it.
        """
        turn, segment, flow = self._reading(text, origin)
        return self._has_read(segment, turn.run(flow))

    async def aread(self, text: str, origin: Origin = "user") -> str:
        """Like :meth:`read`, on an event loop."""
        turn, segment, flow = self._reading(text, origin)
        return self._has_read(segment, await turn.arun(flow))

    def retrieved(self, documents: Sequence[Given], *, mark: How | None = None) -> Retrieved:
        """Return which retrieved documents may be used, and remember them as retrieved.

        Args:
            documents: What the index found, with what it knows of each.
            mark: How to mark them as data; see :class:`Marking`.
        """
        turn = self._turn()
        found = Retrieval(turn, documents)
        out = found.told(turn.run(found.asking()), mark)
        self.seen += found.segments
        return out

    async def aretrieved(self, documents: Sequence[Given], *, mark: How | None = None) -> Retrieved:
        """Like :meth:`retrieved`, on an event loop."""
        turn = self._turn()
        found = Retrieval(turn, documents)
        out = found.told(await turn.arun(found.asking()), mark)
        self.seen += found.segments
        return out

    # ------------------------------------------------------------------ what the model does
    def call(self, tool: str, arguments: Mapping[str, Any], function: Callable[..., Any]) -> Any:  # noqa: ANN401 - what the tool returns
        """Call a tool if the broker allows it, and guard what it returns.

        A call that a person must approve raises Stopped, and is made when it is tried again after the approval.

        Args:
            tool: Its name in the policy.
            arguments: By name; texts, numbers, lists and mappings.
            function: What does it; gets exactly these arguments.

        Raises:
            InvalidInput: An argument or the result is of another kind.
        """
        if inspect.iscoroutinefunction(function):
            raise UsageError("the tool is a coroutine", where=tool, mend="use acall")
        turn, call, flow = self._calling(tool, arguments)
        self._may(turn.run(flow))
        result = function(**arguments_of(call))
        segments, flow = self._returning(turn, call, result)
        return self._returned(result, segments, turn.run(flow) if segments else [])

    async def acall(self, tool: str, arguments: Mapping[str, Any], function: Callable[..., Any]) -> Any:  # noqa: ANN401 - as call
        """Like :meth:`call`, on an event loop; the function may be a coroutine."""
        turn, call, flow = self._calling(tool, arguments)
        self._may(await turn.arun(flow))
        made = function(**arguments_of(call))
        result = await made if inspect.isawaitable(made) else made
        segments, flow = self._returning(turn, call, result)
        return self._returned(result, segments, await turn.arun(flow) if segments else [])

    def tool(self, function: F | None = None, *, name: str = "") -> Any:  # noqa: ANN401 - a decorator, with and without arguments
        """Put the broker before a function, as a decorator; coroutines too. See :meth:`call`.

        Args:
            function: The function.
            name: The tool's name in the policy; the function's own by default.

        Raises:
            UsageError: It takes arguments without names.
        """
        if function is None:
            return functools.partial(self.tool, name=name)
        signature, tool = inspect.signature(function), name or function.__name__
        if any(one.kind in (one.VAR_POSITIONAL, one.POSITIONAL_ONLY) for one in signature.parameters.values()):
            raise UsageError("an argument of the tool has no name", where=tool, mend="take arguments by name")
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def acalled(*args: object, **kwargs: object) -> object:
                return await self.acall(tool, _named(signature, args, kwargs), function)

            return acalled

        @functools.wraps(function)
        def called(*args: object, **kwargs: object) -> object:
            return self.call(tool, _named(signature, args, kwargs), function)

        return called

    # ------------------------------------------------------------------ what the model says
    def answer(self, text: str) -> str:
        """Guard what the model answers; retrieved documents and results are its sources.

        Args:
            text: The answer.

        Returns:
            It as the policy leaves it.
        """
        turn, segment = self._turn(), _said(text)
        return _left(segment, turn.run(self._answering(turn, segment)))

    async def aanswer(self, text: str) -> str:
        """Like :meth:`answer`, on an event loop."""
        turn, segment = self._turn(), _said(text)
        return _left(segment, await turn.arun(self._answering(turn, segment)))

    # ------------------------------------------------------------------
    def _turn(self) -> Turn:
        return Turn(self._plane, self._tenant, msgspec.structs.replace(self._said, approvals=tuple(self._asked)))

    def _reading(self, text: str, origin: Origin) -> tuple[Turn, Segment, Flow[list[StageOutcome]]]:
        turn = self._turn()
        segment = Segment(path=f"/seen/{len(self.seen)}", origin=origin, stage=_STAGES.get(origin, "input"), text=text)
        turn.exchange.saw((segment,))
        return turn, segment, guard_request(turn.exchange.context, (segment,))

    def _has_read(self, segment: Segment, outcomes: list[StageOutcome]) -> str:
        text = _left(segment, outcomes)
        self.seen.append(msgspec.structs.replace(segment, text=text))
        return text

    def _calling(self, tool: str, arguments: Mapping[str, Any]) -> tuple[Turn, ToolCall, Flow[list[StageOutcome]]]:
        turn = self._turn()
        self._calls += 1
        call = ToolCall(tool=tool, arguments=_encoded(arguments), call=f"{self.id}:{self._calls}:{new_id('x')[-8:]}", path=_CALL)
        text = call.arguments.decode()
        turn.exchange.saw((Segment(path=_CALL, origin="model", stage="tool_call", text=text, tool=tool, call=call.call),))
        return turn, call, alone(guard_call(turn.exchange.context, call, tuple(self.seen), place="call:0"))

    def _may(self, outcomes: list[StageOutcome]) -> None:
        (outcome,) = outcomes
        approval = outcome.decision.approval
        if outcome.stopped:
            if outcome.action == "require_approval" and approval not in self._asked:
                self._asked = [*self._asked[-MAX_ASKED + 1 :], approval]
            raise Stopped.by(outcome.decision, explain(outcome))
        if approval in self._asked:
            self._asked.remove(approval)  # it holds for one call

    def _returning(self, turn: Turn, call: ToolCall, result: object) -> tuple[tuple[Segment, ...], Flow[list[StageOutcome]]]:
        require_read(result)
        retrieval = call.tool in turn.serving.retrieval_tools
        kind = Text("retrieved", "retrieval") if retrieval else Text("tool", "tool_result")
        documents = documents_in(msgspec.json.encode(result).decode()) if retrieval and isinstance(result, list | tuple) else None
        if documents is None:
            found = tuple(texts_in(result, _RESULT, kind, thorough=True))
        else:
            found = tuple(
                msgspec.structs.replace(segment, metadata=metadata_of(document))
                for place, document in enumerate(documents)
                for segment in texts_in(document, f"{_RESULT}/{place}", kind, thorough=True)
            )
        segments = tuple(msgspec.structs.replace(segment, tool=call.tool, call=call.call) for segment in found)
        turn.exchange.saw(segments)
        return segments, alone(check_stage(turn.exchange.context, Spot(kind.stage, "result"), segments))

    def _returned(self, result: object, segments: tuple[Segment, ...], outcomes: list[StageOutcome]) -> object:
        _require_passed(outcomes)
        texts = {path: text for outcome in outcomes for path, text in outcome.texts.items()}
        gone = {path.split("/")[2] for outcome in outcomes for path in outcome.withheld if path.count("/") > 1}
        left = with_texts(result, _RESULT, texts)
        if gone and isinstance(left, list | tuple):
            left = [entry for place, entry in enumerate(left) if str(place) not in gone]
        if segments:
            shown = left if isinstance(left, str) else msgspec.json.encode(left).decode()
            self.seen.append(msgspec.structs.replace(segments[0], path=f"/seen/{len(self.seen)}", text=shown, metadata=None))
        return left

    def _answering(self, turn: Turn, segment: Segment) -> Flow[list[StageOutcome]]:
        turn.exchange.saw((*(one for one in self.seen if one.origin in ("retrieved", "tool")), segment))
        return alone(guard_output(turn.exchange.context, (segment,)))


def arguments_of(call: ToolCall) -> dict[str, Any]:
    """Return the arguments that were decided about, and no others."""
    return msgspec.json.decode(call.arguments, type=dict[str, Any])


def _named(signature: inspect.Signature, args: tuple[object, ...], kwargs: dict[str, object]) -> dict[str, object]:
    bound = signature.bind(*args, **kwargs).arguments
    rest = next((name for name, one in signature.parameters.items() if one.kind is one.VAR_KEYWORD), "")
    return {**{name: value for name, value in bound.items() if name != rest}, **bound.get(rest, {})}


def _encoded(arguments: Mapping[str, Any]) -> bytes:
    mend = "call the tool with texts, finite numbers, lists and mappings"
    try:
        require_read(arguments)
        encoded = msgspec.json.encode(arguments)
    except (InvalidInput, TypeError, ValueError) as error:
        raise InvalidInput("an argument of the tool can't be written as JSON", mend=mend) from error
    if msgspec.json.decode(encoded) != _listed(arguments):
        raise InvalidInput("an argument of the tool does not mean the same as JSON", mend=mend)
    return encoded


def _listed(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value


def _said(text: str) -> Segment:
    return Segment(path="/text", origin="model", stage="output", text=text)


def _left(segment: Segment, outcomes: list[StageOutcome]) -> str:
    _require_passed(outcomes)
    return next((outcome.texts[segment.path] for outcome in outcomes if segment.path in outcome.texts), segment.text)


def _require_passed(outcomes: list[StageOutcome]) -> None:
    stopping = stopped(outcomes)
    if stopping is not None:
        raise Stopped.by(stopping.decision, stopping.say)
