"""Proofs: what a policy's tools can never do, whatever the model was talked into. Needs the extra ``[verify]``."""

from fairlead.policy.proofs.errors import SolverMissing, Untranslated
from fairlead.policy.proofs.findings import Check, Finding, Outcome, Report, State, Witness
from fairlead.policy.proofs.invariants import Invariant, load_invariants
from fairlead.policy.proofs.markdown import markdown
from fairlead.policy.proofs.requests import Request
from fairlead.policy.proofs.sarif import sarif
from fairlead.policy.proofs.told import call, lines, outcome
from fairlead.policy.proofs.verify import verify

__all__ = [
    "Check",
    "Finding",
    "Invariant",
    "Outcome",
    "Report",
    "Request",
    "SolverMissing",
    "State",
    "Untranslated",
    "Witness",
    "call",
    "lines",
    "load_invariants",
    "markdown",
    "outcome",
    "sarif",
    "verify",
]
