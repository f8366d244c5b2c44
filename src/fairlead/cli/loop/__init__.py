"""The closed loop on the reference assistant, one function for each step; ``fairlead up`` runs them in order and shows their rows."""

from fairlead.cli.loop.model import Row, Site
from fairlead.cli.loop.servers import Servers

__all__ = ["Row", "Servers", "Site"]
