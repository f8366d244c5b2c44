"""Train the shipped heads and write their cards, or check that what is shipped comes out again.

Every number in a card comes from here: operating points from a benign pool that was kept apart, and rates on sources that were left out
of training altogether. Takes about three minutes on one core.
"""

import argparse
import io
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from fairlead.core import digest_bytes
from fairlead.detectors.card import LADDER, Card, Channel, Curve, DataSource, LeftOut, OperatingPoint
from fairlead.detectors.families.heads import harm, injection
from fairlead.detectors.families.injection import RULES, InjectionRules
from fairlead.detectors.text import prepare
from training.fit import Integers, Rows, fit, integers, rows_of
from training.measure import Raw, allowed, curve, points, rate, raw_of, scores, thresholds
from training.sources import LICENCES, Data, Reader, Text, distinct, documents, harmful, injections, kept_apart, planted, requests

SHIPPED = Path(__file__).parents[1] / "src/fairlead/detectors/data"
_SEED = 20261125
_POOL = 1500
"""Texts of one source in a benign pool at most, so that no source decides the rates alone."""
_QUOTED = (0.01, 0.005)
"""Rates at which left-out sources are measured."""
_SHINGLE = 8
_OVERLAP = 0.3
Kind = Literal["recall", "fpr"]
_METHOD = (
    "Logistic regression on hashed byte 3- to 5-grams, words and word pairs (2^18 buckets, int8 weights), one set of weights per channel; "
    "the highest window of a text counts. Trained with numpy from a fixed seed. Operating points: benign texts kept apart from training, "
    "threshold set so that the one-sided 95% upper bound (Clopper-Pearson) keeps to the rate."
)
_LIMITS = (
    "English first. Sees wordings like those of public collections; misses polite or new ones, and does not read images or sound. "
    "Quote the left-out rates, not the operating points, for texts of another kind. Not calibrated on your traffic."
)
_RULES = "Phrases and structures, scored by who wrote them. Written by hand; no data was used to write them, the pool only to measure them."
_RULES_LIMITS = "English. Sees the phrases that it knows and no others; the tool broker, not this, is what stops an action."


class Corpus(NamedTuple):
    """The texts of one channel of one head, and their features."""

    channel: Channel
    attacks: list[Text]
    benign: list[Text]
    pool: list[Text]
    rows: Rows
    """Of the attacks, then of the benign texts."""


class Trained(NamedTuple):
    """One channel of a head."""

    model: Integers
    curve: Curve
    points: list[OperatingPoint]
    left_out: list[LeftOut]
    pool: Counter[str]


