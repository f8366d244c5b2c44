"""Accounts, keys, sessions and the audit trail of every change."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import Refused, Unavailable
from fairlead.identity import (
    LIFETIME_US,
    LOCAL_OPERATOR,
    MAX_FAILURES,
    PERMISSIONS,
    ROLES,
    WINDOW_US,
    Actor,
    ApiKey,
    Identity,
    IdentityInvalid,
    IdentityNotFound,
    IdentityTaken,
    KeyRefused,
    KeyRing,
    KeysUnreadable,
    LoginLimited,
    LoginRefused,
    Passwords,
    PermissionRefused,
    SessionRefused,
    csrf_token,
    may,
    publish_keys,
    require_csrf,
)
from fairlead.identity.records import IdentityRecords
from fairlead.store import Store
from fairlead.testing import FixedClock

PASSWORD = "correct horse battery staple"
CHEAP = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    return tmp_path / "data" / "keys.json"


@pytest.fixture
def identity(store: Store, clock: FixedClock, snapshot: Path) -> Identity:
    return Identity(IdentityRecords(store), passwords=CHEAP, clock=clock, snapshot=snapshot)


@pytest.fixture
def alice(identity: Identity) -> str:
    identity.create_account(LOCAL_OPERATOR, "t1", login="alice", password=PASSWORD, roles=("admin", "auditor"))
    return "alice"


def test_every_change_leaves_an_audit_entry_without_secrets(identity: Identity, alice: str) -> None:
    account = identity.accounts(LOCAL_OPERATOR, "t1")[0]
    actor = Actor.of(account)
    key, token = identity.create_key(actor, "t1", name="assistant", scopes=("chat", "check"))
    identity.revoke_key(actor, "t1", key.id)
    identity.create_account(actor, "t1", login="bob", password=PASSWORD, roles=("viewer",))
    identity.set_roles(actor, "t1", "bob", roles=("engineer", "viewer"))
    identity.set_password(actor, "t1", "bob", password=PASSWORD + "!")
    identity.disable_account(actor, "t1", "bob")
    identity.enable_account(actor, "t1", "bob")
    opened = identity.login("t1", alice, PASSWORD)
    with pytest.raises(LoginRefused):
        identity.login("t1", alice, "not the password")
    identity.logout(opened.token)
    trail = identity.audit(actor, "t1")
    assert [entry.action for entry in reversed(trail)] == [
        "tenant.create", "account.create", "key.create", "key.revoke", "account.create", "account.roles", "account.password",
        "account.disable", "account.enable", "session.open", "login.fail", "session.end",
    ]  # fmt: skip
    assert {entry.actor for entry in trail} == {"local-operator", account.id, "nobody"}
    assert identity.audit(actor, "t1", target=key.id)[0].action == "key.revoke"
    told = repr(trail)
    for secret in (PASSWORD, token, token.rpartition("_")[2], opened.token, key.secret_digest):
        assert secret not in told


def test_a_change_that_fails_leaves_no_audit_entry(identity: Identity, alice: str) -> None:
    before = identity.audit(LOCAL_OPERATOR, "t1")
    with pytest.raises(IdentityTaken):
        identity.create_account(LOCAL_OPERATOR, "t1", login=alice, password=PASSWORD, roles=("viewer",))
    with pytest.raises(IdentityNotFound):
        identity.disable_account(LOCAL_OPERATOR, "t1", "nobody")
    with pytest.raises(IdentityNotFound):
        identity.revoke_key(LOCAL_OPERATOR, "t1", "key_none")
    assert identity.audit(LOCAL_OPERATOR, "t1") == before


@pytest.mark.parametrize(
    "act",
    [
        lambda i: i.create_account(LOCAL_OPERATOR, "t1", login="Has Space", password=PASSWORD, roles=("viewer",)),
        lambda i: i.create_account(LOCAL_OPERATOR, "t1", login="short", password="too short", roles=("viewer",)),
        lambda i: i.create_account(LOCAL_OPERATOR, "t1", login="norole", password=PASSWORD, roles=()),
        lambda i: i.create_account(LOCAL_OPERATOR, "t1", login="odd", password=PASSWORD, roles=("root",)),
        lambda i: i.create_account(LOCAL_OPERATOR, "../t1", login="tenant", password=PASSWORD, roles=("viewer",)),
        lambda i: i.create_key(LOCAL_OPERATOR, "t1", name="k", scopes=("everything",)),
        lambda i: i.create_key(LOCAL_OPERATOR, "t1", name="", scopes=("chat",)),
    ],
)
def test_what_is_not_acceptable_is_refused_before_anything_is_kept(identity: Identity, act: Callable[[Identity], object]) -> None:
    with pytest.raises(IdentityInvalid):
        act(identity)
    with pytest.raises(IdentityInvalid):
        act(identity)
    assert identity.accounts(LOCAL_OPERATOR, "t1") == []


def test_login_says_the_same_of_an_unknown_login_a_wrong_password_and_a_disabled_account(identity: Identity, alice: str) -> None:
    identity.create_account(LOCAL_OPERATOR, "t1", login="gone", password=PASSWORD, roles=("viewer",))
    identity.disable_account(LOCAL_OPERATOR, "t1", "gone")
    told = set()
    for tenant, login, password in (("t1", "nobody", PASSWORD), ("t1", alice, "wrong"), ("t1", "gone", PASSWORD), ("t9", alice, PASSWORD)):
        with pytest.raises(LoginRefused) as refused:
            identity.login(tenant, login, password)
        told.add(str(refused.value))
    assert len(told) == 1


def test_too_many_failed_logins_make_even_the_right_password_wait(identity: Identity, alice: str, clock: FixedClock) -> None:
    for _ in range(MAX_FAILURES):
        with pytest.raises(LoginRefused):
            identity.login("t1", alice, "wrong")
    for _ in range(2):
        with pytest.raises(LoginLimited):
            identity.login("t1", alice, PASSWORD)
    assert [entry.action for entry in identity.audit(LOCAL_OPERATOR, "t1")].count("login.limit") == 1
    clock.advance(WINDOW_US + 1)
    identity.login("t1", alice, PASSWORD)
    for _ in range(MAX_FAILURES):  # a success starts the count anew
        with pytest.raises(LoginRefused):
            identity.login("t1", alice, "wrong")


def test_a_session_ends_with_its_time_its_logout_and_any_change_of_its_account(identity: Identity, alice: str, clock: FixedClock) -> None:
    ends: list[Callable[[str], object]] = [
        lambda _: clock.advance(LIFETIME_US),
        identity.logout,
        lambda _: identity.set_roles(LOCAL_OPERATOR, "t1", alice, roles=("viewer",)),
        lambda _: identity.set_password(LOCAL_OPERATOR, "t1", alice, password=PASSWORD),
        lambda _: identity.disable_account(LOCAL_OPERATOR, "t1", alice),
    ]
    for end in ends:
        opened = identity.login("t1", alice, PASSWORD)
        assert identity.session(opened.token) == opened.session
        end(opened.token)
        with pytest.raises(SessionRefused):
            identity.session(opened.token)


def test_a_csrf_token_belongs_to_one_session(identity: Identity, alice: str) -> None:
    one, two = identity.login("t1", alice, PASSWORD), identity.login("t1", alice, PASSWORD)
    require_csrf(one.token, one.csrf)
    for token, carried in ((one.token, two.csrf), (one.token, ""), (one.token, "\xe9"), ("", csrf_token("")), (one.token, one.token)):
        with pytest.raises(SessionRefused):
            require_csrf(token, carried)


def test_kept_secrets_are_hashes(identity: Identity, alice: str, store: Store) -> None:
    _, token = identity.create_key(LOCAL_OPERATOR, "t1", name="k", scopes=("chat",))
    opened = identity.login("t1", alice, PASSWORD)
    with store.read() as connection:
        tables = ("accounts", "api_keys", "sessions", "audit_entries", "login_attempts")
        kept = repr([connection.exec_driver_sql(f"SELECT * FROM {table}").all() for table in tables])  # noqa: S608 - names from above
    assert "$argon2id$" in kept
    for secret in (PASSWORD, token.rpartition("_")[2], opened.token, opened.csrf):
        assert secret not in kept


def test_a_key_works_until_it_is_revoked_or_expires_and_for_its_scopes_only(identity: Identity, snapshot: Path, clock: FixedClock) -> None:
    day = 86_400_000_000
    ring = KeyRing.load(snapshot)
    key, token = identity.create_key(LOCAL_OPERATOR, "t1", name="k", scopes=("chat",))
    _, brief = identity.create_key(LOCAL_OPERATOR, "t1", name="brief", scopes=("chat",), lifetime_us=day)
    assert token.startswith(f"fl_{key.id}_")
    assert ring.authenticate(token, clock.now_us(), "chat") == key
    with pytest.raises(KeyRefused, match="scope"):
        ring.authenticate(token, clock.now_us(), "admin:levers")
    ring.authenticate(brief, clock.now_us() + day - 1, "chat")
    with pytest.raises(KeyRefused, match="expired"):
        ring.authenticate(brief, clock.now_us() + day, "chat")
    identity.revoke_key(LOCAL_OPERATOR, "t1", key.id)
    with pytest.raises(KeyRefused):
        ring.authenticate(token, clock.now_us(), "chat")
    assert {one.name: one.revoked_us for one in identity.keys(LOCAL_OPERATOR, "t1")} == {"k": clock.now_us(), "brief": 0}


def test_an_unreadable_snapshot_leaves_the_last_known_keys_and_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    key, token = ApiKey.issue(tenant="t1", name="k", scopes=("chat",))
    publish_keys(path, (key,))
    assert oct(path.stat().st_mode)[-3:] == "600"
    ring = KeyRing.load(path)
    good = path.read_bytes()
    for spoil in (lambda: path.write_bytes(good[:-5]), lambda: path.write_bytes(b"\xff"), path.unlink):
        before = ring.unreadable
        spoil()
        assert ring.authenticate(token, 1, "chat") == key
        assert ring.authenticate(token, 1, "chat") == key
        assert ring.unreadable == before + 1
    publish_keys(path, ())
    with pytest.raises(KeyRefused):
        ring.authenticate(token, 1, "chat")
    path.write_bytes(b"{}")
    with pytest.raises(KeysUnreadable):
        KeyRing.load(path)


def test_a_snapshot_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="go on with the last ones"):
        publish_keys(tmp_path / "file" / "keys.json", ())


@given(token=st.text(max_size=80) | st.builds("fl_key_{}_{}".format, st.text("abc", max_size=3), st.text(max_size=5)))
def test_no_other_text_passes_for_a_token(token: str) -> None:
    ring = KeyRing(Path(os.devnull))
    ring._stamp = (0, 0, 0)
    with pytest.raises(Refused):
        ring.authenticate(token, 1, "chat")


def test_the_permission_table_gives_each_role_something_and_nothing_to_outsiders() -> None:
    for role in ROLES:
        actor = Actor(id="a", tenant="t1", roles=(role,))
        granted = {permission for permission in PERMISSIONS if may(actor, permission, "t1")}
        assert "read" in granted
        assert granted == {permission for permission, roles in PERMISSIONS.items() if role in roles}
        assert not any(may(actor, permission, "t2") for permission in PERMISSIONS)
    nobody = Actor(id="a", tenant="t1", roles=())
    assert not any(may(nobody, permission, "t1") for permission in PERMISSIONS)


@pytest.mark.parametrize("role", [role for role in ROLES if role != "admin"])
def test_only_administrators_manage_accounts_and_keys(identity: Identity, role: str) -> None:
    actor = Actor(id="a", tenant="t1", roles=(role,))
    with pytest.raises(PermissionRefused):
        identity.create_account(actor, "t1", login="x", password=PASSWORD, roles=("admin",))
    with pytest.raises(PermissionRefused):
        identity.create_key(actor, "t1", name="x", scopes=("chat",))
