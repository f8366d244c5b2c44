"""Releases: which policy is in force, since when, and who said so; calibrations. Promotion, canary and rollback build on it."""

from fairlead.releases.calibrations import CalibrationFolder, read_calibration, sign_calibration, trusted_keys
from fairlead.releases.errors import CalibrationUnknown, ReleaseUnknown, ShadowIncomparable, TrialInvalid
from fairlead.releases.model import ModelPin, ReleaseRecord, RulePin, ToolPin, record_release
from fairlead.releases.rollback import RollBack, Tally, parse_roll_back
from fairlead.releases.shadow import LEFT_OUT, Pair, ShadowRecord, ShadowReport, compare_shadow, in_shadow

__all__ = [
    "LEFT_OUT",
    "CalibrationFolder",
    "CalibrationUnknown",
    "ModelPin",
    "Pair",
    "ReleaseRecord",
    "ReleaseUnknown",
    "RollBack",
    "RulePin",
    "ShadowIncomparable",
    "ShadowRecord",
    "ShadowReport",
    "Tally",
    "ToolPin",
    "TrialInvalid",
    "compare_shadow",
    "in_shadow",
    "parse_roll_back",
    "read_calibration",
    "record_release",
    "sign_calibration",
    "trusted_keys",
]
