"""Who may do what: accounts with roles for people, keys with scopes for programs, sessions for browsers. All belong to one tenant."""

import base64
import os
import re
from hashlib import sha256
from typing import Literal, Self, get_args

import msgspec

from fairlead.core import new_id
from fairlead.identity.errors import IdentityInvalid

Role = Literal["viewer", "engineer", "reviewer", "incident_commander", "auditor", "admin"]
"""``viewer`` reads; ``engineer`` also runs evals and makes cases; ``reviewer`` signs off; ``incident_commander`` contains; ``auditor``
reads the audit trail and exports evidence; ``admin`` manages accounts and keys. What each may do is in ``permissions``, only there."""

ROLES: tuple[Role, ...] = get_args(Role)

Scope = Literal["chat", "check", "mcp", "redact", "admin:levers"]
"""What a key may be used for: model traffic, the check API, the MCP gateway, the redaction service, pulling levers."""

SCOPES: tuple[Scope, ...] = get_args(Scope)

AccountState = Literal["active", "disabled"]

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")
_SECRET_BYTES = 32
_TOKEN_PREFIX = "fl_"  # noqa: S105 - how every token begins, not a secret


class Account(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person's account. Its password's hash never leaves ``records``."""

    id: str
    """``acc_…``."""
    tenant: str
    login: str
    roles: tuple[Role, ...]
    state: AccountState = "active"
    created_us: int = 0


class ApiKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A program's key. The secret is known only to whoever was given the token."""

    id: str
    """``key_…``."""
    tenant: str
    name: str
    scopes: tuple[Scope, ...]
    secret_digest: str
    """SHA-256 of the secret in hex; 256 random bits need no slow hash."""
    created_by: str = ""
    created_us: int = 0
    expires_us: int = 0
    """0 for never."""
    revoked_us: int = 0
    """0 while it is in force."""

    @classmethod
    def issue(cls, *, tenant: str, name: str, scopes: tuple[Scope, ...], expires_us: int = 0) -> tuple[Self, str]:
        """Make a key and the token that stands for it: ``fl_<key id>_<secret>``, shown once and kept nowhere.

        Args:
            tenant: Whose traffic it carries.
            name: What the owner calls it.
            scopes: What it may be used for.
            expires_us: When it ends, microseconds UTC; 0 for never.
        """
        identifier = new_id("key")
        secret = random_secret()
        key = cls(id=identifier, tenant=tenant, name=name, scopes=scopes, secret_digest=digest_of(secret), expires_us=expires_us)
        return key, f"{_TOKEN_PREFIX}{identifier}_{secret}"

    def valid_at(self, now_us: int) -> bool:
        """Tell whether the key is in force: not revoked, not expired."""
        return not self.revoked_us and (not self.expires_us or now_us < self.expires_us)


class Session(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A browser's session, as long as it lasts."""

    id: str
    """``ses_…``."""
    account: Account
    expires_us: int
    """Microseconds UTC."""


class Actor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who asks for a change."""

    id: str
    tenant: str
    """The only tenant it may change; ``*`` for whoever holds the machine."""
    roles: tuple[Role, ...]

    @classmethod
    def of(cls, account: Account) -> Self:
        """Return the actor that an account is."""
        return cls(id=account.id, tenant=account.tenant, roles=account.roles)


LOCAL_OPERATOR = Actor(id="local-operator", tenant="*", roles=("admin",))
"""Whoever may run commands on this machine: reads the database and the keys anyway."""


def random_secret() -> str:
    """Return 256 random bits in lower-case base32, without separators."""
    return base64.b32encode(os.urandom(_SECRET_BYTES)).decode().rstrip("=").lower()


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a random secret in hex."""
    return sha256(secret.encode()).hexdigest()


def split_token(token: str) -> tuple[str, str]:
    """Return key id and secret of a token; two empty strings when it is none."""
    head, _, secret = token.rpartition("_")
    if not head.startswith(_TOKEN_PREFIX) or not secret:
        return "", ""
    return head.removeprefix(_TOKEN_PREFIX), secret


def require_name(value: str, *, what: str) -> str:
    """Return a name if it is acceptable for tenants, logins and keys.

    Raises:
        IdentityInvalid: It is empty, too long or has other characters.
    """
    if not _NAME.fullmatch(value):
        mend = "use 1 to 100 of a-z 0-9 . _ @ + - and begin with a letter or digit"
        raise IdentityInvalid(f"the {what} is not acceptable", where=what, mend=mend)
    return value
