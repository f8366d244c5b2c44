"""Texts as the deep model reads them: in windows of tokens."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from fairlead.detectors.text import prepare
from fairlead.integrations.deep import starts_of

Ids = npt.NDArray[np.int64]
WINDOW = 128
"""Tokens of a window, with the two that frame it."""
_LONGEST = 20_000
"""Characters of a text that are read here; texts in use are read whole."""


class Reader:
    """Cuts texts into windows, each text once.

    Args:
        tokenizer: Content of ``tokenizer.json``.
    """

    def __init__(self, tokenizer: str) -> None:
        self._tokenizer = Tokenizer.from_str(tokenizer)
        self._first, self._last = (self._tokenizer.token_to_id(name) for name in ("[CLS]", "[SEP]"))
        self._known: dict[str, list[Ids]] = {}

    def windows(self, texts: Sequence[str]) -> list[list[Ids]]:
        """Return the windows of each text, normalised as it will be in use."""
        fresh = [text for text in dict.fromkeys(texts) if text not in self._known]
        read = [prepare(text[:_LONGEST]).normalised.text for text in fresh]
        for text, found in zip(fresh, self._tokenizer.encode_batch(read, add_special_tokens=False), strict=True):
            ids, size = found.ids, WINDOW - 2
            starts = starts_of(len(ids), size) or [0]
            self._known[text] = [np.array([self._first, *ids[start : start + size], self._last]) for start in starts]
        return [self._known[text] for text in texts]
