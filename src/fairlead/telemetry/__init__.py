"""Metrics and spans of Decisions; content can't get in."""

from fairlead.telemetry.conventions import METRICS, Metric
from fairlead.telemetry.engine import Telemetry
from fairlead.telemetry.spans import ExchangeTrace

__all__ = ["METRICS", "ExchangeTrace", "Metric", "Telemetry"]
