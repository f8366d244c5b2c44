"""Serving: what decides about an Exchange from its beginning to its end."""

from collections.abc import Callable

import msgspec

from fairlead.agents import Broker
from fairlead.detectors import Operators
from fairlead.guard import Ports
from fairlead.policy import Release


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """A Release and the ports that belong to it; swapped as one, kept by every Exchange that started with it."""

    release: Release
    ports: Ports
    broker: Broker
    """The one that answers for the ports, for doors that also see the results of calls."""
    retrieval_tools: frozenset[str]
    operators: Callable[[str], Operators]
    """Tenant to what redacts for it, under a key of its own (law 9)."""
