"""Operators: what stands in place of an entity, in texts, JSON, CSV and columns."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairlead.detectors import PatternScanner, patterns_of
from fairlead.detectors.operators import OperatorName, Operators, redact
from fairlead.detectors.tabular import Redaction

PATTERNS = patterns_of(["pii"])
SCANNER = PatternScanner(PATTERNS)
CARD = "4111 1111 1111 1111"


class Memory:
    """A vault in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def keep(self, pseudonym: str, value: str) -> None:
        self.kept[pseudonym] = value

    def reveal(self, pseudonym: str) -> str | None:
        return self.kept.get(pseudonym)


def clean(operator: OperatorName, text: str, key: bytes = b"key") -> str:
    return redact(text, SCANNER.clusters(text), Operators(key, PATTERNS), operator)


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("placeholder", "pay [PAYMENT_CARD] now"),
        ("mask", "pay **** **** **** **** now"),
        ("partial", "pay **** **** **** 1111 now"),
    ],
)
def test_a_value_is_replaced_as_asked(operator: OperatorName, expected: str) -> None:
    assert clean(operator, f"pay {CARD} now") == expected


def test_a_short_value_shows_nothing_of_itself() -> None:
    assert Operators(b"k").replace("partial", "user_name", "bob12") == "*****"


def test_a_hash_is_the_same_for_one_key_and_differs_for_another() -> None:
    assert clean("hash", CARD) == clean("hash", CARD)
    assert clean("hash", CARD) != clean("hash", CARD, b"other")
    assert "1111" not in clean("hash", CARD)


def test_a_pseudonym_is_consistent_and_the_vault_undoes_it() -> None:
    vault = Memory()
    operators = Operators(b"key", PATTERNS, vault)
    first, second = (operators.replace("pseudonym", "email", "bob@example.com") for _ in range(2))
    assert first == second
    assert vault.reveal(first) == "bob@example.com"
    assert operators.replace("pseudonym", "email", "eve@example.com") != first


@pytest.mark.parametrize(
    ("entity", "value"),
    [("payment_card", CARD), ("iban", "GB82 WEST 1234 5698 7654 32"), ("us_ssn", "536-90-4399"), ("br_cpf", "113.586.606-62")],
)
def test_a_made_up_value_passes_the_same_check_and_is_another(entity: str, value: str) -> None:
    drawn = Operators(b"key", PATTERNS).replace("synthetic", entity, value)
    assert drawn != value
    assert [hit.entity for hit in SCANNER.scan(drawn) if (hit.start, hit.end) == (0, len(drawn))].count(entity) == 1


def test_overlapping_entities_of_two_kinds_leave_nothing_of_either() -> None:
    text = "https://bob:s3cr3t@files.example.com"
    assert clean("partial", text) == "[URL_CREDENTIALS]"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from([CARD, "bob@example.com", " ", "536-90-4399", "x", "ssn "]), max_size=6).map("".join), st.integers(1, 7))
def test_a_stream_is_redacted_as_the_whole_text(text: str, size: int) -> None:
    operators, stream, out = Operators(b"key", PATTERNS), SCANNER.stream(), ""
    pieces = [stream.feed(text[start : start + size]) for start in range(0, len(text), size)]
    for piece in [*pieces, stream.close()]:
        moved = [cluster.moved(lambda start, end: (start, end), -piece.start) for cluster in piece.clusters]
        out += redact(piece.text, moved, operators, "hash")
    assert out == clean("hash", text)


def test_the_name_of_a_field_is_context_for_its_value() -> None:
    redaction = Redaction(SCANNER, Operators(b"key", PATTERNS))
    assert redaction.json({"customer_ssn": "536904399", "order": "536904399", "n": [1, True, None]}) == {
        "customer_ssn": "[US_SSN]",
        "order": "536904399",
        "n": [1, True, None],
    }
    assert redaction.json({"card": 4111111111111111}) == {"card": "[PAYMENT_CARD]"}


def test_cells_of_csv_are_replaced_and_its_form_is_kept() -> None:
    redaction = Redaction(SCANNER, Operators(b"key", PATTERNS), "partial")
    text = 'id,passport,note\n7,340020013,"said ""hi"", then left"\n8,,bob@example.com\n'
    assert redaction.csv(text) == 'id,passport,note\n7,*****0013,"said ""hi"", then left"\n8,,***@*******.com\n'.replace(
        "***@*******.com", redaction.text("bob@example.com")
    )


def test_columns_of_any_frame_are_mapped() -> None:
    class Series(list[object]):
        def map(self, function: Callable[[object], object], /) -> "Series":
            return Series(function(value) for value in self)

    redaction = Redaction(SCANNER, Operators(b"key", PATTERNS))
    assert redaction.columns([("email", Series(["bob@example.com", 3]))]) == {"email": ["[EMAIL]", 3]}
