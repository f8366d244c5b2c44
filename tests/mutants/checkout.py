"""A copy of the repository that a mutant may break, and a pytest that runs in it."""

import importlib.util
import os
import shutil
import subprocess
import sysconfig
import venv
from pathlib import Path
from typing import NamedTuple

from mutants.model import Mutant

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("src", "tests", "examples", "training", "docs", "bench", "pyproject.toml", "Makefile")
"""Tests find the source, the examples and the docs by their own place, so all of it is copied."""
TIMEOUT_S = 300

_RUN = """
import sys
from pathlib import Path
import fairlead
copy = Path(sys.argv[1]).resolve()
assert Path(fairlead.__file__).is_relative_to(copy), f"{fairlead.__file__} is not in the copy"
import pytest
sys.exit(pytest.main(sys.argv[2:]))
"""


class Result(NamedTuple):
    """What pytest said: its exit code, the node ids that failed, and its output."""

    code: int
    failed: tuple[str, ...]
    output: str


def copy_to(folder: Path) -> Path:
    """Copy what tests need into a folder and return it, with a Python in ``python/`` that imports the source from there.

    That Python has the packages of this one but not its ``.pth`` files, so not the editable install of the real source either; what
    tests start as a process of its own, in whatever environment, runs on the copy too.
    """
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns(".hypothesis"))
        elif source.exists():
            shutil.copy2(source, folder / name)
    venv.EnvBuilder(symlinks=True).create(folder / "python")
    (packages,) = (folder / "python" / "lib").glob("python3*/site-packages")
    (packages / "copy.pth").write_text(f"{folder / 'src'}\n{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    return folder


def break_it(copy: Path, mutant: Mutant) -> None:
    """Apply a mutant to a copy; a text that does not stand there exactly once is an error."""
    path = copy / "src" / "fairlead" / mutant.file
    text = path.read_text(encoding="utf-8")
    found = text.count(mutant.old)
    assert found == 1, f"{mutant.file}: the mutant's old text stands there {found} times, not once: {mutant.old!r}"
    path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)  # a stale one of the same second and size would be believed


def run_tests(copy: Path, nodes: tuple[str, ...]) -> Result:
    """Run tests in a copy, in a process of their own; what they are run with is as in ``make test`` under CI: nothing is random.

    Of one node, the first failure is enough; of several, each has to show its own.
    """
    environment = dict(os.environ)  # noqa: TID251 - handed on to the process, less what belongs to this one
    for name in [name for name in environment if name.startswith("PYTEST_")]:
        del environment[name]
    environment.pop("PYTHONPATH", None)
    environment["CI"] = "true"
    options = ["-q", "-rf", "-p", "no:cacheprovider", "--tb=short", "--rootdir", str(copy)]
    command = [str(copy / "python" / "bin" / "python"), "-c", _RUN, str(copy), *options, *(["-x"] if len(nodes) == 1 else []), *nodes]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False, timeout=TIMEOUT_S)
    lines = [line.removeprefix("FAILED ").split(" - ")[0] for line in done.stdout.splitlines() if line.startswith("FAILED ")]
    return Result(done.returncode, tuple(lines), done.stdout + done.stderr)
