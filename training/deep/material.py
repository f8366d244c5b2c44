"""What the deep model is made from: the texts of the fast heads' corpora, and who is left out together.

A model takes minutes, so sources are left out in three groups instead of one by one: each model has seen neither a source nor its fellows
of the group, nor any copy of their attacks. The benign sources are parted likewise.
"""

import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fairlead.detectors.card import Channel
from training.benign import kept_apart
from training.copies import Known
from training.corpus import Sets, Shown, framed, met, pool_of
from training.deep.windows import Ids, Reader
from training.sources import OWN, Text, distinct
from training.train import HEADS, sets_of

OUTPUTS: tuple[tuple[str, Channel], ...] = (("injection", "asked"), ("injection", "data"), ("harm", "asked"), ("harm", "data"))
"""Head and channel of each number that the model gives."""
GROUPS: tuple[frozenset[str], ...] = (
    frozenset({"in-the-wild jailbreaks", "forbidden questions"}),
    frozenset({"deepset", "giskard injections", "openai guardrails demo", "ailuminate demo"}),
    frozenset({"tasktracker triggers", "bipia tasks", "prompt extraction", "red-instruct"}),
)
"""Sources of attacks that are left out together."""
_FRAME = 500
"""Characters around an attack that stands in data."""
_FEW = 400
"""Benign sources that are smaller are not left out."""
_MOST = 600
"""Texts of a source that a rate is measured on at most."""


class Side(NamedTuple):
    """The texts of one output."""

    attacks: list[Text]
    shown: list[Shown]
    benign: list[Text]
    pool: list[Text]
    outside: dict[str, list[Text]]
    """``recall`` and ``fpr``: sets that are for measuring only."""


class Draw(NamedTuple):
    """Windows of one output and one label to draw from."""

    output: int
    attack: bool
    windows: list[list[Ids]]
    """Of each text."""
    chance: npt.NDArray[np.float64]
    """Of each text; a source counts by the root of its size."""


class Material:
    """All texts.

    Args:
        root: Folder of the data sets.
    """

    def __init__(self, root: Path) -> None:
        self.sets: Sets = sets_of(root)
        self.sides = [self._side(name, channel) for name, channel in OUTPUTS]
        sizes = Counter(entry.source.removeprefix("pasted ") for side in self.sides[:2] for entry in side.benign)
        names = sorted(name for name, size in sizes.items() if size >= _FEW and not name.startswith(OWN))
        self.benign_groups = [frozenset(names[first :: len(GROUPS)]) for first in range(len(GROUPS))]

    def away(self, group: int | None) -> frozenset[str]:
        """Return the sources that are left out with a group; none for the model that is shipped."""
        if group is None:
            return frozenset()
        benign = self.benign_groups[group]
        return GROUPS[group] | benign | {f"pasted {name}" for name in benign}

    def draws(self, away: frozenset[str], reader: Reader) -> list[Draw]:
        """Return what a model is made from; the benign texts of a channel serve both heads."""
        out = []
        for output, side in enumerate(self.sides):
            copies = Known(entry for entry in side.attacks if entry.source in away)
            gone = {place for place, entry in enumerate(side.attacks) if copies.holds(entry.text)}
            shown = [
                each.text for each in side.shown if each.attack not in gone and not away.intersection((each.text.source, *each.frames))
            ]
            out.append(_draw(output, shown, reader, attack=True))
        for output, side in enumerate(self.sides[:2]):
            out.append(_draw(output, [entry for entry in side.benign if entry.source not in away], reader, attack=False))
        return out

    def met(self, output: int, source: str, texts: Iterable[str]) -> list[str]:
        """Return attacks as a model meets them: in data each stands inside a document of the pool."""
        return met(OUTPUTS[output][1], self.sides[output].pool, self.some(source, list(texts)))

    def some(self, source: str, texts: list[str]) -> list[str]:
        """Return so many texts of a source as a rate is measured on, always the same ones."""
        chosen = random.Random(source)  # noqa: S311 - a seed that makes training repeatable is the point
        return chosen.sample(texts, min(_MOST, len(texts)))

    def _side(self, name: str, channel: Channel) -> Side:
        readers = HEADS[name].channels[channel]
        known, data, outside = self.sets.known, self.sets.data, self.sets.outside
        attacks, everyday = (known.without(distinct(reader(data))) for reader in (readers.attacks, readers.benign))
        rest = [entry for entry in everyday if not kept_apart(entry)]
        alone = [Shown(place, entry) for place, entry in enumerate(attacks)]
        return Side(
            attacks=attacks,
            shown=[*alone, *(framed(attacks, rest, _FRAME) if channel == "data" else ())],
            benign=rest,
            pool=pool_of(everyday, channel),
            outside={
                "recall": distinct(readers.attacks_outside(outside)),
                "fpr": distinct(readers.benign_outside(outside)),
            },
        )


def _draw(output: int, texts: list[Text], reader: Reader, *, attack: bool) -> Draw:
    sizes = Counter(entry.source for entry in texts)
    chance = np.array([sizes[entry.source] ** -0.5 for entry in texts])
    return Draw(output, attack, reader.windows([entry.text for entry in texts]), chance / chance.sum())
