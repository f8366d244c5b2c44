"""The console: portfolio, live Decisions, incidents, runs and gates, evidence, approvals. Read-only but for approvals; never content."""

from fairlead.console.app import create_app
from fairlead.console.errors import QueryInvalid
from fairlead.console.pages import PAGES, Ask
from fairlead.console.ports import (
    ConsoleContext,
    Door,
    EntryLine,
    EvidenceFile,
    GateLine,
    Inbox,
    Reads,
    Receipts,
    RunFile,
    RunLine,
    SystemLine,
    Viewer,
)
from fairlead.console.reads import StoreReads

__all__ = [
    "PAGES",
    "Ask",
    "ConsoleContext",
    "Door",
    "EntryLine",
    "EvidenceFile",
    "GateLine",
    "Inbox",
    "QueryInvalid",
    "Reads",
    "Receipts",
    "RunFile",
    "RunLine",
    "StoreReads",
    "SystemLine",
    "Viewer",
    "create_app",
]
