"""Adapters that speak to other systems; each implements a port of a lower package."""

from fairlead.integrations.otlp import otlp_exporter

__all__ = ["otlp_exporter"]
