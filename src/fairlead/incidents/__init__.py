"""Incidents: what opens one, levers that are pulled and proven, and the case that keeps it from happening again."""

from fairlead.incidents.cases import Captured, read_capture, regression_case, store_case
from fairlead.incidents.containment import Containing
from fairlead.incidents.desk import IncidentDesk, IncidentFile
from fairlead.incidents.engine import DEFAULT_RULES, WINDOW_US, consider, contained, matching
from fairlead.incidents.errors import (
    CaptureMissing,
    CaseNotMade,
    ContainmentUnproven,
    IncidentNotFound,
    IncidentState,
    LeverUnprobed,
    SecondPersonNeeded,
)
from fairlead.incidents.levers import LeverFile
from fairlead.incidents.model import (
    DEADLINES,
    STANDING,
    Complaint,
    Containment,
    Deadline,
    Event,
    EventKind,
    Incident,
    ProbeResult,
    Status,
)
from fairlead.incidents.ports import (
    CaptureReader,
    IncidentStore,
    LeverStore,
    Made,
    Notary,
    Outcome,
    Prober,
    Programme,
    Programmes,
    Step,
)
from fairlead.incidents.probe import SocketProber
from fairlead.incidents.watch import watch

__all__ = [
    "DEADLINES",
    "DEFAULT_RULES",
    "STANDING",
    "WINDOW_US",
    "CaptureMissing",
    "CaptureReader",
    "Captured",
    "CaseNotMade",
    "Complaint",
    "Containing",
    "Containment",
    "ContainmentUnproven",
    "Deadline",
    "Event",
    "EventKind",
    "Incident",
    "IncidentDesk",
    "IncidentFile",
    "IncidentNotFound",
    "IncidentState",
    "IncidentStore",
    "LeverFile",
    "LeverStore",
    "LeverUnprobed",
    "Made",
    "Notary",
    "Outcome",
    "ProbeResult",
    "Prober",
    "Programme",
    "Programmes",
    "SecondPersonNeeded",
    "SocketProber",
    "Status",
    "Step",
    "consider",
    "contained",
    "matching",
    "read_capture",
    "regression_case",
    "store_case",
    "watch",
]
