"""Fakes for tests: a fixed clock, a real server in a thread, a scripted model; small and real, no mocks."""

from fairlead.testing.clock import FixedClock
from fairlead.testing.paced import PacedModel
from fairlead.testing.server import serving
from fairlead.testing.spellings import SPELLINGS
from fairlead.testing.upstream import ScriptedModel

__all__ = ["SPELLINGS", "FixedClock", "PacedModel", "ScriptedModel", "serving"]
