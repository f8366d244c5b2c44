"""What can be wrong with a policy; each problem names its file and line."""

from fairlead.core import InvalidInput


class PolicySyntax(InvalidInput):
    """The file is not the plain YAML that a policy is written in."""

    code = "policy-syntax"


class PolicyShape(InvalidInput):
    """A key is unknown or missing, or a value is of the wrong kind."""

    code = "policy-shape"


class PolicyReference(InvalidInput):
    """The policy names something that does not exist: a detector, entity, hazard, message, upstream, tool or rule."""

    code = "policy-reference"


class PolicyThreshold(InvalidInput):
    """No detector's card carries the false-positive rate that a rule asks for, or a rule names no threshold at all."""

    code = "policy-threshold"


class PolicyConflict(InvalidInput):
    """An overlay is milder than its base without saying so, or two overlays of the same request contradict each other."""

    code = "policy-conflict"


class PolicyCedar(InvalidInput):
    """The Cedar policies do not parse, or do not fit the tools that the policy declares."""

    code = "policy-cedar"
