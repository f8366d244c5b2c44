"""What can be wrong with attack sets and their runs."""

from fairlead.core import InvalidInput, NotFound
from fairlead.evals import RunInvalid


class NotAnAttack(InvalidInput):
    """A case of an attack set is benign, or names no goal."""

    code = "not-an-attack"


class UnknownConverter(NotFound):
    """There is no converter of that name."""

    code = "unknown-converter"


class NotDelivered(RunInvalid):
    """Attacks never reached the model or the guard, so nothing was tested."""

    code = "not-delivered"


class EnvironmentInvalid(InvalidInput):
    """A folder does not hold an environment, or one of its files is not of the right form."""

    code = "environment-invalid"
