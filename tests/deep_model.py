"""A deep model that fits in a test: the graph of the shipped one with made-up weights, which see the word "crocodile" and nothing else."""

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from fairlead.core import digest_bytes
from fairlead.detectors import LADDER, Card, Channel, OperatingPoint, Rate
from fairlead.detectors.card import Curve
from fairlead.detectors.remote import DeepCard, DeepHead

ROOT = Path(__file__).parents[1]
WIDTH, LAYERS, TOKENS = 8, 2, 16
WORDS = [*"abcdefghijklmnopqrstuvwxyz0123456789.,:!?'-", "the", "ignore", "all", "previous", "instructions", "crocodile"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
VOCABULARY = [*SPECIAL, *WORDS, *(f"##{letter}" for letter in WORDS[:26])]
OUTPUTS: tuple[tuple[str, Channel], ...] = (("injection", "asked"), ("injection", "data"), ("harm", "asked"), ("harm", "data"))
HAZARDS = {"injection": ("prompt_injection", "jailbreak"), "harm": ("harmful_request",)}


def weights(sees: str = "crocodile") -> dict[str, Any]:
    """Return weights: the last layer looks for one number of a word's embedding, and the heads read what it found."""
    chosen = np.random.default_rng(7)
    table = chosen.normal(size=(len(VOCABULARY), WIDTH)).astype(np.float32)
    table[:, 0] = -1
    table[VOCABULARY.index(sees)] = [8, *[-1] * (WIDTH - 1)]
    out = {
        "embeddings.word_embeddings.weight": table,
        "embeddings.position_embeddings.weight": np.zeros((TOKENS, WIDTH), np.float32),
        "embeddings.token_type_embeddings.weight": np.zeros((2, WIDTH), np.float32),
        "heads.weight": np.zeros((len(OUTPUTS), WIDTH), np.float32),
        "heads.bias": np.full(len(OUTPUTS), -12, np.float32),
    }
    out["heads.weight"][:, 0] = 10
    for name in ("embeddings", *(f"encoder.layer.{n}.{part}" for n in range(LAYERS) for part in ("attention.output", "output"))):
        out[f"{name}.LayerNorm.weight"], out[f"{name}.LayerNorm.bias"] = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)
    sizes = {"attention.self.query": (WIDTH, WIDTH), "attention.self.key": (WIDTH, WIDTH), "attention.self.value": (WIDTH, WIDTH)}
    sizes |= {"attention.output.dense": (WIDTH, WIDTH), "intermediate.dense": (16, WIDTH), "output.dense": (WIDTH, 16)}
    for name, shape in ((f"encoder.layer.{n}.{part}", shape) for n in range(LAYERS) for part, shape in sizes.items()):
        out[f"{name}.weight"] = (chosen.normal(size=shape) / 100).astype(np.float32)
        out[f"{name}.bias"] = np.zeros(shape[0], np.float32)
    last = f"encoder.layer.{LAYERS - 1}.attention"
    out[f"{last}.self.query.bias"][0] = 10
    for part in ("self.key", "self.value", "output.dense"):
        out[f"{last}.{part}.weight"][:] = 0
        out[f"{last}.{part}.weight"][0, 0] = 20 if part == "output.dense" else 1
    return out


def heads(threshold: float = 0.0) -> dict[str, DeepHead]:
    """Return the heads of a card whose points are all there.

    Args:
        threshold: Raw value that stands for the first step of the ladder.
    """
    rate = Rate(k=0, n=5000, value=0.0, low=0.0, high=0.0007)
    raw = (threshold - 4, *(threshold + step for step in range(len(LADDER))), threshold + 10)
    curve = Curve(unit=1, bias=0, raw=raw, scores=(0.0, *(score for _, score in LADDER), 1.0))
    channels: tuple[Channel, ...] = ("asked", "data")
    points = tuple(OperatingPoint(channel=at, max_fpr=fpr, threshold=score, fpr=rate) for at in channels for fpr, score in LADDER)
    made = Card(detector="deep@9", method="", limits="", curves={"asked": curve, "data": curve}, points=points)
    return {name: DeepHead(hazards=hazards, card=made, fast=f"{name}@1") for name, hazards in HAZARDS.items()}


def install(folder: Path, patch: pytest.MonkeyPatch, **changes: Any) -> Path:
    """Make the package and let it be imported.

    Args:
        folder: Where to.
        patch: Takes it away again.
        **changes: Of the card.
    """
    patch.syspath_prepend(str(ROOT))
    graph = importlib.import_module("training.deep.graph")
    package = folder / "fairlead_models"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    model = graph.network(weights(), graph.Sizes(LAYERS, 2))
    tokens = tokenizer()
    (package / "model.onnx").write_bytes(model)
    (package / "tokenizer.json").write_bytes(tokens)
    made = DeepCard(
        format=1,
        version="9",
        model=digest_bytes(model),
        tokenizer=digest_bytes(tokens),
        window=TOKENS,
        outputs=OUTPUTS,
        heads=heads(),
        base="made by a test",
    )
    (package / "card.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(made, **changes)))
    spec = importlib.util.spec_from_file_location("fairlead_models", package / "__init__.py", submodule_search_locations=[str(package)])
    assert spec is not None
    patch.setitem(sys.modules, "fairlead_models", importlib.util.module_from_spec(spec))
    return package


def tokenizer() -> bytes:
    """Return a tokenizer of the BERT kind that knows few words and every letter."""
    vocabulary = {word: place for place, word in enumerate(VOCABULARY)}
    made = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {"id": place, "content": word, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
            for place, word in enumerate(SPECIAL)
        ],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": None,
        "decoder": None,
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": vocabulary,
        },
    }
    return json.dumps(made).encode()
