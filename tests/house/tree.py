"""The source tree as the house tests see it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src"
PACKAGE = SOURCE / "fairlead"
DOCS = ROOT / "docs"
ERRORS = DOCS / "reference" / "errors"


@cache
def sources() -> dict[Path, str]:
    """Return the text of every Python file of the package."""
    return {path: path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))}


@cache
def trees() -> dict[Path, ast.Module]:
    """Return every file of the package, parsed."""
    return {path: ast.parse(text) for path, text in sources().items()}


def module(path: Path) -> str:
    """Return the dotted name of a file."""
    name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    return name.removesuffix(".__init__")


def modules() -> list[str]:
    """Return the dotted names of all modules that people import; migrations are run by Alembic."""
    return [module(path) for path in sources() if "migrations" not in path.parts and path.name != "__main__.py"]


def place(path: Path, line: int) -> str:
    """Return ``file:line`` as an editor opens it."""
    return f"{path.relative_to(ROOT)}:{line}"


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def python(code: str, *, environment: dict[str, str] | None = None) -> str:
    """Run code in a process of its own and return what it printed; its errors fail the test."""
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(SOURCE), **(environment or {})}, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
