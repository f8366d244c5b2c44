"""A Release is recorded and signed when it is put in force, once."""

import pytest

from fairlead.core import canonical_bytes, digest
from fairlead.detectors import Registry
from fairlead.ledger import ephemeral_key, verify_files
from fairlead.ledger.records import Ledger
from fairlead.policy import compile_release, load_policy
from fairlead.releases import ReleaseRecord, ReleaseUnknown, record_release
from fairlead.releases.records import current, find, history, put_in_force, systems
from fairlead.store import Store
from fairlead.testing import FixedClock

POLICY = """
fairlead: 1
system: support
owner: support-platform
tier: high
upstream: {default: {provider: openai, model: gpt-x, key: "env:OPENAI_API_KEY"}}
rules:
  - {id: no-cards-out, at: output, entity: payment_card, do: redact}
  - {id: no-secrets-in, at: input, entity: secret, do: block}
tools:
  - {tool: search_docs, allow: true}
  - {tool: send_email, when: {to: {domain_in: [example.com]}}, else: require_approval}
  - {tool: delete_all, allow: false}
"""


def record(tenant: str = "t1", at_us: int = 1, text: str = POLICY) -> ReleaseRecord:
    registry = Registry.load()
    return record_release(compile_release(load_policy("fairlead.yaml", text, registry), registry), tenant=tenant, by="test", at_us=at_us)


def test_the_record_says_what_decides() -> None:
    found = record()
    assert found.intact
    assert (found.system, found.owner, found.tier) == ("support", "support-platform", "high")
    assert found.models[0].model == "gpt-x"
    assert (found.rules[0].looks_for, found.rules[0].action) == ("payment_card", "redact")
    assert found.rules[1].looks_for == "secret", "the group that the policy names, and not each of its formats"
    assert [tool.permission for tool in found.tools] == ["allowed", "allowed under conditions on to; else by approval", "forbidden"]


def test_it_is_put_in_force_and_signed_once(store: Store) -> None:
    key = ephemeral_key()
    ledger = Ledger(store, key, FixedClock())
    first, second = record(), record(text=POLICY.replace("redact", "block"), at_us=2)
    assert put_in_force(store, ledger, first)
    assert put_in_force(store, ledger, second)
    assert not put_in_force(store, ledger, first)
    with store.read() as connection:
        assert current(connection, "t1", "support") == first.id
        assert [found.id for found in history(connection, "t1", "support")] == [second.id, first.id]
        assert find(connection, "t1", first.id) == first
        assert systems(connection, "t1") == ("support",)
    signed = ledger.of_subject("t1", first.id)
    assert [entry.digest for entry in signed] == [digest(first)]
    report = verify_files(ledger.export("t1"), ledger.trust_root("t1", key))
    assert report.ok
    assert ledger.record("t1", signed[0].digest) == canonical_bytes(first)


def test_tenants_do_not_see_each_others_releases(store: Store) -> None:
    put_in_force(store, Ledger(store, ephemeral_key(), FixedClock()), record("t1"))
    with store.read() as connection:
        assert current(connection, "t2", "support") == ""
        assert systems(connection, "t2") == ()
        assert history(connection, "t2", "support") == ()
        with pytest.raises(ReleaseUnknown):
            find(connection, "t2", record("t1").id)
