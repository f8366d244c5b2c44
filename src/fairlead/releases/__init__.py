"""Releases: which policy is in force, since when, and who said so. Promotion, canary and rollback build on it."""

from fairlead.releases.errors import ReleaseUnknown
from fairlead.releases.model import ModelPin, ReleaseRecord, RulePin, ToolPin, record_release

__all__ = ["ModelPin", "ReleaseRecord", "ReleaseUnknown", "RulePin", "ToolPin", "record_release"]
