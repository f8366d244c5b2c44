"""A place to run code and shell tools in: no network, one folder, limits; where the machine can't isolate, nothing is run."""

from fairlead.integrations.sandbox.runner import Limits, Ran, Sandbox

__all__ = ["Limits", "Ran", "Sandbox"]
