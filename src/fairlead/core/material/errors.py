"""What can be wrong with material."""

from fairlead.core.errors import InvalidInput


class MaterialInvalid(InvalidInput):
    """A record of material breaks a rule of its governance; the message begins with the rule's name."""

    code = "material-invalid"
