"""Remote detectors: models and services outside the process, as data. What speaks to them is in ``integrations``; nothing here does I/O.

A policy declares them by a kind; kinds say what they can find, so that a rule can be compiled against them without asking anybody.
"""

from fairlead.detectors.remote.kinds import KIND_NAMES, KINDS, KindName, RemoteKind
from fairlead.detectors.remote.model import FLOOR, Point, Remote, Seen, best_hits
from fairlead.detectors.remote.windows import MAX_WINDOWS, windows

__all__ = ["FLOOR", "KINDS", "KIND_NAMES", "MAX_WINDOWS", "KindName", "Point", "Remote", "RemoteKind", "Seen", "best_hits", "windows"]
