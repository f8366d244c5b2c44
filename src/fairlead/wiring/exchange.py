"""One Exchange, in the gateway or in a program: its context, what was decided, and making that durable before anything leaves."""

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from fairlead.core import Decision, Segment, Unavailable, canonical_bytes, derived_id, new_id
from fairlead.guard import ExchangeContext, Flow, StageOutcome, ToolCall, adrive, drive, give_back, settle_limits, sources_of
from fairlead.journal import Record
from fairlead.telemetry import ExchangeTrace
from fairlead.wire import Extension, Usage
from fairlead.wiring.data_plane import DataPlane
from fairlead.wiring.serving import Serving
from fairlead.wiring.trials import sampled
from fairlead.wiring.trying import Make


class _Batch(NamedTuple):
    decisions: list[Decision]
    records: list[Record]
    sealed: int
    """How many captures there were before."""


class Exchange:
    """Collects the Decisions of one request and its response.

    Args:
        plane: The data plane.
        serving: Release and ports that decide about the whole Exchange.
        context: Who asks.
    """

    def __init__(self, plane: DataPlane, serving: Serving, context: ExchangeContext) -> None:
        self._plane = plane
        self.serving = serving
        self.context = context
        self.upstream = ""
        """Name of the policy's upstream that answered; empty as long as none did."""
        self.usage = Usage(0, 0)
        """Tokens that the model read and wrote, as far as is known."""
        self._pending: list[Decision] = []
        self._seen: list[Segment] = []
        self._captures: list[tuple[int, str]] = []
        self._promised: list[ToolCall] = []
        self._traced: list[Decision] | None = [] if plane.traced(context.exchange) else None
        self._beside = plane.trying.beside(serving, context.exchange)
        self._counted: list[Decision] | None = [] if plane.trying.counts(serving) else None
        self._started_us = plane.now_us() if self._traced is not None else 0

    async def decide(self, make: "Callable[[ExchangeContext], Flow[StageOutcome]]") -> StageOutcome:
        """Put one question to the guard, like :meth:`run`; a policy in shadow is asked it too when the answer has left.

        Args:
            make: Makes the flow for a context; it is called again with the shadow's, so it must not keep a context of its own.
        """
        return (await self.decide_all(lambda context: _alone(make(context))))[0]

    async def decide_all(self, make: Make) -> list[StageOutcome]:
        """Like :meth:`decide`, for a flow that gives several outcomes."""
        self.put_beside(make)
        return await self.run_all(make(self.context))

    def put_beside(self, make: Make) -> None:
        """Have a policy in shadow asked what the live one was asked in another way, such as piece by piece."""
        if self._beside is not None:
            self._beside.add(self.context, make)

    async def run(self, flow: "Flow[StageOutcome]") -> StageOutcome:
        """Run a flow that gives one outcome, and keep its Decision for the next commit."""
        outcome = await adrive(flow, self.serving.ports)
        self._keep(outcome)
        return outcome

    async def run_all(self, flow: "Flow[list[StageOutcome]]") -> list[StageOutcome]:
        """Run a flow that gives several outcomes, and keep their Decisions for the next commit."""
        outcomes = await adrive(flow, self.serving.ports)
        self._keep(*outcomes)
        return outcomes

    def run_now(self, flow: "Flow[StageOutcome]") -> StageOutcome:
        """Like :meth:`run`, in the caller's thread."""
        outcome = drive(flow, self.serving.ports)
        self._keep(outcome)
        return outcome

    def run_all_now(self, flow: "Flow[list[StageOutcome]]") -> list[StageOutcome]:
        """Like :meth:`run_all`, in the caller's thread."""
        outcomes = drive(flow, self.serving.ports)
        self._keep(*outcomes)
        return outcomes

    def _keep(self, *outcomes: StageOutcome) -> None:
        self._pending += [outcome.decision for outcome in outcomes]
        read = tuple(segment for outcome in outcomes for segment in outcome.read)
        if read:
            self.context = msgspec.structs.replace(self.context, read=(*self.context.read, *read))
            self.saw(read)

    def note(self, decision: Decision) -> None:
        """Keep a Decision that no outcome holds, such as the opening record of a stream."""
        self._pending.append(decision)

    def saw(self, segments: tuple[Segment, ...]) -> None:
        """Remember texts: as sources of the answer, and for a sealed capture if the policy lets it be kept."""
        self._seen += segments
        found = sources_of(segments)
        if found:
            self.context = msgspec.structs.replace(self.context, sources=(*self.context.sources, *found))

    def promised(self, call: ToolCall) -> None:
        """Remember a tool call that may be made, and that has not left yet."""
        self._promised.append(call)

    def left(self) -> None:
        """Say that everything that was allowed so far has left."""
        self._promised.clear()

    async def give_back(self) -> None:
        """Give back what the tool calls would have spent that were allowed and never left."""
        while self._promised:
            await adrive(give_back(self.context, self._promised.pop()), self.serving.ports)

    async def settle(self) -> None:
        """Correct what the Exchange was charged by what the model took: nothing, if none was reached."""
        if self.context.spending.at:
            upstream = self.serving.release.policy.upstream.get(self.upstream)
            model = (upstream.model if upstream is not None else "") or self.context.model
            await adrive(settle_limits(self.context, model, self.usage), self.serving.ports)

    async def commit(self) -> None:
        """Make every pending Decision durable; what follows may leave.

        Raises:
            Unavailable: The journal can't write; nothing may leave.
        """
        if not self._pending:
            return
        batch = self._take()
        try:
            await self._plane.journal.acommit(batch.records, alone=self._plane.in_hand == 1)
        except Unavailable:
            self._put_back(batch)
            raise
        self._observe(batch)

    def commit_now(self) -> None:
        """Like :meth:`commit`, in the caller's thread."""
        if not self._pending:
            return
        batch = self._take()
        try:
            self._plane.journal.commit(batch.records)
        except Unavailable:
            self._put_back(batch)
            raise
        self._observe(batch)

    def _take(self) -> "_Batch":
        """Take what waits for its commit, with the capture that belongs to it."""
        pending, self._pending = self._pending, []
        records: list[Record] = []
        sealed = len(self._captures)
        try:
            capture = self._seal(pending, records)
        except Unavailable:
            self._put_back(_Batch(pending, records, sealed))
            raise
        for decision in pending:
            kept = msgspec.structs.replace(decision, capture=capture) if capture else decision
            records.append(Record(kind="decision", id=kept.id, body=canonical_bytes(kept)))
        return _Batch(pending, records, sealed)

    def _put_back(self, batch: "_Batch") -> None:
        # Nothing of it was written: it still waits.
        self._pending = batch.decisions + self._pending
        del self._captures[batch.sealed :]

    def _observe(self, batch: "_Batch") -> None:
        for decision in batch.decisions:
            if decision.state != "open":
                self._plane.observe(decision)
                if self._counted is not None:
                    self._counted.append(decision)
                if self._traced is not None:
                    self._traced.append(decision)

    def end(self, error: str = "") -> None:
        """Send the span of this Exchange, if it is traced.

        Args:
            error: Code of what ended it early; empty when it came to its end.
        """
        self.conclude(error)
        if self._traced is None:
            return
        context, policy = self.context, self.serving.release.policy
        upstream = policy.upstream.get(self.upstream or "default")
        self._plane.trace(
            ExchangeTrace(
                exchange=context.exchange,
                tenant=context.tenant,
                system=policy.system,
                release=self.serving.release.id,
                provider=upstream.provider if upstream is not None else "",
                model=upstream.model if upstream is not None else "",
                started_us=self._started_us,
                ended_us=self._plane.now_us(),
                decisions=tuple(self._traced),
                trajectory=context.trajectory,
                error=error,
            )
        )

    def conclude(self, error: str = "") -> None:
        """Say that the answer has left, or never will: now the shadow decides too, and the canary is counted.

        Args:
            error: As for :meth:`end`, which does this too.
        """
        if self._beside is not None:
            beside, self._beside = self._beside, None
            self._plane.trying.decide(beside, self.serving.release.id)
        if self._counted is not None:
            counted, self._counted = self._counted, None
            self._plane.trying.count(self.serving, counted, failed=error == "internal")

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers that every response carries."""
        return [
            (b"x-fairlead-exchange", self.context.exchange.encode()),
            (b"x-fairlead-release", self.serving.release.id.encode()),
            (b"x-fairlead-worker", self._plane.worker.encode()),
            *([(b"x-fairlead-upstream", self.upstream.encode())] if self.upstream else []),
        ]

    def _seal(self, decisions: list[Decision], records: list[Record]) -> str:
        policy = self.serving.release.policy
        found = bool(self._captures) or any(decision.findings for decision in decisions)
        drawn = policy.capture == "sealed_sample" and sampled(self.context.exchange, policy.capture_share)
        if not drawn and (policy.capture != "sealed_on_finding" or not found):
            return ""
        if self._captures and self._captures[-1][0] == len(self._seen):
            return self._captures[-1][1]
        # What was sealed with the opening record of a stream can't be added to: the whole is sealed again, under a name of its own.
        capture = derived_id("cap", self.context.exchange, str(len(self._captures)))
        content = canonical_bytes({"exchange": self.context.exchange, "segments": self._seen})
        records.append(Record(kind="capture", id=capture, body=self._plane.sealer.seal(capture, self.context.tenant, content)))
        self._captures.append((len(self._seen), capture))
        return capture


def _alone(flow: Flow[StageOutcome]) -> Flow[list[StageOutcome]]:
    return [(yield from flow)]


def context_of(
    serving: Serving, tenant: str, key: str = "", extension: Extension | None = None, model: str = "", delegation: str = ""
) -> ExchangeContext:
    """Return the context of a new Exchange.

    Args:
        serving: The Release that decides about all of it.
        tenant: Whose Decisions these are.
        key: Id of the API key that came with the request; empty in a program of the tenant's own.
        extension: What the request says of itself, if anything.
        model: The model that is asked for.
        delegation: Token of delegated authority that the caller presents.
    """
    said = extension or Extension()
    return ExchangeContext(
        release=serving.release,
        exchange=new_id("x"),
        tenant=tenant,
        key=key,
        model=model,
        user=said.user,
        groups=said.groups,
        trajectory=said.trajectory,
        approvals=said.approvals,
        delegation=delegation or said.delegation,
        operators=serving.operators(tenant),
    )
