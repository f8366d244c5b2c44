"""The network while it is trained: the lower layers of a BERT encoder, in torch, with the names of the Hugging Face weights.

It computes what ``graph`` writes down: the last layer asks for the first token only, and the heads are linear over that token's state.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from training.deep.graph import Floats, Sizes, Weights
from training.deep.windows import Ids

_TRAINED = ("encoder.", "heads.")


class Batch(NamedTuple):
    """Windows side by side."""

    ids: torch.Tensor
    real: torch.Tensor
    """False where a shorter window was filled up."""


def batch_of(windows: Sequence[Ids]) -> Batch:
    """Return windows side by side."""
    longest = max(len(window) for window in windows)
    ids, real = np.zeros((len(windows), longest), np.int64), np.zeros((len(windows), longest), np.bool_)
    for row, window in enumerate(windows):
        ids[row, : len(window)], real[row, : len(window)] = window, True
    return Batch(torch.from_numpy(ids), torch.from_numpy(real))


class Net(nn.Module):
    """The encoder and its heads; embeddings stay as they are.

    Args:
        weights: Of the base model.
        sizes: Which layers of it are used.
        outputs: Number of heads.
    """

    def __init__(self, weights: Weights, sizes: Sizes, outputs: int) -> None:
        super().__init__()
        self._sizes = sizes
        wanted = [name for name in weights if name.startswith("embeddings.") or _layer_of(name) in range(sizes.layers)]
        held = {name: torch.from_numpy(np.array(weights[name], dtype=np.float32)) for name in wanted}
        width = held["embeddings.LayerNorm.weight"].numel()
        held["heads.weight"], held["heads.bias"] = torch.empty(outputs, width).normal_(std=0.02), torch.zeros(outputs)
        self._names = {name.replace(".", "/"): name for name in held}
        self._held = nn.ParameterDict({key: nn.Parameter(held[name], name.startswith(_TRAINED)) for key, name in self._names.items()})

    def forward(self, batch: Batch) -> torch.Tensor:
        """Return the outputs of the heads, one row a window."""
        words, places = self._of("embeddings.word_embeddings.weight"), self._of("embeddings.position_embeddings.weight")
        kind = self._of("embeddings.token_type_embeddings.weight")[0]
        hidden = self._norm("embeddings", functional.embedding(batch.ids, words) + places[: batch.ids.shape[1]] + kind)
        for layer in range(self._sizes.layers):
            hidden = self._layer(hidden, batch.real[:, None, None, :], layer)
        return functional.linear(hidden[:, 0], self._of("heads.weight"), self._of("heads.bias"))

    def groups(self) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
        """Return what is trained: of the encoder, and of the heads."""
        named = [(self._names[key], value) for key, value in self._held.items()]
        return [value for name, value in named if name.startswith("encoder.")], [
            value for name, value in named if name.startswith("heads.")
        ]

    def weights(self) -> dict[str, Floats]:
        """Return what it has become."""
        return {self._names[key]: value.detach().numpy().copy() for key, value in self._held.items()}

    def _of(self, name: str) -> torch.Tensor:
        return self._held[name.replace(".", "/")]

    def _norm(self, name: str, value: torch.Tensor) -> torch.Tensor:
        scale, bias = self._of(f"{name}.LayerNorm.weight"), self._of(f"{name}.LayerNorm.bias")
        return functional.layer_norm(value, scale.shape, scale, bias, self._sizes.epsilon)

    def _linear(self, name: str, value: torch.Tensor) -> torch.Tensor:
        return functional.linear(value, self._of(f"{name}.weight"), self._of(f"{name}.bias"))

    def _layer(self, hidden: torch.Tensor, real: torch.Tensor, layer: int) -> torch.Tensor:
        name = f"encoder.layer.{layer}"
        count, _, width = hidden.shape
        each = width // self._sizes.heads
        asking = hidden[:, :1] if layer == self._sizes.layers - 1 else hidden
        query, key, value = (
            self._linear(f"{name}.attention.self.{which}", of).view(count, -1, self._sizes.heads, each).transpose(1, 2)
            for which, of in (("query", asking), ("key", hidden), ("value", hidden))
        )
        told = functional.scaled_dot_product_attention(query, key, value, attn_mask=real).transpose(1, 2).reshape(count, -1, width)
        mixed = self._norm(f"{name}.attention.output", asking + self._linear(f"{name}.attention.output.dense", told))
        inner = functional.gelu(self._linear(f"{name}.intermediate.dense", mixed))
        return self._norm(f"{name}.output", mixed + self._linear(f"{name}.output.dense", inner))


def _layer_of(name: str) -> int:
    parts = name.split(".")
    return int(parts[2]) if parts[0] == "encoder" else -1
