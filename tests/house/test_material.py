"""Every text corpus of the project carries a record that says where it comes from and what may be done with it."""

import datetime as dt
import subprocess
from pathlib import Path

from house.tree import ROOT

from fairlead.evals import RECORDS, read_corpora
from fairlead.testing import FixedClock

TODAY = FixedClock(int(dt.datetime(2026, 11, 25, tzinfo=dt.UTC).timestamp()) * 1_000_000)
"""So that a clean clone stays green; `fairlead data check` looks at the real day."""
CORPORA = (".txt", ".jsonl", ".csv", ".tsv", ".gz", ".parquet")


def _corpora() -> set[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = listed.stdout.splitlines() if listed.returncode == 0 else [str(path.relative_to(ROOT)) for path in ROOT.rglob("*")]
    inside = [Path(name) for name in names if Path(name).parts[0] in ("src", "training", "examples", "bench", "tests")]
    return {path for path in inside if path.suffix in CORPORA and path.name != RECORDS and (ROOT / path).is_file()}


def test_every_corpus_has_its_record_and_every_record_keeps_the_rules() -> None:
    read = [corpus for part in ("src", "training", "examples", "bench", "tests") for corpus in read_corpora(ROOT / part, clock=TODAY)]
    governed = {(corpus.path.parent / record.file).relative_to(ROOT) for corpus in read for record in corpus.material if record.file}
    assert _corpora() - governed == set()
    assert len(governed) >= 5


def test_no_text_is_in_two_splits_wherever_it_stands() -> None:
    assert read_corpora(ROOT, clock=TODAY)
