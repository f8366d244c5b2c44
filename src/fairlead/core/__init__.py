"""The vocabulary as frozen types, ids, clock, canonical bytes and the error tree. Imports nothing of Fairlead."""

from fairlead.core.canonical import canonical_bytes, decode, digest, digest_bytes
from fairlead.core.clock import Clock, SystemClock
from fairlead.core.decision import ACTIONS, SEVERITY, Action, Decision, Mode, State
from fairlead.core.errors import FairleadError, IntegrityError, InvalidInput, NotFound, Problems, Refused, Unavailable, UsageError
from fairlead.core.finding import Coverage, Finding, Status
from fairlead.core.ids import Prefix, derived_id, new_id
from fairlead.core.segment import ORIGINS, STAGES, UNTRUSTED, USUAL_ORIGIN, MediaKind, MediaSegment, Metadata, Origin, Segment, Stage

__all__ = [
    "ACTIONS",
    "ORIGINS",
    "SEVERITY",
    "STAGES",
    "UNTRUSTED",
    "USUAL_ORIGIN",
    "Action",
    "Clock",
    "Coverage",
    "Decision",
    "FairleadError",
    "Finding",
    "IntegrityError",
    "InvalidInput",
    "MediaKind",
    "MediaSegment",
    "Metadata",
    "Mode",
    "NotFound",
    "Origin",
    "Prefix",
    "Problems",
    "Refused",
    "Segment",
    "Stage",
    "State",
    "Status",
    "SystemClock",
    "Unavailable",
    "UsageError",
    "canonical_bytes",
    "decode",
    "derived_id",
    "digest",
    "digest_bytes",
    "new_id",
]
