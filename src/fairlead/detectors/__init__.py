"""Detectors: text in, Hits out, with spans in the original text. Pure: no I/O, no download."""

from fairlead.detectors.calibrated import CalibratedHead, calibrate
from fairlead.detectors.calibration import CalibratedPoint, Calibration, ChannelCalibration, Comparison, Outcome
from fairlead.detectors.card import LADDER, Card, Channel, Measurement, OperatingPoint, Rate, channel_of, read_card
from fairlead.detectors.checks import CHECKS
from fairlead.detectors.comparing import Comparing
from fairlead.detectors.custom import Custom, custom_pattern
from fairlead.detectors.disguise import shows_all, skeleton
from fairlead.detectors.duplicates import alike, shingles
from fairlead.detectors.errors import (
    CalibrationInvalid,
    LabelsInvalid,
    ModelDamaged,
    NoOperatingPoint,
    PluginFailed,
    UnknownEntity,
    UnsupportedPattern,
)
from fairlead.detectors.families.heads import HeadDetector, score_of
from fairlead.detectors.labels import Label, Labels, read_labels
from fairlead.detectors.model import Cluster, Detector, Hit, Pattern, Runs, Settled, Validator, is_dear
from fairlead.detectors.operators import OperatorName, Operators, Vault, placeholder
from fairlead.detectors.registry import GROUP, Registry, builtin_patterns, patterns_of
from fairlead.detectors.scanner import PatternScanner
from fairlead.detectors.stream import CAP, PatternStream
from fairlead.detectors.text import Text, prepare
from fairlead.detectors.views import View

__all__ = [
    "CAP",
    "CHECKS",
    "GROUP",
    "LADDER",
    "CalibratedHead",
    "CalibratedPoint",
    "Calibration",
    "CalibrationInvalid",
    "Card",
    "Channel",
    "ChannelCalibration",
    "Cluster",
    "Comparing",
    "Comparison",
    "Custom",
    "Detector",
    "HeadDetector",
    "Hit",
    "Label",
    "Labels",
    "LabelsInvalid",
    "Measurement",
    "ModelDamaged",
    "NoOperatingPoint",
    "OperatingPoint",
    "OperatorName",
    "Operators",
    "Outcome",
    "Pattern",
    "PatternScanner",
    "PatternStream",
    "PluginFailed",
    "Rate",
    "Registry",
    "Runs",
    "Settled",
    "Text",
    "UnknownEntity",
    "UnsupportedPattern",
    "Validator",
    "Vault",
    "View",
    "alike",
    "builtin_patterns",
    "calibrate",
    "channel_of",
    "custom_pattern",
    "is_dear",
    "patterns_of",
    "placeholder",
    "prepare",
    "read_card",
    "read_labels",
    "score_of",
    "shingles",
    "shows_all",
    "skeleton",
]
