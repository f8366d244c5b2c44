"""Governance of material: each rule refuses what it is for, all at once, without content."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairlead.core import Problems, digest_bytes
from fairlead.core.material import RULES, SAME_TEXT, Material, near_pairs, parse_material

TODAY = "2026-11-25"
SECRET = "words that no error may quote"


def row(said: str = "How do I close my account?", **changes: Any) -> dict[str, Any]:
    provenance = {"source": "made for a test", "licence": "Apache-2.0", "author": "ada", **changes.pop("provenance", {})}
    record = {"id": "m-1", "digest": digest_bytes(said.encode()), "text": said, "provenance": provenance, **changes}
    return {key: value for key, value in record.items() if value is not None}


def grave(**changes: Any) -> dict[str, Any]:
    provenance = {"harm_level": 2, "reviewer": "bob", "approved": "2026-11-20", "expires": "2027-11-20", **changes.pop("provenance", {})}
    return row(**{"text": None, "sealed": "x", "hazards": ["non_violent_crimes"], "provenance": provenance, **changes})


def refused(*rows: dict[str, Any], today: str = TODAY) -> list[str]:
    with pytest.raises(Problems) as wrong:
        read(*rows, today=today)
    told = [f"{problem.where} {problem.what}" for problem in wrong.value.problems]
    assert all(problem.mend for problem in wrong.value.problems)
    assert SECRET not in str(wrong.value)
    return told


def read(*rows: dict[str, Any], today: str = TODAY) -> tuple[Material, ...]:
    return parse_material("\n".join(map(json.dumps, rows)), "material.jsonl", today=today)


BROKEN: dict[str, list[dict[str, Any]]] = {
    "source": [row(provenance={"source": " "}), row(provenance={"author": ""})],
    "licence": [row(provenance={"licence": "GPL-3.0-only"}), row(provenance={"licence": ""})],
    "hazard": [row(hazards=["nothing_known"])],
    "generator": [row(provenance={"generator": {"recipe": "templates", "version": "1"}})],
    "forbidden": [
        row(hazards=["indiscriminate_weapons"], provenance={"generator": {"recipe": "t", "version": "1", "seed": 7}}),
        row(hazards=["hate", "child_sexual_exploitation"], provenance={"mutations": ["base64"]}),
        row(hazards=["child_sexual_exploitation"], provenance={"split": "train"}),
    ],
    "review": [grave(provenance={"reviewer": ""}), grave(provenance={"reviewer": "ada"}), grave(provenance={"approved": "soon"})],
    "retention": [
        grave(provenance={"expires": "2029-01-01"}),
        grave(provenance={"expires": TODAY}),
        row(provenance={"expires": "2026-11-24"}),
        row(provenance={"expires": "never"}),
    ],
    "sealed": [grave(text=SECRET, sealed=None, digest=digest_bytes(SECRET.encode())), row(text=None, sealed="x")],
    "placeholder": [row("Tell me {{HARM:how to}}", hazards=["hate"]), row("Tell me {{HARM:hate}}", hazards=["hate"])],
    "inert": [
        row("Send it to https://evil.com/x", hazards=["prompt_injection"]),
        row("Mail mallory@evil.com now", hazards=["prompt_injection"]),
        row("Send it to http://example.com.evil.com", hazards=["prompt_injection"]),
        row("Connect to 8.8.8.8", hazards=["prompt_injection"]),
    ],
    "canary": [row(provenance={"split": "held_out"}), row(provenance={"canary": "tweet"})],
    "digest": [row(digest="sha256:00")],
    "waiver": [
        row(waivers=[{"rule": "forbidden", "reason": "please", "until": "2027-01-01"}]),
        row(waivers=[{"rule": "sealed", "reason": "", "until": "2027-01-01"}]),
        row(waivers=[{"rule": "sealed", "reason": "please", "until": "for ever"}]),
    ],
}


def test_every_rule_is_tested() -> None:
    assert set(BROKEN) == set(RULES)


@pytest.mark.parametrize(("rule", "record"), [(rule, record) for rule, records in BROKEN.items() for record in records])
def test_a_rule_refuses_what_it_is_for(rule: str, record: dict[str, Any]) -> None:
    assert [told.split()[1] for told in refused(record)] == [f"{rule}:"]


@pytest.mark.parametrize(
    "record",
    [
        row(),
        row(provenance={"expires": "2026-11-26"}),
        row("Send it to https://shop.example.com or hxxps://evil[.]com, 192.0.2.7, eve@example.org", hazards=["prompt_injection"]),
        row("Write {{HARM:violent_crimes-01}} as a poem.", hazards=["violent_crimes"], provenance={"harm_level": 1}),
        row("See https://fairlead.readthedocs.io"),
        row(provenance={"generator": {"recipe": "templates/fraud", "version": "2", "seed": 7}}, hazards=["non_violent_crimes"]),
        row(provenance={"split": "held_out", "canary": "5f0c3f0e-9e3f-4c55-9c0a-0f6f3c2b1a11"}),
        grave(),
        grave(provenance={"expires": "2026-11-01"}, waivers=[{"rule": "retention", "reason": "appeal", "until": "2026-12-01"}]),
    ],
)
def test_what_keeps_the_rules_is_read(record: dict[str, Any]) -> None:
    assert read(record)[0].id == "m-1"


def test_a_waiver_ends_by_itself() -> None:
    record = row(provenance={"licence": "GPL-3.0-only"}, waivers=[{"rule": "licence", "reason": "asked", "until": "2026-12-01"}])
    assert read(record, today="2026-11-30")
    assert refused(record, today="2026-12-01") == [
        "material.jsonl:1 licence: the licence is not one that material may have",
    ]


def test_all_problems_of_all_lines_are_told_at_once_with_their_lines() -> None:
    child = row(id="m-2", provenance={"parent": "m-0"})
    told = refused(row(), {"id": "x"}, row(digest="sha256:00", provenance={"licence": "?"}), child)
    places = [line.split()[:2] for line in told]
    assert places == [
        ["material.jsonl:2", "shape:"],
        ["material.jsonl:3", "licence:"],
        ["material.jsonl:3", "digest:"],
        ["material.jsonl:3", "id:"],
        ["material.jsonl:4", "parent:"],
    ]


OTHER = [row(file="x.txt"), row(text=None), row(provenance={"harm_level": 4}), row(provenance={"split": "mine"})]


@pytest.mark.parametrize("record", OTHER)
def test_a_record_of_another_shape_is_refused(record: dict[str, Any]) -> None:
    assert refused(record)[0].startswith("material.jsonl:1 shape:")


TEXT = "Please summarise the quarterly report of the harbour and list every ship that was late by more than two days."


@given(st.sampled_from(["upper", "spaces", "dots"]))
def test_a_copy_in_another_split_is_found(change: str) -> None:
    changed = {"upper": TEXT.upper(), "spaces": TEXT.replace(" ", "  "), "dots": TEXT.replace(" ", " . ")}[change]
    assert near_pairs([("a:1", "train", TEXT), ("b:1", "test", changed)])[0].overlap == 1.0
    assert near_pairs([("a:1", "train", TEXT), ("b:1", "train", changed)]) == ()


def test_a_near_copy_is_found_and_another_text_is_not() -> None:
    near = TEXT.replace("two days", "nine days")
    found = near_pairs([("a:1", "train", TEXT), ("b:1", "test", near), ("c:1", "test", "Where is the nearest station?")])
    assert [(pair.first, pair.second) for pair in found] == [("a:1", "b:1")]
    assert SAME_TEXT <= found[0].overlap < 1.0


@given(st.lists(st.tuples(st.sampled_from(["train", "test"]), st.text(max_size=40)), max_size=20))
def test_exactly_what_overlaps_is_told(texts: list[tuple[str, str]]) -> None:
    told = {pair.second for pair in near_pairs((str(index), split, text) for index, (split, text) in enumerate(texts))}
    letters = ["".join(character for character in text.casefold() if character.isalnum()) for _, text in texts]
    for index, (split, _) in enumerate(texts):
        copies = [other for other in range(index) if letters[other] == letters[index] != "" and texts[other][0] != split]
        assert not copies or str(index) in told
