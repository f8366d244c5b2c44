"""What this room refuses."""

from fairlead.core import InvalidInput


class InvalidCounts(InvalidInput):
    """Counts or levels that no interval or test is defined for."""

    code = "invalid-counts"
