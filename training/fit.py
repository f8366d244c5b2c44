"""Logistic regression on hashed n-grams, in two rounds: the second one minds the benign texts that the first one got wrong."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from fairlead.detectors.families.heads import strength
from fairlead.detectors.ngrams import BUCKETS, grams_of
from fairlead.detectors.text import prepare

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
_STEPS = (40, 25)
"""Steps of each round."""
_DECAY = 5e-5
"""Weight of the squared weights in the loss."""
_HARD = 60.0
"""How much more a benign text counts in the second round when the first one is sure that it is an attack: rates near zero matter most."""
_PIECES = 6
"""Pieces of one text that are read at most."""
_LONGEST = 20_000
"""Characters of a training text that are read."""


class Rows(NamedTuple):
    """Features of pieces of texts."""

    matrix: csr_matrix
    owners: Indices
    """The text that each piece is of."""


class Model(NamedTuple):
    """Weights and bias before they become integers."""

    weights: Floats
    bias: float


class Integers(NamedTuple):
    """Weights as they are shipped."""

    table: npt.NDArray[np.int8]
    unit: float
    bias: float


def pieces_of(text: str, width: int) -> list[str]:
    """Return a text in pieces as long as the windows that it will be read in; of a long one some that are spread evenly.

    Args:
        text: The text.
        width: Characters of a piece; pieces overlap by half.
    """
    text = text[:_LONGEST]
    starts = list(range(0, max(1, len(text) - width // 2), width // 2))
    if len(starts) > _PIECES:
        starts = [starts[round(index * (len(starts) - 1) / (_PIECES - 1))] for index in range(_PIECES)]
    return [text[start : start + width] for start in starts]


def rows_of(texts: Sequence[str], width: int) -> Rows:
    """Return the features of the pieces of texts, normalised as they will be in use.

    Args:
        texts: The texts.
        width: Characters of a piece.
    """
    owned = [(owner, piece) for owner, text in enumerate(texts) for piece in pieces_of(prepare(text).normalised.text, width)]
    parts = [grams_of(piece).buckets.astype(np.int32) for _, piece in owned]
    counts = np.array([part.size for part in parts])
    edges = np.concatenate([[0], np.cumsum(counts)])
    values = np.repeat(strength(counts), counts).astype(np.float32)
    matrix = csr_matrix((values, np.concatenate(parts), edges), shape=(len(parts), BUCKETS))
    matrix.sum_duplicates()
    return Rows(matrix, np.array([owner for owner, _ in owned]))


def fit(rows: Rows, labels: Floats, importance: Floats, chosen: Indices) -> Model:
    """Fit a model.

    Args:
        rows: Features.
        labels: For each piece 1 if it is of what is to be found, 0 for the rest.
        importance: Weight of each piece in the loss.
        chosen: Pieces to train on.
    """
    matrix, signs, weight = rows.matrix[chosen], np.where(labels[chosen] > 0, 1.0, -1.0), importance[chosen].astype(np.float64)
    across = matrix.T.tocsr()
    found = np.zeros(BUCKETS + 1)
    for steps in _STEPS:
        found = _minimum(matrix, across, (signs, weight), found, steps)
        sure = 1 / (1 + np.exp(-(matrix @ found[:-1].astype(np.float32) + found[-1])))
        weight = np.where(signs < 0, importance[chosen] * (1 + _HARD * sure), importance[chosen])
    return Model(found[:-1], float(found[-1]))


def _minimum(matrix: csr_matrix, across: csr_matrix, wanted: tuple[Floats, Floats], begin: Floats, steps: int) -> Floats:
    signs, weight = wanted
    total = weight.sum()

    def loss(at: Floats) -> tuple[float, Floats]:
        margin = signs * (matrix @ at[:-1].astype(np.float32) + at[-1])
        slope = -weight * signs / (1 + np.exp(np.minimum(margin, 500))) / total
        value = (weight * np.logaddexp(0, -margin)).sum() / total + _DECAY / 2 * (at[:-1] @ at[:-1])
        return float(value), np.append(across @ slope.astype(np.float32) + _DECAY * at[:-1], slope.sum())

    return np.asarray(minimize(loss, begin, jac=True, method="L-BFGS-B", options={"maxiter": steps, "maxcor": 8}).x)


def integers(model: Model) -> Integers:
    """Return a model with int8 weights; the few largest are cut to the scale of the rest."""
    weights = model.weights
    unit = float(np.quantile(np.abs(weights[weights != 0]), 0.9995)) / 127
    return Integers(np.clip(np.rint(weights / unit), -127, 127).astype(np.int8), unit, model.bias)
