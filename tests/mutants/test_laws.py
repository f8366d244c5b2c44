"""Each law of the design has tests that bear its number, and a mutant that they see."""

import re

import pytest
from mutants.checkout import ROOT
from mutants.table import MUTANTS, QUICK

LAWS = range(1, 12)


@pytest.mark.parametrize("law", LAWS)
def test_a_law_has_a_test_file_of_its_own(law: int) -> None:
    assert list((ROOT / "tests").glob(f"*/test_law{law}_*.py")), f"no tests/*/test_law{law}_*.py"


@pytest.mark.parametrize("law", LAWS)
def test_a_law_has_a_mutant_that_its_own_tests_see(law: int) -> None:
    own = re.compile(rf"tests/\w+/test_law{law}_\w+\.py(::|$)")
    quick = [mutant for mutant in QUICK if mutant.law == law]
    assert any(own.match(node) for mutant in quick for node in mutant.red), f"law {law} has no mutant that `make test` runs"


def test_every_mutant_names_tests_that_exist() -> None:
    nodes = [node for mutant in MUTANTS for node in mutant.red]
    assert nodes
    assert not [node for node in nodes if not (ROOT / node.split("::", 1)[0]).is_file()]
