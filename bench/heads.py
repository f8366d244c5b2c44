"""What the trained heads cost and how often they are right: latency measured here, rates as the shipped cards have them."""

import time
from collections.abc import Callable, Iterator
from statistics import median, quantiles

import msgspec
from rows import Bench, Row
from texts import dirty, prose

from fairlead.core import Origin
from fairlead.detectors import Measurement, Registry, prepare
from fairlead.detectors.families.heads import HeadDetector
from fairlead.statistics import clopper_pearson

ISSUE = 3
ROUNDS = 5
TEXTS = 200
"""Different texts of each kind in a round, from 1 to 8 KB."""
SIZES = (1024, 2048, 4096, 8192)
SHORT = 200
"""Bytes of a short message, whose cost is given per text."""
KINDS: dict[str, tuple[Callable[[int, int], str], float, float]] = {
    "clean": (lambda size, seed: prose(size, seed=seed), 0.6, 2.0),
    "dirty": (lambda size, seed: dirty(size, seed=seed), 1.2, 4.0),
}
"""How a text is made, and the targets of its median and 99th percentile in ms/KB."""
AT = 0.01
HARD = ("awesome prompts", "certified safe prompts", "gpteacher role-play")


def measure(bench: Bench) -> list[Row]:
    """Return latency and the figures of the cards."""
    heads = [detector for detector in Registry.load().all() if isinstance(detector, HeadDetector)]
    rows = [*_latency(bench, heads)]
    for head in heads:
        name = head.id.partition("@")[0]
        at = 0.05 if name == "harm" else AT
        rows += _rates(bench, f"{name}_recall_left_out", [entry for entry in head.card.left_out if entry.kind == "recall"], at)
        rows += _rates(bench, f"{name}_recall_fifth", list(head.card.grouped), at)
        rows += _rates(bench, f"{name}_false_positives", [entry for entry in head.card.outside if entry.source in HARD], at)
    return [msgspec.structs.replace(row, issue=ISSUE) for row in rows]


def _latency(bench: Bench, heads: list[HeadDetector]) -> Iterator[Row]:
    origins: tuple[Origin, ...] = ("user", "retrieved")
    for kind, (make, median_target, tail_target) in KINDS.items():
        texts = [make(SIZES[seed % len(SIZES)], seed) for seed in range(TEXTS)]
        medians, tails = [], []
        for round_ in range(ROUNDS + 1):
            costs = [_cost(text, heads, origins[index % 2]) for index, text in enumerate(texts)]
            if round_:  # the first one warms up
                cuts = quantiles(costs, n=100)
                medians.append(cuts[49])
                tails.append(cuts[98])
        yield bench.row(f"{kind}_p50", "ms/KB", medians, n=ROUNDS * TEXTS, target=median_target)
        yield bench.row(f"{kind}_p99", "ms/KB", tails, n=ROUNDS * TEXTS, target=tail_target)
        messages = [make(SHORT, seed) for seed in range(TEXTS)]
        costs = [_cost(text, heads, "user") * len(text.encode()) / 1024 for text in messages]
        yield bench.row(f"{kind}_short", "ms", [median(costs)], n=TEXTS)


def _cost(text: str, heads: list[HeadDetector], origin: Origin) -> float:
    start = time.process_time_ns()
    prepared = prepare(text)
    for head in heads:
        head.detect(prepared, origin)
    return (time.process_time_ns() - start) / 1e6 / (len(text.encode()) / 1024)


def _rates(bench: Bench, what: str, measured: list[Measurement], at: float) -> Iterator[Row]:
    """Yield the pooled rate and the worst source of each channel, in per cent, with the exact interval as the range."""
    for channel in dict.fromkeys(entry.channel for entry in measured):
        chosen = [entry for entry in measured if entry.channel == channel and entry.max_fpr == at]
        if not chosen:
            continue
        k, n = sum(entry.rate.k for entry in chosen), sum(entry.rate.n for entry in chosen)
        interval = clopper_pearson(k, n)
        yield bench.row(f"{what}_{channel}", f"% at {at:.0%}", [100 * interval.low, 100 * k / n, 100 * interval.high], n=n)
        if len(chosen) > 1 and chosen[0].kind == "recall":
            worst = min(chosen, key=lambda entry: entry.rate.value)
            ends = [100 * worst.rate.low, 100 * worst.rate.value, 100 * worst.rate.high]
            yield bench.row(f"{what}_{channel}_worst_{worst.source.replace(' ', '_')}", f"% at {at:.0%}", ends, n=worst.rate.n)
