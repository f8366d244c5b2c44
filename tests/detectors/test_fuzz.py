"""The fuzz targets hold on their own seeds and on a few changes of them, so that they stay true between long runs."""

import importlib
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("prepare", "detect", "stream", "events", "policy")


@pytest.fixture
def fuzz(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT))
    monkeypatch.delitem(sys.modules, "fuzz", raising=False)
    return importlib.import_module("fuzz.targets")


def test_all_targets_are_tested(fuzz: ModuleType) -> None:
    assert tuple(fuzz.TARGETS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_target_holds_on_its_seeds_and_on_changes_of_them(fuzz: ModuleType, name: str) -> None:
    target, chosen = fuzz.TARGETS[name], random.Random(name)
    for seed in target.seeds():
        target.run(seed)
        data = bytearray(seed)
        for _ in range(3):
            if data:
                data[chosen.randrange(len(data))] = chosen.randrange(256)
        target.run(bytes(data))
