"""Fakes for tests: a fixed clock and other real, small stand-ins."""

from fairlead.testing.clock import FixedClock

__all__ = ["FixedClock"]
