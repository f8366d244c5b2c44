"""The decorators of a ``Guard``: one call of a function is one Exchange, its arguments the request, its result the answer."""

import functools
import inspect
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Generator, Iterator, Mapping
from contextlib import aclosing
from typing import Any, TypeVar, cast

from fairlead.core import STAGES, USUAL_ORIGIN, InvalidInput, Segment, Stage, UsageError
from fairlead.guard import Flow, StageOutcome, guard_output, guard_request
from fairlead.sdk.errors import Stopped
from fairlead.sdk.stream import GuardedStream
from fairlead.sdk.turn import Turn, alone, stopped
from fairlead.wire import Text, texts_in, with_texts
from fairlead.wiring.data_plane import DataPlane

F = TypeVar("F", bound=Callable[..., Any])

_RESULT = "/result"
_OUTPUT = Text("model", "output")
_TEXTUAL = (str, list, tuple, Mapping)


class Protect:
    """Guards functions. Made by ``Guard.protect`` and ``Guard.protect_at``.

    Args:
        plane: The data plane.
        tenant: Whose Decisions these are.
        at: Argument to Stage; None for every text argument at ``input``.
    """

    def __init__(self, plane: DataPlane, tenant: str, at: Mapping[str, Stage] | None) -> None:
        self._plane = plane
        self._tenant = tenant
        self._at = at

    def __call__(self, function: F) -> F:
        """Return the function, guarded.

        Raises:
            UsageError: ``at`` names an argument that the function has not, or a Stage that there is not.
        """
        signature = inspect.signature(function)
        for name, stage in (self._at or {}).items():
            if name not in signature.parameters or stage not in STAGES:
                where = getattr(function, "__qualname__", "")
                raise UsageError(f"there is no argument {name!r} or no stage {stage!r}", where=where, mend="see its signature")

        def call(args: tuple[object, ...], kwargs: dict[str, object]) -> _Call:
            return _Call(Turn(self._plane, self._tenant), signature.bind(*args, **kwargs), self._at)

        return cast("F", functools.wraps(function)(_wrapper(function, call)))


class _Call:
    """One call of a protected function."""

    def __init__(self, turn: Turn, bound: inspect.BoundArguments, at: Mapping[str, Stage] | None) -> None:
        self._turn = turn
        self._bound = bound
        self._segments = tuple(self._read(at))
        turn.exchange.saw(self._segments)

    def _read(self, at: Mapping[str, Stage] | None) -> Iterator[Segment]:
        for name, value in self._bound.arguments.items():
            stage = "input" if at is None and isinstance(value, _TEXTUAL) else (at or {}).get(name)
            if stage is None or value is None:
                continue
            if not isinstance(value, _TEXTUAL):
                raise InvalidInput("the guard can't read this argument", where=name, mend="pass a text, or a list or mapping of texts")
            yield from texts_in(value, f"/arguments/{name}", Text(USUAL_ORIGIN[stage], stage))

    def asking(self) -> Flow[list[StageOutcome]]:
        return guard_request(self._turn.exchange.context, self._segments)

    def entered(self, outcomes: list[StageOutcome]) -> None:
        """Take over the arguments as the policy leaves them."""
        _require_passed(outcomes)
        texts = {path: text for outcome in outcomes for path, text in outcome.texts.items()}
        for name, value in self._bound.arguments.items():
            self._bound.arguments[name] = with_texts(value, f"/arguments/{name}", texts)

    def enter(self) -> inspect.BoundArguments:
        self.entered(self._turn.run(self.asking()))
        return self._bound

    async def aenter(self) -> inspect.BoundArguments:
        self.entered(await self._turn.arun(self.asking()))
        return self._bound

    def leave(self, result: object) -> object:
        segments = self._result(result)
        return _left(result, self._turn.run(self._answering(segments))) if segments else result

    async def aleave(self, result: object) -> object:
        segments = self._result(result)
        return _left(result, await self._turn.arun(self._answering(segments))) if segments else result

    def _result(self, result: object) -> tuple[Segment, ...]:
        require_read(result)
        segments = tuple(texts_in(result, _RESULT, _OUTPUT))
        self._turn.exchange.saw(segments)
        return segments

    def _answering(self, segments: tuple[Segment, ...]) -> Flow[list[StageOutcome]]:
        return alone(guard_output(self._turn.exchange.context, segments))

    def stream(self, pieces: Iterator[object]) -> Generator[str, None, None]:
        stream = GuardedStream(self._turn)
        yield from stream.through(_texts(pieces))
        _require_shown(stream)

    async def astream(self, pieces: AsyncIterable[object]) -> AsyncGenerator[str, None]:
        stream = GuardedStream(self._turn)
        async with aclosing(stream.athrough(_atexts(pieces))) as shown:
            async for text in shown:
                yield text
        _require_shown(stream)


