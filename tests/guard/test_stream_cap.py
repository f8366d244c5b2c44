"""The hold cap: a stream that can't be decided is ended or let go, as the policy says, and recorded either way."""

import pytest

from fairlead.guard import ExchangeContext, StreamGuard, drive
from fairlead.testing.guards import ScriptedPorts
from fairlead.testing.policies import small_release

HEADER = "fairlead: 1\nsystem: s\nowner: o\ntier: high\n"
RULES = "rules:\n  - {id: no-cards, at: output, entity: payment_card, do: redact}\n"

FLOOD = "card 4111" + "\u200b" * 9000 + "1111 1111 1111"
"""A number that would go on, if the flood of invisible characters in it ever ended."""


def streamed(settings: str) -> tuple[str, str, str]:
    context = ExchangeContext(release=small_release(HEADER + settings + RULES), exchange="x_1", tenant="t1")
    guard = StreamGuard(context)
    out = "".join(guard.feed(0, "content", FLOOD[place : place + 50]).text for place in range(0, len(FLOOD), 50))
    out += "".join(released.text for _, released in guard.close(0))
    decision = drive(guard.finish(), ScriptedPorts().ports).decision
    return out, decision.action, decision.rule


def test_what_cannot_be_decided_ends_the_choice_by_default() -> None:
    out, action, rule = streamed("")
    assert (action, rule) == ("block", "hold-cap")
    assert out == "card "


@pytest.mark.parametrize("settings", ["hold_cap: pass\n", "mode: shadow\n"])
def test_a_policy_can_let_it_go(settings: str) -> None:
    out, action, _ = streamed(settings)
    assert (out, action) == (FLOOD, "allow")


def test_a_text_that_has_ended_is_not_gone_on_with() -> None:
    context = ExchangeContext(release=small_release(HEADER + RULES), exchange="x_1", tenant="t1")
    guard = StreamGuard(context)
    assert guard.feed(0, "content", "hello").text + "".join(released.text for _, released in guard.close(0)) == "hello"
    after = guard.feed(0, "content", " 4111 1111 1111 1111")
    assert (after.text, after.blocked) == ("", True)
