"""Delegation: a token allows what it was minted for, each hop allows less, and whatever is wrong with one is a no with its reason."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.agents import Broker, Delegated, MemoryApprovals, Use
from fairlead.core import InvalidInput, Segment
from fairlead.guard import FileLevers, Lever, ToolCall, ToolContext, ToolVerdict
from fairlead.testing import FixedClock
from fairlead.testing.policies import small_release

biscuit_auth = pytest.importorskip("biscuit_auth", reason="the extra delegation is not installed")

from fairlead.integrations.delegation import MAX_CHARS, Delegation, Grant, Narrowing, revocation_ids  # noqa: E402 - after the skip
from fairlead.integrations.delegation import narrow as narrow_with  # noqa: E402 - after the skip

HOUR_US = 3_600_000_000
KEY = Delegation(b"k" * 32, FileLevers(Path("none"))).key


def narrow(token: str, narrowing: Narrowing) -> str:
    return narrow_with(token, narrowing, KEY)


def appended(token: str, source: str) -> str:
    """Add a block by hand, as a holder could."""
    read = biscuit_auth.Biscuit.from_base64(token, biscuit_auth.PublicKey(KEY))
    return str(read.append(biscuit_auth.BlockBuilder(source)).to_base64())


RELEASE = small_release(
    """\
fairlead: 1
system: s
owner: o
tier: high
tools:
  - {tool: pay, allow: true, budget: {calls: 5, total: {amount: 1000}}}
  - {tool: send, allow: true}
  - {tool: wire, allow: false, else: require_approval}
  - {tool: drop, allow: false}
"""
)


class Pulled:
    def __init__(self) -> None:
        self.levers: tuple[Lever, ...] = ()

    def current(self) -> tuple[Lever, ...]:
        return self.levers


class Room:
    """A broker that reads tokens, and a token of the user's own agent."""

    def __init__(self) -> None:
        self.clock, self.pulled = FixedClock(), Pulled()
        self.delegation = Delegation(b"k" * 32, self.pulled, self.clock)
        self.store = MemoryApprovals(self.clock)
        self.broker = Broker(RELEASE, self.store, delegations=self.delegation)
        self.token = self.mint()

    def mint(self, **other: object) -> str:
        grant = {
            "tenant": "t1",
            "user": "u1",
            "trajectory": "t_1",
            "tools": ("pay", "send", "wire"),
            "expires_us": self.clock.now_us() + HOUR_US,
        }
        return self.delegation.mint(Grant(**{**grant, **other}))  # type: ignore[arg-type]  # fields of the Grant

    def asks(self, token: str, tool: str, call: str = "", **arguments: object) -> ToolVerdict:
        seen = (Segment(path="/u", origin="user", stage="input", text="go"),)
        context = ToolContext(tenant="t1", exchange="x_1", segments=seen, user="u1", trajectory="t_1", delegation=token)
        return self.broker.authorise(ToolCall(tool=tool, arguments=json.dumps(arguments).encode(), call=call), context)

    def may(self, token: str, tool: str, **arguments: object) -> bool:
        return self.asks(token, tool, **arguments).action == "allow"

    def problem(self, token: str, tool: str = "pay", **arguments: object) -> str:
        verdict = self.asks(token, tool, **arguments)
        assert (verdict.action, verdict.rule) == ("block", "tools.delegation"), verdict
        return verdict.reason


@pytest.fixture
def room() -> Room:
    return Room()


def test_the_effective_right_is_that_of_the_policy_and_of_the_token(room: Room) -> None:
    assert room.may(room.token, "send")
    assert room.may("", "send")
    assert room.asks(room.mint(tools=("drop",)), "drop").rule == "tools.drop"
    assert "was not minted for this tool" in room.problem(room.mint(tools=("pay",)), "send")
    assert room.asks(room.token, "wire").action == "require_approval"


def test_what_a_token_does_not_allow_no_approval_allows(room: Room) -> None:
    narrowed = narrow(room.token, Narrowing(tools=("pay",)))
    assert "does not hold" in room.problem(narrowed, "wire")
    assert room.store.waiting("t1") == ()


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"tenant": "t2"}, "another tenant"),
        ({"user": "u2"}, "another user"),
        ({"trajectory": "t_2"}, "another Trajectory"),
        ({"expires_us": 0}, "expired"),
    ],
)
def test_a_token_of_somebody_or_something_else_is_refused(room: Room, other: Mapping[str, object], why: str) -> None:
    assert why in room.problem(room.mint(**other))


def test_a_token_runs_out(room: Room) -> None:
    short = narrow(room.token, Narrowing(expires_us=room.clock.now_us() + 60_000_000))
    assert room.may(short, "send")
    room.clock.advance(60_000_000)
    assert "has expired (check 1 of hop 1)" in room.problem(short)
    assert room.may(room.token, "send")
    room.clock.advance(HOUR_US)
    assert "has expired" in room.problem(room.token)


