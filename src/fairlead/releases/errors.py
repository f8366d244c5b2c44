"""Errors of releases."""

from fairlead.core import NotFound


class ReleaseUnknown(NotFound):
    """No such Release was recorded for this tenant."""

    code = "release-unknown"


class CalibrationUnknown(NotFound):
    """The head has no calibration, or none of that digest was ever in force here."""

    code = "calibration-unknown"
