"""Every guarantee that matters has a test that sees it broken: break the source in a copy, and the named tests go red."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from mutants.checkout import ROOT, break_it, copy_to, run_tests
from mutants.model import Mutant
from mutants.table import MUTANTS, QUICK

TESTS_FAILED = 1
"""Pytest's exit code for tests that ran and failed; a module that can't be imported or a node that isn't there is another one."""


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    yield copy_to(tmp_path / "copy")
    shutil.rmtree(tmp_path / "copy")


def _name(mutant: Mutant) -> str:
    return f"law{mutant.law}-{Path(mutant.file).stem}-{MUTANTS.index(mutant)}"


def _nodes_by_file(mutants: Sequence[Mutant]) -> dict[str, tuple[str, ...]]:
    nodes = dict.fromkeys(node for mutant in mutants for node in mutant.red)
    files = sorted({node.partition("::")[0] for node in nodes})
    return {file: tuple(node for node in nodes if node.partition("::")[0] == file) for file in files}


NAMED = [
    *(pytest.param(nodes, id=file) for file, nodes in _nodes_by_file(QUICK).items()),
    *(pytest.param(nodes, id=f"all-{file}", marks=pytest.mark.slow) for file, nodes in _nodes_by_file(MUTANTS).items()),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=_name)
def test_what_a_mutant_breaks_stands_in_the_source_once(mutant: Mutant) -> None:
    assert (ROOT / "src" / "fairlead" / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1


@pytest.mark.parametrize("nodes", NAMED)
def test_the_named_tests_pass_in_a_copy_that_nothing_has_broken(copy: Path, nodes: tuple[str, ...]) -> None:
    """Otherwise red would prove nothing."""
    result = run_tests(copy, nodes)
    assert result.code == 0, result.output


CASES = [pytest.param(mutant, id=_name(mutant), marks=[] if mutant in QUICK else [pytest.mark.slow]) for mutant in MUTANTS]


@pytest.mark.parametrize("mutant", CASES)
def test_a_mutant_is_seen_by_the_tests_that_should_see_it(copy: Path, mutant: Mutant) -> None:
    break_it(copy, mutant)
    result = run_tests(copy, mutant.red)
    assert result.code == TESTS_FAILED, f"the mutant survived, or broke more than a guarantee\n{result.output}"
    for node in mutant.red:
        assert any(failed.startswith(node) for failed in result.failed), f"{node} did not fail\n{result.output}"
