"""Walls that import-linter checks, and the two that it can't see."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from house.tree import PACKAGE, ROOT, module, place, python, trees

PUBLIC = frozenset({"wiring", "testing"})
"""Rooms whose modules are their public face: each composition root is imported alone, so that the other one is not."""


def test_the_import_contracts_are_kept() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def _imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno
        elif isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)


def _is_package(name: str) -> bool:
    return (PACKAGE.parent / Path(*name.split(".")) / "__init__.py").exists()


def _private(importer: str, imported: str) -> bool:
    room, *inside = imported.split(".")[1:]
    own = importer.split(".")[1:2]
    return bool(inside) and [room] != own and room not in PUBLIC and inside != ["records"] and not _is_package(imported)


def test_a_room_is_entered_through_its_door() -> None:
    """`records` are imported by path, because a room's face must not import SQLAlchemy."""
    wrong = [
        f"{place(path, line)}: import from {'.'.join(name.split('.')[:2])}, not {name}"
        for path, tree in trees().items()
        for name, line in _imports(tree)
        if name.startswith("fairlead.") and path.name != "__main__.py" and _private(module(path), name)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("door", ["fairlead.gateway", "fairlead.sdk", "fairlead.wiring.data_plane", "fairlead.ledger.verify"])
def test_the_data_plane_and_verify_start_without_the_control_plane(door: str) -> None:
    loaded = json.loads(python(f"import json, sys, {door}; print(json.dumps(sorted(sys.modules)))"))
    heavy = {"sqlalchemy", "alembic", "fastapi", "jinja2", "fairlead.store", "fairlead.governance", "fairlead.evals", "fairlead.incidents"}
    assert not heavy & set(loaded)
