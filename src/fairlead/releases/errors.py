"""Errors of releases."""

from fairlead.core import FairleadError, InvalidInput, NotFound


class ReleaseUnknown(NotFound):
    """No such Release was recorded for this tenant."""

    code = "release-unknown"


class CalibrationUnknown(NotFound):
    """The head has no calibration, or none of that digest was ever in force here."""

    code = "calibration-unknown"


class TrialInvalid(InvalidInput):
    """A trial of a policy can't be started or ended as asked; nothing was changed."""

    code = "trial-invalid"


class ShadowIncomparable(FairleadError):
    """What a shadow recorded differs from the live policy's records in more than the policy."""

    code = "shadow-incomparable"
    exit_code = 14
