"""Agents: the tool broker, where values come from, and the approvals of persons."""

from fairlead.agents.approval_desk import ApprovalDesk
from fairlead.agents.approval_files import Answer, FileApprovals, KeptApproval
from fairlead.agents.approvals import Approval, ApprovalRequest, ApprovalState, ApprovalStore, MemoryApprovals
from fairlead.agents.broker import Broker
from fairlead.agents.errors import ApprovalNotFound, ApprovalsBusy, ApprovalUnreadable, BadArguments, SelfApproval, TooManyApprovals
from fairlead.agents.provenance import Provenance
from fairlead.agents.rehearsal import Rehearsal

__all__ = [
    "Answer",
    "Approval",
    "ApprovalDesk",
    "ApprovalNotFound",
    "ApprovalRequest",
    "ApprovalState",
    "ApprovalStore",
    "ApprovalUnreadable",
    "ApprovalsBusy",
    "BadArguments",
    "Broker",
    "FileApprovals",
    "KeptApproval",
    "MemoryApprovals",
    "Provenance",
    "Rehearsal",
    "SelfApproval",
    "TooManyApprovals",
]
