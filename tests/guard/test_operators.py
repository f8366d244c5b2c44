"""What a rule's ``operator`` puts in place of an entity, in whole texts and in streams (law 2)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.core import Problems, Segment
from fairlead.detectors import Operators
from fairlead.guard import ExchangeContext, StreamGuard, drive, guard_output, guard_request
from fairlead.testing.guards import ScriptedPorts
from fairlead.testing.policies import small_release

HEADER = "fairlead: 1\nsystem: s\nowner: o\ntier: high\nrules:\n"
RULES = [
    "  - {id: cards, at: [input, output], entity: payment_card, do: redact, operator: OPERATOR}\n",
    "  - {id: mail, at: [input, output], entity: email, do: redact, operator: hash}\n",
    "  - {id: phone, at: [input, output], entity: phone, do: redact, operator: partial}\n",
    "  - {id: iban, at: [input, output], entity: iban, do: replace, with: (account)}\n",
]
CARD, MAIL = "4111 1111 1111 1111", "bob@example.org"
OPERATORS = ["placeholder", "mask", "partial", "hash"]
PORTS = ScriptedPorts()


def context(operator: str, key: bytes = b"k" * 32) -> ExchangeContext:
    release = small_release(HEADER + "".join(RULES).replace("OPERATOR", operator))
    return ExchangeContext(release=release, exchange="x_1", tenant="t1", operators=Operators(key))


CONTEXTS = {operator: context(operator) for operator in OPERATORS}


def whole(where: ExchangeContext, text: str) -> str:
    outcome = drive(guard_output(where, (Segment(path="/p", origin="model", stage="output", text=text),)), PORTS.ports)
    return outcome.texts.get("/p", text)


def streamed(where: ExchangeContext, text: str, sizes: list[int]) -> str:
    guard, out, place = StreamGuard(where), "", 0
    for size in [*sizes, len(text)]:
        out += guard.feed(0, "content", text[place : place + size]).text
        place += size
    return out + "".join(released.text for _, released in guard.close(0))


@pytest.mark.parametrize(
    ("operator", "expected"),
    [("placeholder", "[PAYMENT_CARD]"), ("mask", "**** **** **** ****"), ("partial", "**** **** **** 1111")],
)
def test_a_rule_says_what_stands_there(operator: str, expected: str) -> None:
    assert whole(CONTEXTS[operator], f"pay {CARD} now") == f"pay {expected} now"


def test_a_hash_is_of_the_value_and_of_the_tenants_key() -> None:
    first, again = whole(CONTEXTS["hash"], f"{CARD} and {CARD}").split(" and ")
    assert first == again
    assert first.startswith("[PAYMENT_CARD:")
    assert whole(context("hash", b"o" * 32), CARD) != first
    assert whole(context("hash", b""), CARD) == "[PAYMENT_CARD]"


def test_what_was_found_in_a_decoded_view_gets_a_placeholder() -> None:
    segment = Segment(path="/p", origin="user", stage="input", text="see NDExMSAxMTExIDExMTEgMTExMQ==")
    outcome = drive(guard_request(CONTEXTS["partial"], (segment,)), PORTS.ports)[0]
    assert outcome.texts["/p"] == "see [PAYMENT_CARD]"


PIECES = [CARD, MAIL, "+49 30 901820", "DE89 3704 0044 0532 0130 00", "4111", " ", "@", "é", "\u200b", "１２３", "😀", "a.b", "-", "the "]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text("aZ09 @.-:+_/\n\u200bé😀", max_size=6)), max_size=9).map("".join)


@settings(max_examples=150)
@given(TEXTS, st.lists(st.integers(1, 12), max_size=60), st.sampled_from(OPERATORS))
def test_a_split_changes_nothing_of_what_stands_there(text: str, sizes: list[int], operator: str) -> None:
    assert streamed(CONTEXTS[operator], text, sizes) == whole(CONTEXTS[operator], text)


@given(st.sampled_from([CARD, MAIL, "+49 30 901820"]), st.sampled_from(OPERATORS), st.sampled_from(["", "see ", "😀 "]))
def test_nothing_else_of_a_value_is_left(value: str, operator: str, before: str) -> None:
    left = whole(CONTEXTS[operator], f"{before}{value}")
    assert left != f"{before}{value}"
    assert value[:6] not in left


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        ("do: redact, operator: synthetic", "nothing here keeps"),
        ("do: redact, operator: pseudonym", "on the way up"),
        ("do: redact, operator: shred", "operator"),
        ("do: block, operator: mask", "'do: redact'"),
    ],
)
def test_an_operator_that_can_not_be_is_refused_with_its_line(rule: str, told: str) -> None:
    with pytest.raises(Problems) as caught:
        small_release(f"{HEADER}  - {{id: a, at: output, entity: email, {rule}}}\n")
    (problem,) = caught.value.problems
    assert told in str(problem)
    assert problem.where.endswith(":6")
