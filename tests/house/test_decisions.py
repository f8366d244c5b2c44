"""Decision records: numbered once, five parts, a status that is true."""

import re
from pathlib import Path

import pytest
from house.tree import DOCS

RECORDS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
PARTS = ("Status", "Context", "Decision", "Consequences", "How we would know it is wrong")


def test_numbers_are_unique_and_without_gaps() -> None:
    assert [int(path.name[:4]) for path in RECORDS] == list(range(1, len(RECORDS) + 1))


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_a_record_has_its_five_parts(record: Path) -> None:
    text = record.read_text(encoding="utf-8")
    assert re.match(rf"# {record.name[:4]}: \S", text)
    assert re.findall(r"^\*\*(.+?)\.\*\*", text, re.MULTILINE) == list(PARTS)


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_the_status_is_known_and_a_successor_exists(record: Path) -> None:
    status = re.search(r"^\*\*Status\.\*\* (.+)$", record.read_text(encoding="utf-8"), re.MULTILINE)
    assert status is not None
    found = re.fullmatch(r"Accepted\.|Proposed\.|Superseded by \[\d{4}\]\((\d{4}-[a-z0-9-]+\.md)\)\.", status[1])
    assert found is not None, status[1]
    assert found[1] is None or (DOCS / "decisions" / found[1]).exists()


def test_the_index_lists_every_record() -> None:
    index = (DOCS / "decisions" / "index.md").read_text(encoding="utf-8")
    assert all(f"({record.name})" in index for record in RECORDS)
