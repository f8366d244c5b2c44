"""The policy: a file that people write, compiled into a Release that decides. Pure: reads no files."""

from fairlead.policy.base import Document
from fairlead.policy.cascade import Dear, Ladder
from fairlead.policy.cases import PolicyCase, load_cases
from fairlead.policy.cedar import APPROVED, SCALE, ToolLaw, cedar_source, conditions_of
from fairlead.policy.compile import Policy, compile_release, load_policy
from fairlead.policy.context import summed
from fairlead.policy.defaults import default_policy
from fairlead.policy.definitions import draft_tools, read_definitions
from fairlead.policy.diff import Change, diff
from fairlead.policy.documents import load_document
from fairlead.policy.errors import PolicyCedar, PolicyConflict, PolicyReference, PolicyShape, PolicySyntax, PolicyThreshold
from fairlead.policy.explain import RuleScore, explain
from fairlead.policy.lint import Odd, lint
from fairlead.policy.media import MediaDocument
from fairlead.policy.model import (
    ArgumentKind,
    Constraint,
    Extractor,
    Label,
    McpDocument,
    McpServerDocument,
    PolicyDocument,
    Severity,
    UpstreamDocument,
)
from fairlead.policy.pins import PINS_FILE, Pins, read_pins, write_pins
from fairlead.policy.reads import Reads
from fairlead.policy.release import Release
from fairlead.policy.retrieval import RetrievalDocument
from fairlead.policy.rules import Edit, IncidentRule, Rule, Ruling
from fairlead.policy.tools import TRUSTED, Kind, Records, Tool

__all__ = [
    "APPROVED",
    "PINS_FILE",
    "SCALE",
    "TRUSTED",
    "ArgumentKind",
    "Change",
    "Constraint",
    "Dear",
    "Document",
    "Edit",
    "Extractor",
    "IncidentRule",
    "Kind",
    "Label",
    "Ladder",
    "McpDocument",
    "McpServerDocument",
    "MediaDocument",
    "Odd",
    "Pins",
    "Policy",
    "PolicyCase",
    "PolicyCedar",
    "PolicyConflict",
    "PolicyDocument",
    "PolicyReference",
    "PolicyShape",
    "PolicySyntax",
    "PolicyThreshold",
    "Reads",
    "Records",
    "Release",
    "RetrievalDocument",
    "Rule",
    "RuleScore",
    "Ruling",
    "Severity",
    "Tool",
    "ToolLaw",
    "UpstreamDocument",
    "cedar_source",
    "compile_release",
    "conditions_of",
    "default_policy",
    "diff",
    "draft_tools",
    "explain",
    "lint",
    "load_cases",
    "load_document",
    "load_policy",
    "read_definitions",
    "read_pins",
    "summed",
    "write_pins",
]
