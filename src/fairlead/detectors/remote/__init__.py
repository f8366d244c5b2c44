"""Remote detectors: models and services outside the process, as data. What speaks to them is in ``integrations``; nothing here does I/O.

A policy declares them by a kind; kinds say what they can find, so that a rule can be compiled against them without asking anybody.
"""

from fairlead.detectors.remote.deep import DEEP, INSTALL, PACKAGE, Deep, DeepCard, DeepHead, read_deep
from fairlead.detectors.remote.kinds import KIND_NAMES, KINDS, KindName, RemoteKind
from fairlead.detectors.remote.model import FLOOR, Point, Remote, Seen, best_hits
from fairlead.detectors.remote.windows import MAX_WINDOWS, windows

__all__ = [
    "DEEP",
    "FLOOR",
    "INSTALL",
    "KINDS",
    "KIND_NAMES",
    "MAX_WINDOWS",
    "PACKAGE",
    "Deep",
    "DeepCard",
    "DeepHead",
    "KindName",
    "Point",
    "Remote",
    "RemoteKind",
    "Seen",
    "best_hits",
    "read_deep",
    "windows",
]
