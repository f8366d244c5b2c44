"""Detectors: text in, Hits out, with spans in the original text. Pure: no I/O, no download."""

from fairlead.detectors.errors import NoOperatingPoint, PluginFailed, UnknownEntity, UnsupportedPattern
from fairlead.detectors.model import Cluster, Detector, Hit, Pattern, Runs, Settled, Text, Validator, prepare
from fairlead.detectors.registry import GROUP, Registry, builtin_patterns, patterns_of
from fairlead.detectors.scanner import PatternScanner, PatternStream

__all__ = [
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
    "builtin_patterns",
    "patterns_of",
    "prepare",
]
