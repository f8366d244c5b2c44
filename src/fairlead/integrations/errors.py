"""Errors of the adapters to other systems."""

from fairlead.core import Unavailable


class DetectorNotLoaded(Unavailable):
    """A model that the policy names can't be loaded; a guard without it would not do what its policy says."""

    code = "detector-not-loaded"


class ReaderMissing(Unavailable):
    """Who the policy lets read images or recordings is not here; a guard without it would not do what its policy says."""

    code = "reader-missing"


class SandboxMissing(Unavailable):
    """This machine can't isolate a command, so it was not run."""

    code = "sandbox-missing"
