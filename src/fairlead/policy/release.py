"""Release: the lock of all that decides, and the decisions that follow from it."""

from collections.abc import Mapping, Sequence

import msgspec

from fairlead.core import SEVERITY, Decision, Finding, Stage
from fairlead.detectors import Detector, PatternScanner
from fairlead.detectors.remote import Remote
from fairlead.policy.cascade import Dear, Ladder
from fairlead.policy.cedar import ToolLaw
from fairlead.policy.model import PolicyDocument
from fairlead.policy.overlays import Chooser
from fairlead.policy.pins import Pins
from fairlead.policy.rules import Edit, IncidentRule, Rule, RuleTable, Ruling
from fairlead.policy.tools import Tool


class Release(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A policy, resolved against the detectors of this installation. Build it with :func:`compile_release`."""

    id: str
    """Digest of the canonical form: of two Releases with the same id, each decides exactly as the other."""
    policy: PolicyDocument
    rules: tuple[Rule, ...]
    tools: tuple[Tool, ...]
    incidents: tuple[IncidentRule, ...]
    messages: Mapping[str, str]
    law: ToolLaw
    """The tools' Cedar policies and schema, validated."""
    pins: Pins
    """The tool definitions of MCP servers that the operator has reviewed."""
    detectors: Mapping[Stage, tuple[Detector, ...]]
    """The fast ones, which always run."""
    dear: Mapping[Stage, tuple[Dear, ...]]
    """Those that the cascade asks after them; only of Stages that have any."""
    ladder: Ladder
    """What guarding may take, and what gives way first."""
    remotes: Mapping[Stage, tuple[Remote, ...]]
    scanners: Mapping[Stage, PatternScanner]
    tables: Mapping[Stage, RuleTable]
    pseudonymises: bool
    """True when a rule that is enforced puts pseudonyms, so that there may be something to put back."""
    canonical: Mapping[str, object]
    """What the id is the digest of."""
    overlays: tuple[str, ...] = ()
    """Names of the overlays that are merged into it; none of a base."""
    set_at: Mapping[str, str] = {}
    """Key that an overlay changed, to the line that decided."""
    chooser: Chooser | None = None
    """Of a base with overlays: what finds those of a request."""
    variants: Mapping[tuple[str, ...], "Release"] = {}
    """Of a base: the merged policies, by the names of their overlays; all have the base's id."""

    def for_request(self, tenant: str, *, api: str = "", model: str = "", region: str = "") -> "Release":
        """Return the policy that decides about a request: with the overlays that are for it.

        Args:
            tenant: Who asks.
            api: Which API is spoken; empty where none is.
            model: What the client asks for; empty where nothing is.
            region: Of the installation, for tenants whose region the policy does not say.
        """
        if self.chooser is None:
            return self
        names = self.chooser.names(tenant, api, model, region)
        return self.variants[names] if names else self

    def may_ask(self, upstream: str) -> bool:
        """Tell whether an upstream of the policy may be asked."""
        return self.policy.upstreams is None or upstream in self.policy.upstreams

    @property
    def fails_closed(self) -> bool:
        """True when a guard that fails stops the Exchange; a System of the tier ``minimal`` fails open unless its policy says otherwise."""
        stated = self.policy.on_error
        return stated == "closed" if stated is not None else self.policy.tier != "minimal"

    def detectors_at(self, stage: Stage) -> tuple[Detector, ...]:
        """Return the fast detectors that the rules of a Stage need, without the pattern scanner."""
        return self.detectors.get(stage, ())

    def dear_at(self, stage: Stage) -> tuple[Dear, ...]:
        """Return the dear detectors that the rules of a Stage need, in the order in which they are asked."""
        return self.dear.get(stage, ())

    def local_at(self, stage: Stage) -> tuple[Detector, ...]:
        """Return all detectors of a Stage that the policy does not declare itself, fast and dear, without the pattern scanner."""
        return (*self.detectors_at(stage), *(entry.asks for entry in self.dear_at(stage) if not isinstance(entry.asks, Remote)))

    def remotes_at(self, stage: Stage) -> tuple[Remote, ...]:
        """Return the detectors outside the process that the rules of a Stage need."""
        return self.remotes.get(stage, ())

    def scanner_at(self, stage: Stage) -> PatternScanner | None:
        """Return the scanner for the pattern entities of a Stage's rules; None when they name none."""
        return self.scanners.get(stage)

    def decide(self, stage: Stage, findings: Sequence[Finding]) -> Ruling:
        """Return what the rules of a Stage say of its Findings.

        Args:
            stage: Where they were made.
            findings: All Findings of that Stage, whatever their score.
        """
        table = self.tables.get(stage)
        return _ALLOW if table is None or not findings else table.decide(stage, findings)

    def edits(self, stage: Stage, findings: Sequence[Finding]) -> tuple[Edit, ...]:
        """Return what stands in place of the Findings of a text that is only to be redacted.

        A rule that would stop the text, or send it elsewhere, replaces what it is about by a placeholder.

        Args:
            stage: Where they were made.
            findings: All Findings of that Stage.
        """
        table = self.tables.get(stage)
        return () if table is None else table.edits(findings)

    def redacts_at(self, stage: Stage) -> bool:
        """Tell whether a rule of a Stage replaces anything of a text that is only to be redacted."""
        return any(stage in rule.stages and rule.mode == "enforce" and SEVERITY[rule.action] >= SEVERITY["redact"] for rule in self.rules)

    def tool(self, name: str) -> Tool | None:
        """Return the manifest entry of a tool; None for one that the policy does not list."""
        return next((tool for tool in self.tools if tool.name == name), None)

    def incidents_for(self, decision: Decision) -> tuple[IncidentRule, ...]:
        """Return the incident rules that a Decision meets, the gravest first."""
        return tuple(sorted((rule for rule in self.incidents if rule.matches(decision)), key=lambda rule: rule.severity))


_ALLOW = Ruling()
