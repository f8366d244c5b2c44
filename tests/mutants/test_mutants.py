"""Every guarantee that matters has a test that sees it broken: break the source in a copy, and the named tests go red."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from mutants.checkout import break_it, copy_to, run_tests
from mutants.model import Mutant
from mutants.table import MUTANTS

TESTS_FAILED = 1
"""Pytest's exit code for tests that ran and failed; a module that can't be imported or a node that isn't there is another one."""


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    yield copy_to(tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy")


def _name(mutant: Mutant) -> str:
    return f"law{mutant.law}-{Path(mutant.file).stem}-{MUTANTS.index(mutant)}"


def _nodes_by_file() -> dict[str, tuple[str, ...]]:
    nodes = dict.fromkeys(node for mutant in MUTANTS for node in mutant.red)
    files = sorted({node.partition("::")[0] for node in nodes})
    return {file: tuple(node for node in nodes if node.partition("::")[0] == file) for file in files}


@pytest.mark.parametrize("nodes", _nodes_by_file().values(), ids=_nodes_by_file())
def test_the_named_tests_pass_in_a_copy_that_nothing_has_broken(copy: Path, nodes: tuple[str, ...]) -> None:
    """Otherwise red would prove nothing."""
    result = run_tests(copy, nodes)
    assert result.code == 0, result.output


CASES = [pytest.param(mutant, id=_name(mutant), marks=[pytest.mark.slow] if mutant.slow else []) for mutant in MUTANTS]


@pytest.mark.parametrize("mutant", CASES)
def test_a_mutant_is_seen_by_the_tests_that_should_see_it(copy: Path, mutant: Mutant) -> None:
    break_it(copy, mutant)
    result = run_tests(copy, mutant.red)
    assert result.code == TESTS_FAILED, f"the mutant survived, or broke more than a guarantee\n{result.output}"
    for node in mutant.red:
        assert any(failed.startswith(node) for failed in result.failed), f"{node} did not fail\n{result.output}"
