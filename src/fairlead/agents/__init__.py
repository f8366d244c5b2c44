"""Agents: the tool broker, where values come from, and the approvals of persons."""

from fairlead.agents.approval_desk import ApprovalDesk, asked_entry
from fairlead.agents.approval_files import Answer, FileApprovals, KeptApproval
from fairlead.agents.approvals import Approval, ApprovalRequest, ApprovalState, ApprovalStore, MemoryApprovals, Scope
from fairlead.agents.broker import Broker, Judgement
from fairlead.agents.definitions import BETWEEN, MENDS, Definition, Standing, standings
from fairlead.agents.delegated import Delegated, Delegations, Use
from fairlead.agents.errors import (
    ApprovalNotFound,
    ApprovalsBusy,
    ApprovalUnreadable,
    BadArguments,
    MemoryUnreadable,
    SelfApproval,
    TooManyApprovals,
)
from fairlead.agents.facts import RECIPIENTS
from fairlead.agents.forms import canonical
from fairlead.agents.load import ApprovalLoad, approval_load
from fairlead.agents.memory import Memory, MemoryEntries, MemoryEntry, MemoryStore
from fairlead.agents.memory_files import FileMemory
from fairlead.agents.provenance import Provenance
from fairlead.agents.reasons import Unmet
from fairlead.agents.rehearsal import Rehearsal
from fairlead.agents.stored import MemoryLabels, StoredLabels
from fairlead.agents.trajectory import MemoryTrajectories, Trajectory, TrajectoryStore

__all__ = [
    "BETWEEN",
    "MENDS",
    "RECIPIENTS",
    "Answer",
    "Approval",
    "ApprovalDesk",
    "ApprovalLoad",
    "ApprovalNotFound",
    "ApprovalRequest",
    "ApprovalState",
    "ApprovalStore",
    "ApprovalUnreadable",
    "ApprovalsBusy",
    "BadArguments",
    "Broker",
    "Definition",
    "Delegated",
    "Delegations",
    "FileApprovals",
    "FileMemory",
    "Judgement",
    "KeptApproval",
    "Memory",
    "MemoryApprovals",
    "MemoryEntries",
    "MemoryEntry",
    "MemoryLabels",
    "MemoryStore",
    "MemoryTrajectories",
    "MemoryUnreadable",
    "Provenance",
    "Rehearsal",
    "Scope",
    "SelfApproval",
    "Standing",
    "StoredLabels",
    "TooManyApprovals",
    "Trajectory",
    "TrajectoryStore",
    "Unmet",
    "Use",
    "approval_load",
    "asked_entry",
    "canonical",
    "standings",
]
