"""One Exchange in the gateway: its context, what was decided, and making that durable before anything leaves."""

import hashlib

import msgspec

from fairlead.core import Decision, Segment, Unavailable, canonical_bytes, derived_id
from fairlead.gateway.http import Headers, HttpProblem
from fairlead.guard import ExchangeContext, Flow, StageOutcome, adrive, sources_of
from fairlead.journal import Record
from fairlead.telemetry import ExchangeTrace
from fairlead.wiring.data_plane import DataPlane, Serving


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
        self._pending: list[Decision] = []
        self._seen: list[Segment] = []
        self._captures: list[tuple[int, str]] = []
        self._traced: list[Decision] | None = [] if plane.traced(context.exchange) else None
        self._started_us = plane.now_us() if self._traced is not None else 0

    async def run(self, flow: "Flow[StageOutcome]") -> StageOutcome:
        """Run a flow that gives one outcome, and keep its Decision for the next commit."""
        outcome = await adrive(flow, self.serving.ports)
        self._pending.append(outcome.decision)
        return outcome

    async def run_all(self, flow: "Flow[list[StageOutcome]]") -> list[StageOutcome]:
        """Run a flow that gives several outcomes, and keep their Decisions for the next commit."""
        outcomes = await adrive(flow, self.serving.ports)
        self._pending += [outcome.decision for outcome in outcomes]
        return outcomes

    def note(self, decision: Decision) -> None:
        """Keep a Decision that no outcome holds, such as the opening record of a stream."""
        self._pending.append(decision)

    def saw(self, segments: tuple[Segment, ...]) -> None:
        """Remember texts: as sources of the answer, and for a sealed capture if the policy lets it be kept."""
        self._seen += segments
        found = sources_of(segments)
        if found:
            self.context = msgspec.structs.replace(self.context, sources=(*self.context.sources, *found))

    async def commit(self) -> None:
        """Make every pending Decision durable; what follows may leave.

        Raises:
            Unavailable: The journal can't write; nothing may leave.
        """
        if not self._pending:
            return
        pending, self._pending = self._pending, []
        records: list[Record] = []
        sealed = len(self._captures)
        try:
            capture = self._seal(pending, records)
            for decision in pending:
                kept = msgspec.structs.replace(decision, capture=capture) if capture else decision
                records.append(Record(kind="decision", id=kept.id, body=canonical_bytes(kept)))
            await self._plane.journal.acommit(records)
        except Unavailable:
            # Nothing of it was written: it still waits.
            self._pending = pending + self._pending
            del self._captures[sealed:]
            raise
        for decision in pending:
            if decision.state != "open":
                self._plane.observe(decision)
                if self._traced is not None:
                    self._traced.append(decision)

    def end(self, error: str = "") -> None:
        """Send the span of this Exchange, if it is traced.

        Args:
            error: Code of what ended it early; empty when it came to its end.
        """
        if self._traced is None:
            return
        context, policy = self.context, self.serving.release.policy
        upstream = policy.upstream["default"]
        self._plane.trace(
            ExchangeTrace(
                exchange=context.exchange,
                tenant=context.tenant,
                system=policy.system,
                release=self.serving.release.id,
                provider=upstream.provider,
                model=upstream.model or "",
                started_us=self._started_us,
                ended_us=self._plane.now_us(),
                decisions=tuple(self._traced),
                trajectory=context.trajectory,
                error=error,
            )
        )

    def headers(self) -> Headers:
        """Return the headers that every response carries."""
        return [
            (b"x-fairlead-exchange", self.context.exchange.encode()),
            (b"x-fairlead-release", self.serving.release.id.encode()),
            (b"x-fairlead-worker", self._plane.worker.encode()),
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


def sampled(exchange: str, share: float) -> bool:
    """Tell whether an Exchange is drawn for a sample; its id alone decides, so that all of its records agree.

    Args:
        exchange: Id of the Exchange, random.
        share: Share to draw, 0 to 1.
    """
    place = int.from_bytes(hashlib.blake2b(exchange.encode(), digest_size=7).digest())
    return place < share * 2**56


def refusal(outcome: StageOutcome) -> HttpProblem:
    """Return what a client is told when a Stage was stopped before the model was asked."""
    decision = outcome.decision
    if outcome.failed:
        return HttpProblem(503, "guard_unavailable", "the guard could not check this request and the policy is fail-closed; try again")
    if decision.rule.startswith("lever:"):
        return HttpProblem(503, "contained", "this use is switched off while an incident is contained; ask the owner of the system")
    if decision.rule.startswith("limit:"):
        seconds = max(1, -(-outcome.retry_after_us // 1_000_000))
        name = decision.rule.removeprefix("limit:")
        message = f"the limit {name} of this key is reached; try again in {seconds} s"
        return HttpProblem(429, "rate_limit_exceeded", message, [(b"retry-after", str(seconds).encode())])
    return HttpProblem(400, "content_filter", f"the request was stopped by the policy (rule {decision.rule} at {decision.stage})")
