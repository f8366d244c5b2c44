"""Alerts: what must reach a person. Drift, abuse and burn rates join here as they are built; where an alert goes is a port."""

from fairlead.monitor.model import Alert, Alerts, drop

__all__ = ["Alert", "Alerts", "drop"]