def require_read(value: object) -> None:
    """Require that a value holds nothing but texts and plain values.

    Raises:
        InvalidInput: It holds something else, whose texts would leave unread.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            require_read(key)
            require_read(item)
    elif isinstance(value, list | tuple):
        for item in value:
            require_read(item)
    elif not (value is None or isinstance(value, str | int | float)):
        mend = "return text, or lists and mappings of it; for an API's replies use Guard.exchange"
        raise InvalidInput("the function returned what the guard can't read", mend=mend)


def _wrapper(function: Callable[..., Any], call: Callable[[tuple[object, ...], dict[str, object]], _Call]) -> Callable[..., Any]:
    """Return a function of the same kind."""
    if inspect.isasyncgenfunction(function):

        async def async_generator(*args: object, **kwargs: object) -> AsyncGenerator[str, None]:
            ongoing = call(args, kwargs)
            bound = await ongoing.aenter()
            async with aclosing(ongoing.astream(function(*bound.args, **bound.kwargs))) as shown:
                async for text in shown:
                    yield text

        return async_generator
    if inspect.iscoroutinefunction(function):

        async def coroutine(*args: object, **kwargs: object) -> object:
            ongoing = call(args, kwargs)
            bound = await ongoing.aenter()
            result = await function(*bound.args, **bound.kwargs)
            return ongoing.astream(result) if isinstance(result, AsyncIterable) else await ongoing.aleave(result)

        return coroutine
    if inspect.isgeneratorfunction(function):

        def generator(*args: object, **kwargs: object) -> Iterator[str]:
            ongoing = call(args, kwargs)
            bound = ongoing.enter()
            yield from ongoing.stream(function(*bound.args, **bound.kwargs))

        return generator

    def plain(*args: object, **kwargs: object) -> object:
        ongoing = call(args, kwargs)
        bound = ongoing.enter()
        result = function(*bound.args, **bound.kwargs)
        if isinstance(result, AsyncIterable):
            return ongoing.astream(result)
        return ongoing.stream(result) if isinstance(result, Iterator) else ongoing.leave(result)

    return plain


def _left(result: object, outcomes: list[StageOutcome]) -> object:
    _require_passed(outcomes)
    return with_texts(result, _RESULT, outcomes[0].texts)


def _require_passed(outcomes: list[StageOutcome]) -> None:
    stopping = stopped(outcomes)
    if stopping is not None:
        raise Stopped.by(stopping.decision, stopping.say)


def _require_shown(stream: GuardedStream) -> None:
    if stream.blocked and stream.decision is not None:
        raise Stopped.by(stream.decision)


def _text(piece: object) -> str:
    if not isinstance(piece, str):
        raise InvalidInput("the generator yielded what is no text", mend="yield text; for an API's events use Guard.exchange")
    return piece


def _texts(pieces: Iterator[object]) -> Iterator[str]:
    try:
        for piece in pieces:
            yield _text(piece)
    finally:
        if isinstance(pieces, Generator):
            pieces.close()


async def _atexts(pieces: AsyncIterable[object]) -> AsyncGenerator[str, None]:
    try:
        async for piece in pieces:
            yield _text(piece)
    finally:
        if isinstance(pieces, AsyncGenerator):
            await pieces.aclose()
