"""The network as an ONNX file: a BERT encoder with int8 weights that reads one window, and one output for each head and channel.

Weights have 7 bits, so that no kernel saturates: the same numbers come out with and without VNNI. Activations are quantised as they come
(``DynamicQuantizeLinear``), of one window alone, so that what a window says does not depend on what is read beside it.
"""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from training.deep.onnxfile import Graph

Floats = npt.NDArray[np.float32]
Weights = Mapping[str, Floats]
"""By the names of the Hugging Face BERT; matrices as ``torch.nn.Linear`` holds them, output by input."""
_STEPS = 63
"""Largest weight, as an integer."""


class Sizes(NamedTuple):
    """What the weights do not say."""

    layers: int
    heads: int
    """Attention heads."""
    epsilon: float = 1e-12


def network(weights: Weights, sizes: Sizes, *, states: bool = False) -> bytes:
    """Return the file.

    Args:
        weights: Of the encoder, and ``heads.weight`` and ``heads.bias`` over the state of the first token.
        sizes: Its shape.
        states: Whether to give that state instead of the outputs of the heads.

    Returns:
        An ONNX file with the inputs ``ids`` and ``places`` (tokens and their places, int64) and the output ``logits`` (one for each head),
        or ``states``.
    """
    graph = Graph()
    ids, places = graph.input("ids", "int64", ["tokens"]), graph.input("places", "int64", ["tokens"])
    hidden = _embedded(graph, weights, sizes, ids, places)
    for layer in range(sizes.layers):
        hidden = _layer(graph, weights, sizes, hidden, layer)
    axes = graph.weight(np.array([0]))
    if states:
        graph.one("Squeeze", hidden, axes, name="states")
        graph.output("states", "float32", [weights["embeddings.LayerNorm.weight"].size])
        return graph.file("fairlead")
    matrix, bias = (graph.weight(weights[f"heads.{part}"].astype(np.float32)) for part in ("weight", "bias"))
    graph.one("Squeeze", graph.one("Gemm", hidden, matrix, bias, transB=1), axes, name="logits")
    graph.output("logits", "float32", [weights["heads.bias"].size])
    return graph.file("fairlead")


def _embedded(graph: Graph, weights: Weights, sizes: Sizes, ids: str, places: str) -> str:
    words = weights["embeddings.word_embeddings.weight"]
    scale = np.maximum(np.abs(words).max(axis=1, keepdims=True), 1e-8) / 127
    table = graph.weight(np.rint(words / scale).astype(np.int8))
    rows = graph.one("Cast", graph.one("Gather", table, ids, axis=0), to=1)
    rows = graph.one("Mul", rows, graph.one("Gather", graph.weight(scale.astype(np.float32)), ids, axis=0))
    where = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    placed = graph.one("Gather", graph.weight(where.astype(np.float32)), places, axis=0)
    return _norm(graph, weights, sizes, graph.one("Add", rows, placed), "embeddings.LayerNorm")


def _layer(graph: Graph, weights: Weights, sizes: Sizes, hidden: str, layer: int) -> str:
    """Add a layer; the last one asks for the first token only, since nothing else is read."""
    name = f"encoder.layer.{layer}."
    width = weights["embeddings.LayerNorm.weight"].size
    each = width // sizes.heads
    asking = graph.one("Gather", hidden, graph.weight(np.array([0])), axis=0) if layer == sizes.layers - 1 else hidden
    # The division by the root of the size is in the queries, so that no operator is spent on it.
    root = np.float32(each**0.5)
    asked = _linear(graph, weights[f"{name}attention.self.query.weight"] / root, weights[f"{name}attention.self.query.bias"] / root, asking)
    matrix, bias = (
        np.concatenate([weights[f"{name}attention.self.{which}.{part}"] for which in ("key", "value")]) for part in ("weight", "bias")
    )
    both = graph.one("Reshape", _linear(graph, matrix, bias, hidden), graph.weight(np.array([-1, 2, sizes.heads, each])))
    parts = graph.one("Transpose", both, perm=(1, 2, 0, 3))
    key, value = (graph.one("Gather", parts, graph.weight(np.array(index)), axis=0) for index in range(2))
    query = graph.one("Transpose", graph.one("Reshape", asked, graph.weight(np.array([-1, sizes.heads, each]))), perm=(1, 0, 2))
    seen = graph.one("Softmax", graph.one("MatMul", query, graph.one("Transpose", key, perm=(0, 2, 1))), axis=-1)
    told = graph.one("Transpose", graph.one("MatMul", seen, value), perm=(1, 0, 2))
    told = graph.one("Reshape", told, graph.weight(np.array([-1, width])))
    told = _named(graph, weights, told, f"{name}attention.output.dense")
    mixed = _norm(graph, weights, sizes, graph.one("Add", told, asking), f"{name}attention.output.LayerNorm")
    inner = graph.one("Gelu", _named(graph, weights, mixed, f"{name}intermediate.dense"))
    outer = _named(graph, weights, inner, f"{name}output.dense")
    return _norm(graph, weights, sizes, graph.one("Add", outer, mixed), f"{name}output.LayerNorm")


def _norm(graph: Graph, weights: Weights, sizes: Sizes, value: str, name: str) -> str:
    scale, bias = (graph.weight(weights[f"{name}.{part}"].astype(np.float32)) for part in ("weight", "bias"))
    return graph.one("LayerNormalization", value, scale, bias, axis=-1, epsilon=sizes.epsilon)


def _named(graph: Graph, weights: Weights, value: str, name: str) -> str:
    return _linear(graph, weights[f"{name}.weight"], weights[f"{name}.bias"], value)


def _linear(graph: Graph, matrix: Floats, bias: Floats, value: str) -> str:
    """Multiply with an int8 matrix; each of its columns has a scale of its own."""
    scale = np.maximum(np.abs(matrix).max(axis=1), 1e-8) / _STEPS
    steps = np.rint(matrix / scale[:, None]).astype(np.int8).T
    quantised, unit, zero = graph.add("DynamicQuantizeLinear", value, outputs=3)
    product = graph.one("MatMulInteger", quantised, graph.weight(steps), zero)
    units = graph.one("Mul", unit, graph.weight(scale.astype(np.float32)))
    return graph.one("Add", graph.one("Mul", graph.one("Cast", product, to=1), units), graph.weight(bias.astype(np.float32)))
