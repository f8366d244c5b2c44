"""Runs one target: coverage-guided with atheris where it is installed, else with plain random changes of the seeds."""

import argparse
import importlib
import importlib.util
import random
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fuzz.targets import Target

LONGEST = 4096
"""Bytes of an input at most."""
TARGETS = "fuzz.targets"


def main() -> int:
    """Run a target for some time; 1, or a crash of the process, when it finds something."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("target", nargs="?", help="which; all names are printed without one")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path, default=Path(".fuzz"), help="folder that inputs are kept in, one below it for each target")
    asked = parser.parse_args()
    atheris = importlib.import_module("atheris") if importlib.util.find_spec("atheris") else None
    targets = _load(atheris)
    if asked.target not in targets:
        sys.stdout.write("".join(f"{name}\n" for name in targets))
        return 0 if asked.target is None else 2
    target: Target = targets[asked.target]
    folder = asked.corpus / asked.target
    folder.mkdir(parents=True, exist_ok=True)
    (asked.corpus / ".gitignore").write_text("*\n", encoding="utf-8")
    for number, seed in enumerate(target.seeds()):
        (folder / f"seed-{number:03d}").write_bytes(seed[:LONGEST])
    if atheris is None:
        return _shake(asked.target, target, folder, asked.seconds)
    # libFuzzer's own driver: it ends the process, after a line that says how many inputs were run.
    options = [
        f"-max_total_time={asked.seconds}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={folder}-",
        "-timeout=20",
        "-rss_limit_mb=2048",
    ]
    atheris.Setup([sys.argv[0], *options, "-print_final_stats=1", str(folder)], target.run)
    atheris.Fuzz()
    return 0


def _load(atheris: ModuleType | None) -> "dict[str, Target]":
    if atheris is None:
        found: dict[str, Target] = importlib.import_module(TARGETS).TARGETS
        return found
    with atheris.instrument_imports(include=["fairlead"]):
        instrumented: dict[str, Target] = importlib.import_module(TARGETS).TARGETS
        return instrumented


def _shake(name: str, target: "Target", folder: Path, seconds: int) -> int:
    seeds = [file.read_bytes() for file in sorted(folder.iterdir())]
    chosen = random.Random(time.time_ns())  # noqa: S311 - no secret
    begin, runs = time.monotonic(), 0
    while time.monotonic() - begin < seconds:
        data = bytearray(chosen.choice(seeds))
        for _ in range(chosen.randint(1, 8)):
            _change(data, chosen, seeds)
        data = data[:LONGEST]
        try:
            target.run(bytes(data))
        except Exception:
            (folder.parent / f"{name}-crash").write_bytes(data)
            sys.stderr.write(f"{name}: found something after {runs} inputs, kept in {folder.parent / f'{name}-crash'}\n")
            raise
        runs += 1
    sys.stderr.write(f"{name}: {runs} inputs in {time.monotonic() - begin:.0f} s, nothing found\n")
    return 0


def _change(data: bytearray, chosen: random.Random, seeds: list[bytes]) -> None:
    place = chosen.randint(0, len(data))
    kind = chosen.randint(0, 3)
    if kind == 0 and place < len(data):
        data[place] = chosen.randint(0, 255)
    elif kind == 1:
        del data[place : place + chosen.randint(1, 16)]
    elif kind == 2:
        other = chosen.choice(seeds)
        start = chosen.randint(0, len(other))
        data[place:place] = other[start : start + chosen.randint(1, 64)]
    else:
        data[place:place] = data[place : place + chosen.randint(1, 16)] * chosen.randint(1, 8)
