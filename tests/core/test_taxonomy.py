"""The hazards are those that everything else names, and the crosswalk names only what exists."""

import json
from pathlib import Path

import pytest

from fairlead.core import InvalidInput, canonical_bytes, decode
from fairlead.core.taxonomy import Taxonomy, hazards, taxonomy
from fairlead.detectors import Registry

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "hazards.md"


def test_every_crosswalk_names_an_entry_of_a_known_framework() -> None:
    entries = {framework.id: framework.entries for framework in taxonomy().frameworks}
    wrong = [
        (hazard.id, framework, entry)
        for hazard in taxonomy().hazards
        for framework, named in hazard.crosswalk.items()
        for entry in named
        if entry not in entries.get(framework, {})
    ]
    assert not wrong


def test_every_entry_of_ailuminate_is_covered() -> None:
    ailuminate = next(framework for framework in taxonomy().frameworks if framework.id == "ailuminate")
    named = {entry for hazard in hazards().values() if hazard.id != "harmful_request" for entry in hazard.crosswalk.get("ailuminate", ())}
    assert named == set(ailuminate.entries)


def test_ids_and_names_are_there_once() -> None:
    found = taxonomy().hazards
    assert len(hazards()) == len(found) == len({hazard.name for hazard in found})
    assert all(hazard.definition.endswith(".") and hazard.crosswalk for hazard in found)


def test_what_the_detectors_find_is_in_the_taxonomy() -> None:
    assert Registry.load().hazards() <= set(hazards())


@pytest.mark.parametrize("file", ["cases.jsonl", "attacks.jsonl"])
def test_what_the_example_is_tested_for_is_in_the_taxonomy(file: str) -> None:
    lines = (ROOT / "examples" / "support_assistant" / file).read_text(encoding="utf-8").splitlines()
    assert {json.loads(line)["hazard"] for line in lines} <= set(hazards())


def test_an_unknown_field_is_refused() -> None:
    grown = json.loads(canonical_bytes(taxonomy())) | {"weights": {}}
    with pytest.raises(InvalidInput):
        decode(json.dumps(grown), Taxonomy)


def test_the_reference_page_lists_them_all_with_their_crosswalk() -> None:
    """The page shows what is in the data, row by row."""
    text = PAGE.read_text(encoding="utf-8")
    order = ("ailuminate", "owasp_llm", "owasp_agentic", "atlas", "nist_600_1")
    for hazard in taxonomy().hazards:
        cells = [", ".join(hazard.crosswalk.get(framework, ())) or "-" for framework in order]
        assert f"| `{hazard.id}` | {hazard.definition} | {' | '.join(cells)} |" in text, hazard.id
    for framework in taxonomy().frameworks:
        assert f"[{framework.name}]({framework.url}), {framework.version}" in text
