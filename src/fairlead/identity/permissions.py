"""The permission table: which role may do what. What is not listed is not permitted."""

from typing import Literal

from fairlead.identity.errors import PermissionRefused
from fairlead.identity.model import Actor, Role

Permission = Literal[
    "read",
    "run",
    "case.make",
    "release.promote",
    "review.sign",
    "incident.open",
    "incident.contain",
    "incident.close",
    "approval.give",
    "capture.consent",
    "capture.read",
    "audit.read",
    "evidence.export",
    "account.manage",
    "key.manage",
]
"""What can be asked for. Two-person rules come on top: who approves or consents is never who asked."""

PERMISSIONS: dict[Permission, frozenset[Role]] = {
    "read": frozenset({"viewer", "engineer", "reviewer", "incident_commander", "auditor", "admin"}),
    "run": frozenset({"engineer", "reviewer", "incident_commander"}),
    "case.make": frozenset({"engineer", "incident_commander"}),
    "release.promote": frozenset({"engineer"}),
    "review.sign": frozenset({"reviewer"}),
    "incident.open": frozenset({"engineer", "reviewer", "incident_commander"}),
    "incident.contain": frozenset({"incident_commander"}),
    "incident.close": frozenset({"incident_commander"}),
    "approval.give": frozenset({"reviewer", "incident_commander"}),
    "capture.consent": frozenset({"reviewer", "auditor"}),
    "capture.read": frozenset({"reviewer", "incident_commander"}),
    "audit.read": frozenset({"auditor", "admin"}),
    "evidence.export": frozenset({"auditor", "reviewer"}),
    "account.manage": frozenset({"admin"}),
    "key.manage": frozenset({"admin"}),
}


def may(actor: Actor, permission: Permission, tenant: str) -> bool:
    """Tell whether an actor may do something in a tenant."""
    return actor.tenant in ("*", tenant) and not PERMISSIONS[permission].isdisjoint(actor.roles)


def require(actor: Actor, permission: Permission, tenant: str) -> None:
    """Do nothing if an actor may do something in a tenant.

    Raises:
        PermissionRefused: The actor is another tenant's, or has no role that permits it.
    """
    if not may(actor, permission, tenant):
        roles = ", ".join(sorted(PERMISSIONS[permission]))
        raise PermissionRefused(
            f"{permission} is not permitted", where=actor.id, mend=f"it takes one of these roles in this tenant: {roles}"
        )
