"""ReleaseRecord: a policy Release as it is recorded and signed."""

import msgspec

from fairlead.core import canonical_bytes, digest_bytes
from fairlead.policy import Release, Tool


class ModelPin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where requests go."""

    upstream: str
    provider: str
    model: str
    """Empty: what the client asks for."""


class RulePin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule, in short."""

    id: str
    stages: tuple[str, ...]
    looks_for: str
    """Hazard, or the entities."""
    action: str
    mode: str


class ToolPin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One tool of the manifest, in short."""

    name: str
    permission: str
    """``allowed``, ``allowed under conditions on …``, ``by approval``, ``forbidden`` or ``by tools.cedar``."""
    outputs: str


class ReleaseRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What decided from a certain time on, who put it in force, and the canonical form that its id is the digest of."""

    id: str
    tenant: str
    system: str
    owner: str
    tier: str
    mode: str
    capture: str
    audit: str
    unknown: str
    models: tuple[ModelPin, ...]
    rules: tuple[RulePin, ...]
    tools: tuple[ToolPin, ...]
    canonical: str
    """Canonical JSON; empty only where the policy's own text must stay with its owner."""
    by: str
    """Who recorded it."""
    at_us: int

    @property
    def intact(self) -> bool:
        """Whether the id is the digest of the canonical form."""
        return digest_bytes(self.canonical.encode()) == self.id


def record_release(release: Release, *, tenant: str, by: str, at_us: int) -> ReleaseRecord:
    """Return the record of a Release.

    Args:
        release: A compiled policy.
        tenant: Whose System it guards.
        by: Who puts it in force: an account, a key, or a program's name.
        at_us: When, microseconds UTC.
    """
    policy = release.policy
    about = {rule.id: rule.looks_for for rule in policy.rules}
    return ReleaseRecord(
        id=release.id,
        tenant=tenant,
        system=policy.system,
        owner=policy.owner,
        tier=policy.tier,
        mode=policy.mode,
        capture=policy.capture,
        audit=policy.audit,
        unknown=policy.unknown,
        models=tuple(ModelPin(upstream=name, provider=up.provider, model=up.model) for name, up in sorted(policy.upstream.items())),
        rules=tuple(
            RulePin(
                id=rule.id,
                stages=tuple(rule.stages),
                looks_for=about[rule.id],
                action=rule.action,
                mode=rule.mode,
            )
            for rule in release.rules
        ),
        tools=tuple(ToolPin(name=tool.name, permission=_permission(tool), outputs=tool.outputs) for tool in release.tools),
        canonical=canonical_bytes(release.canonical).decode(),
        by=by,
        at_us=at_us,
    )


def _permission(tool: Tool) -> str:
    if tool.allow:
        conditions = sorted({*tool.when, *tool.provenance})
        otherwise = "by approval" if tool.otherwise == "require_approval" else "forbidden"
        return f"allowed under conditions on {', '.join(conditions)}; else {otherwise}" if conditions else "allowed"
    if tool.allow is None:
        return "by tools.cedar"
    return "by approval" if tool.otherwise == "require_approval" else "forbidden"
