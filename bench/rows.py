"""What a bench says: rows with a value, its range, its target, and beside it a peer's value from the same run."""

import json
import os
import platform
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "bench" / "results.json"


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One measured number."""

    name: str
    """``<bench>.<what>``."""
    issue: int
    """The issue that asks for it."""
    value: float
    """Median over the rounds."""
    unit: str
    target: float | None
    """At most so much; null where none is set."""
    holds: bool | None
    """Whether the value meets the target; null where there is none."""
    low: float
    """Smallest of the rounds."""
    high: float
    """Largest of the rounds."""
    n: int
    """What was counted: requests, chunks, runs."""
    peer: str
    """Who was measured beside it; empty for nobody."""
    peer_value: float | None
    command: str
    machine: str
    commit: str


class Peer(NamedTuple):
    """What somebody else needs for the same work, measured in the same run."""

    name: str
    values: Sequence[float]


class Bench(NamedTuple):
    """What every bench is given."""

    name: str
    cache: Path
    """Folder of the peers' environments."""
    machine: str
    commit: str
    issue: int
    """Whose numbers they are."""

    def row(self, what: str, unit: str, values: Sequence[float], *, n: int, target: float | None = None, peer: Peer | None = None) -> Row:
        """Return a row.

        Args:
            what: Its name within this bench.
            unit: Unit of the values, and of the target.
            values: One per round.
            n: What was counted, over all rounds.
            target: At most so much.
            peer: Who was measured beside it.
        """
        value = median(values)
        return Row(
            name=f"{self.name}.{what}",
            issue=self.issue,
            value=_short(value),
            unit=unit,
            target=target,
            holds=None if target is None else value <= target,
            low=_short(min(values)),
            high=_short(max(values)),
            n=n,
            peer=peer.name if peer else "",
            peer_value=_short(median(peer.values)) if peer else None,
            command=f"make bench B={self.name}",
            machine=self.machine,
            commit=self.commit,
        )


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def describe_machine() -> str:
    """Return CPUs, memory, kernel, Python, and how busy the machine was when asked."""
    model = next((line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    load = os.getloadavg()[0]
    system = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{os.cpu_count()} x {model}, {memory / 2**20:.0f} GB, {system}, Python {platform.python_version()}, load {load:.1f} before"


def _lines(path: str) -> list[str]:
    file = Path(path)
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def describe_commit() -> str:
    """Return the commit that is measured; ``+`` says that the source differs from it."""
    head = _git("rev-parse", "--short", "HEAD")
    return head + ("+" if head and _git("status", "--porcelain", "--", "src", "requirements") else "")


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def keep(rows: Iterable[Row]) -> None:
    """Write rows into ``results.json``; those of benches that did not run stay."""
    new = list(rows)
    ran = {row.name.partition(".")[0] for row in new}
    old = msgspec.json.decode(RESULTS.read_bytes(), type=list[Row]) if RESULTS.exists() else []
    kept = [row for row in old if row.name.partition(".")[0] not in ran]
    listed = [msgspec.structs.asdict(row) for row in sorted([*kept, *new], key=lambda row: row.name)]
    RESULTS.write_text(json.dumps(listed, indent=1) + "\n", encoding="utf-8")


def table(rows: Iterable[Row]) -> str:
    """Return rows as a table that is read on a terminal."""
    lines = [("what", "value", "range", "target", "holds", "n", "peer")]
    for row in rows:
        holds = "" if row.holds is None else ("yes" if row.holds else "NO")
        target = "" if row.target is None else f"{row.target:g}"
        peer = f"{row.peer_value:g}  ({row.peer})" if row.peer_value is not None else ""
        lines.append((row.name, f"{row.value:g} {row.unit}", f"{row.low:g} to {row.high:g}", target, holds, str(row.n), peer))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines)
