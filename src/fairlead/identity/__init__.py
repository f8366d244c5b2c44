"""Tenants, accounts, roles, API keys, sessions, and the audit trail of every change. Nothing here speaks SQL; ``records`` does."""

from fairlead.identity.engine import MAX_FAILURES, WINDOW_US, Identity
from fairlead.identity.errors import (
    IdentityInvalid,
    IdentityNotFound,
    IdentityTaken,
    KeyGuessed,
    KeyRefused,
    KeysUnreadable,
    LoginLimited,
    LoginRefused,
    PermissionRefused,
    SessionRefused,
)
from fairlead.identity.guesses import GUESS_WINDOW_US, MOST_GUESSES, Doorkeeper, Guesses
from fairlead.identity.keyring import KeyRing, publish_keys
from fairlead.identity.model import LOCAL_OPERATOR, ROLES, SCOPES, Account, Actor, ApiKey, Role, Scope, Session
from fairlead.identity.passwords import Passwords
from fairlead.identity.permissions import PERMISSIONS, Permission, may, require
from fairlead.identity.sessions import LIFETIME_US, OpenedSession, csrf_token, require_csrf

__all__ = [
    "GUESS_WINDOW_US",
    "LIFETIME_US",
    "LOCAL_OPERATOR",
    "MAX_FAILURES",
    "MOST_GUESSES",
    "PERMISSIONS",
    "ROLES",
    "SCOPES",
    "WINDOW_US",
    "Account",
    "Actor",
    "ApiKey",
    "Doorkeeper",
    "Guesses",
    "Identity",
    "IdentityInvalid",
    "IdentityNotFound",
    "IdentityTaken",
    "KeyGuessed",
    "KeyRefused",
    "KeyRing",
    "KeysUnreadable",
    "LoginLimited",
    "LoginRefused",
    "OpenedSession",
    "Passwords",
    "Permission",
    "PermissionRefused",
    "Role",
    "Scope",
    "Session",
    "SessionRefused",
    "csrf_token",
    "may",
    "publish_keys",
    "require",
    "require_csrf",
]
