"""What looking at a text costs: CPU of one guarded Stage per KB, under the shipped default policy, without journal and network."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from proxies import policy_for
from rows import Bench, Row
from texts import dirty, personal, prose

from fairlead.config import load_settings
from fairlead.core import Origin, Segment, Stage, new_id
from fairlead.guard import ExchangeContext, Spot, check_stage, drive
from fairlead.wiring.data_plane import DataPlane, build_data_plane

ROUNDS = 5
SECONDS = 0.15
TEXTS: dict[str, Callable[[int, int], str]] = {
    "clean": lambda size, seed: prose(size, seed=seed),
    "dirty": lambda size, seed: dirty(size, seed=seed),
    "personal": lambda size, seed: personal(size, seed=seed),
}
SIZES = {"1kb": 1024, "16kb": 16 * 1024}
STAGES: tuple[tuple[Stage, Origin], ...] = (("input", "user"), ("retrieval", "retrieved"), ("output", "model"))
DIFFERENT = 16
"""So many different texts of a kind are looked at in turn."""


def measure(bench: Bench) -> list[Row]:
    """Measure every kind of text at every Stage, in turn."""
    found: dict[str, list[float]] = {}
    counted: dict[str, int] = {}
    with _plane() as plane:
        for _ in range(ROUNDS):
            for kind, make in TEXTS.items():
                for size, characters in SIZES.items():
                    texts = [make(characters, seed) for seed in range(DIFFERENT)]
                    for stage, origin in STAGES:
                        segments = [Segment(path="/text", origin=origin, stage=stage, text=text) for text in texts]
                        cost, n = _per_kb(plane, stage, segments)
                        name = f"{kind}_{stage}_{size}"
                        found.setdefault(name, []).append(cost)
                        counted[name] = counted.get(name, 0) + n
    return [bench.row(name, "ms/KB", costs, n=counted[name]) for name, costs in found.items()]


@contextlib.contextmanager
def _plane() -> Iterator[DataPlane]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "fairlead.yaml").write_text(policy_for("http://127.0.0.1:9"), encoding="utf-8")
        settings = load_settings({"FAIRLEAD_DATA": str(home / "data"), "FAIRLEAD_CONFIG": str(home / "config")})
        plane = build_data_plane(settings, home / "fairlead.yaml", "bench")
        try:
            yield plane
        finally:
            plane.close()


def _per_kb(plane: DataPlane, stage: Stage, segments: list[Segment]) -> tuple[float, int]:
    """Return CPU ms per 1,024 bytes of UTF-8, and how many texts were looked at."""
    serving = plane.serving
    sizes = [len(segment.text.encode()) / 1024 for segment in segments]
    n, done_kb, end = 0, 0.0, time.process_time() + SECONDS
    start = time.process_time()
    while time.process_time() < end:
        place = n % len(segments)
        context = ExchangeContext(release=serving.release, exchange=new_id("x"), tenant="bench")
        drive(check_stage(context, Spot(stage, "bench"), (segments[place],)), serving.ports)
        done_kb += sizes[place]
        n += 1
    return (time.process_time() - start) * 1000 / done_kb, n
