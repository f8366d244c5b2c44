"""Pseudonyms: put on the way up, undone on the way down, for nobody else, whole and in pieces."""

import json
from collections.abc import Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.core import Decision, Segment
from fairlead.detectors import Operators
from fairlead.guard import ExchangeContext, StageOutcome, StreamGuard, ToolCall, drive, guard_call, guard_output, guard_request
from fairlead.testing.guards import ScriptedPorts
from fairlead.testing.policies import small_release

HEADER = "fairlead: 1\nsystem: s\nowner: o\ntier: high\npseudonym_ttl_s: 60\nrules:\n"
UP = "  - {id: up, at: [input, tool_result], entity: [email, payment_card], do: redact, operator: pseudonym}\n"
DOWN = "  - {id: cards-down, at: output, entity: payment_card, do: redact}\n"
CARD, MAIL, OTHER = "4111 1111 1111 1111", "bob@example.org", "eve@example.com"
RELEASE = small_release(HEADER + UP + DOWN)


def context(tenant: str = "t1", trajectory: str = "", exchange: str = "x_1") -> ExchangeContext:
    key = tenant.encode() * 16
    return ExchangeContext(release=RELEASE, exchange=exchange, tenant=tenant, trajectory=trajectory, operators=Operators(key))


def up(where: ExchangeContext, text: str, ports: ScriptedPorts) -> str:
    segment = Segment(path="/p", origin="user", stage="input", text=text)
    return drive(guard_request(where, (segment,)), ports.ports)[-1].texts.get("/p", text)


def down(where: ExchangeContext, text: str, ports: ScriptedPorts) -> tuple[str, Decision]:
    outcome = drive(guard_output(where, (Segment(path="/p", origin="model", stage="output", text=text),)), ports.ports)
    return outcome.texts.get("/p", text), outcome.decision


def streamed(where: ExchangeContext, text: str, sizes: Sequence[int], ports: ScriptedPorts) -> tuple[str, Decision]:
    guard, out, place = StreamGuard(where), "", 0
    drive(guard.opening(), ports.ports)
    for size in [*sizes, len(text)]:
        out += guard.feed(0, "content", text[place : place + size]).text
        place += size
    out += "".join(released.text for _, released in guard.close(0))
    return out, drive(guard.finish(), ports.ports).decision


def called(where: ExchangeContext, arguments: str, ports: ScriptedPorts) -> StageOutcome:
    call = ToolCall(tool="send", arguments=arguments.encode(), path="/a")
    return drive(guard_call(where, call, (), place="call:0"), ports.ports)


def test_a_value_has_one_name_and_comes_back() -> None:
    ports = ScriptedPorts()
    sent = up(context(), f"{MAIL} or {OTHER} or {MAIL}", ports)
    first, other, again = sent.split(" or ")
    assert first == again != other
    assert first.startswith("EMAIL_")
    text, decision = down(context(), f"I wrote to {first}.", ports)
    assert text == f"I wrote to {MAIL}."
    assert (decision.restored, decision.unrestored, decision.action) == (1, 0, "allow")


def test_a_rule_at_output_reads_what_was_meant_and_wins() -> None:
    ports = ScriptedPorts()
    name = up(context(), CARD, ports)
    assert down(context(), f"card {name}", ports)[0] == "card [PAYMENT_CARD]"
    assert streamed(context(), f"card {name}", [3, 9, 1], ports)[0] == "card [PAYMENT_CARD]"


def test_nothing_comes_back_for_another_tenant_trajectory_or_exchange() -> None:
    ports = ScriptedPorts()
    own = context(trajectory="t_1")
    name = up(own, MAIL, ports)
    assert down(context(trajectory="t_1", exchange="x_2"), name, ports)[0] == MAIL
    for stranger in (context("t2", "t_1"), context(trajectory="t_2"), context(), context(exchange="t_1")):
        text, decision = down(stranger, name, ports)
        assert text == name
        assert (decision.restored, decision.unrestored) == (0, 1)
        assert up(stranger, MAIL, ports) != name


def test_a_name_that_has_run_out_stays() -> None:
    ports = ScriptedPorts()
    name = up(context(), MAIL, ports)
    ports.clock.advance(59_000_000)
    assert down(context(), name, ports)[0] == MAIL
    ports.clock.advance(1_000_000)
    text, decision = down(context(), name, ports)
    assert (text, decision.unrestored) == (name, 1)


def test_a_vault_that_does_not_answer_gives_nothing_away_and_puts_nothing_back() -> None:
    broken, ports = ScriptedPorts(broken=frozenset({"vault"})), ScriptedPorts()
    name = up(context(), MAIL, broken)
    assert name.startswith("EMAIL_")
    assert down(context(), name, broken)[0] == name
    assert name == up(context(), MAIL, ports)


def test_arguments_hold_the_value_escaped_before_anybody_decides() -> None:
    rule = "  - {id: up, at: input, entity: [email, quoted], do: redact, operator: pseudonym}\n"
    own = "entities:\n  - {name: quoted, pattern: 'q\"[a-z]{4}'}\n"
    where = msgspec.structs.replace(context(), release=small_release(HEADER + rule + own))
    ports = ScriptedPorts()
    mail, quoted = up(where, f'{MAIL} q"abcd', ports).split(" ")
    outcome = called(where, json.dumps({"to": mail, "note": f"for {quoted}"}), ports)
    assert json.loads(outcome.texts["/a"]) == {"to": MAIL, "note": 'for q"abcd'}
    assert outcome.decision.restored == 2
    assert called(where, f"{mail} {quoted}", ports).texts["/a"] == f'{MAIL} q"abcd'


PIECES = ["EMAIL_", "EMAIL_ABCDEFGHIJKLMNOP", "EMA", "_", " ", "é", "😀", "the ", CARD, "EMAIL_AAAA"]
PORTS = ScriptedPorts()
NAMES = [up(context(), value, PORTS) for value in (MAIL, OTHER, CARD)]
TEXTS = st.lists(st.one_of(st.sampled_from([*NAMES, *PIECES, NAMES[0][:12], NAMES[1][-9:]]), st.text("AEMIL_ az7", max_size=5)), max_size=9)


@settings(max_examples=200)
@given(TEXTS.map("".join), st.lists(st.integers(1, 12), max_size=80))
def test_a_split_changes_nothing_of_what_comes_back(text: str, sizes: list[int]) -> None:
    whole, decided = down(context(), text, PORTS)
    pieces, ended = streamed(context(), text, sizes, PORTS)
    assert pieces == whole
    assert (ended.restored, ended.unrestored) == (decided.restored, decided.unrestored)


def test_only_what_may_become_a_name_is_held() -> None:
    guard = StreamGuard(msgspec.structs.replace(context(), release=small_release(HEADER + UP)))
    drive(guard.opening(), PORTS.ports)
    assert guard.feed(0, "content", "You can write to EMA").text == "You can write to "
    assert guard.feed(0, "content", "N, who").text == "EMAN, who"
    assert guard.feed(0, "content", f" is {NAMES[0][:-1]}").text == " is "
    assert guard.feed(0, "content", NAMES[0][-1]).text == MAIL
    assert guard.held() == 0