def forged(token: str) -> list[str]:
    raw = bytearray(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    raw[len(raw) // 2] ^= 1
    other = Delegation(b"x" * 32, Pulled(), FixedClock()).mint(
        Grant(tenant="t1", user="u1", trajectory="t_1", tools=("pay",), expires_us=1 << 50)
    )
    return ["x", "é" * 9, "AAAA", token[:-8], base64.urlsafe_b64encode(bytes(raw)).decode(), other, token + token, "A" * (MAX_CHARS + 1)]


def test_a_forged_token_is_refused(room: Room) -> None:
    for token in forged(room.token):
        assert room.problem(token)


def test_a_hop_narrows_tools_arguments_calls_totals_and_depth(room: Room) -> None:
    hop = narrow(
        room.token,
        Narrowing(
            tools=("pay", "send"),
            arguments={"send": {"to": ("Kim@a.test",)}},
            calls={"pay": 2},
            totals={"pay": {"amount": 500_0000}},
            hops=1,
        ),
    )
    assert room.may(hop, "send", to=" kim@A.test ", body="x")
    for arguments in (
        {"to": "eve@a.test"},
        {"to": ["kim@a.test", "eve@a.test"]},
        {"body": "x"},
        {"to": "kim@a.test", "cc": "eve@a.test"},
        {},
    ):
        assert "does not hold" in room.problem(hop, "send", **arguments) or "does not allow" in room.problem(hop, "send", **arguments)
    assert room.may(hop, "pay", amount=300)
    assert "budget" in room.problem(hop, "pay", amount=201)
    assert room.may(hop, "pay", amount=200)
    assert "budget" in room.problem(hop, "pay", amount=0)
    assert room.may(room.token, "pay", amount=1)
    last = narrow(hop, Narrowing())
    assert room.may(last, "send", to="kim@a.test")
    assert "handed on too often" in room.problem(narrow(last, Narrowing()), "send", to="kim@a.test")


def test_a_sum_that_the_policy_does_not_keep_allows_nothing(room: Room) -> None:
    assert room.problem(narrow(room.token, Narrowing(totals={"send": {"size": 10}})), "send", size=1)


def test_one_block_can_be_revoked_and_with_it_all_that_was_made_from_it(room: Room) -> None:
    hop = narrow(room.token, Narrowing())
    other, last = narrow(room.token, Narrowing()), narrow(hop, Narrowing())
    room.pulled.levers = (Lever(id="lev_1", kind="token", target=revocation_ids(hop)[1], by="acc_1", at_us=0, tenant="t1"),)
    assert "was revoked" in room.problem(hop)
    assert "was revoked" in room.problem(last)
    assert room.may(other, "send")
    assert room.may(room.token, "send")


def test_what_a_holder_adds_by_hand_widens_nothing(room: Room) -> None:
    narrowed = narrow(room.token, Narrowing(tools=("send",)))
    for source in (
        'tool("send"); tenant("t2"); right("pay"); check if true;',
        'tool($t) <- right($t); check if tool("send");',
        'trajectory("t_2"); user("u2"); time(2020-01-01T00:00:00Z); depth(0); calls(0);',
    ):
        assert room.problem(appended(narrowed, source), "pay")


def test_a_token_that_takes_too_long_is_refused(room: Room) -> None:
    facts = "".join(f'p("{number}");' for number in range(60))
    slow = appended(room.token, facts + "q($a, $b, $c) <- p($a), p($b), p($c); check if true;")
    assert "takes too long" in room.problem(slow, "send")


def test_without_a_reader_a_token_is_refused_and_the_policy_sees_depth_and_tools(room: Room) -> None:
    room.broker = Broker(RELEASE, room.store)
    assert "can't be read here" in room.problem(room.token)
    cedar = (
        '\nforbid(principal, action == Action::"send", resource) when { context.token.depth > 0 && context.token.caps.contains("pay") };'
    )
    head = "fairlead: 1\nsystem: s\nowner: o\ntier: high\ntools:\n  - {tool: send, allow: true}\n"
    room.broker = Broker(small_release(head, cedar=cedar), room.store, delegations=room.delegation)
    assert room.may(room.token, "send")
    assert not room.may(narrow(room.token, Narrowing()), "send")


@pytest.mark.parametrize("token", ["", "x", "AAAA"])
def test_what_is_no_token_can_be_neither_narrowed_nor_named(token: str) -> None:
    with pytest.raises(InvalidInput):
        narrow(token, Narrowing())
    with pytest.raises(InvalidInput):
        revocation_ids(token)


NAMES = st.sampled_from(["pay", "send"])
VALUES = st.sampled_from(["a", "b"])
NARROWINGS = st.builds(
    Narrowing,
    tools=st.none() | st.lists(NAMES, max_size=2, unique=True).map(tuple),
    arguments=st.dictionaries(
        NAMES, st.dictionaries(st.sampled_from(["to", "x"]), st.lists(VALUES, max_size=2).map(tuple), max_size=2), max_size=2
    ),
    calls=st.dictionaries(NAMES, st.integers(0, 3), max_size=2),
    totals=st.dictionaries(NAMES, st.dictionaries(st.just("amount"), st.integers(0, 30), max_size=1), max_size=2),
    hops=st.none() | st.integers(0, 3),
    expires_us=st.none() | st.integers(0, 5).map(lambda hours: 1_700_000_000_000_000 + hours * HOUR_US),
)
USES = st.builds(
    Use,
    tenant=st.just("t1"),
    user=st.just("u1"),
    trajectory=st.just("t_1"),
    tool=NAMES,
    values=st.lists(st.tuples(st.sampled_from(["to", "cc", "x"]), VALUES), max_size=3).map(tuple),
    calls=st.integers(1, 4),
    sums=st.lists(st.tuples(st.just("amount"), st.integers(0, 40)), max_size=1).map(tuple),
)


@settings(deadline=None)
@given(st.lists(NARROWINGS, max_size=3), USES)
def test_no_narrowing_ever_widens(hops: list[Narrowing], use: Use) -> None:
    delegation = Delegation(b"k" * 32, Pulled(), FixedClock())
    token = delegation.mint(Grant(tenant="t1", user="u1", trajectory="t_1", tools=("pay", "send"), expires_us=1 << 52))
    allowed = delegation.check(token, use).problem == ""
    for hop in hops:
        token = narrow(token, hop)
        now: Delegated = delegation.check(token, use)
        assert allowed or now.problem
        allowed = not now.problem
        if hop.tools is not None and use.tool not in hop.tools:
            assert not allowed
        if use.calls > hop.calls.get(use.tool, use.calls):
            assert not allowed
