"""How much a core install (without extras) puts on a disk: distributions and MB, bytecode included, pip itself not."""

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from proxies import LITELLM, environment, litellm_environment
from rows import ROOT, Bench, Peer, Row

_COUNT = """
import json
from importlib.metadata import distributions
files, names = set(), set()
for one in distributions():
    if one.name.lower() not in ("pip", "setuptools"):
        names.add(one.name.lower())
        files.update(path.locate().resolve() for path in one.files or ())
print(json.dumps([len(names), sum(path.stat().st_size for path in files if path.is_file())]))
"""


def measure(bench: Bench) -> list[Row]:
    """Measure: the locked core requirements and a wheel of this tree, in an environment of their own."""
    lock = ROOT / "requirements" / "core.lock"
    core = environment(bench.cache / f"core-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}", "--require-hashes", "-r", str(lock))
    _install_this_tree(core)
    ours, theirs = _count(core), _count(litellm_environment(bench.cache))
    return [
        bench.row("distributions", "distributions", [ours[0]], n=1, target=80, peer=Peer(LITELLM, [theirs[0]])),
        bench.row("size", "MB", [ours[1]], n=1, target=330, peer=Peer(LITELLM, [theirs[1]])),
    ]


def _install_this_tree(core: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        pip = ["-m", "pip", "--disable-pip-version-check", "--no-input", "-qq"]
        subprocess.run([sys.executable, *pip, "wheel", "--no-deps", "--no-build-isolation", "-w", folder, str(ROOT)], check=True)
        (wheel,) = Path(folder).glob("*.whl")
        subprocess.run([str(core / "bin" / "python"), *pip, "install", "--no-deps", "--force-reinstall", str(wheel)], check=True)


def _count(folder: Path) -> tuple[int, float]:
    """Return how many distributions there are, and the MB (1,000,000 bytes) of their files."""
    done = subprocess.run([str(folder / "bin" / "python"), "-I", "-c", _COUNT], check=True, capture_output=True, text=True)
    count, size = json.loads(done.stdout)
    return count, size / 1e6
