"""What obfuscation costs an attacker and a reader: retention and false positives by spelling, time and memory by size of the text.

Attacks and benign texts are public ones that training may use (``--data`` of ``python -m training``, by default ``../shared/data``); rows
that need them are left out where they are not. A retention of 0.97 reads as ``lost`` 0.03.
"""

import importlib
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
from rows import ROOT, Bench, Row
from texts import dirty, prose

from fairlead.core import Origin
from fairlead.detectors import Detector, PatternScanner, Registry, builtin_patterns, prepare
from fairlead.detectors.families.heads import HeadDetector
from fairlead.detectors.families.injection import InjectionRules
from fairlead.statistics import clopper_pearson
from fairlead.testing import SPELLINGS

DATA = ROOT.parent / "shared" / "data"
SEED = 20261125
ATTACKS, BENIGN = 250, 300
"""Texts of each kind, drawn over all sources."""
LONGEST = 1500
"""Characters of a text at most, so that spellings that grow it stay comparable."""
RULES_FROM, MAX_FPR = 0.8, 0.01
"""An attack is found when a rule scores so high, or the head reaches the threshold of that rate."""
LOST, FALSE = 0.03, 0.02
"""The issue's targets: at least 97% of the plain recall, at most 2% false positives, in the mean over the spellings."""
SIZES = (1, 5, 25, 50)
"""Megabytes of the curve."""
ROUNDS = 7
KINDS: dict[str, Callable[..., str]] = {"clean": prose, "dirty": dirty}
COST = {"clean": 0.6, "dirty": 1.2}
"""Targets in ms per KB for all fast detectors with views."""


class Counted(NamedTuple):
    """How many of how many."""

    k: int
    n: int


def measure(bench: Bench) -> list[Row]:
    """Measure retention, false positives, cost and the curves."""
    return [*_retention(bench), *_costs(bench), *_curves(bench)]


# ------------------------------------------------------------------ retention
def _retention(bench: Bench) -> list[Row]:
    if not DATA.is_dir():
        print("no public data here: rows of retention are left out", file=sys.stderr)
        return []
    attacks, benign = _texts()
    head = HeadDetector("injection")
    found = _finder(head)
    plain = [text for text in attacks if found(text)]
    rows = [
        _share(bench, "recall_plain", Counted(len(plain), len(attacks)), None),
        _share(bench, "false_plain", Counted(sum(map(found, benign)), len(benign)), None),
    ]
    lost: list[Counted] = []
    false: list[Counted] = []
    for name, write in SPELLINGS.items():
        # A spelling that can't write a text (tags write ASCII only) is not asked to.
        kept = [text for text in plain if found(_ascii(text))] if name == "tags" else plain
        lost.append(Counted(sum(not found(write(text)) for text in kept), len(kept)))
        false.append(Counted(sum(found(write(text)) for text in benign), len(benign)))
        rows.append(_share(bench, f"lost_{_name(name)}", lost[-1], LOST))
        rows.append(_share(bench, f"false_{_name(name)}", false[-1], FALSE))
    rows.append(_share(bench, "lost_mean", _all(lost), LOST))
    rows.append(_share(bench, "false_mean", _all(false), FALSE))
    return rows


def _finder(head: HeadDetector) -> Callable[[str], bool]:
    rules, threshold, origin = InjectionRules(), head.card.threshold(MAX_FPR), "user"
    hazards = ("prompt_injection", "jailbreak")

    def found(text: str, who: Origin = origin) -> bool:
        prepared = prepare(text)
        if any(hit.score >= RULES_FROM and hit.hazard in hazards for hit in rules.detect(prepared, who)):
            return True
        return any(hit.score >= threshold for hit in head.detect(prepared, who))

    return found


def _texts() -> tuple[list[str], list[str]]:
    sys.path.append(str(ROOT))
    sources, benign = importlib.import_module("training.sources"), importlib.import_module("training.benign")
    data = sources.Data(DATA)
    everyday = [entry for entry in sources.distinct(benign.requests(data)) if benign.kept_apart(entry)]
    return _drawn(sources.distinct(sources.injections(data)), ATTACKS), _drawn(everyday, BENIGN)


