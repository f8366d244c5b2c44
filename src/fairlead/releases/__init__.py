"""Releases: which policy is in force, since when, and who said so; calibrations. Promotion, canary and rollback build on it."""

from fairlead.releases.calibrations import CalibrationFolder, read_calibration, sign_calibration, trusted_keys
from fairlead.releases.errors import CalibrationUnknown, ReleaseUnknown
from fairlead.releases.model import ModelPin, ReleaseRecord, RulePin, ToolPin, record_release

__all__ = [
    "CalibrationFolder",
    "CalibrationUnknown",
    "ModelPin",
    "ReleaseRecord",
    "ReleaseUnknown",
    "RulePin",
    "ToolPin",
    "read_calibration",
    "record_release",
    "sign_calibration",
    "trusted_keys",
]
