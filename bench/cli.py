"""What it costs to be told what there is: CPU of ``fairlead --help`` and ``--version``, each in a new process."""

import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from processes import clean_environment
from proxies import LITELLM, litellm_environment
from rows import Bench, Peer, Row

ROUNDS = 10


def measure(bench: Bench) -> list[Row]:
    """Measure; the first run of each is not counted."""
    ours = [str(Path(sys.executable).parent / "fairlead")]
    theirs = [str(litellm_environment(bench.cache) / "bin" / "litellm")]
    python = [sys.executable, "-c", ""]
    found: dict[str, list[float]] = {"help": [], "version": [], "python": [], "litellm": []}
    for _ in range(ROUNDS + 1):
        found["help"].append(_cpu_s([*ours, "--help"]))
        found["version"].append(_cpu_s([*ours, "--version"]))
        found["python"].append(_cpu_s(python))
        found["litellm"].append(_cpu_s([*theirs, "--help"]))
    peer = Peer(LITELLM, found["litellm"][1:])
    return [
        bench.row("help_cpu", "s", found["help"][1:], n=ROUNDS, target=0.25, peer=peer),
        bench.row("version_cpu", "s", found["version"][1:], n=ROUNDS),
        bench.row("floor_python_cpu", "s", found["python"][1:], n=ROUNDS),
    ]


def _cpu_s(command: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory() as home:
        subprocess.run(command, check=True, capture_output=True, env=clean_environment(Path(home)))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
