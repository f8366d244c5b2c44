"""Alert: one true thing that somebody should look at, without content."""

from collections.abc import Callable

import msgspec


class Alert(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that a person should look at now."""

    subject: str
    """Id of what it is about, such as ``inc_…``; one subject is alerted once."""
    tenant: str
    system: str
    severity: str
    title: str
    """One line without content."""
    at_us: int


Alerts = Callable[[Alert], None]
"""Where alerts go. Failure posture: it raises, and what the alert is about is recorded already."""


def drop(_alert: Alert) -> None:
    """Send an alert nowhere; the incident list shows it anyway."""
