"""What the distribution ``fairlead-models`` says of itself: its card. The model is run by ``integrations.deep``; nothing here loads it."""

from importlib import resources
from typing import NamedTuple

import msgspec

from fairlead.core import digest_bytes
from fairlead.detectors.card import LADDER, Card, Channel, Measurement
from fairlead.detectors.errors import ModelDamaged
from fairlead.detectors.remote.kinds import KindName
from fairlead.detectors.remote.model import Point

DEEP: KindName = "fairlead-models"
PACKAGE = "fairlead_models"
"""Where its files are."""
FORMAT = 1
"""Version of the card's shape, of the model's inputs and outputs, and of what its scores mean."""
INSTALL = "pip install 'fairlead[deep]' fairlead-models"


class DeepHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One head of the model."""

    hazards: tuple[str, ...]
    """What it finds; it can't tell them apart, so it reports each."""
    card: Card
    """How its raw values become scores, what they promise, and what it does on sources that were left out."""
    fast: str
    """Id of the fast head that it was measured beside."""
    beside: tuple[Measurement, ...] = ()
    """What the fast head does on the same texts, made without the same sources."""
    cascade: tuple[Measurement, ...] = ()
    """What both do together on them: the fast one at ``zone``, and then this one at ``max_fpr``."""
    zone: float = 0.05
    """False-positive rate at which the fast head's grey zone began."""


class DeepCard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known about the model and the files beside it."""

    format: int
    version: str
    model: str
    """Digest of ``model.onnx``."""
    tokenizer: str
    """Digest of ``tokenizer.json``."""
    window: int
    """Tokens that are read at once, with the two that frame them."""
    outputs: tuple[tuple[str, Channel], ...]
    """Head and channel of each number that the model gives."""
    heads: dict[str, DeepHead]
    base: str
    """What it was made from, with its licence and digest."""

    def points(self) -> tuple[Point, ...]:
        """Return the operating points that every head keeps in every channel."""
        kept = {(name, at.channel, at.max_fpr) for name, head in self.heads.items() for at in head.card.points}
        return tuple(
            Point(max_fpr=max_fpr, threshold=score, on="its card")
            for max_fpr, score in LADDER
            if all((name, channel, max_fpr) in kept for name, channel in self.outputs)
        )


class Deep(NamedTuple):
    """The model that is installed."""

    card: DeepCard
    digest: str
    """Of the card, and so of all files."""

    def id_of(self, name: str) -> str:
        """Return what Findings call it: another card is another detector.

        Args:
            name: As the policy has it.
        """
        return f"{name}@{self.card.version}.{self.digest.removeprefix('sha256:')[:8]}"


def read_deep() -> Deep | None:
    """Return what is installed; None when it is not.

    Raises:
        ModelDamaged: Its card is missing or can't be read, or is of a format that this version does not know.
    """
    try:
        data = resources.files(PACKAGE).joinpath("card.json").read_bytes()
    except ModuleNotFoundError:
        return None
    except OSError as error:
        raise _damaged() from error
    try:
        found = msgspec.json.decode(data, type=_Format).format
        if found != FORMAT:
            mend = "install the fairlead-models that this version of Fairlead was released with"
            raise ModelDamaged(f"the deep model is of format {found}, and this version reads {FORMAT}", where=PACKAGE, mend=mend)
        return Deep(msgspec.json.decode(data, type=DeepCard), digest_bytes(data))
    except msgspec.DecodeError as error:
        raise _damaged() from error


class _Format(msgspec.Struct):
    format: int


def _damaged() -> ModelDamaged:
    return ModelDamaged("the card of the deep model is missing or damaged", where=PACKAGE, mend=f"install it again: {INSTALL}")
