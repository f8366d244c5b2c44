"""From the parts to the package: the files of ``fairlead-models``, and the card that says what the model does beside the fast heads."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fairlead.core import digest_bytes
from fairlead.detectors.card import Card, Channel, Curve, Measurement, OperatingPoint
from fairlead.detectors.families.heads import SHAPES
from fairlead.detectors.remote import DeepCard, DeepHead
from training.corpus import Corpus, corpus_of, digest_of
from training.deep.base import ABOUT, Base
from training.deep.material import GROUPS, OUTPUTS, Material
from training.deep.part import SPARED, texts_of
from training.deep.windows import WINDOW
from training.measure import Cuts, Raw, curve, points, rate, raw_of, thresholds
from training.train import HEADS, MEASURED, Kind, counts, document, sources_read

VERSION = "1"
_FORMAT = 1
_ZONE = 0.05
"""False-positive rate of the fast head from which on the deep one is asked."""
_POOL = "benign pool"
Part = Mapping[str, npt.NDArray[np.generic]]
_METHOD = (
    "The first three layers of all-MiniLM-L6-v2 (the third for the first token only), fine-tuned on 900,000 tokens of the fast heads' "
    "corpora with a loss that minds confident false positives; int8 weights of 7 bits, activations quantised window by window; then the "
    "heads fitted again to what the int8 encoder gives. Windows of 128 tokens that overlap by a quarter, the highest counts. Operating "
    "points: the fast heads' benign pools, frozen by digest; the one-sided 95% upper bound (Clopper-Pearson) keeps to the rate. Left out: "
    "sources in three groups, each model made without all of a group, its near-duplicates, and a third of the benign sources."
)
_LIMITS = (
    "English first. On sources that both were made without it finds more than the fast head, above all in data, and fires more often than "
    "its operating point says on benign texts of kinds that it never saw; asked only about what the fast head doubts, both together find "
    "about as much as the fast head alone and fire on fewer benign texts. Misses attacks on code interpreters, most of which the fast head "
    "sees. Long arguments and other languages are beyond three layers. Not calibrated on your traffic."
)


class Pair(NamedTuple):
    """What both models give on the same texts."""

    deep: Raw
    fast: Raw

    def only(self, chosen: npt.NDArray[np.bool_]) -> "Pair":
        """Return some of the texts."""
        return Pair(self.deep[chosen], self.fast[chosen])


class Judged(NamedTuple):
    """Rates of one output: of the deep model, of the fast head on the same texts, and of the one after the other."""

    deep: list[Measurement]
    fast: list[Measurement]
    both: list[Measurement]


class Made(NamedTuple):
    """What is said of one output by the models that are shipped, and by those made without a group."""

    curve: Curve
    points: list[OperatingPoint]
    left_out: Judged
    outside: Judged


def package_of(material: Material, base: Base, parts: Mapping[int | None, Part]) -> dict[str, bytes]:
    """Return the files of the package.

    Args:
        material: The texts.
        base: The base model.
        parts: What ``part`` made, by the group that was left out.
    """
    made = [_output(material, parts, output) for output in range(len(OUTPUTS))]
    model, tokenizer = parts[None]["model"].tobytes(), base.tokenizer.encode()
    card = DeepCard(
        format=_FORMAT,
        version=VERSION,
        model=digest_bytes(model),
        tokenizer=digest_bytes(tokenizer),
        window=WINDOW,
        outputs=OUTPUTS,
        heads={name: _head(material, name, made) for name in HEADS if name in dict(OUTPUTS)},
        base=ABOUT,
    )
    return {"model.onnx": model, "tokenizer.json": tokenizer, "card.json": document(card)}


def _head(material: Material, name: str, made: list[Made]) -> DeepHead:
    mine: dict[Channel, int] = {channel: output for output, (head, channel) in enumerate(OUTPUTS) if head == name}
    pools = {channel: material.sides[output].pool for channel, output in mine.items()}
    found = [made[output] for output in mine.values()]
    judged = [judged for each in found for judged in (each.left_out, each.outside)]
    card = Card(
        detector=f"deep@{VERSION}",
        method=_METHOD,
        limits=_LIMITS,
        curves={channel: made[output].curve for channel, output in mine.items()},
        points=tuple(point for each in found for point in each.points),
        pool=counts(pools),
        pools={channel: digest_of(pool) for channel, pool in pools.items()},
        left_out=tuple(entry for each in found for entry in each.left_out.deep),
        outside=tuple(entry for each in found for entry in each.outside.deep),
        sources=(*sources_read(material.sets.data), *sources_read(material.sets.outside)),
    )
    beside, cascade = ([entry for each in judged for entry in each[column]] for column in (1, 2))
    hazards = SHAPES[name].hazards
    return DeepHead(hazards=hazards, card=card, fast=SHAPES[name].id, beside=tuple(beside), cascade=tuple(cascade), zone=_ZONE)


def _output(material: Material, parts: Mapping[int | None, Part], output: int) -> Made:
    name, channel = OUTPUTS[output]
    readers = HEADS[name].channels[channel]
    corpus = corpus_of(material.sets, channel, SHAPES[name].windows[channel], (readers.attacks, readers.benign))
    left_out = Judged([], [], [])
    for group in range(len(GROUPS)):
        for entry, kept in zip(_apart(material, corpus, parts[group], (output, group)), left_out, strict=True):
            kept.extend(entry)
    pool = _column(parts[None], f"pool/{channel}", output)
    bent = curve(thresholds(pool))
    return Made(bent, points(pool, bent, channel), left_out, _outside(material, corpus, parts[None], output))


def _apart(material: Material, corpus: Corpus, part: Part, which: tuple[int, int]) -> Judged:
    """Judge the sources of a group by models that were made without them, at thresholds that were set without them."""
    output, group = which
    away = material.away(group)
    model = corpus.fit(without=away)

    def pair(key: str, texts: list[str]) -> Pair:
        return Pair(_column(part, key, output), raw_of(texts, model, corpus.width))

    pool = material.sides[output].pool[::SPARED]
    sources = np.array([entry.source for entry in pool])
    benign = pair(f"pool/{corpus.channel}", [entry.text for entry in pool])
    rest = benign.only(~np.isin(sources, list(away)))
    cuts = thresholds(rest.deep), thresholds(rest.fast)
    judged = Judged([], [], [])
    for key, texts in texts_of(material, group).items():
        if key.startswith(f"recall/{output}/"):
            _judge(judged, pair(key, texts), cuts, (corpus.channel, "recall", key.split("/")[2]))
    for source in sorted(set(sources) & away):
        _judge(judged, benign.only(sources == source), cuts, (corpus.channel, "fpr", str(source)))
    _judge(judged, rest, cuts, (corpus.channel, "fpr", f"{_POOL}, group {group + 1}"))
    return judged


def _outside(material: Material, corpus: Corpus, part: Part, output: int) -> Judged:
    """Judge what is for measuring only by the models that are shipped."""
    model = corpus.fit()
    pool = [entry.text for entry in material.sides[output].pool]
    cuts = thresholds(_column(part, f"pool/{corpus.channel}", output)), thresholds(raw_of(pool, model, corpus.width))
    judged = Judged([], [], [])
    for key, texts in texts_of(material, None).items():
        kind, where, source = (*key.split("/"), "")[:3]
        if (kind, where) in (("recall", str(output)), ("fpr", corpus.channel)):
            both = Pair(_column(part, key, output), raw_of(texts, model, corpus.width))
            _judge(judged, both, cuts, (corpus.channel, "recall" if kind == "recall" else "fpr", source))
    return judged


def _judge(judged: Judged, pair: Pair, cuts: tuple[Cuts, Cuts], what: tuple[Channel, Kind, str]) -> None:
    deep, fast = cuts
    doubted = pair.fast >= fast[_ZONE]
    judged.deep.extend(_rates({at: pair.deep >= deep[at] for at in MEASURED if at in deep}, what))
    judged.fast.extend(_rates({at: pair.fast >= fast[at] for at in MEASURED if at in fast}, what))
    judged.both.extend(_rates({at: doubted & (pair.deep >= deep[at]) for at in MEASURED if at in deep}, what))


def _rates(fired: Mapping[float, npt.NDArray[np.bool_]], what: tuple[Channel, Kind, str]) -> Iterator[Measurement]:
    channel, kind, source = what
    for max_fpr, found in fired.items():
        yield Measurement(source=source, channel=channel, kind=kind, max_fpr=max_fpr, rate=rate(int(found.sum()), found.size))


def _column(part: Part, key: str, output: int) -> Raw:
    return np.asarray(part[key][:, output], dtype=np.float64)
