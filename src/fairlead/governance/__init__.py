"""Cards, readiness and KPIs, computed from records: evidence or nothing."""

from fairlead.governance.card import Card, build_card, release_in_force, tier_of
from fairlead.governance.kpis import kpis
from fairlead.governance.model import Basis, Figure, Kpi, Period, Ref, Standing, Target, Tier, Verdict
from fairlead.governance.notary import Notary
from fairlead.governance.pages import Form, amount, counts, interval, moment, render_card, render_kpis, render_readiness
from fairlead.governance.ports import DecisionReader, Evidence, IncidentReader, Signed, Sources
from fairlead.governance.readiness import Check, Readiness, build_readiness

__all__ = [
    "Basis",
    "Card",
    "Check",
    "DecisionReader",
    "Evidence",
    "Figure",
    "Form",
    "IncidentReader",
    "Kpi",
    "Notary",
    "Period",
    "Readiness",
    "Ref",
    "Signed",
    "Sources",
    "Standing",
    "Target",
    "Tier",
    "Verdict",
    "amount",
    "build_card",
    "build_readiness",
    "counts",
    "interval",
    "kpis",
    "moment",
    "release_in_force",
    "render_card",
    "render_kpis",
    "render_readiness",
    "tier_of",
]
