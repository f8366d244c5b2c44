"""Errors of the detectors."""

from fairlead.core import IntegrityError, InvalidInput, Unavailable


class UnsupportedPattern(InvalidInput):
    """A pattern uses something that a stream can't decide exactly."""

    code = "unsupported-pattern"


class UnknownEntity(InvalidInput):
    """No pattern of that name exists."""

    code = "unknown-entity"


class PluginFailed(Unavailable):
    """A detector plug-in did not load; a guard without it would be a guard that does not do what its policy says."""

    code = "plugin-failed"


class NoOperatingPoint(InvalidInput):
    """A detector's card does not support the false-positive rate that a policy asks for."""

    code = "no-operating-point"


class ModelDamaged(IntegrityError):
    """A detector's weights or card are missing or not what was shipped; the detector fails, it never passes a text."""

    code = "model-damaged"


class CalibrationInvalid(InvalidInput):
    """A calibration is damaged, not signed by a trusted key, or was fitted to another version of its head."""

    code = "calibration-invalid"


class LabelsInvalid(InvalidInput):
    """A file of labels can't be read, or holds too few to say anything."""

    code = "labels-invalid"
