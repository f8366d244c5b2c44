"""Errors of the store."""

from fairlead.core import Unavailable, UsageError


class StoreUnavailable(Unavailable):
    """The database does not answer, or refuses to."""

    code = "store-unavailable"


class StoreUnmigrated(UsageError):
    """The database's schema is older or newer than this version of Fairlead."""

    code = "store-unmigrated"


class StoreMisconfigured(UsageError):
    """The database URL is not one that Fairlead can use, or its driver is not installed."""

    code = "store-misconfigured"
