"""Trains the network, and then its heads once more on what the int8 encoder gives."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from scipy.optimize import minimize
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from training.deep.graph import Floats, Sizes, Weights
from training.deep.material import OUTPUTS, Draw
from training.deep.net import Net, batch_of
from training.deep.windows import Ids

SIZES = Sizes(layers=3, heads=12)
"""Three layers of the six, the third for one token: what one core reads in the time that there is."""
_TOKENS = 900_000
"""Tokens that a model is trained on."""
_RATE = 2e-4
_HEADS = 5
"""How much faster the heads learn."""
_HARD = 20.0
"""How much more a benign window counts, once it is sure to be an attack; from the middle of the training on."""
_SHARES = (0.14, 0.16, 0.1, 0.12, 0.22, 0.26)
"""Of each draw among the windows."""
_AT_ONCE, _DRAWN = 32, 1024
_REFITTED = 12_000
"""Windows that the heads are fitted to again."""
_CLOSE = 0.003
"""How much the heads are held to what they were."""
_SEED = 20261130


class Drawn(NamedTuple):
    """A window to learn from."""

    window: Ids
    output: int
    attack: bool


def train(weights: Weights, draws: Sequence[Draw], say: Callable[[str], None]) -> dict[str, Floats]:
    """Return the weights of a trained model.

    Args:
        weights: Of the base model.
        draws: What it is made from.
        say: Told how it goes.
    """
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    torch.manual_seed(_SEED)
    chosen = np.random.default_rng(_SEED)
    net = Net(weights, SIZES, len(OUTPUTS))
    encoder, heads = net.groups()
    steps = torch.optim.AdamW([{"params": encoder}, {"params": heads}], lr=_RATE, betas=(0.9, 0.99), weight_decay=0.01)
    seen, told = 0, 0
    while seen < _TOKENS:
        for windows in _batches(draws, chosen):
            done = seen / _TOKENS
            pace = max(0.01, min(1.0, done / 0.1) * (1 - done))
            for group, times in zip(steps.param_groups, (1, _HEADS), strict=True):
                group["lr"] = _RATE * times * pace
            loss = _loss(net, windows, hard=_HARD if done > 0.4 else 0.0)
            steps.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]  # torch has none
            clip_grad_norm_([*encoder, *heads], 1.0)
            steps.step()
            seen += sum(len(each.window) for each in windows)
            if seen >= _TOKENS:
                break
        if seen - told > _TOKENS / 10:
            told = seen
            say(f"{seen} tokens, loss {loss.detach():.3f}")
    return net.weights()


def _batches(draws: Sequence[Draw], chosen: np.random.Generator) -> list[list[Drawn]]:
    """Draw windows and cut them into batches of alike lengths."""
    found = drawn(draws, _DRAWN, chosen)
    found.sort(key=lambda each: len(each.window))
    batches = [found[start : start + _AT_ONCE] for start in range(0, len(found), _AT_ONCE)]
    return [batches[place] for place in chosen.permutation(len(batches))]


def drawn(draws: Sequence[Draw], count: int, chosen: np.random.Generator) -> list[Drawn]:
    """Return windows to learn from, each draw in its share.

    Args:
        draws: What to draw from.
        count: How many, about.
        chosen: Who draws.
    """
    out = []
    for draw, share in zip(draws, _SHARES, strict=True):
        for text in chosen.choice(len(draw.windows), int(count * share), p=draw.chance):
            windows = draw.windows[text]
            out.append(Drawn(windows[chosen.integers(len(windows))], draw.output, draw.attack))
    return out


def _loss(net: Net, windows: Sequence[Drawn], hard: float) -> torch.Tensor:
    found = net(batch_of([each.window for each in windows]))
    labels, counted = (torch.from_numpy(part) for part in targets(windows))
    weight = counted * torch.where(labels > 0, 1.0, 1.0 + hard * torch.sigmoid(found.detach()))
    return (functional.binary_cross_entropy_with_logits(found, labels, reduction="none") * weight).sum() / len(windows)


def targets(windows: Sequence[Drawn]) -> tuple[Floats, Floats]:
    """Return the labels, and which of them count: an attack says nothing of other heads, a benign window is benign to both."""
    labels, counted = (np.zeros((len(windows), len(OUTPUTS)), np.float32) for _ in range(2))
    for row, each in enumerate(windows):
        labels[row, each.output] = each.attack
        counted[row, each.output] = 1
        if not each.attack:
            counted[row, each.output + 2] = 1
    return labels, counted


def refit(weights: dict[str, Floats], draws: Sequence[Draw], states: Callable[[Ids], Floats]) -> dict[str, Floats]:
    """Return the weights with heads that were fitted to the states of the int8 encoder.

    Args:
        weights: From :func:`train`.
        draws: What to fit to.
        states: Gives the state of a window.
    """
    windows = drawn(draws, _REFITTED, np.random.default_rng(_SEED + 1))
    found = np.stack([states(each.window) for each in windows]).astype(np.float64)
    labels, counted = targets(windows)
    heads = [
        _logistic(found, np.append(weights["heads.weight"][head], weights["heads.bias"][head]), (labels[:, head], counted[:, head]))
        for head in range(len(OUTPUTS))
    ]
    fitted = np.array(heads, dtype=np.float32)
    return {**weights, "heads.weight": fitted[:, :-1].copy(), "heads.bias": fitted[:, -1].copy()}


def _logistic(states: npt.NDArray[np.float64], begin: Floats, wanted: tuple[Floats, Floats]) -> npt.NDArray[np.float64]:
    """Fit one head, not far from what it was; benign windows that it is sure about count more."""
    used = wanted[1] > 0
    rows, signs = np.hstack([states[used], np.ones((used.sum(), 1))]), np.where(wanted[0][used] > 0, 1.0, -1.0)
    first = begin.astype(np.float64)
    weight = np.where(signs < 0, 1 + _HARD / (1 + np.exp(-(rows @ first))), 1.0)

    def loss(at: npt.NDArray[np.float64]) -> tuple[float, npt.NDArray[np.float64]]:
        margin = signs * (rows @ at)
        slope = -weight * signs / (1 + np.exp(np.minimum(margin, 500))) / weight.sum()
        value = (weight * np.logaddexp(0, -margin)).sum() / weight.sum() + _CLOSE / 2 * ((at - first) @ (at - first))
        return float(value), rows.T @ slope + _CLOSE * (at - first)

    return np.asarray(minimize(loss, first, jac=True, method="L-BFGS-B", options={"maxiter": 60}).x)
