"""What can be wrong with cases, suites, runs and comparisons."""

from fairlead.core import FairleadError, IntegrityError, InvalidInput, NotFound


class CaseInvalid(InvalidInput):
    """A line of a case file is not a case."""

    code = "case-invalid"


class SuiteInvalid(InvalidInput):
    """A suite file is not a suite."""

    code = "suite-invalid"


class TargetNotLoaded(NotFound):
    """The target that was named can't be loaded."""

    code = "target-not-loaded"


class Incomparable(FairleadError):
    """Two records differ in more than the one factor that a comparison is about."""

    code = "incomparable"
    exit_code = 14


class RunInvalid(FairleadError):
    """A run is not the run of the cases that it is used for, or proves nothing because its attacks never arrived."""

    code = "run-invalid"
    exit_code = 12


class UnknownRecord(NotFound):
    """This tenant has no run, gate or case of that name."""

    code = "unknown-record"


class RecordChanged(IntegrityError):
    """A run, gate or case is not what was stored under its name."""

    code = "record-changed"
