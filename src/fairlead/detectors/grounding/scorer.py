"""The shipped scorer: small networks on the features of each word, and a logistic regression on what they say of the claim."""

import io

import numpy as np
import numpy.typing as npt

from fairlead.detectors.card import Card, Channel, model_file, read_card
from fairlead.detectors.errors import ModelDamaged
from fairlead.detectors.grounding.features import CLAIM_FEATURES, WORD_FEATURES, Read
from fairlead.detectors.grounding.lexicon import Floats, Lexicon

DETECTOR = "grounding@1"
FILE = "grounding-scorer.npz"
CHANNEL: Channel = "asked"
"""Of its card: what a model says is no data."""


WRONG_NUMBER = 6.0
"""Added to the raw value of a claim with a number that no source gives: that is checked exactly, whatever the words are like."""


class Weights:
    """Weights of the scorer.

    Args:
        data: An ``npz`` archive without pickles.

    Raises:
        ModelDamaged: They are not for these features.
    """

    def __init__(self, data: bytes) -> None:
        with np.load(io.BytesIO(data), allow_pickle=False) as table:
            self.lexicon = table["lexicon"].tobytes().decode()
            """Digest of the table of words that they were trained with."""
            self._mean, self._scale = table["mean"], table["scale"]
            self._inner, self._inner_bias = table["inner"], table["inner_bias"]
            self._outer, self._outer_bias = table["outer"], table["outer_bias"]
            self._claim = table["claim"]
        if self._inner.shape[1] != len(WORD_FEATURES) or self._claim.size != len(SUMMARY) + 1:
            raise ModelDamaged("a file of a detector does not fit its code", where=FILE, mend="install Fairlead again")

    def words(self, features: Floats) -> Floats:
        """Return for each word how likely it is not borne out, as log-odds."""
        standard = (features - self._mean) / self._scale
        hidden = np.tanh(np.einsum("nf,sfh->snh", standard, self._inner) + self._inner_bias[:, None, :])
        out: Floats = (np.einsum("snh,sh->sn", hidden, self._outer) + self._outer_bias[:, None]).mean(axis=0)
        return out

    def claim(self, read: Read, words: Floats) -> float:
        """Return the raw value of a claim: higher is less borne out."""
        exact = WRONG_NUMBER if read.claim[CLAIM_FEATURES.index("numbers_wrong")] > 0 else 0.0
        return float(summary(read, words) @ self._claim[:-1] + self._claim[-1]) + exact


_OF_CLAIM = ("rare_unmatched", "numbers_wrong", "names_missing")
SUMMARY = ("highest", "second", "peak", *_OF_CLAIM)
"""What the regression on a claim reads."""


def summary(read: Read, words: Floats) -> npt.NDArray[np.float64]:
    """Return what is known of a claim as a whole.

    Args:
        read: The claim beside its sources.
        words: Log-odds of its words.
    """
    ordered = np.append(np.sort(words.astype(np.float64))[::-1][:2], [-9.0, -9.0])[:2]
    chances = 1 / (1 + np.exp(-ordered))
    own = [read.claim[CLAIM_FEATURES.index(name)] for name in _OF_CLAIM]
    return np.array([*chances, ordered[0] / 5, *own])


class Shipped:
    """The scorer with its card and its table of words, read and checked when it is made.

    Raises:
        ModelDamaged: A file is missing or not what was shipped.
    """

    def __init__(self) -> None:
        self.card: Card = read_card(DETECTOR)
        if not self.card.model or CHANNEL not in self.card.curves:
            raise ModelDamaged("the card of the grounding check names no weights", where="grounding.json", mend="install Fairlead again")
        self.weights = Weights(model_file(FILE, self.card.model))
        self.lexicon = Lexicon.shipped(self.weights.lexicon)
        self.id = f"{DETECTOR}.{self.card.model.removeprefix('sha256:')[:8]}"

    def score(self, raw: float) -> float:
        """Return the score, 0 to 1, of a raw value; see ``detectors.card``."""
        curve = self.card.curves[CHANNEL]
        return float(np.interp(raw, curve.raw, curve.scores))
