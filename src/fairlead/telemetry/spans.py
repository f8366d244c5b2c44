"""OpenTelemetry spans: one for each sampled Exchange, with its Decisions as events, and no content anywhere."""

from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from fairlead.core import Decision
from fairlead.telemetry import conventions as names
from fairlead.telemetry.conventions import safe_name

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

_SCALE = 1 << 64


class ExchangeTrace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a span tells of one Exchange."""

    exchange: str
    tenant: str
    system: str
    release: str
    provider: str
    """The upstream's provider as the policy names it."""
    model: str
    """The model as the policy pins it; not what the client wrote."""
    started_us: int
    ended_us: int
    decisions: tuple[Decision, ...]
    operation: str = "chat"
    trajectory: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    error: str = ""
    """Code of the error that ended it."""


class Spans:
    """Exports spans of a share of the Exchanges.

    Args:
        exporter: Where to, such as OTLP (extra ``otlp``).
        sample: Share of Exchanges, 0 to 1; which ones depends on their ids only, so every process picks the same.
    """

    def __init__(self, exporter: "SpanExporter", sample: float) -> None:
        # Imported here: 0.1 s that a process without an exporter does not pay.
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - see above
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - see above
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - see above
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 - see above

        self._below = int(sample * _SCALE)
        self._provider = TracerProvider(resource=Resource({"service.name": "fairlead"}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("fairlead", names.SCHEMA)
        self._kind = SpanKind.CLIENT

    def sampled(self, exchange: str) -> bool:
        """Tell whether an Exchange is traced."""
        return int.from_bytes(blake2b(exchange.encode(), digest_size=8).digest(), "big") < self._below

    def export(self, trace: ExchangeTrace) -> None:
        """Export the span of an Exchange that has ended, if it is sampled."""
        if not self.sampled(trace.exchange):
            return
        model = safe_name(trace.model)
        title = f"{trace.operation} {model}".strip()
        span = self._tracer.start_span(title, kind=self._kind, attributes=_attributes(trace, model), start_time=trace.started_us * 1000)
        for decision in trace.decisions:
            span.add_event(names.DECISION_EVENT, _event(decision), timestamp=decision.at_us * 1000)
        span.end(end_time=trace.ended_us * 1000)

    def close(self) -> None:
        """Export what is waiting and stop."""
        self._provider.shutdown()


def _attributes(trace: ExchangeTrace, model: str) -> dict[str, str | int]:
    attributes: dict[str, str | int] = {
        names.OPERATION: safe_name(trace.operation),
        names.PROVIDER: safe_name(trace.provider),
        names.MODEL: model,
        names.EXCHANGE: safe_name(trace.exchange),
        names.TENANT: safe_name(trace.tenant),
        names.SYSTEM: safe_name(trace.system),
        names.RELEASE: safe_name(trace.release),
        names.CONVERSATION: safe_name(trace.trajectory),
        names.ERROR: safe_name(trace.error),
    }
    attributes = {name: value for name, value in attributes.items() if value}
    if trace.input_tokens is not None:
        attributes[names.INPUT_TOKENS] = trace.input_tokens
    if trace.output_tokens is not None:
        attributes[names.OUTPUT_TOKENS] = trace.output_tokens
    return attributes


def _event(decision: Decision) -> dict[str, str | int]:
    return {
        names.STAGE: decision.stage,
        names.VERDICT: decision.verdict,
        names.ACTION: decision.action,
        names.RULE: safe_name(decision.rule),
        names.MODE: decision.mode,
        names.STATE: decision.state,
        names.FINDINGS: len(decision.findings),
        names.TOOK_US: decision.took_us,
    }
