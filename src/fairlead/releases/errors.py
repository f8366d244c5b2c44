"""Errors of releases."""

from fairlead.core import NotFound


class ReleaseUnknown(NotFound):
    """No such Release was recorded for this tenant."""

    code = "release-unknown"
