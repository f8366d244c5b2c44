"""The in-process SDK: the same Decisions as the gateway, without a network."""

from fairlead.sdk.guard import Checked, Guard, GuardedStream

__all__ = ["Checked", "Guard", "GuardedStream"]
