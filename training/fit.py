"""Logistic regression on hashed n-grams by mini-batch Adam, in numpy, from a fixed seed."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fairlead.detectors.ngrams import BUCKETS, grams_of
from fairlead.detectors.text import prepare

Floats = npt.NDArray[np.float32]
_EPOCHS = 6
_BATCH = 256
_RATE = 0.02
_DECAY = 2e-6
_LONGEST = 1600
"""Characters of a training text that are read."""


class Rows(NamedTuple):
    """Features of many texts, one after the other."""

    buckets: npt.NDArray[np.uint32]
    edges: npt.NDArray[np.int64]
    """Where each text's features start; one more at the end."""

    def of(self, chosen: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """Return the features of some texts, and how many each has."""
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


def rows_of(texts: Sequence[str]) -> Rows:
    """Return the features of texts, normalised as they will be in use."""
    parts = [grams_of(prepare(text[:_LONGEST]).normalised.text).buckets for text in texts]
    return Rows(np.concatenate(parts), np.cumsum([0, *(part.size for part in parts)]))


def fit(rows: Rows, labels: Floats, importance: Floats, chosen: npt.NDArray[np.int64], *, seed: int) -> Model:
    """Fit a model.

    Args:
        rows: Features.
        labels: 1 for what is to be found, 0 for the rest.
        importance: Weight of each text in the loss.
        chosen: Texts to train on.
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
            error = importance[batch] * (1 / (1 + np.exp(-raw)) - labels[batch]) / batch.size
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


def integers(model: Model) -> Integers:
    """Return a model with int8 weights; the few largest are cut to the scale of the rest."""
    top = float(np.quantile(np.abs(model.weights[model.weights != 0]), 0.9995))
    unit = top / 127
    return Integers(np.clip(np.rint(model.weights / unit), -127, 127).astype(np.int8), unit, model.bias)
