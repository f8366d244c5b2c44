"""What it costs to make a Decision durable: strict and relaxed, one caller alone and sixteen at once; beside it the disk's own price."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from rows import Bench, Row

from fairlead.core import SystemClock, canonical_bytes, new_id
from fairlead.journal import Journal, Record
from fairlead.testing.decisions import decision

ROUNDS = 5
COMMITS = 400
TOGETHER = 16


class Cost(NamedTuple):
    """Cost of one commit of the two Decisions of an exchange."""

    wall_ms: float
    cpu_ms: float


def measure(bench: Bench) -> list[Row]:
    """Measure, the kinds in turn."""
    found: dict[str, list[Cost]] = {}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            for name, strict, run in (("strict_c1", True, _alone), ("strict_c16", True, _together), ("relaxed_c1", False, _alone)):
                with Journal.open(Path(folder) / f"{name}.db", strict=strict, clock=SystemClock()) as journal:
                    found.setdefault(name, []).append(_cost(lambda run=run, journal=journal: run(journal)))
            found.setdefault("floor_fdatasync", []).append(_cost(lambda folder=folder: _sync(Path(folder))))
    rows = []
    for name, costs in found.items():
        rows.append(bench.row(f"{name}_wall", "ms", [cost.wall_ms for cost in costs], n=ROUNDS * COMMITS))
        rows.append(bench.row(f"{name}_cpu", "ms", [cost.cpu_ms for cost in costs], n=ROUNDS * COMMITS))
    return rows


def _cost(work: Callable[[], None]) -> Cost:
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return Cost((time.perf_counter() - wall) * 1000 / COMMITS, (time.process_time() - cpu) * 1000 / COMMITS)


def _records() -> list[Record]:
    exchange = new_id("x")
    made = [decision(id=new_id("d"), exchange=exchange, stage=stage) for stage in ("input", "output")]
    return [Record(kind="decision", id=one.id, body=canonical_bytes(one)) for one in made]


def _alone(journal: Journal) -> None:
    for _ in range(COMMITS):
        journal.commit(_records())


def _together(journal: Journal) -> None:
    async def work() -> None:
        for _ in range(COMMITS // TOGETHER):
            await journal.acommit(_records())

    async def run() -> None:
        await asyncio.gather(*(work() for _ in range(TOGETHER)))

    asyncio.run(run())


def _sync(folder: Path) -> None:
    page = bytes(4096)
    with (folder / "plain").open("wb", buffering=0) as file:
        for _ in range(COMMITS):
            file.write(page)
            os.fdatasync(file.fileno())
