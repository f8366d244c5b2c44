"""Run the benches: ``make bench``, or one of them: ``make bench B=gateway``. Prints a table, writes ``bench/results.json``."""

import argparse
import importlib
import sys
from pathlib import Path

from rows import Bench, describe_commit, describe_machine, keep, table

BENCHES = {
    "install": 2,
    "cli": 2,
    "startup": 2,
    "guard": 2,
    "journal": 2,
    "gateway": 2,
    "soak": 4,
    "sdk": 4,
    "heads": 3,
    "deep": 3,
    "views": 3,
    "patterns": 3,
    "grounding": 3,
    "calibrate": 3,
    "agents": 5,
    "agent_range": 5,
    "verify": 5,
}
"""Each bench, and the issue that asks for its numbers."""


def main() -> int:
    """Run what was asked for; 1 when a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="bench", help=f"{', '.join(BENCHES)}; all by default")
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/fairlead-bench"), help="where the peers are installed")
    asked = parser.parse_args()
    unknown = [name for name in asked.names if name not in BENCHES]
    if unknown:
        parser.error(f"there is no bench {unknown[0]}; there are {', '.join(BENCHES)}")
    cache = asked.cache.expanduser().absolute()
    cache.mkdir(parents=True, exist_ok=True)
    machine, commit = describe_machine(), describe_commit()
    print(f"{machine}; commit {commit}")
    rows = []
    for name in asked.names or BENCHES:
        print(f"measuring {name}", file=sys.stderr)
        rows += importlib.import_module(name).measure(Bench(name, cache, machine, commit, BENCHES[name]))
    keep(rows)
    print(table(rows))
    return 1 if any(row.holds is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