def _drawn(texts: Sequence[NamedTuple], count: int) -> list[str]:
    chosen = random.Random(SEED)  # noqa: S311 - repeatable, no secret
    usable = [str(entry[1]) for entry in texts if len(str(entry[1])) <= LONGEST]
    return chosen.sample(usable, min(count, len(usable)))


def _ascii(text: str) -> str:
    return "".join(character for character in text if " " <= character <= "~")


def _all(counted: Sequence[Counted]) -> Counted:
    return Counted(sum(entry.k for entry in counted), sum(entry.n for entry in counted))


def _name(spelling: str) -> str:
    return spelling.replace(" ", "_").replace("-", "_")


def _share(bench: Bench, what: str, counted: Counted, target: float | None) -> Row:
    """Return a share with its exact 95% interval as ``low`` and ``high``."""
    interval = clopper_pearson(counted.k, counted.n)
    share = counted.k / counted.n
    row = bench.row(what, "share", [share, interval.low, interval.high], n=counted.n, target=target)
    holds = None if target is None else share <= target
    return msgspec.structs.replace(row, issue=3, value=round(share, 4), holds=holds)


# ------------------------------------------------------------------ cost
def _detectors() -> tuple[Detector, ...]:
    return (PatternScanner(builtin_patterns()), *Registry.load().all())


def _costs(bench: Bench) -> list[Row]:
    detectors = _detectors()
    rows: list[Row] = []
    for kind, make in KINDS.items():
        for size in (1, 16):
            texts = [make(size * 1024, seed=seed) for seed in range(8)]
            views, everything = [], []
            for _ in range(ROUNDS):
                views.append(_per_kb(texts, lambda text: prepare(text).readings))
                everything.append(_per_kb(texts, lambda text: _run(text, detectors)))
            rows.append(bench.row(f"views_{kind}_{size}kb", "ms/KB", views, n=ROUNDS * len(texts)))
            rows.append(bench.row(f"all_{kind}_{size}kb", "ms/KB", everything, n=ROUNDS * len(texts), target=COST[kind]))
    return [msgspec.structs.replace(row, issue=3) for row in rows]


def _per_kb(texts: Sequence[str], act: Callable[[str], object]) -> float:
    begin = time.process_time_ns()
    for text in texts:
        act(text)
    return (time.process_time_ns() - begin) / 1e6 / (sum(len(text.encode()) for text in texts) / 1024)


def _run(text: str, detectors: Sequence[Detector]) -> int:
    prepared = prepare(text)
    return sum(len(detector.detect(prepared, "user")) for detector in detectors)


# ------------------------------------------------------------------ curves
def _curves(bench: Bench) -> list[Row]:
    rows: list[Row] = []
    for kind in KINDS:
        for size in SIZES if kind == "clean" else SIZES[:2]:
            done = subprocess.run([sys.executable, __file__, kind, str(size)], capture_output=True, text=True, check=True)
            told = json.loads(done.stdout)
            rows.append(bench.row(f"time_{kind}_{size:02d}mb", "s CPU", [told["seconds"]], n=1))
            rows.append(bench.row(f"memory_{kind}_{size:02d}mb", "MB", [told["peak"]], n=1))
    return [msgspec.structs.replace(row, issue=3) for row in rows]


def _once(kind: str, megabytes: int) -> None:
    """Look at one text in this process and print what it took."""
    resource = importlib.import_module("resource")
    size = megabytes << 20
    block = KINDS[kind](1 << 20, seed=1)
    text = (block * (size // len(block) + 1))[:size]
    detectors = _detectors()
    begin = time.process_time()
    _run(text, detectors)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": time.process_time() - begin, "peak": peak, "file": Path(__file__).name}))


if __name__ == "__main__":
    _once(sys.argv[1], int(sys.argv[2]))
