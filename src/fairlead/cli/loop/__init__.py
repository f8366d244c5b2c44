"""The closed loop on the reference assistant: one function for each step; ``fairlead up`` runs them in order and shows their rows."""

from fairlead.cli.loop.measuring import attack, evaluate, gate, plant, regate
from fairlead.cli.loop.model import SYSTEM, TENANT, Row, Site, Stage
from fairlead.cli.loop.people import welcome
from fairlead.cli.loop.policies import working_copy
from fairlead.cli.loop.proving import prove, report
from fairlead.cli.loop.responding import WORKERS, respond
from fairlead.cli.loop.servers import Servers

__all__ = [
    "SYSTEM",
    "TENANT",
    "WORKERS",
    "Row",
    "Servers",
    "Site",
    "Stage",
    "attack",
    "evaluate",
    "gate",
    "plant",
    "prove",
    "regate",
    "report",
    "respond",
    "welcome",
    "working_copy",
]
