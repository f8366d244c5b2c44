"""The in-process SDK: the same Decisions as the gateway, without a network."""

from fairlead.sdk.checked import Checked, Redacted
from fairlead.sdk.errors import Stopped
from fairlead.sdk.exchange import GuardedExchange, GuardedReply
from fairlead.sdk.guard import Guard
from fairlead.sdk.logs import RedactingFilter
from fairlead.sdk.marking import Marking
from fairlead.sdk.retrieval import Passage, Retrieved
from fairlead.sdk.stream import GuardedStream
from fairlead.sdk.trajectory import GuardedTrajectory

__all__ = [
    "Checked",
    "Guard",
    "GuardedExchange",
    "GuardedReply",
    "GuardedStream",
    "GuardedTrajectory",
    "Marking",
    "Passage",
    "Redacted",
    "RedactingFilter",
    "Retrieved",
    "Stopped",
]
