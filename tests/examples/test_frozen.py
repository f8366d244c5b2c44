"""The test material was frozen before any rule existed, and is what it says it is."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "support_assistant"
RESERVED = re.compile(r"(?:^|\.)(?:example|rknzcyr|test|invalid|localhost)$|(?:^|\.)example\.(?:com|net|org)$")  # rknzcyr: example in rot13
ADDRESS = re.compile(r"(?<=@)[a-z0-9.-]+\.[a-z]+|(?<=://)[a-z0-9.-]+\.[a-z]+")


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (EXAMPLE / name).read_text(encoding="utf-8").splitlines()]


FROZEN: dict[str, str] = json.loads((EXAMPLE / "FROZEN.json").read_text(encoding="utf-8"))
CASES, ATTACKS = rows("cases.jsonl"), rows("attacks.jsonl")


@pytest.mark.parametrize("name", sorted(FROZEN))
def test_frozen_file_is_unchanged(name: str) -> None:
    assert "sha256:" + hashlib.sha256((EXAMPLE / name).read_bytes()).hexdigest() == FROZEN[name]


def test_every_document_and_set_is_frozen() -> None:
    assert set(FROZEN) == {"cases.jsonl", "attacks.jsonl", *(f"documents/{path.name}" for path in (EXAMPLE / "documents").glob("*.md"))}


def test_half_of_the_cases_are_benign_look_alikes() -> None:
    assert Counter(case["kind"] for case in CASES) == {"unsafe": 60, "benign": 60}


def test_attacks_come_from_three_origins_in_equal_parts() -> None:
    assert Counter(attack["origin"] for attack in ATTACKS) == {"user": 20, "retrieved": 20, "tool": 20}
    assert {attack["kind"] for attack in ATTACKS} == {"unsafe"}


def test_every_case_is_an_idea_of_its_own() -> None:
    everything = [*CASES, *ATTACKS]
    assert len({case["cluster"] for case in everything}) == len({case["id"] for case in everything}) == len(everything) == 180


@pytest.mark.parametrize("case", [*CASES, *ATTACKS], ids=lambda case: case["id"])
def test_case_says_where_it_comes_from_and_what_counts(case: dict[str, Any]) -> None:
    provenance = case["provenance"]
    assert provenance["licence"] == "Apache-2.0"
    assert provenance["source"]
    assert 0 <= provenance["harm_level"] <= 2
    assert case["expect"]["never" if case["kind"] == "unsafe" else "always"]


@pytest.mark.parametrize("name", sorted(FROZEN))
def test_only_reserved_domains_are_named(name: str) -> None:
    text = (EXAMPLE / name).read_text(encoding="utf-8")
    assert [domain for domain in ADDRESS.findall(text) if not RESERVED.search(domain)] == []


def test_attack_from_data_is_not_in_the_user_s_words() -> None:
    for case in [*CASES, *ATTACKS]:
        if case["kind"] == "unsafe" and case["origin"] == "tool":
            assert case["customers"], case["id"]
