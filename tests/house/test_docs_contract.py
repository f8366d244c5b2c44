"""Docs and code say the same: settings, errors, commands, KPIs, the picture of the architecture, links."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from house.tree import DOCS, ERRORS, ROOT, python

from fairlead.cli.main import COMMANDS, root
from fairlead.config import SETTINGS
from fairlead.governance import Period, kpis
from fairlead.testing.governance import MemoryRecords

MEND = "run `.venv/bin/python docs/generate.py`"
LISTING = """
import json, sys
sys.path.insert(0, {docs!r})
import generate, picture
page = picture.PAGE.read_text(encoding="utf-8")
pages = {{str(path): text for path, text in generate.pages().items()}} | {{str(picture.PAGE): picture.with_picture(page)}}
print(json.dumps({{"pages": pages, "errors": sorted(generate.errors())}}))
"""
PLACE = re.compile(r"`((?:src|tests|docs|examples|bench|training|requirements|\.ci)/[A-Za-z0-9_./-]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(#[^)\s]*)?\)")


@pytest.fixture(scope="module")
def generated() -> dict[str, dict[str, str]]:
    """What the code says, in a process that has seen no other test's classes."""
    told: dict[str, dict[str, str]] = json.loads(python(LISTING.format(docs=str(DOCS))))
    return told


def _commands(command: click.Command, path: str = "fairlead") -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), name)
            assert found is not None
            yield from _commands(found, f"{path} {name}")
    else:
        yield path, command


def test_generated_pages_are_what_the_code_says(generated: dict[str, dict[str, str]]) -> None:
    stale = [path for path, text in generated["pages"].items() if Path(path).read_text(encoding="utf-8") != text]
    assert not stale, f"{MEND}: {stale}"


def test_every_setting_has_its_row() -> None:
    page = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.MULTILINE)) == {setting.variable for setting in SETTINGS}


def test_every_error_code_has_its_page_and_every_page_its_code(generated: dict[str, dict[str, str]]) -> None:
    assert {path.stem for path in ERRORS.glob("*.md")} - {"index"} == set(generated["errors"])


@pytest.mark.parametrize("page", sorted(path.name for path in ERRORS.glob("*.md") if path.stem != "index"))
def test_a_page_of_an_error_says_what_happened_why_and_the_mend(page: str) -> None:
    text = (ERRORS / page).read_text(encoding="utf-8")
    assert text.startswith(f"# {page.removesuffix('.md')}\n")
    assert "**What happened.**" in text
    assert re.search(r"^\*\*Why", text, re.MULTILINE)
    assert "**How to mend it.**" in text


def test_every_command_has_its_heading_and_speaks_json() -> None:
    page = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    serving = {"fairlead up", "fairlead gateway", "fairlead console", "fairlead crash-model", "fairlead mcp serve"}
    for path, command in _commands(root):
        assert f"# `{path}" in page, path
        spoken = {name for parameter in command.params for name in parameter.opts}
        assert path in serving or "--json" in spoken, f"{path} has no --json"


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_the_line_in_the_list_of_commands_is_a_sentence(name: str) -> None:
    line = COMMANDS[name][1]
    assert line[0].isupper()
    assert line.endswith(".")


def test_the_page_of_kpis_counts_all_23_and_marks_those_that_are_computed() -> None:
    page = (DOCS / "reference" / "kpis.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if re.match(r"\| \d", line)]
    assert [int(row[0]) for row in rows] == list(range(1, 24))
    records = MemoryRecords()
    computed = kpis(records.sources(), records.tenant, records.system, tier="high", period=Period(0, 1))
    assert [(str(kpi.number), kpi.name, kpi.definition, kpi.cadence) for kpi in computed] == [
        (row[0], row[1], row[2], row[4]) for row in rows if row[5] == "yes"
    ]


def _pages() -> list[Path]:
    return sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md"), *ROOT.glob("examples/**/*.md")])


@pytest.mark.parametrize("page", _pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = [match[1] for match in LINK.finditer(page.read_text(encoding="utf-8")) if "://" not in match[1] and ":" not in match[1]]
    lost = [target for target in targets if not (page.parent / target).exists()]
    assert not lost


@pytest.mark.parametrize("page", _pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_that_a_page_names_exist(page: Path) -> None:
    named = PLACE.findall(page.read_text(encoding="utf-8"))
    lost = [name for name in named if not (ROOT / name).exists() and "NNNN" not in name]
    assert not lost


def test_help_imports_no_command_and_nothing_heavy() -> None:
    code = (
        "import sys; from fairlead.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'sqlalchemy', 'fastapi', 'pydantic', 'numpy', 'rich', 'aiohttp', 'fairlead.cli.up'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr


def test_the_architecture_names_where_each_law_is_tested() -> None:
    rows = re.findall(r"^\| (\d+) [^|]+\| ([^|]+) \|$", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert [int(law) for law, _ in rows] == list(range(1, 12))
    missing = [(law, room) for law, rooms in rows for room in PLACE.findall(rooms) if not list((ROOT / room).glob(f"test_law{law}_*.py"))]
    assert not missing
