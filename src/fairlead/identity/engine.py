"""Identity: the rules of tenants, accounts, keys and sessions. Whatever changes is permitted to someone and leaves an audit entry."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from fairlead.core import Clock, new_id
from fairlead.identity.errors import IdentityInvalid, IdentityNotFound, LoginLimited, LoginRefused, SessionRefused
from fairlead.identity.keyring import publish_keys_from
from fairlead.identity.model import ROLES, SCOPES, Account, Actor, ApiKey, Role, Scope, Session, digest_of, random_secret, require_name
from fairlead.identity.passwords import Passwords
from fairlead.identity.permissions import require
from fairlead.identity.sessions import LIFETIME_US, OpenedSession
from fairlead.journal import AuditEntry

if TYPE_CHECKING:  # records speak SQL, and this module is imported by the data plane, which does not
    from fairlead.identity.records import IdentityRecords

MAX_FAILURES: Final = 5
"""Failed logins of one login name within the window; then the right password is refused too."""
WINDOW_US: Final = 15 * 60_000_000
_NOBODY: Final = "nobody"
T = TypeVar("T", Role, Scope)


class Identity:
    """The identity service of the control plane.

    Args:
        records: Its tables.
        passwords: Hashes and checks passwords.
        clock: Where time comes from.
        snapshot: The file that data planes read keys from.
    """

    def __init__(self, records: "IdentityRecords", *, passwords: Passwords, clock: Clock, snapshot: Path) -> None:
        self._records = records
        self._passwords = passwords
        self._clock = clock
        self._snapshot = snapshot

    def create_tenant(self, actor: Actor, tenant: str) -> None:
        """Add a tenant.

        Raises:
            PermissionRefused: Only who holds the machine may.
            IdentityInvalid: The name is not acceptable.
            IdentityTaken: It exists.
        """
        require(actor, "account.manage", "*")
        require_name(tenant, what="tenant")
        self._records.add_tenant(tenant, self._clock.now_us(), self._audit(actor, tenant, "tenant.create", tenant))

    def create_account(self, actor: Actor, tenant: str, *, login: str, password: str, roles: Sequence[str]) -> Account:
        """Add an account; the machine's operator adds a missing tenant with it.

        Raises:
            PermissionRefused: The actor may not manage accounts of this tenant.
            IdentityInvalid: Login, password or a role is not acceptable.
            IdentityTaken: The login is taken.
        """
        require(actor, "account.manage", tenant)
        require_name(login, what="login")
        granted = _known(roles, ROLES, "role")
        hashed = self._passwords.hash(password)
        self._ensure_tenant(actor, tenant)
        account = Account(id=new_id("acc"), tenant=tenant, login=login, roles=granted, created_us=self._clock.now_us())
        detail = {"login": login, "roles": ",".join(granted)}
        self._records.add_account(account, hashed, self._audit(actor, tenant, "account.create", account.id, **detail))
        return account

    def accounts(self, actor: Actor, tenant: str) -> list[Account]:
        """Return a tenant's accounts.

        Raises:
            PermissionRefused: The actor may not manage accounts of this tenant.
        """
        require(actor, "account.manage", tenant)
        return self._records.accounts(tenant)

    def disable_account(self, actor: Actor, tenant: str, login: str) -> Account:
        """Disable an account; its sessions end at once.

        Raises:
            PermissionRefused: The actor may not manage accounts of this tenant.
            IdentityNotFound: There is no such account.
        """
        account = self._managed(actor, tenant, login)
        self._records.set_state(account, "disabled", self._audit(actor, tenant, "account.disable", account.id))
        return self._found(tenant, login)

    def enable_account(self, actor: Actor, tenant: str, login: str) -> Account:
        """Enable a disabled account.

        Raises:
            PermissionRefused: The actor may not manage accounts of this tenant.
            IdentityNotFound: There is no such account.
        """
        account = self._managed(actor, tenant, login)
        self._records.set_state(account, "active", self._audit(actor, tenant, "account.enable", account.id))
        return self._found(tenant, login)

    def set_roles(self, actor: Actor, tenant: str, login: str, *, roles: Sequence[str]) -> Account:
        """Give an account other roles; its sessions end.

        Raises:
            PermissionRefused: The actor may not manage accounts of this tenant.
            IdentityNotFound: There is no such account.
            IdentityInvalid: A role is not known.
        """
        account = self._managed(actor, tenant, login)
        granted = _known(roles, ROLES, "role")
        detail = {"before": ",".join(account.roles), "after": ",".join(granted)}
        self._records.set_roles(account, granted, self._audit(actor, tenant, "account.roles", account.id, **detail))
        return self._found(tenant, login)

    def set_password(self, actor: Actor, tenant: str, login: str, *, password: str) -> None:
        """Give an account another password; its sessions end.

        Raises:
            PermissionRefused: The actor may not manage accounts of this tenant.
            IdentityNotFound: There is no such account.
            IdentityInvalid: The password is too short or too long.
        """
        account = self._managed(actor, tenant, login)
        hashed = self._passwords.hash(password)
        self._records.set_password(account, hashed, self._audit(actor, tenant, "account.password", account.id))

    def create_key(self, actor: Actor, tenant: str, *, name: str, scopes: Sequence[str], lifetime_us: int = 0) -> tuple[ApiKey, str]:
        """Add an API key and publish it to the data planes.

        Args:
            actor: Who asks.
            tenant: Whose traffic it carries; the machine's operator adds a missing tenant.
            name: What the owner calls it.
            scopes: What it may be used for.
            lifetime_us: How long it lasts, microseconds; 0 for until it is revoked.

        Returns:
            The key, and its token, which is kept nowhere.

        Raises:
            PermissionRefused: The actor may not manage keys of this tenant.
            IdentityInvalid: Name or a scope is not acceptable.
            Unavailable: It was added but can't be published.
        """
        require(actor, "key.manage", tenant)
        require_name(name, what="name")
        granted: tuple[Scope, ...] = _known(scopes, SCOPES, "scope")
        now = self._clock.now_us()
        self._ensure_tenant(actor, tenant)
        issued, token = ApiKey.issue(tenant=tenant, name=name, scopes=granted, expires_us=now + lifetime_us if lifetime_us else 0)
        key = msgspec.structs.replace(issued, created_by=actor.id, created_us=now)
        detail = {"name": name, "scopes": ",".join(granted), "expires_us": str(key.expires_us)}
        self._records.add_key(key, self._audit(actor, tenant, "key.create", key.id, **detail))
        self.publish()
        return key, token

    def keys(self, actor: Actor, tenant: str) -> list[ApiKey]:
        """Return a tenant's keys, revoked ones too.

        Raises:
            PermissionRefused: The actor may not manage keys of this tenant.
        """
        require(actor, "key.manage", tenant)
        return self._records.keys(tenant)

    def revoke_key(self, actor: Actor, tenant: str, key: str) -> None:
        """Revoke an API key; data planes refuse it from their next request on.

        Raises:
            PermissionRefused: The actor may not manage keys of this tenant.
            IdentityNotFound: There is no such key in force.
            Unavailable: It is revoked here but can't be published.
        """
        require(actor, "key.manage", tenant)
        self._records.revoke_key(tenant, key, self._clock.now_us(), self._audit(actor, tenant, "key.revoke", key))
        self.publish()

    def publish(self) -> None:
        """Write the snapshot of the keys that are in force; done after every change, and at start-up.

        Raises:
            Unavailable: It can't be written: data planes go on with what they know.
        """
        publish_keys_from(self._snapshot, lambda: self._records.published_keys(self._clock.now_us()))

    def login(self, tenant: str, login: str, password: str) -> OpenedSession:
        """Open a session for who knows the password.

        Raises:
            LoginLimited: Too many failed attempts; even the right password has to wait.
            LoginRefused: Unknown login, wrong password or disabled account.
        """
        digest = sha256(f"{tenant}\x1f{login}".encode("utf-8", "surrogatepass")).hexdigest()
        now = self._clock.now_us()
        attempts = self._records.count_attempt(tenant, digest, now, WINDOW_US)
        account = self._records.account(tenant, login=login)
        if attempts > MAX_FAILURES:
            if account is not None and attempts == MAX_FAILURES + 1:
                self._records.note(self._audit(None, tenant, "login.limit", account.id))
            raise LoginLimited("too many failed logins", mend="wait 15 minutes")
        kept = None if account is None else self._records.password_hash(tenant, account.id)
        right = self._passwords.check(password, kept)
        if account is None or not right or account.state != "active":
            if account is not None:
                self._records.note(self._audit(None, tenant, "login.fail", account.id))
            raise LoginRefused("login or password is wrong", mend="check both; an admin can set a new password")
        self._records.forget_attempts(tenant, digest)
        return self._open(account, now)

    def session(self, token: str) -> Session:
        """Return the session of a cookie's token, with the account as it is now.

        Raises:
            SessionRefused: It is unknown, over, or its account is disabled.
        """
        session = self._records.session(digest_of(token))
        if session is None or self._clock.now_us() >= session.expires_us or session.account.state != "active":
            raise SessionRefused("the session is over", mend="log in again")
        return session

    def logout(self, token: str) -> None:
        """End a session.

        Raises:
            SessionRefused: It is over already.
        """
        session = self.session(token)
        entry = self._audit(Actor.of(session.account), session.account.tenant, "session.end", session.id)
        self._records.end_session(session, entry)

    def audit(self, actor: Actor, tenant: str, *, target: str = "", limit: int = 100) -> list[AuditEntry]:
        """Return a tenant's audit trail, the newest first; of one target when it is given.

        Raises:
            PermissionRefused: The actor may not read it.
        """
        require(actor, "audit.read", tenant)
        return self._records.audit(tenant, target=target, limit=limit)

    def _open(self, account: Account, now: int) -> OpenedSession:
        token = random_secret()
        session = Session(id=new_id("ses"), account=account, expires_us=now + LIFETIME_US)
        entry = self._audit(Actor.of(account), account.tenant, "session.open", session.id)
        self._records.open_session(session, digest_of(token), now, entry)
        return OpenedSession(session, token)

    def _managed(self, actor: Actor, tenant: str, login: str) -> Account:
        require(actor, "account.manage", tenant)
        return self._found(tenant, login)

    def _found(self, tenant: str, login: str) -> Account:
        account = self._records.account(tenant, login=login)
        if account is None:
            raise IdentityNotFound("there is no such account in this tenant", where="login", mend="see `fairlead account list`")
        return account

    def _ensure_tenant(self, actor: Actor, tenant: str) -> None:
        if not self._records.has_tenant(tenant):
            self.create_tenant(actor, tenant)

    def _audit(self, actor: Actor | None, tenant: str, action: str, target: str, **detail: str) -> AuditEntry:
        who = _NOBODY if actor is None else actor.id
        return AuditEntry(
            id=new_id("aud"), tenant=tenant, actor=who, action=action, target=target, at_us=self._clock.now_us(), detail=detail
        )


def _known(values: Sequence[str], known: tuple[T, ...], what: str) -> tuple[T, ...]:
    found = tuple(value for value in known if value in values)
    if not values or set(values) - set(known):
        raise IdentityInvalid(f"a {what} is missing or not known", where=what, mend=f"use one or more of {', '.join(known)}")
    return found
