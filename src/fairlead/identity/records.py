"""Accounts, keys, sessions and login attempts in the store. Every change and its audit entry are one transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    ForeignKeyConstraint,
    PrimaryKeyConstraint,
    RowMapping,
    Table,
    Text,
    UniqueConstraint,
    case,
    delete,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError as RowConflict
from sqlalchemy.sql import ColumnElement

from fairlead.core import canonical_bytes, decode
from fairlead.identity.errors import IdentityNotFound, IdentityTaken
from fairlead.identity.model import Account, AccountState, ApiKey, Role, Scope, Session
from fairlead.journal import AuditEntry
from fairlead.store import Store, metadata
from fairlead.store.records import audit_trail, put_audit

tenants = Table(
    "tenants",
    metadata,
    Column("id", Text, primary_key=True),
    Column("created_us", BigInteger, nullable=False),
)
accounts = Table(
    "accounts",
    metadata,
    Column("tenant", Text, ForeignKey("tenants.id"), nullable=False),
    Column("id", Text, nullable=False),
    Column("login", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
    UniqueConstraint("tenant", "login"),
)
api_keys = Table(
    "api_keys",
    metadata,
    Column("tenant", Text, ForeignKey("tenants.id"), nullable=False),
    Column("id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("secret_digest", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    Column("revoked_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
)
sessions = Table(
    "sessions",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("token_digest", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("expires_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "id"),
    ForeignKeyConstraint(["tenant", "account"], ["accounts.tenant", "accounts.id"]),
    UniqueConstraint("token_digest"),
)
login_attempts = Table(
    "login_attempts",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("login_digest", Text, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("since_us", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "login_digest"),
)

_ACCOUNT_COLUMNS = tuple(accounts.c[name] for name in Account.__struct_fields__)


class IdentityRecords:
    """The tables of identity.

    Args:
        store: The database.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def has_tenant(self, tenant: str) -> bool:
        """Tell whether a tenant exists."""
        with self._store.read() as connection:
            return connection.execute(select(tenants.c.id).where(tenants.c.id == tenant)).first() is not None

    def add_tenant(self, tenant: str, now_us: int, audit: AuditEntry) -> None:
        """Add a tenant.

        Raises:
            IdentityTaken: It exists.
        """
        with self._changing(audit) as connection:
            connection.execute(insert(tenants).values(id=tenant, created_us=now_us))

    def add_account(self, account: Account, password_hash: str, audit: AuditEntry) -> None:
        """Add an account.

        Raises:
            IdentityTaken: The login is taken in this tenant.
        """
        row = {name: getattr(account, name) for name in account.__struct_fields__} | {"roles": _json(account.roles)}
        with self._changing(audit) as connection:
            connection.execute(insert(accounts).values(**row, password_hash=password_hash))

    def accounts(self, tenant: str) -> list[Account]:
        """Return a tenant's accounts by login."""
        with self._store.read() as connection:
            query = select(*_ACCOUNT_COLUMNS).where(accounts.c.tenant == tenant).order_by(accounts.c.login)
            return [_account(row) for row in connection.execute(query).mappings()]

    def account(self, tenant: str, *, login: str) -> Account | None:
        """Return a tenant's account of that login."""
        with self._store.read() as connection:
            query = select(*_ACCOUNT_COLUMNS).where(accounts.c.tenant == tenant, accounts.c.login == login)
            row = connection.execute(query).mappings().first()
            return None if row is None else _account(row)

    def password_hash(self, tenant: str, account: str) -> str | None:
        """Return the hash of an account's password."""
        with self._store.read() as connection:
            query = select(accounts.c.password_hash).where(accounts.c.tenant == tenant, accounts.c.id == account)
            return connection.execute(query).scalar()

    def set_state(self, account: Account, state: AccountState, audit: AuditEntry) -> None:
        """Enable or disable an account; its sessions end.

        Raises:
            IdentityNotFound: This tenant has no such account.
        """
        self._change_account(account, audit, state=state)

    def set_roles(self, account: Account, roles: tuple[Role, ...], audit: AuditEntry) -> None:
        """Give an account other roles; its sessions end.

        Raises:
            IdentityNotFound: This tenant has no such account.
        """
        self._change_account(account, audit, roles=_json(roles))

    def set_password(self, account: Account, password_hash: str, audit: AuditEntry) -> None:
        """Give an account another password; its sessions end.

        Raises:
            IdentityNotFound: This tenant has no such account.
        """
        self._change_account(account, audit, password_hash=password_hash)

    def add_key(self, key: ApiKey, audit: AuditEntry) -> None:
        """Add an API key.

        Raises:
            IdentityTaken: There is one of that id.
        """
        row = {name: getattr(key, name) for name in key.__struct_fields__} | {"scopes": _json(key.scopes)}
        with self._changing(audit) as connection:
            connection.execute(insert(api_keys).values(**row))

    def revoke_key(self, tenant: str, key: str, now_us: int, audit: AuditEntry) -> None:
        """Revoke an API key; revoking twice keeps the first time.

        Raises:
            IdentityNotFound: This tenant has no such key in force.
        """
        where = (api_keys.c.tenant == tenant, api_keys.c.id == key, api_keys.c.revoked_us == 0)
        with self._changing(audit) as connection:
            if connection.execute(update(api_keys).where(*where).values(revoked_us=now_us)).rowcount == 0:
                raise IdentityNotFound("there is no such key in force", where=key, mend="see `fairlead key list`")

    def keys(self, tenant: str) -> list[ApiKey]:
        """Return a tenant's keys, revoked ones too, oldest first."""
        return self._keys(api_keys.c.tenant == tenant)

    def published_keys(self, now_us: int) -> list[ApiKey]:
        """Return every tenant's keys that are in force: the one query that crosses tenants, for the data plane's snapshot only."""
        return self._keys(api_keys.c.revoked_us == 0, or_(api_keys.c.expires_us == 0, api_keys.c.expires_us > now_us))

    def open_session(self, session: Session, token_digest: str, now_us: int, audit: AuditEntry) -> None:
        """Add a session, and drop those of its tenant that are over."""
        tenant = session.account.tenant
        row = {"tenant": tenant, "id": session.id, "account": session.account.id, "token_digest": token_digest}
        with self._changing(audit) as connection:
            connection.execute(delete(sessions).where(sessions.c.tenant == tenant, sessions.c.expires_us <= now_us))
            connection.execute(insert(sessions).values(**row, created_us=now_us, expires_us=session.expires_us))

    def session(self, token_digest: str) -> Session | None:
        """Return the session of a token's hash: 256 random bits that only one tenant's browser has."""
        joined = sessions.join(accounts, (accounts.c.tenant == sessions.c.tenant) & (accounts.c.id == sessions.c.account))
        wanted = select(sessions.c.id.label("session"), sessions.c.expires_us, *_ACCOUNT_COLUMNS).select_from(joined)
        with self._store.read() as connection:
            row = connection.execute(wanted.where(sessions.c.token_digest == token_digest)).mappings().first()
        return None if row is None else Session(id=row["session"], expires_us=row["expires_us"], account=_account(row))

    def end_session(self, session: Session, audit: AuditEntry) -> None:
        """End a session."""
        with self._changing(audit) as connection:
            where = (sessions.c.tenant == session.account.tenant, sessions.c.id == session.id)
            connection.execute(delete(sessions).where(*where))

    def count_attempt(self, tenant: str, login_digest: str, now_us: int, window_us: int) -> int:
        """Count a login attempt before its password is looked at, and return how many there were in the window with this one."""
        old = now_us - window_us
        with self._store.write() as connection:
            connection.execute(delete(login_attempts).where(login_attempts.c.since_us <= old))  # all tenants': only forgets what is over
            new = _upsert(connection).values(tenant=tenant, login_digest=login_digest, failures=1, since_us=now_us)
            again = login_attempts.c.since_us > old
            counted = new.on_conflict_do_update(
                index_elements=["tenant", "login_digest"],
                set_={
                    "failures": case((again, login_attempts.c.failures + 1), else_=1),
                    "since_us": case((again, login_attempts.c.since_us), else_=now_us),
                },
            ).returning(login_attempts.c.failures)
            return int(connection.execute(counted).scalar_one())

    def forget_attempts(self, tenant: str, login_digest: str) -> None:
        """Start counting anew, after a login that succeeded."""
        with self._store.write() as connection:
            where = (login_attempts.c.tenant == tenant, login_attempts.c.login_digest == login_digest)
            connection.execute(delete(login_attempts).where(*where))

    def note(self, audit: AuditEntry) -> None:
        """Add an audit entry that no change belongs to."""
        with self._store.write() as connection:
            put_audit(connection, [audit])

    def audit(self, tenant: str, *, target: str, limit: int) -> list[AuditEntry]:
        """Return a tenant's audit entries, the newest first."""
        with self._store.read() as connection:
            return audit_trail(connection, tenant, target=target, limit=limit)

    @contextmanager
    def _changing(self, audit: AuditEntry) -> Iterator[Connection]:
        try:
            with self._store.write() as connection:
                yield connection
                put_audit(connection, [audit])
        except RowConflict as error:
            raise IdentityTaken(
                "one of that name exists already, or its tenant does not", where=audit.target, mend="choose another name"
            ) from error

    def _change_account(self, account: Account, audit: AuditEntry, **values: str) -> None:
        with self._changing(audit) as connection:
            where = (accounts.c.tenant == account.tenant, accounts.c.id == account.id)
            if connection.execute(update(accounts).where(*where).values(**values)).rowcount == 0:
                raise IdentityNotFound("there is no such account", where=account.id, mend="see `fairlead account list`")
            connection.execute(delete(sessions).where(sessions.c.tenant == account.tenant, sessions.c.account == account.id))

    def _keys(self, *conditions: ColumnElement[bool]) -> list[ApiKey]:
        with self._store.read() as connection:
            query = select(api_keys).where(*conditions).order_by(api_keys.c.created_us, api_keys.c.id)
            return [_key(row) for row in connection.execute(query).mappings()]


def _account(row: RowMapping) -> Account:
    fields = {name: row[name] for name in Account.__struct_fields__}
    return Account(**{**fields, "roles": decode(row["roles"], tuple[Role, ...], where="accounts.roles")})


def _key(row: RowMapping) -> ApiKey:
    return ApiKey(**{**row, "scopes": decode(row["scopes"], tuple[Scope, ...], where="api_keys.scopes")})


def _json(values: Sequence[str]) -> str:
    return canonical_bytes(values).decode()


def _upsert(connection: Connection) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(login_attempts) if connection.dialect.name == "postgresql" else sqlite.insert(login_attempts)
