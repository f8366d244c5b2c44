"""Law 11: nothing that decides or scores knows the crash-test model's words, the demo's documents or the cases."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairlead import Guard
from fairlead.config import load_settings
from fairlead.core import Stage
from fairlead.crash_model import PLACEHOLDERS

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "support_assistant"
DECIDES = ("guard", "detectors", "policy", "evals", "statistics", "agents", "redteam", "gateway")
WORDS_IN_A_ROW = 6
"""A run of this many words is nobody's common phrase."""
OUR_OWN = {"example.com", "example.net", "example.org"}
_WORD = re.compile(r"[\w{}.@'-]+")


def deciding_files() -> list[Path]:
    """Every file of the packages that decide or score, and the material that their models are trained on."""
    folders = [*(ROOT / "src" / "fairlead" / name for name in DECIDES), *(path for path in (ROOT / "training",) if path.is_dir())]
    return [path for folder in folders for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]


def frozen_texts() -> Iterator[str]:
    for name in ("cases.jsonl", "attacks.jsonl"):
        for line in (EXAMPLE / name).read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            yield case["user"]
            yield from (document["text"] for document in case["documents"])
            yield from (str(value) for row in case["customers"].values() for value in row.values())
    yield from (path.read_text(encoding="utf-8") for path in (EXAMPLE / "documents").glob("*.md"))


def runs(text: str) -> set[tuple[str, ...]]:
    words = [word.strip(".,") for word in _WORD.findall(text.lower())]
    return {tuple(words[place : place + WORDS_IN_A_ROW]) for place in range(len(words) - WORDS_IN_A_ROW + 1)}


def placeholder_words() -> set[str]:
    """The crash-test model's own words: hyphenated ones, its labels, and every four words in a row."""
    texts = [text.lower() for text in (PLACEHOLDERS.harm, PLACEHOLDERS.nothing)]
    phrases = [re.findall(r"[\w'-]+", piece) for text in texts for piece in re.split(r"\{\w+\}", text)]
    in_a_row = {" ".join(words[place : place + 4]) for words in phrases for place in range(len(words) - 3)}
    return in_a_row | {word for words in phrases for word in words if "-" in word} | {label for label, _ in PLACEHOLDERS.labels}


def names_of_the_demo() -> set[str]:
    """Documents, and the outside domains that the attacks use."""
    documents = {path.stem for path in (EXAMPLE / "documents").glob("*.md") if "-" in path.stem}
    domains = {domain.lower() for text in frozen_texts() for domain in re.findall(r"[\w-]+(?:\.[\w-]+)*\.(?:example|test)\b", text)}
    return (documents | domains | {"lanternhouse"}) - OUR_OWN


@pytest.fixture(scope="module")
def contents() -> dict[Path, str]:
    return {path: path.read_bytes().decode("utf-8", errors="ignore").lower() for path in deciding_files()}


def test_there_is_something_to_look_at(contents: dict[Path, str]) -> None:
    assert len(contents) > 30
    assert len(names_of_the_demo()) > 50
    assert {"crash-dummy", "have nothing more to", "dummy-violence"} <= placeholder_words()


def test_no_file_knows_the_placeholders(contents: dict[Path, str]) -> None:
    found = [(path.name, word) for path, text in contents.items() for word in placeholder_words() if word in text]
    assert found == []


def test_no_file_knows_the_demo_s_documents_or_the_attackers_domains(contents: dict[Path, str]) -> None:
    found = [(path.name, name) for path, text in contents.items() for name in names_of_the_demo() if name in text]
    assert found == []


def test_no_file_holds_a_case_s_words(contents: dict[Path, str]) -> None:
    known = set().union(*(runs(text) for text in frozen_texts()))
    found = [(path.name, " ".join(run)) for path, text in contents.items() for run in runs(text) & known]
    assert found == []


def told(guard: Guard, text: str, stage: Stage) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """What was decided about a text: action, rule, and what was found where in it."""
    decision = guard.check(text, stage)
    return decision.action, decision.rule, tuple((finding.hazard, finding.detector) for finding in decision.findings)


@pytest.mark.parametrize("stage", ["input", "retrieval", "tool_result", "output"])
def test_swapping_the_placeholders_changes_no_decision(tmp_path: Path, stage: Stage) -> None:
    settings = load_settings({"FAIRLEAD_DATA": str(tmp_path / "data"), "FAIRLEAD_CONFIG": str(tmp_path / "config")})
    own = [PLACEHOLDERS.harm.format(label=label) for label, _ in PLACEHOLDERS.labels] + [PLACEHOLDERS.nothing]
    swapped = [f"(a quiet line number {index} about lamps)" for index in range(len(own))]
    around = ["{}", "Here is your answer: {}", "The card is 4111 1111 1111 1111. {} Thanks!"]
    with Guard.load(EXAMPLE / "fairlead.yaml", settings=settings) as guard:
        for frame in around:
            for ours, other in zip(own, swapped, strict=True):
                assert told(guard, frame.format(ours), stage) == told(guard, frame.format(other), stage)
