"""Errors of the guard."""

from fairlead.core import InvalidInput, Unavailable


class PortFailed(Unavailable):
    """A port that the decision flow asked did not answer; the policy's ``on_error`` decides what follows."""

    code = "port-failed"


class GuardUnavailable(Unavailable):
    """The guard could not decide, and the policy is fail-closed."""

    code = "guard-unavailable"


class LeversGone(InvalidInput):
    """The lever file of a data folder that has served is gone; starting without it would switch on what was switched off."""

    code = "levers-gone"


class LimitsUnusable(Unavailable):
    """What counts the limits can't be used; the policy's ``on_error`` decides what follows, and at the start nothing is served."""

    code = "limits-unusable"


class LimitsFull(Unavailable):
    """More subjects are counted at a time than the file of the limits has room for."""

    code = "limits-full"


class NothingToRedact(InvalidInput):
    """A redaction is asked for where no rule replaces anything."""

    code = "nothing-to-redact"


class UpstreamRefused(InvalidInput):
    """The policy does not let an upstream be asked, at least not for this request."""

    code = "upstream-refused"


class ResidencyRefused(Unavailable):
    """The records of a request may not be kept in the region of this installation."""

    code = "residency-refused"