def main() -> int:
    """Train, then compare with what is shipped or replace it; 1 if they differ."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with one folder per data set")
    parser.add_argument("--write", action="store_true", help="replace the shipped models and cards")
    options = parser.parse_args()
    if not options.data.is_dir():
        sys.stderr.write(f"error: {options.data} is no folder\n  mend: name the folder of the data sets with --data\n")
        return 2
    begin = time.monotonic()
    data = Data(options.data)
    made = {**_head(data, "injection", {"asked": (injections, requests), "data": (planted, documents)})}
    made |= _rules(data)
    made |= _head(Data(options.data), "harm", {"asked": (harmful, requests), "data": (harmful, documents)})
    _say(f"trained in {time.monotonic() - begin:.0f} s")
    same = all((SHIPPED / name).is_file() and (SHIPPED / name).read_bytes() == content for name, content in made.items())
    if options.write:
        SHIPPED.mkdir(exist_ok=True)
        for name, content in made.items():
            (SHIPPED / name).write_bytes(content)
        _say(f"wrote {', '.join(made)}")
        return 0
    _say("what is shipped came out again, byte for byte" if same else "what is shipped did NOT come out: compare with --write")
    return 0 if same else 1


def _head(data: Data, name: str, channels: dict[Channel, tuple[Reader, Reader]]) -> dict[str, bytes]:
    trained = {channel: _channel(_corpus(data, channel, *readers)) for channel, readers in channels.items()}
    weights = _npy(np.stack([entry.model.table for entry in trained.values()]))
    detector = injection() if name == "injection" else harm()
    card = Card(
        detector=detector.id,
        method=_METHOD,
        limits=_LIMITS,
        model=digest_bytes(weights),
        curves={channel: entry.curve for channel, entry in trained.items()},
        points=tuple(point for entry in trained.values() for point in entry.points),
        left_out=tuple(left for entry in trained.values() for left in entry.left_out),
        pool={f"{channel}: {source}": count for channel, entry in trained.items() for source, count in sorted(entry.pool.items())},
        sources=_sources(data),
    )
    return {f"{name}.npy": weights, f"{name}.json": _document(card)}


def _corpus(data: Data, channel: Channel, attacks: Reader, benign: Reader) -> Corpus:
    found = distinct(attacks(data))
    everyday = distinct(benign(data))
    seen: Counter[str] = Counter()
    pool: list[Text] = []
    for entry in everyday:
        if kept_apart(entry) and seen[entry.source] < _POOL:
            seen[entry.source] += 1
            pool.append(entry)
    rest = [entry for entry in everyday if not kept_apart(entry)]
    return Corpus(channel, found, rest, pool, rows_of([entry.text for entry in (*found, *rest)]))


def _channel(corpus: Corpus) -> Trained:
    _say(f"{corpus.channel}: {len(corpus.attacks)} attacks, {len(corpus.benign)} benign, {len(corpus.pool)} kept apart")
    model = _fit(corpus)
    raw = raw_of([entry.text for entry in corpus.pool], model, corpus.channel)
    bent = curve(raw, model)
    left_out = [*_attacks_left_out(corpus), *_benign_left_out(corpus)]
    measured = points(scores(raw, bent), corpus.channel)
    for point in measured:
        _say(f"  at most {point.max_fpr:.2%}: {point.fpr.k}/{point.fpr.n}")
    for left in left_out:
        _say(f"  {left.kind} at {left.max_fpr:.1%} without {left.source}: {left.rate.value:.3f} of {left.rate.n}")
    return Trained(model, bent, measured, left_out, Counter(entry.source for entry in corpus.pool))


def _fit(corpus: Corpus, without: str = "") -> Integers:
    texts = [*corpus.attacks, *corpus.benign]
    labels = np.array([1] * len(corpus.attacks) + [0] * len(corpus.benign), dtype=np.float32)
    chosen = np.array([index for index, entry in enumerate(texts) if entry.source != without])
    sizes = Counter((bool(labels[index]), texts[index].source) for index in chosen)
    # A source counts by the root of its size, and both sides count alike.
    importance: npt.NDArray[np.float64] = (
        np.array([sizes[bool(label), entry.source] or 1 for label, entry in zip(labels, texts, strict=True)]) ** -0.5
    )
    for side in (0, 1):
        members = chosen[labels[chosen] == side]
        importance[members] *= chosen.size / 2 / importance[members].sum()
    return integers(fit(corpus.rows, labels, importance.astype(np.float32), chosen, seed=_SEED))


def _attacks_left_out(corpus: Corpus) -> Iterator[LeftOut]:
    """Yield the recall of each source's attacks by a model that was made without the source."""
    for source in dict.fromkeys(entry.source for entry in corpus.attacks):
        unseen = _without_copies([entry for entry in corpus.attacks if entry.source == source], corpus.attacks)
        model, cuts = _without(corpus, source)
        yield from _left(corpus, (source, "recall"), raw_of(unseen, model, corpus.channel), cuts)


