"""What all patterns of personal data and secrets together cost on one core, whole texts and streams; and how they do on a synthetic set.

The set is presidio-research's, from the folder of shared data that ``FAIRLEAD_SHARED_DATA`` names; without it its rows are left out.
"""

import base64
import gzip
import json
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

from rows import Bench, Row
from texts import personal, prose

from fairlead.detectors import PatternScanner, builtin_patterns

ROUNDS = 5
TEXTS = 16
TARGETS = {("clean", 1): 0.03, ("clean", 10): 0.3, ("personal", 1): 0.4, ("personal", 10): 3.0}
NOISE = {1: 0.15, 10: 1.2}
KNOWN = {
    "CREDIT_CARD": "payment_card",
    "EMAIL_ADDRESS": "email",
    "IBAN_CODE": "iban",
    "IP_ADDRESS": "ip_address",
    "PHONE_NUMBER": "phone",
    "US_SSN": "us_ssn",
    "US_DRIVER_LICENSE": "driving_licence",
}
"""Entities that the set and the patterns both have."""
FILES = ("generated_large", "generated_small", "synth_dataset_v2")


def measure(bench: Bench) -> list[Row]:
    """Measure every kind of text, then the set."""
    scanner = PatternScanner(builtin_patterns())
    rows: list[Row] = []
    for size in (1, 10):
        for kind, make in _kinds().items():
            texts = [make(size * 1024, seed) for seed in range(TEXTS)]
            costs = [_cost(scanner, texts) for _ in range(ROUNDS + 1)][1:]
            target = TARGETS.get((kind, size), NOISE[size])
            rows.append(bench.row(f"{kind}_{size}kb", "ms", costs, n=ROUNDS * TEXTS, target=target))
    folder = Path(os.environ.get("FAIRLEAD_SHARED_DATA", "")) / "presidio_research"  # noqa: TID251 - a bench has no settings of its own
    return [*rows, *(_quality(bench, scanner, folder) if folder.is_dir() else ())]


def _kinds() -> dict[str, Callable[[int, int], str]]:
    return {
        "clean": lambda size, seed: prose(size, seed=seed),
        "personal": lambda size, seed: personal(size, seed=seed),
        "base64": lambda size, seed: base64.b64encode(random.Random(seed).randbytes(size)).decode()[:size],  # noqa: S311 - repeatable
        "random": lambda size, seed: "".join(map(chr, random.Random(seed).choices(range(33, 127), k=size))),  # noqa: S311 - repeatable
    }


def _cost(scanner: PatternScanner, texts: list[str]) -> float:
    start = time.process_time()
    for text in texts:
        scanner.scan(text)
    return (time.process_time() - start) * 1000 / len(texts)


def _quality(bench: Bench, scanner: PatternScanner, folder: Path) -> list[Row]:
    """Return recall and precision by entity: a span counts as found when a hit of its entity overlaps it."""
    counts = {entity: [0, 0, 0] for entity in KNOWN.values()}
    for name in FILES:
        lines = gzip.decompress((folder / f"{name}.jsonl.gz").read_bytes()).decode().splitlines()
        for row in map(json.loads, lines):
            told = [one for one in row["spans"] if one["entity_type"] in KNOWN]
            spans = [(KNOWN[one["entity_type"]], one["start_position"], one["end_position"]) for one in told]
            seen = scanner.scan(row["full_text"])
            hits = [(hit.entity, hit.start, hit.end) for hit in seen if hit.entity in counts and hit.score >= 0.5]
            for entity, start, end in spans:
                counts[entity][0 if any(one == entity and first < end and start < last for one, first, last in hits) else 1] += 1
            for entity, start, end in hits:
                counts[entity][2] += not any(one == entity and first < end and start < last for one, first, last in spans)
    rows: list[Row] = []
    for entity, (found, missed, wrong) in counts.items():
        n = found + missed + wrong
        rows.append(bench.row(f"f1_{entity}", "F1", [2 * found / max(1, 2 * found + missed + wrong)], n=n))
        rows.append(bench.row(f"precision_{entity}", "share", [found / max(1, found + wrong)], n=found + wrong))
    return rows
