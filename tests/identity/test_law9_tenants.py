"""Law 9: tenants don't meet, even when every id of one is also an id of the other."""

from pathlib import Path

import pytest
from argon2 import PasswordHasher

from fairlead.core import NotFound, SystemClock, canonical_bytes
from fairlead.identity import (
    LOCAL_OPERATOR,
    MAX_FAILURES,
    Actor,
    ApiKey,
    Identity,
    IdentityNotFound,
    KeyRefused,
    KeyRing,
    LoginLimited,
    LoginRefused,
    Passwords,
    PermissionRefused,
    SessionRefused,
    csrf_token,
    publish_keys,
    require_csrf,
)
from fairlead.identity.model import digest_of
from fairlead.identity.records import IdentityRecords
from fairlead.journal import AuditEntry, Journal, Record, Sealer
from fairlead.store import DecisionFilter, Store, fold, records
from fairlead.testing import FixedClock
from fairlead.testing.decisions import decision

TENANTS = ("t1", "t2")


def _admin(tenant: str) -> Actor:
    return Actor(id="acc_same", tenant=tenant, roles=("admin", "auditor"))


@pytest.fixture
def both(store: Store, tmp_path: Path) -> Store:
    """A store in which two tenants have the same ids everywhere, each with a text of its own."""
    sealer = Sealer.open(tmp_path / "config")
    with Journal.open(tmp_path / "journal" / "worker-0.db", strict=True, clock=SystemClock()) as journal:
        for tenant in TENANTS:
            made = decision(id="d_same", exchange="x_same", tenant=tenant, trajectory="t_same", rule=f"rule-{tenant}", capture="cap_same")
            audit = AuditEntry(id="aud_same", tenant=tenant, actor="a", action="key.create", target="same", at_us=1, detail={"of": tenant})
            journal.commit(
                [
                    Record(kind="decision", id="d_same", body=canonical_bytes(made)),
                    Record(kind="capture", id="cap_same", body=sealer.seal("cap_same", tenant, tenant.encode())),
                    Record(kind="exchange", id="x_same", body=canonical_bytes({"tenant": tenant})),
                    Record(kind="audit", id="aud_same", body=canonical_bytes(audit)),
                ]
            )
    assert fold(store, tmp_path / "journal", clock=SystemClock()).rejected == 0
    return store


@pytest.mark.parametrize(("tenant", "other"), [("t1", "t2"), ("t2", "t1")])
def test_no_query_of_the_store_crosses(both: Store, tenant: str, other: str) -> None:
    with both.read() as connection:
        wanted = DecisionFilter(trajectory="t_same")
        seen = [
            records.recent_decisions(connection, tenant),
            records.recent_decisions(connection, tenant, wanted=wanted),
            records.decisions_of(connection, tenant, "x_same"),
            [records.decision(connection, tenant, "d_same")],
        ]
        assert [[(one.tenant, one.rule) for one in found] for found in seen] == [[(tenant, f"rule-{tenant}")]] * 4
        assert [(one.rule, one.n) for one in records.count_decisions(connection, tenant)] == [(f"rule-{tenant}", 1)]
        assert [event.tenant for event in records.events_after(connection, tenant, "exchange")] == [tenant]
        assert [entry.detail["of"] for entry in records.audit_trail(connection, tenant, target="same")] == [tenant]
        assert f'"tenant":"{tenant}"' in records.capture(connection, tenant, "cap_same")
        assert f'"tenant":"{other}"' not in records.capture(connection, tenant, "cap_same")
        assert records.recent_decisions(connection, "t3") == []
        with pytest.raises(NotFound):
            records.decision(connection, "t3", "d_same")


def test_keys_with_the_same_id_stand_each_for_its_own_tenant(tmp_path: Path) -> None:
    tokens: dict[str, str] = {}
    keys = []
    for tenant in TENANTS:
        key, token = ApiKey.issue(tenant=tenant, name="same", scopes=("chat",))
        secret = token.rpartition("_")[2]
        keys.append(ApiKey(id="key_same", tenant=tenant, name="same", scopes=("chat",), secret_digest=digest_of(secret)))
        assert keys[-1].secret_digest == key.secret_digest
        tokens[tenant] = f"fl_key_same_{secret}"
    publish_keys(tmp_path / "keys.json", keys)
    ring = KeyRing.load(tmp_path / "keys.json")
    assert {tenant: ring.authenticate(token, 1, "chat").tenant for tenant, token in tokens.items()} == {"t1": "t1", "t2": "t2"}
    with pytest.raises(KeyRefused):
        ring.authenticate("fl_key_same_" + "a" * 52, 1, "chat")


@pytest.fixture
def identity(store: Store, tmp_path: Path) -> Identity:
    cheap = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    return Identity(IdentityRecords(store), passwords=cheap, clock=FixedClock(), snapshot=tmp_path / "keys.json")


def test_accounts_sessions_and_administrators_stay_in_their_tenant(identity: Identity) -> None:
    opened = {}
    for tenant in TENANTS:
        identity.create_account(LOCAL_OPERATOR, tenant, login="same", password=f"the password of {tenant}", roles=("viewer",))
        opened[tenant] = identity.login(tenant, "same", f"the password of {tenant}")
        assert identity.session(opened[tenant].token).account.tenant == tenant
    with pytest.raises(LoginRefused):
        identity.login("t1", "same", "the password of t2")
    with pytest.raises(SessionRefused):
        require_csrf(opened["t1"].token, csrf_token(opened["t2"].token))
    for act in (
        lambda: identity.accounts(_admin("t1"), "t2"),
        lambda: identity.keys(_admin("t1"), "t2"),
        lambda: identity.audit(_admin("t1"), "t2"),
        lambda: identity.create_account(_admin("t1"), "t2", login="x", password="a long password", roles=("viewer",)),
        lambda: identity.disable_account(_admin("t1"), "t2", "same"),
        lambda: identity.create_key(_admin("t1"), "t2", name="x", scopes=("chat",)),
        lambda: identity.revoke_key(_admin("t1"), "t2", "key_x"),
        lambda: identity.create_tenant(_admin("t1"), "t3"),
    ):
        with pytest.raises(PermissionRefused):
            act()
    identity.disable_account(_admin("t1"), "t1", "same")
    with pytest.raises(SessionRefused):
        identity.session(opened["t1"].token)
    assert identity.session(opened["t2"].token).account.state == "active"
    assert {entry.tenant for entry in identity.audit(_admin("t2"), "t2")} == {"t2"}


def test_a_key_is_revoked_only_in_its_own_tenant(identity: Identity, tmp_path: Path) -> None:
    key, token = identity.create_key(LOCAL_OPERATOR, "t1", name="a", scopes=("chat",))
    identity.create_key(LOCAL_OPERATOR, "t2", name="a", scopes=("chat",))
    with pytest.raises(IdentityNotFound):
        identity.revoke_key(_admin("t2"), "t2", key.id)
    assert KeyRing.load(tmp_path / "keys.json").authenticate(token, 1, "chat").tenant == "t1"
    assert [one.tenant for one in identity.keys(_admin("t2"), "t2")] == ["t2"]


def test_failed_logins_of_one_tenant_do_not_lock_the_other_out(identity: Identity) -> None:
    for tenant in TENANTS:
        identity.create_account(LOCAL_OPERATOR, tenant, login="same", password="a long password", roles=("viewer",))
    for _ in range(MAX_FAILURES + 1):
        with pytest.raises((LoginRefused, LoginLimited)):
            identity.login("t1", "same", "wrong")
    assert identity.login("t2", "same", "a long password").session.account.tenant == "t2"
