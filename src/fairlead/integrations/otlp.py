"""Spans by OTLP over HTTP, to any OpenTelemetry collector (extra ``otlp``)."""

from typing import TYPE_CHECKING

from fairlead.core import UsageError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter


def otlp_exporter(endpoint: str) -> "SpanExporter":
    """Return an exporter that sends spans to a collector.

    Args:
        endpoint: URL that takes spans, such as ``http://127.0.0.1:4318/v1/traces``.

    Raises:
        UsageError: The extra is not installed; the mend is the command that installs it.
    """
    try:
        import requests  # noqa: PLC0415 - an extra
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
    except ImportError as error:
        mend = "pip install 'fairlead[otlp]', or unset FAIRLEAD_OTLP_ENDPOINT"
        raise UsageError("the OTLP exporter is not installed", where="FAIRLEAD_OTLP_ENDPOINT", mend=mend) from error

    class Exporter(OTLPSpanExporter):
        def shutdown(self) -> None:
            """Send what waits, then close the connection."""
            super().shutdown()  # type: ignore[no-untyped-call] # untyped there
            session.close()  # which the exporter itself leaves to chance

    session = requests.Session()
    return Exporter(endpoint=endpoint, session=session)
