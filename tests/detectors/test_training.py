"""What training may read: nothing that is for measuring only, no copy of it, and our own texts always in the same variants."""

import importlib
import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
ORIGINAL = "the quick brown fox jumps over the lazy dog while nobody in the village is looking at the old mill"
CHANGED = "the quick brown fox jumps over the lazy dog while nobody in the town is watching the young farmer"
OTHER = "please send the signed form back to the office before the end of the month and keep a copy for yourself"


Import = Callable[[str], ModuleType]


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> Import:
    """Imports a module of ``training``, which is no package of the product."""
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: importlib.import_module(f"training.{name}")


@pytest.mark.parametrize(
    ("folder", "file"),
    [
        ("awesome_prompts", "prompts.csv.gz"),
        ("certified_safe_prompts", "safe_prompts.txt"),
        ("gpteacher", "roleplay_instruct.jsonl.gz"),
        ("jbb_artifacts", "any.gz"),
        ("nobody_knows", "x.txt"),
    ],
)
def test_what_is_for_measuring_only_or_of_unknown_licence_can_t_be_read_for_training(
    module: Import, tmp_path: Path, folder: str, file: str
) -> None:
    with pytest.raises(ValueError, match=r"measuring only|no licence"):
        module("sources").Data(tmp_path).raw(folder, file)


def test_a_copy_of_what_is_for_measuring_only_is_dropped_and_the_rest_stays(module: Import) -> None:
    text = module("sources").Text
    known = module("copies").Known([text("held", ORIGINAL), text("held", "Stop!")])
    kept = known.without([text("a", CHANGED), text("a", ORIGINAL.upper()), text("b", OTHER), text("c", "stop"), text("c", "go")])
    assert [entry.text for entry in kept] == [OTHER, "go"]


def test_copies_and_copies_of_copies_are_one_cluster(module: Import) -> None:
    clusters = module("copies").clusters_of([ORIGINAL, OTHER, CHANGED, "short", "Short."])
    assert clusters[0] == clusters[2]
    assert clusters[3] == clusters[4]
    assert len(set(clusters)) == 3


@pytest.mark.parametrize("name", ["overrides", "planted", "requests", "documents", "roleplay", "security", "specs"])
def test_our_own_texts_come_out_the_same_and_every_list_is_filled_in(module: Import, name: str) -> None:
    own = module("own")
    texts = list(own.variants(name, 3))
    assert texts == list(own.variants(name, 3))
    assert len(texts) > 50
    lists = own._read(name).lists
    assert not [text for text in texts if set(re.findall(r"\{(\w+)\}", text)) & set(lists)]
    assert not [text for text in texts if "|" in "".join(re.findall(r"\{([^{}]*)\}", text))]


def test_the_pieces_of_a_long_text_are_spread_over_all_of_it(module: Import) -> None:
    pieces = module("fit").pieces_of("".join(chr(97 + index // 1000) for index in range(20_000)), 500)
    assert len(pieces) == 6
    assert (pieces[0][0], pieces[-1][-1]) == ("a", "t")
