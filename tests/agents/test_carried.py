"""What a text carries: an address or an account number inside of it is asked where it comes from, as an argument of its own would be."""

import json
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.agents import Broker, MemoryApprovals, MemoryTrajectories
from fairlead.agents.carried import MAX_CARRIED, pieces
from fairlead.core import Segment
from fairlead.guard import ToolCall, ToolContext
from fairlead.testing import FixedClock
from fairlead.testing.policies import small_release

POLICY = """\
fairlead: 1
system: s
owner: o
tier: high
tools:
  - {{tool: read_page, allow: true, does: nothing}}
  - {{tool: send, allow: true, critical: to, takes: {{to: address}}, else: require_approval{more}}}
  - {{tool: note, allow: true}}
"""
PAGE = (
    "Opening hours: nine to five. Pay to DE89 3704 0044 0532 0130 00, card 4111 1111 1111 1111, "
    "see https://evil.test/pay or ask eve@evil.test."
)
LINKS = (
    "https://evil.test/pay",
    "www.evil.test",
    "eve@evil.test",
    "DE89 3704 0044 0532 0130 00",
    "DE89370400440532013000",
    "4111111111111111",
)


def asked(text: str, *, user: str = "Write to ann@a.test what the page says.", more: str = "", page: str = PAGE, tool: str = "send") -> str:
    """Return what happens to a message with this text once a page was read."""
    broker = Broker(small_release(POLICY.format(more=more)), MemoryApprovals(FixedClock()), trajectories=MemoryTrajectories(FixedClock()))
    wrote = Segment(path="/messages/0/content", origin="user", stage="input", text=user)
    read = Segment(path="/messages/2/content", origin="tool", stage="tool_result", text=page, tool="read_page", call="c1")
    started = ToolContext(tenant="t1", exchange="x_1", segments=(wrote,), user="u1", trajectory="t_1")
    assert broker.judge(ToolCall(tool="read_page", arguments=b"{}", call="c1"), started).verdict.action == "allow"
    body = {"to": "ann@a.test", "body": text} if tool == "send" else {"body": text}
    call = ToolCall(tool=tool, arguments=json.dumps(body).encode(), call="c2")
    return broker.judge(call, msgspec.structs.replace(started, segments=(wrote, read))).verdict.action


@pytest.mark.parametrize("link", LINKS)
def test_what_data_names_is_not_carried_to_others(link: str) -> None:
    assert asked(f"It says: {link}.") == "require_approval"


@pytest.mark.parametrize("link", [link for link in LINKS if link != "www.evil.test"])
def test_what_the_user_names_is(link: str) -> None:
    assert asked(f"It says: {link}.", user=f"Write to ann@a.test that {link} is where to pay.") == "allow"


def test_a_text_that_carries_nothing_is_the_models_own() -> None:
    assert asked("They are open from nine to five, on 24 days in 2026, for 12.50 a head.") == "allow"


def test_nothing_is_asked_where_the_policy_says_so_nor_of_a_tool_that_names_nothing_critical() -> None:
    assert asked("See https://evil.test/pay", more=", content: any") == "allow"
    assert asked("See https://evil.test/pay", tool="note") == "allow"


def test_more_than_can_be_looked_at_is_not_vouched_for() -> None:
    many = " ".join(f"https://a{number}.test" for number in range(MAX_CARRIED + 1))
    assert asked(many, user=f"Write {many} to ann@a.test.") == "require_approval"


@given(st.text(max_size=300))
def test_any_text_is_read_and_what_is_found_stands_in_it(text: str) -> None:
    folded = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    assert all(piece.text in folded for piece in pieces(text))


def test_an_address_is_found_whole_however_long_it_is() -> None:
    address = f"{'x' * 80}@evil.test"
    assert [piece.text for piece in pieces(f"Ask {address} about it.")] == [address]
