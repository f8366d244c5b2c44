"""The locks: small, hashed, and one environment for those who use Fairlead and those who work on it."""

import re

import pytest
from house.tree import ROOT

PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*(?:\[[a-z,-]+\])?)==([^\s;]+)(?:\s*;\s*([^\\]+?))?\s*\\?$", re.MULTILINE)
CORE_LIMIT = 80
LOCKS = ("core", "demo", "dev")


def _text(name: str) -> str:
    return (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")


def _pins(name: str) -> set[tuple[str, str]]:
    return {(found[1], found[2]) for found in PIN.finditer(_text(name))}


def test_the_core_is_small() -> None:
    assert 20 < len({name for name, _ in _pins("core")}) <= CORE_LIMIT


@pytest.mark.parametrize(("small", "large"), [("core", "demo"), ("demo", "dev")])
def test_a_smaller_lock_is_part_of_the_larger_one(small: str, large: str) -> None:
    """So that `make up` and `make test` may share one environment, in either order."""
    assert _pins(small) - _pins(large) == set()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_distribution_is_pinned_with_hashes(lock: str) -> None:
    blocks = [block for block in re.split(r"\n(?=\S)", _text(lock)) if block.strip() and not block.startswith("#")]
    assert [block.partition("\n")[0] for block in blocks if "==" not in block or "--hash=sha256:" not in block] == []
