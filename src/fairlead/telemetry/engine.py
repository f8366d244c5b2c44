"""Telemetry of one process: metrics always, spans where they are exported to."""

from typing import TYPE_CHECKING

from fairlead.core import Decision
from fairlead.telemetry.metrics import Metrics
from fairlead.telemetry.spans import ExchangeTrace, Spans

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter


class Telemetry:
    """Counts Decisions and traces Exchanges; nothing that is content can get in.

    Args:
        sample: Share of Exchanges that are traced, 0 to 1.
        exporter: Where spans go; without one there are none, and OpenTelemetry's SDK is not even imported.
    """

    def __init__(self, *, sample: float = 0.0, exporter: "SpanExporter | None" = None) -> None:
        self._metrics = Metrics()
        self._spans = Spans(exporter, sample) if exporter is not None and sample > 0 else None

    def observe(self, decision: Decision) -> None:
        """Count one final Decision."""
        self._metrics.observe(decision)

    def observe_upstream(self, name: str, outcome: str) -> None:
        """Count how one request to an upstream ended."""
        self._metrics.observe_upstream(name, outcome)

    def observe_refused_key(self, code: str) -> None:
        """Count one API key that was refused, by the code of the error."""
        self._metrics.observe_refused_key(code)

    def observe_shadow(self, outcome: str) -> None:
        """Count what became of one Exchange that was drawn for a shadow."""
        self._metrics.observe_shadow(outcome)

    def traced(self, exchange: str) -> bool:
        """Tell whether an Exchange is traced, so that nothing is collected for one that is not."""
        return self._spans is not None and self._spans.sampled(exchange)

    def trace(self, trace: ExchangeTrace) -> None:
        """Export the span of an Exchange that has ended, if it is sampled."""
        if self._spans is not None:
            self._spans.export(trace)

    def exposition(self) -> bytes:
        """Return the metrics in Prometheus' text format, for ``/metrics``."""
        return self._metrics.exposition()

    def close(self) -> None:
        """Export the spans that are waiting."""
        if self._spans is not None:
            self._spans.close()
