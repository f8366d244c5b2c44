"""Attack sets, converters, proof of delivery, exact replay; environments in which an agent obeys every attack."""

from fairlead.redteam.attacks import converted, read_attacks
from fairlead.redteam.converters import CONVERTERS, Converter, convert_case, converter
from fairlead.redteam.environments import Call, Condition, Does, Environment, Goal, Place, System, Task, read_environment
from fairlead.redteam.errors import EnvironmentInvalid, NotAnAttack, NotDelivered, UnknownConverter
from fairlead.redteam.obedience import Attack, Person, Played, Replay, Step, attack_of, overlaps, places_read
from fairlead.redteam.replay import Divergence, divergences, recorded_inputs
from fairlead.redteam.report import AttackReport, Delivery, attack_estimates, delivery, report, require_delivery
from fairlead.redteam.variants import VARIANTS, variants

__all__ = [
    "CONVERTERS",
    "VARIANTS",
    "Attack",
    "AttackReport",
    "Call",
    "Condition",
    "Converter",
    "Delivery",
    "Divergence",
    "Does",
    "Environment",
    "EnvironmentInvalid",
    "Goal",
    "NotAnAttack",
    "NotDelivered",
    "Person",
    "Place",
    "Played",
    "Replay",
    "Step",
    "System",
    "Task",
    "UnknownConverter",
    "attack_estimates",
    "attack_of",
    "convert_case",
    "converted",
    "converter",
    "delivery",
    "divergences",
    "overlaps",
    "places_read",
    "read_attacks",
    "read_environment",
    "recorded_inputs",
    "report",
    "require_delivery",
    "variants",
]
