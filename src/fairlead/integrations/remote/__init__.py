"""Detectors outside the process: what speaks to guard models, moderation services and models that are loaded from elsewhere."""

from fairlead.integrations.remote.runner import RemoteRunner

__all__ = ["RemoteRunner"]
