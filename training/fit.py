"""Logistic regression on hashed n-grams by mini-batch Adam, in numpy, from a fixed seed."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fairlead.detectors.ngrams import BUCKETS, grams_of
from fairlead.detectors.text import prepare

Floats = npt.NDArray[np.float32]
Indices = npt.NDArray[np.int64]
_EPOCHS = 6
_BATCH = 256
_RATE = 0.02
_DECAY = 2e-6
_PIECES = 6
"""Pieces of one text that are read at most."""
_LONGEST = 4000
"""Characters of a training text that are read."""


class Rows(NamedTuple):
    """Features of many pieces of text, one after the other."""

    buckets: npt.NDArray[np.uint32]
    edges: Indices
    """Where each piece's features start; one more at the end."""
    owners: Indices
    """The text that each piece is of."""

    def of(self, chosen: Indices) -> tuple[npt.NDArray[np.uint32], Indices]:
        """Return the features of some pieces, and how many each has."""
        counts = self.edges[chosen + 1] - self.edges[chosen]
        return np.concatenate([self.buckets[self.edges[row] : self.edges[row + 1]] for row in chosen]), counts


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
    owned = [(owner, piece) for owner, text in enumerate(texts) for piece in pieces_of(text, width)]
    parts = [grams_of(prepare(piece).normalised.text).buckets for _, piece in owned]
    return Rows(np.concatenate(parts), np.cumsum([0, *(part.size for part in parts)]), np.array([owner for owner, _ in owned]))


def fit(rows: Rows, labels: Floats, importance: Floats, chosen: Indices, *, seed: int) -> Model:
    """Fit a model.

    Args:
        rows: Features.
        labels: For each piece 1 if it is of what is to be found, 0 for the rest.
        importance: Weight of each piece in the loss.
        chosen: Pieces to train on.
        seed: For the order of the batches.
    """
    random = np.random.default_rng(seed)
    weights, bias = np.zeros(BUCKETS, dtype=np.float32), np.float32(0)
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    bias_mean = bias_square = 0.0
    steps = _EPOCHS * -(-chosen.size // _BATCH)
    step = 0
    for _ in range(_EPOCHS):
        order = random.permutation(chosen)
        for batch in np.array_split(order, -(-order.size // _BATCH)):
            step += 1
            buckets, counts = rows.of(batch)
            starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
            scale = (1 / np.sqrt(counts)).astype(np.float32)
            raw = np.add.reduceat(weights[buckets], starts) * scale + bias
            error = importance[batch] * (_share(raw) - labels[batch]) / batch.size
            gradient = np.bincount(buckets, weights=np.repeat(error * scale, counts), minlength=BUCKETS).astype(np.float32)
            gradient += _DECAY * weights
            rate = _RATE * (1 - step / (steps + 1))
            mean += 0.1 * (gradient - mean)
            square += 0.001 * (gradient * gradient - square)
            correction = np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            weights -= np.float32(rate * correction) * mean / (np.sqrt(square) + np.float32(1e-8))
            slope = float(error.sum())
            bias_mean += 0.1 * (slope - bias_mean)
            bias_square += 0.001 * (slope * slope - bias_square)
            bias -= np.float32(rate * correction * bias_mean / (np.sqrt(bias_square) + 1e-8))
    return Model(weights, float(bias))


def _share(raw: Floats) -> npt.NDArray[np.float64]:
    """Return the logistic function, rounded so that processors whose exponentials differ in the last bit train the same model."""
    exact = 1 / (1 + np.exp(-raw.astype(np.float64)))
    return np.asarray(np.rint(exact * 2**24) / 2**24)


def integers(model: Model) -> Integers:
    """Return a model with int8 weights; the few largest are cut to the scale of the rest."""
    top = float(np.quantile(np.abs(model.weights[model.weights != 0]), 0.9995))
    unit = top / 127
    return Integers(np.clip(np.rint(model.weights / unit), -127, 127).astype(np.int8), unit, model.bias)
