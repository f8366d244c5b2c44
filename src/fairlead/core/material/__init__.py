"""Material: texts that train, test or attack, each with the record that says where it comes from and what may be done with it.

Training, suites and attack sets use this one format; ``docs/reference/harmful-data.md`` tells it to people.
"""

from fairlead.core.material.errors import MaterialInvalid
from fairlead.core.material.model import (
    LICENCES,
    MAX_RETENTION_DAYS,
    NEVER_GENERATED,
    NEVER_TRAINED,
    SEALED_FROM,
    SPLITS,
    Generator,
    Holds,
    Material,
    Provenance,
    Split,
    Waiver,
)
from fairlead.core.material.near import SAME_TEXT, NearPair, near_pairs
from fairlead.core.material.reading import parse_material
from fairlead.core.material.rules import RULES, broken_rules, day

__all__ = [
    "LICENCES",
    "MAX_RETENTION_DAYS",
    "NEVER_GENERATED",
    "NEVER_TRAINED",
    "RULES",
    "SAME_TEXT",
    "SEALED_FROM",
    "SPLITS",
    "Generator",
    "Holds",
    "Material",
    "MaterialInvalid",
    "NearPair",
    "Provenance",
    "Split",
    "Waiver",
    "broken_rules",
    "day",
    "near_pairs",
    "parse_material",
]
