"""What all patterns of personal data and secrets together cost on one core, and how they do on synthetic sets, with Presidio beside.

The sets are presidio-research's and pii_nano, from the folder of shared data; without it their rows are left out, and so is the peer.
Presidio is timed with the pattern entities it has by default and its NLP work done before: what it costs with its model is more.
"""

import base64
import random
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from presidio import FROM, PEER, Scored, Sentence, ask, best, nano, renamed, sentences
from rows import ROOT, Bench, Peer, Row
from texts import personal, prose

from fairlead.detectors import PatternScanner, builtin_patterns

DATA = ROOT.parent / "shared" / "data"
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
"""Pattern entities that the set, Presidio and we have."""
NANO = {
    "CREDIT_CARD": "payment_card",
    "EMAIL": "email",
    "IBAN": "iban",
    "PHONE": "phone",
    "SSN": "us_ssn",
    "DRIVER_LICENSE": "driving_licence",
    "DRIVERS_LICENSE": "driving_licence",
    "DRIVER_LICENSE_NUM": "driving_licence",
}
"""The same in the second set."""
CHECKSUMMED = ("payment_card", "iban")
"""Entities of the set that carry a checksum."""


def measure(bench: Bench) -> list[Row]:
    """Measure every kind of text, then the sets."""
    scanner = PatternScanner(builtin_patterns())
    kinds = {(kind, size): [make(size * 1024, seed) for seed in range(TEXTS)] for size in (1, 10) for kind, make in _kinds().items()}
    told = {"": sentences(DATA), "nano_": nano(DATA)} if DATA.is_dir() else {}
    if not told:
        print("no public data here: rows of quality, and Presidio, are left out", file=sys.stderr)
    asked = {f"{kind}_{size}kb": texts for (kind, size), texts in kinds.items() if (kind, size) in TARGETS}
    answer: dict[str, Any] = ask(bench.cache, [one.text for each in told.values() for one in each], asked, 3) if told else {"costs": {}}
    rows: list[Row] = []
    for (kind, size), texts in kinds.items():
        costs = [_cost(scanner, texts) for _ in range(ROUNDS + 1)][1:]
        name, target = f"{kind}_{size}kb", TARGETS.get((kind, size), NOISE[size])
        peer = Peer(f"{PEER}: its patterns, NLP apart", answer["costs"][name]) if name in answer["costs"] else None
        rows.append(bench.row(name, "ms", costs, n=ROUNDS * TEXTS, target=target, peer=peer))
    at = 0
    for (prefix, each), names in zip(told.items(), (KNOWN, NANO), strict=False):
        rows += _quality(bench, scanner, prefix, renamed(each, names), answer["hits"][at : at + len(each)])
        at += len(each)
    return rows


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


def _quality(bench: Bench, scanner: PatternScanner, prefix: str, told: Sequence[Sentence], hits: Sequence[Any]) -> list[Row]:
    ours = Scored(told, [_seen(scanner, one.text) for one in told])
    theirs = best(told, hits, KNOWN)
    rows: list[Row] = []
    for entity in () if prefix else dict.fromkeys(KNOWN.values()):  # the second set has too few of each
        rows += scored_rows(bench, entity, (ours, theirs), (entity,))
    rows += scored_rows(bench, f"{prefix}pooled", (ours, theirs), ())
    behind = theirs.of().f1 - ours.of().f1
    rows.append(bench.row(f"behind_{prefix}pooled", "F1 less than the peer's", [behind], n=ours.of().spans, target=0.0))
    wrong = 1 - ours.of(*CHECKSUMMED).precision
    return [*rows, bench.row(f"wrong_{prefix}checksummed", "share", [wrong], n=ours.of(*CHECKSUMMED).hits, target=0.01)]


def _seen(scanner: PatternScanner, text: str) -> list[tuple[str, int, int]]:
    return [(hit.entity, hit.start, hit.end) for hit in scanner.scan(text) if hit.entity in KNOWN.values() and hit.score >= FROM]


def scored_rows(bench: Bench, what: str, sides: tuple[Scored, Scored], entities: Sequence[str]) -> list[Row]:
    """Return F1, with its interval as ``low`` and ``high``, and precision of both sides.

    Args:
        bench: What is measured.
        what: Name of the rows.
        sides: Ours, then the peer's.
        entities: Which; all when empty.
    """
    ours, theirs = (side.of(*entities) for side in sides)
    low, high = sides[0].interval(*entities)
    f1 = bench.row(f"f1_{what}", "F1", [ours.f1], n=ours.spans, peer=Peer(PEER, [theirs.f1]))
    shown = {"low": min(f1.value, round(low, 4)), "high": max(f1.value, round(high, 4))}
    precision = bench.row(f"precision_{what}", "share", [ours.precision], n=ours.hits, peer=Peer(PEER, [theirs.precision]))
    return [msgspec.structs.replace(f1, **shown), precision]
