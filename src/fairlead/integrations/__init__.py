"""Adapters that speak to other systems; each implements a port of a lower package."""

from fairlead.integrations.otlp import otlp_exporter
from fairlead.integrations.webhook import ApprovalBell

__all__ = ["ApprovalBell", "otlp_exporter"]
