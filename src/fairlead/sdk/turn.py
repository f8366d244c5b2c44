"""One Exchange in a program: flows are run, in the caller's thread or on its event loop, and durable before their outcome is told."""

from collections.abc import Sequence

from fairlead.guard import Flow, GuardUnavailable, StageOutcome, as_sources
from fairlead.wire import Extension
from fairlead.wiring.data_plane import DataPlane
from fairlead.wiring.exchange import Exchange, context_of


class Turn:
    """Runs the flows of one Exchange.

    Args:
        plane: The data plane.
        tenant: Whose Decisions these are.
        extension: What the request says of itself.
        api: Name of the API that is spoken, if one is.
        model: The model that is asked for.
    """

    def __init__(self, plane: DataPlane, tenant: str, extension: Extension | None = None, *, api: str = "", model: str = "") -> None:
        serving = plane.serving_for(tenant, api=api, model=model)
        self.serving = serving
        self.exchange = Exchange(plane, serving, context_of(serving, tenant, extension=extension, model=model))

    def rest_on(self, sources: Sequence[str]) -> None:
        """Remember texts that the answer may rest on, beside what was seen."""
        if sources:
            self.exchange.saw(as_sources(sources))

    def record(self, flow: Flow[list[StageOutcome]]) -> list[StageOutcome]:
        """Run a flow to its end; its Decisions are durable when this returns, also those that say that the guard failed."""
        outcomes = self.exchange.run_all_now(flow)
        self.exchange.commit_now()
        return outcomes

    async def arecord(self, flow: Flow[list[StageOutcome]]) -> list[StageOutcome]:
        """Like :meth:`record`, on an event loop."""
        outcomes = await self.exchange.run_all(flow)
        await self.exchange.commit()
        return outcomes

    def run(self, flow: Flow[list[StageOutcome]]) -> list[StageOutcome]:
        """Like :meth:`record`.

        Raises:
            GuardUnavailable: The guard failed and the policy is fail-closed.
        """
        return checked(self.record(flow))

    async def arun(self, flow: Flow[list[StageOutcome]]) -> list[StageOutcome]:
        """Like :meth:`run`, on an event loop."""
        return checked(await self.arecord(flow))


def alone(flow: Flow[StageOutcome]) -> Flow[list[StageOutcome]]:
    """Return a flow of one outcome as one of several."""
    return [(yield from flow)]


def stopped(outcomes: Sequence[StageOutcome]) -> StageOutcome | None:
    """Return the outcome that stops the Exchange, if one does."""
    return next((outcome for outcome in outcomes if outcome.stopped), None)


def checked(outcomes: list[StageOutcome]) -> list[StageOutcome]:
    """Return outcomes that the guard came to.

    Raises:
        GuardUnavailable: It came to none and the policy is fail-closed.
    """
    if any(outcome.failed for outcome in outcomes):
        raise GuardUnavailable("the guard could not check this and the policy is fail-closed", mend="see the Decision's coverage")
    return outcomes
