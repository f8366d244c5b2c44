"""The committed results of the benches are complete, and every target is answered."""

import json

from house.tree import ROOT

FIELDS = "name issue value unit target holds low high n peer peer_value command machine commit".split()
ROWS = json.loads((ROOT / "bench" / "results.json").read_text(encoding="utf-8"))


def test_every_row_has_every_field() -> None:
    assert ROWS
    assert not [row["name"] for row in ROWS if list(row) != FIELDS]
    assert len({row["name"] for row in ROWS}) == len(ROWS)


def test_a_target_is_answered_by_the_value() -> None:
    assert not [row["name"] for row in ROWS if row["holds"] is not (None if row["target"] is None else row["value"] <= row["target"])]
    assert not [row["name"] for row in ROWS if not row["low"] <= row["value"] <= row["high"]]


def test_every_bench_has_results() -> None:
    assert {row["name"].partition(".")[0] for row in ROWS} == {
        "install",
        "cli",
        "startup",
        "sdk",
        "guard",
        "journal",
        "gateway",
        "agents",
        "agent_range",
        "calibrate",
        "heads",
        "patterns",
        "deep",
        "views",
        "soak",
        "verify",
    }
