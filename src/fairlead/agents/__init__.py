"""Agents: the tool broker, where values come from, and the approvals of persons."""

from fairlead.agents.approvals import Approval, ApprovalRequest, ApprovalState, ApprovalStore, MemoryApprovals
from fairlead.agents.broker import Broker
from fairlead.agents.errors import ApprovalNotFound, BadArguments, SelfApproval, TooManyApprovals
from fairlead.agents.provenance import Provenance
from fairlead.agents.rehearsal import Rehearsal

__all__ = [
    "Approval",
    "ApprovalNotFound",
    "ApprovalRequest",
    "ApprovalState",
    "ApprovalStore",
    "BadArguments",
    "Broker",
    "MemoryApprovals",
    "Provenance",
    "Rehearsal",
    "SelfApproval",
    "TooManyApprovals",
]
