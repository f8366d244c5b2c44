"""What may be imported, and what the reference page says of it."""

import importlib
import inspect
import re

import pytest
from house.tree import DOCS, PACKAGE

import fairlead
from fairlead import Guard
from fairlead.sdk import Checked, GuardedStream

PAGE = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))


def _shown(prefix: str) -> set[str]:
    return set(re.findall(rf"^\| `{prefix}\.(\w+)", PAGE, re.MULTILINE))


def _members(kind: type) -> set[str]:
    return {name for name in dir(kind) if not name.startswith("_")}


def test_the_face_of_the_package_is_what_the_page_says() -> None:
    assert fairlead.__all__ == ["Guard", "Stopped", "__version__"]
    assert all(f"`{name}`" in PAGE for name in fairlead.__all__)


def test_every_method_of_the_guard_stands_on_the_page() -> None:
    assert _shown("(?:G|g)uard") == _members(Guard)


def test_the_signatures_on_the_page_are_true() -> None:
    for name in _members(Guard):
        parameters = [parameter for parameter in inspect.signature(getattr(Guard, name)).parameters if parameter != "self"]
        line = re.search(rf"`(?:G|g)uard\.{name}\((.*?)\)`", PAGE)
        assert line is not None, name
        assert re.findall(r"(?:^|, )(\w+)", line[1]) == parameters


def test_what_the_guard_returns_stands_on_the_page() -> None:
    assert _shown("checked") == _members(Checked)
    assert _shown("stream") == _members(GuardedStream) | {"blocked", "decision"}


@pytest.mark.parametrize("room", ROOMS)
def test_every_name_that_a_room_offers_is_there_and_explained(room: str) -> None:
    face = importlib.import_module(f"fairlead.{room}")
    for name in getattr(face, "__all__", []):
        offered = getattr(face, name)
        if inspect.isclass(offered) or inspect.isfunction(offered):
            assert inspect.getdoc(offered), f"fairlead.{room}.{name}"


def test_the_version_is_said_once() -> None:
    changelog = (DOCS.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    project = (DOCS.parent / "pyproject.toml").read_text(encoding="utf-8")
    citation = (DOCS.parent / "CITATION.cff").read_text(encoding="utf-8")
    assert f'version = "{fairlead.__version__}"' in project
    assert re.search(rf"^## {re.escape(fairlead.__version__)}\b", changelog, re.MULTILINE)
    assert f"version: {fairlead.__version__}" in citation
