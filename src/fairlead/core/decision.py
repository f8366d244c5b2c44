"""Decision: the record of one guarded Stage, the one schema that everything shares."""

from typing import Literal, get_args

import msgspec

from fairlead.core.finding import Coverage, Finding
from fairlead.core.segment import Stage

Action = Literal["allow", "flag", "redact", "replace", "route", "require_approval", "block"]
"""What a rule asks for, from mildest to strictest: the strictest verdict of a Stage wins.

``flag`` records only; ``redact`` puts typed placeholders; ``replace`` puts the rule's own text; ``route`` sends the request to another
upstream of the policy; ``require_approval`` holds a tool call for a person; ``block`` ends it.
"""

ACTIONS: tuple[Action, ...] = get_args(Action)
SEVERITY: dict[Action, int] = {action: rank for rank, action in enumerate(ACTIONS)}

Mode = Literal["enforce", "shadow"]
State = Literal["open", "final", "interrupted", "bypassed"]
"""``open`` is written before a stream's first byte, ``final`` before its end; an open record of a dead process reads ``interrupted``;
``bypassed`` is a guard that failed under a policy that fails open."""


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The record of one guarded Stage of one Exchange."""

    id: str
    """``d_…``, derived from Exchange, Stage and place."""
    exchange: str
    """``x_…`` of the Exchange."""
    tenant: str
    system: str
    release: str
    """Digest of the Release that decided."""
    overlays: tuple[str, ...] = ()
    """Names of its overlays that were for this request."""
    stage: Stage
    at_us: int
    """Wall time in microseconds UTC."""
    verdict: Action
    """What the policy says."""
    action: Action
    """What was enforced; differs from the verdict under ``mode: shadow``."""
    mode: Mode = "enforce"
    state: State = "final"
    rule: str = ""
    """Id of the rule that decided; empty for a plain allow."""
    findings: tuple[Finding, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    took_us: int = 0
    """Guard time of this Stage in microseconds, without the upstream."""
    fingerprint: str = ""
    """Keyed hash of the Stage's texts (``hmac:…``), so that repeats can be found without keeping content."""
    trajectory: str = ""
    """``t_…`` of the agent's Trajectory, if the client named one."""
    tool: str = ""
    """For tool stages: the tool's name when the policy declares it, else ``unknown``."""
    approval: str = ""
    """``apr_…`` that this Decision asks for or used."""
    near_miss: bool = False
    """A score fell in the band below the acting threshold, or an attempt at a critical path was stopped."""
    restored: int = 0
    """At ``output`` and ``tool_call``: how often a value was put back in place of its pseudonym."""
    unrestored: int = 0
    """At ``output``: how many names of that form stayed, since the vault holds nothing for them here."""
    capture: str = ""
    """``cap_…`` of the sealed capture, when the policy lets content be kept."""
