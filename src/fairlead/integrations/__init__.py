"""Adapters that speak to other systems; each implements a port of a lower package."""

from fairlead.integrations.delegation import Delegation, Grant, Narrowing, narrow, revocation_ids
from fairlead.integrations.errors import ReaderMissing, SandboxMissing
from fairlead.integrations.kept_secrets import KeptSecrets
from fairlead.integrations.limits import RedisLimits
from fairlead.integrations.otlp import otlp_exporter
from fairlead.integrations.webhook import ApprovalBell

__all__ = [
    "ApprovalBell",
    "Delegation",
    "Grant",
    "KeptSecrets",
    "Narrowing",
    "ReaderMissing",
    "RedisLimits",
    "SandboxMissing",
    "narrow",
    "otlp_exporter",
    "revocation_ids",
]
