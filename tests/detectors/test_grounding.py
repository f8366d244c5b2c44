"""Grounding: claims of an answer beside their sources."""

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.detectors import prepare
from fairlead.detectors.families.grounding import GroundingDetector
from fairlead.detectors.grounding import Grounding, Report, Source
from fairlead.detectors.grounding.quantities import agrees, quantities
from fairlead.detectors.grounding.sentences import split

CITY = Source(
    "city", "The council approved the budget of 1,200 euros on 5 March 2024. It did not raise taxes. Mayor Anna Holm thanked all members."
)
READY = Grounding()
PARK = Source("park-2", "The park on Elm Row opens at 9 am. Dogs are allowed on a lead.")


@pytest.fixture(scope="module")
def grounding() -> Grounding:
    return Grounding()


def only(report: Report) -> tuple[str, tuple[str, ...]]:
    (claim,) = report.claims
    return claim.verdict, claim.doubts


@given(st.text(alphabet=st.sampled_from("ab. !?\n-1)[]é\u3002A\"'"), max_size=80))
def test_sentences_are_in_order_apart_and_leave_no_word_out(text: str) -> None:
    spans = split(text)
    assert all(span.start < span.end for span in spans)
    assert all(one.end <= two.start for one, two in itertools.pairwise(spans))
    assert all(text[span.start : span.end].strip() == text[span.start : span.end] for span in spans)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Dr. Smith paid $3.5 million. He left at 5 p.m. on Monday.", 2),
        ("See e.g. the report. It is no. 5 of ten.", 2),
        ("1. First item\n2. Second item", 2),
        ("A line that somebody's editor has wrapped at about seventy\ncolumns goes on.", 1),
        ("It is open [1]. Dogs may enter [2].", 2),
        ("", 0),
    ],
)
def test_abbreviations_decimals_and_lists_end_no_sentence(text: str, count: int) -> None:
    assert len(split(text)) == count


@pytest.mark.parametrize(
    ("claimed", "given_", "same"),
    [
        ("1,200", "1.2k", True),
        ("1,200", "twelve hundred", True),
        ("$1.2 million", "1,200,000 dollars", True),
        ("90 minutes", "1.5 hours", True),
        ("3 km", "3000 metres", True),
        ("forty percent", "40%", True),
        ("2024", "5 March 2024", True),
        ("March 2024", "2024-03-05", True),
        ("2:30 pm", "14:30", True),
        ("more than 1,000", "1,200", True),
        ("1 month", "30 days", False),
        ("$40", "40%", False),
        ("March 2023", "5 March 2024", False),
        ("more than 1,300", "1,200", False),
        ("5 mm", "5 m", False),
    ],
)
def test_quantities_are_compared_by_what_they_are(claimed: str, given_: str, *, same: bool) -> None:
    assert any(agrees(one, two) for one in quantities(claimed) for two in quantities(given_)) is same


def test_what_the_source_says_is_supported_and_shows_where(grounding: Grounding) -> None:
    (claim,) = grounding.check("The council approved the budget on 5 March 2024.", [PARK, CITY]).claims
    assert claim.verdict == "supported"
    assert claim.evidence is not None
    assert claim.evidence.source == 1
    assert "approved the budget" in CITY.text[claim.evidence.start : claim.evidence.end]


def test_a_number_that_no_source_gives_is_marked_exactly(grounding: Grounding) -> None:
    answer = "Fine. The council approved the budget of 1,900 euros."
    claim = grounding.check(answer, [CITY]).claims[-1]
    assert claim.verdict in ("contradicted", "unsupported")
    assert "1,900 euros" in [answer[mark.start : mark.end] for mark in claim.marks if mark.doubt == "number"]


def test_questions_and_courtesies_are_no_claims(grounding: Grounding) -> None:
    report = grounding.check("Sure! Would you like to know more about the budget?", [CITY])
    assert {claim.verdict for claim in report.claims} == {"no_claim"}


@pytest.mark.parametrize(
    ("answer", "doubt"),
    [
        ("The park on Elm Row opens at 9 am [park-2].", ""),
        ("The park on Elm Row opens at 9 am [2].", ""),
        ("The park on Elm Row opens at 9 am \u00b2", ""),
        ("The park on Elm Row opens at 9 am [1].", "wrong_citation"),
        ("The park on Elm Row opens at 9 am [7].", "unknown_citation"),
        ("The park on Elm Row opens at 9 am [^7].", "unknown_citation"),
        ("The park on Elm Row opens at 9 am [doc-9].", "unknown_citation"),
        ("The park on Elm Row opens at 9 am [sic].", ""),
    ],
)
def test_citations_are_followed(grounding: Grounding, answer: str, doubt: str) -> None:
    (claim,) = grounding.check(answer, [CITY, PARK]).claims
    assert [entry for entry in claim.doubts if entry.endswith("citation")] == ([doubt] if doubt else [])


def test_without_sources_nothing_is_borne_out_and_too_much_text_is_no_pass(grounding: Grounding) -> None:
    assert grounding.check("The council approved the budget.", []).count("supported") == 0
    assert only(grounding.check("The council met.", [Source("a", "word " * 50_000)])) == ("unsupported", ("too_long",))


@given(answer=st.text(max_size=120), source=st.text(max_size=120))
def test_any_text_is_read(answer: str, source: str) -> None:
    report = READY.check(answer, [Source("a", source)])
    assert all(0 <= claim.start < claim.end <= len(answer) and 0 <= claim.score <= 1 for claim in report.claims)


class Always:
    """A scorer that finds everything borne out, or nothing."""

    id = "always@1"

    def __init__(self, value: float) -> None:
        self.value = value

    def score(self, claims: Sequence[str], passages: Sequence[Sequence[str]]) -> Sequence[float]:
        assert len(claims) == len(passages)
        return [self.value] * len(claims)


def test_another_scorer_takes_the_place_of_the_shipped_one() -> None:
    answer = "The council approved the budget."
    assert Grounding(Always(0.9)).check(answer, [CITY]).claims[0].verdict != "supported"
    assert Grounding(Always(0.1)).check(answer, [CITY]).claims[0].verdict == "supported"
    assert "always@1" in Grounding(Always(0.1)).id


def test_the_detector_gives_spans_of_the_original_and_no_content() -> None:
    answer = "The council approved it. The park opens at 7 am [9]."
    hits = GroundingDetector().detect_with(prepare(answer), "model", [CITY.text, PARK.text])
    assert {answer[hit.start : hit.end] for hit in hits} == {"The park opens at 7 am [9]."}
    assert {(hit.hazard, hit.entity) for hit in hits} <= {("ungrounded", "unknown_citation"), ("ungrounded", "number")}
    assert GroundingDetector().detect_with(prepare(answer), "user", [CITY.text]) == []


def test_the_number_of_a_source_is_no_number_that_the_answer_states(grounding: Grounding) -> None:
    (claim,) = grounding.check("The park on Elm Row opens at 9 am [7].", [CITY, PARK]).claims
    assert "number" not in claim.doubts
