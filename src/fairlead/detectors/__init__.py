"""Detectors: text in, Hits out, with spans in the original text. Pure: no I/O, no download."""

from fairlead.detectors.errors import NoOperatingPoint, PluginFailed, UnknownEntity, UnsupportedPattern
from fairlead.detectors.model import Cluster, Detector, Hit, Pattern, Runs, Settled, Validator
from fairlead.detectors.registry import GROUP, Registry, builtin_patterns, patterns_of
from fairlead.detectors.scanner import PatternScanner
from fairlead.detectors.stream import CAP, PatternStream
from fairlead.detectors.text import Text, prepare
from fairlead.detectors.views import View

__all__ = [
    "CAP",
    "GROUP",
    "Cluster",
    "Detector",
    "Hit",
    "NoOperatingPoint",
    "Pattern",
    "PatternScanner",
    "PatternStream",
    "PluginFailed",
    "Registry",
    "Runs",
    "Settled",
    "Text",
    "UnknownEntity",
    "UnsupportedPattern",
    "Validator",
    "View",
    "builtin_patterns",
    "patterns_of",
    "prepare",
]
