"""Attack sets, converters, proof of delivery and exact replay."""

from fairlead.redteam.attacks import converted, read_attacks
from fairlead.redteam.converters import CONVERTERS, Converter, convert_case, converter
from fairlead.redteam.errors import NotAnAttack, NotDelivered, UnknownConverter
from fairlead.redteam.replay import Divergence, divergences, recorded_inputs
from fairlead.redteam.report import AttackReport, Delivery, attack_estimates, delivery, report, require_delivery

__all__ = [
    "CONVERTERS",
    "AttackReport",
    "Converter",
    "Delivery",
    "Divergence",
    "NotAnAttack",
    "NotDelivered",
    "UnknownConverter",
    "attack_estimates",
    "convert_case",
    "converted",
    "converter",
    "delivery",
    "divergences",
    "read_attacks",
    "recorded_inputs",
    "report",
    "require_delivery",
]
