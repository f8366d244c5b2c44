"""The one decision flow, its ports and its drivers."""

from fairlead.guard.context import ExchangeContext, Sealing, StageOutcome
from fairlead.guard.detect import Detected, DetectJob, as_sources, run_detectors, sources_of
from fairlead.guard.drivers import adrive, drive
from fairlead.guard.errors import GuardUnavailable, LeversGone, NothingToRedact, PortFailed
from fairlead.guard.flow import Flow, check_stage, give_back, guard_call, guard_gate, guard_limits, guard_output, guard_request, refuse
from fairlead.guard.levers import FileLevers, begin_levers, read_levers, write_levers
from fairlead.guard.limits import MemoryLimits
from fairlead.guard.ports import (
    UNKNOWN_LABEL,
    Ask,
    AskLimit,
    Fingerprinter,
    Lever,
    LeverKind,
    Levers,
    LimitAnswer,
    LimitStore,
    Ports,
    RemoteDetectors,
    RemoteJob,
    ToolBroker,
    ToolCall,
    ToolContext,
    ToolVerdict,
)
from fairlead.guard.record import Refusal, Spot
from fairlead.guard.redact import Replaced, ToRedact, redact_value, redacted
from fairlead.guard.reply import call_of, explain, guard_reply, segment_of, settled
from fairlead.guard.stream import Released, StreamGuard

__all__ = [
    "UNKNOWN_LABEL",
    "Ask",
    "AskLimit",
    "DetectJob",
    "Detected",
    "ExchangeContext",
    "FileLevers",
    "Fingerprinter",
    "Flow",
    "GuardUnavailable",
    "Lever",
    "LeverKind",
    "Levers",
    "LeversGone",
    "LimitAnswer",
    "LimitStore",
    "MemoryLimits",
    "NothingToRedact",
    "PortFailed",
    "Ports",
    "Refusal",
    "Released",
    "RemoteDetectors",
    "RemoteJob",
    "Replaced",
    "Sealing",
    "Spot",
    "StageOutcome",
    "StreamGuard",
    "ToRedact",
    "ToolBroker",
    "ToolCall",
    "ToolContext",
    "ToolVerdict",
    "adrive",
    "as_sources",
    "begin_levers",
    "call_of",
    "check_stage",
    "drive",
    "explain",
    "give_back",
    "guard_call",
    "guard_gate",
    "guard_limits",
    "guard_output",
    "guard_reply",
    "guard_request",
    "read_levers",
    "redact_value",
    "redacted",
    "refuse",
    "run_detectors",
    "segment_of",
    "settled",
    "sources_of",
    "write_levers",
]
