"""What can be wrong with incidents, levers and the cases made from them."""

from fairlead.core import InvalidInput, NotFound, Refused, Unavailable, UsageError


class IncidentNotFound(NotFound):
    """There is no such Incident in this tenant."""

    code = "incident-not-found"


class IncidentState(UsageError):
    """The Incident is not in a state in which this can be done."""

    code = "incident-state"


class ContainmentUnproven(Unavailable):
    """A lever was pulled and not every live gateway worker was seen to obey it."""

    code = "containment-unproven"


class LeverUnprobed(UsageError):
    """No request exists that would show whether this lever works."""

    code = "lever-unprobed"


class SecondPersonNeeded(Refused):
    """Whoever pulled a lever, or asked for an approval, can't be the one who ends or gives it."""

    code = "second-person-needed"


class CaptureMissing(NotFound):
    """Nothing of the content was kept, so no case can be made of it."""

    code = "capture-missing"


class CaseNotMade(InvalidInput):
    """The capture does not hold what a case needs."""

    code = "case-not-made"
