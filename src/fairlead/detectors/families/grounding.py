"""The detector of the hazard ``ungrounded``: it needs the sources beside the text."""

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from fairlead.core import Origin
from fairlead.detectors.card import Card, model_file, read_card
from fairlead.detectors.model import Hit, Runs
from fairlead.detectors.text import Text

if TYPE_CHECKING:
    from fairlead.detectors.grounding import Grounding

HAZARD = "ungrounded"
_CARD = "grounding@1"
_FILE = "grounding-scorer.npz"


class GroundingDetector:
    """Reports the claims of an answer that its sources don't bear out.

    Its card and its weights are read and checked when it is made, so that a damaged one stops the start.

    Raises:
        ModelDamaged: A file of the shipped model is missing or not what was shipped.
    """

    runs: Runs = "whole"
    hazards: tuple[str, ...] = (HAZARD,)

    def __init__(self) -> None:
        self.card: Card = read_card(_CARD)
        model_file(_FILE, self.card.model)
        self.id = f"{_CARD}.{self.card.model.removeprefix('sha256:')[:8]}"

    def detect(self, text: Text, origin: Origin) -> Sequence[Hit]:
        """Return nothing: without sources there is nothing to compare with. The guard asks :meth:`detect_with`."""
        del text, origin
        return []

    def detect_with(self, text: Text, origin: Origin, sources: Sequence[str]) -> Sequence[Hit]:
        """Return one Hit for each claim that is not borne out; its entity says why, without content.

        Args:
            text: The answer.
            origin: Who wrote it; only what a model wrote is compared.
            sources: Texts that the answer may rest on, in the order in which it numbers them.

        Raises:
            ModelDamaged: A file of the shipped model is not what was shipped.
        """
        if origin != "model":
            return []
        from fairlead.detectors.grounding import DOUBTFUL, Source  # noqa: PLC0415 - numpy costs 80 ms, which only such a policy should pay

        named = [Source(str(number), source) for number, source in enumerate(sources, 1)]
        claims = self._grounding.check(text.original, named).claims
        return [
            Hit(claim.start, claim.end, HAZARD, claim.doubts[0] if claim.doubts else claim.verdict, claim.score)
            for claim in claims
            if claim.score >= DOUBTFUL
        ]

    @cached_property
    def _grounding(self) -> "Grounding":
        from fairlead.detectors.grounding import Grounding  # noqa: PLC0415 - as above

        return Grounding()
