"""``GuardedStream``: a text that comes in pieces, and what of it may be shown when."""

from collections.abc import AsyncGenerator, AsyncIterable, Generator, Iterable

from fairlead.core import Decision, State
from fairlead.guard import Flow, StageOutcome, StreamGuard, adrive, drive
from fairlead.sdk.turn import Turn, alone, checked


class GuardedStream:
    """Takes the pieces of one text and gives what may be shown.

    The opening record is durable before the first piece is, the final one when :meth:`close` returns (law 3).
    """

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        self._guard = StreamGuard(turn.exchange.context)
        self._open = False
        self.blocked = False
        """True once a rule stopped the text; nothing more comes out."""
        self.decision: Decision | None = None
        """The final record, after :meth:`close`."""

    def feed(self, text: str) -> str:
        """Take the next piece and return what may be shown now."""
        self._begin()
        return self._feed(text)

    async def afeed(self, text: str) -> str:
        """Like :meth:`feed`, on an event loop."""
        await self._abegin()
        return self._feed(text)

    def close(self) -> str:
        """End the text: return what was still held; the final record is durable when this returns.

        Raises:
            GuardUnavailable: The text could not be checked to its end and the policy is fail-closed: what was shown is not to be trusted.
        """
        self._begin()
        rest = self._rest()
        self._ended(self._turn.record(self._final("final")))
        return rest

    async def aclose(self) -> str:
        """Like :meth:`close`, on an event loop."""
        await self._abegin()
        rest = self._rest()
        self._ended(await self._turn.arecord(self._final("final")))
        return rest

    def through(self, pieces: Iterable[str]) -> Generator[str, None, None]:
        """Give of these pieces what may be shown, as early as may be; ends early when a rule stops the text (see :attr:`blocked`).

        A consumer that leaves, or pieces that break off, leave a final record that says so.

        Raises:
            GuardUnavailable: As for :meth:`close`.
        """
        try:
            for piece in pieces:
                shown = self.feed(piece)
                if shown:
                    yield shown
                if self.blocked:
                    break
            rest = self.close()
            if rest:
                yield rest
        finally:
            if self.decision is None:
                self._ended(self._turn.record(self._final("interrupted")))
            if isinstance(pieces, Generator):
                pieces.close()

    async def athrough(self, pieces: AsyncIterable[str]) -> AsyncGenerator[str, None]:
        """Like :meth:`through`, on an event loop."""
        try:
            async for piece in pieces:
                shown = await self.afeed(piece)
                if shown:
                    yield shown
                if self.blocked:
                    break
            rest = await self.aclose()
            if rest:
                yield rest
        finally:
            if self.decision is None:
                self._ended(await self._turn.arecord(self._final("interrupted")))
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()

    def _begin(self) -> None:
        if not self._open:
            self._turn.exchange.note(drive(self._guard.opening(), self._turn.serving.ports))
            self._turn.exchange.commit_now()
            self._open = True

    async def _abegin(self) -> None:
        if not self._open:
            self._turn.exchange.note(await adrive(self._guard.opening(), self._turn.serving.ports))
            await self._turn.exchange.commit()
            self._open = True

    def _feed(self, text: str) -> str:
        released = self._guard.feed(0, "content", text)
        self.blocked = self.blocked or released.blocked
        return released.text

    def _rest(self) -> str:
        rest = self._guard.close(0)
        self.blocked = self.blocked or any(released.blocked for _, released in rest)
        return "".join(released.text for _, released in rest)

    def _final(self, state: State) -> Flow[list[StageOutcome]]:
        self._turn.exchange.saw(self._guard.segments())
        return alone(self._guard.finish(state))

    def _ended(self, outcomes: list[StageOutcome]) -> None:
        self.decision = outcomes[0].decision
        checked(outcomes)