def _benign_left_out(corpus: Corpus) -> Iterator[LeftOut]:
    """Yield how often each benign source fires in a model that was made, and whose thresholds were set, without the source."""
    sizes = Counter(entry.source for entry in (*corpus.benign, *corpus.pool))
    for source in (name for name, size in sizes.items() if size >= 400):
        model, cuts = _without(corpus, source)
        unseen = [entry.text for entry in (*corpus.pool, *corpus.benign) if entry.source == source][:_POOL]
        yield from _left(corpus, (source, "fpr"), raw_of(unseen, model, corpus.channel), cuts)


def _without(corpus: Corpus, source: str) -> tuple[Integers, dict[float, float]]:
    """Return a model and its thresholds that know nothing of a source, neither its attacks nor its benign texts."""
    model = _fit(corpus, without=source)
    return model, thresholds(raw_of([entry.text for entry in corpus.pool if entry.source != source], model, corpus.channel))


def _left(corpus: Corpus, what: tuple[str, Kind], raw: Raw, cuts: dict[float, float]) -> Iterator[LeftOut]:
    for max_fpr in _QUOTED:
        fired = int((raw >= cuts[max_fpr]).sum())
        yield LeftOut(source=what[0], channel=corpus.channel, kind=what[1], max_fpr=max_fpr, rate=rate(fired, raw.size))


def _without_copies(left: list[Text], attacks: list[Text]) -> list[str]:
    """Return the texts of a source that share few runs of words with any other source."""
    source = left[0].source
    known = {run for entry in attacks if entry.source != source for run in _runs(entry.text)}
    return [entry.text for entry in left if not (runs := _runs(entry.text)) or len(runs & known) <= _OVERLAP * len(runs)]


def _runs(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[index : index + _SHINGLE]) for index in range(len(words) - _SHINGLE + 1)}


def _rules(data: Data) -> dict[str, bytes]:
    """Return the card of the injection rules: the same pools, the same ladder."""
    rules = InjectionRules()
    measured: list[OperatingPoint] = []
    pools: dict[str, int] = {}
    for channel, reader, origin in (("asked", requests, "user"), ("data", documents, "retrieved")):
        pool = [entry for entry in distinct(reader(data)) if kept_apart(entry)]
        seen: Counter[str] = Counter()
        raw = []
        for entry in pool:
            if seen[entry.source] < _POOL:
                seen[entry.source] += 1
                raw.append(max((hit.score for hit in rules.detect(prepare(entry.text), origin)), default=0.0))
        pools |= {f"{channel}: {source}": count for source, count in sorted(seen.items())}
        measured += _steps(np.array(raw), channel)
    card = Card(detector=rules.id, method=_RULES, limits=_RULES_LIMITS, points=tuple(measured), pool=pools, sources=_sources(data))
    return {"injection-rules.json": _document(card)}


def _steps(raw: Raw, channel: Channel) -> list[OperatingPoint]:
    """Return the operating points of a detector with few scores: for each rate the lowest score that keeps to it."""
    out: list[OperatingPoint] = []
    for max_fpr, _ in LADDER:
        most = allowed(raw.size, max_fpr)
        for score in sorted({float(score) for rule in RULES for score in (rule.asked, rule.planted)}):
            k = int((raw >= score).sum())
            if k <= most:
                out.append(OperatingPoint(channel=channel, max_fpr=max_fpr, threshold=score, fpr=rate(k, raw.size)))
                break
    return out


def _sources(data: Data) -> tuple[DataSource, ...]:
    out = []
    for folder, digests in sorted(data.read_files.items()):
        origin = json.loads((data.root / folder / "SOURCE.json").read_text())
        where, commit = str(origin["repo"]), str(origin["commit"])
        out.append(DataSource(name=folder, repository=where, commit=commit, licence=LICENCES[folder], digests=digests))
    return tuple(out)


def _npy(table: npt.NDArray[np.int8]) -> bytes:
    target = io.BytesIO()
    np.save(target, table, allow_pickle=False)
    return target.getvalue()


def _document(card: Card) -> bytes:
    return msgspec.json.format(msgspec.json.encode(card, order="sorted"), indent=1) + b"\n"


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
