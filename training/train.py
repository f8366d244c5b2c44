"""Train the shipped heads and write their cards, or check that what is shipped comes out again.

Every number in a card comes from here: operating points from a benign pool that was kept apart, and rates on sources that were left out
of training altogether. Takes about six minutes on one core.
"""

import argparse
import io
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from fairlead.core import Origin, SystemClock, digest_bytes
from fairlead.detectors.card import Card, Channel, Curve, DataSource, Measurement, OperatingPoint
from fairlead.detectors.families.heads import SHAPES
from fairlead.detectors.families.injection import InjectionRules
from fairlead.detectors.text import prepare
from fairlead.evals import read_corpora
from training.benign import documents, requests
from training.copies import Known
from training.corpus import Corpus, Sets, corpus_of, digest_of, left_out_of, pool_of
from training.fit import Integers
from training.measure import Cuts, Raw, curve, points, rate, raw_of, thresholds
from training.outside import attacks, benign_documents, benign_requests, everything, nothing
from training.outside import harmful as harmful_outside
from training.sources import (
    LICENCES,
    OWN,
    Data,
    Reader,
    Text,
    deepset,
    distinct,
    harmful,
    injections,
    jailbreak_classification,
    planted,
)

SHIPPED = Path(__file__).parents[1] / "src/fairlead/detectors/data"
FROZEN = Path(__file__).parent / "pools.json"
"""Digests of the benign pools, written before anything is trained."""
MEASURED = (0.05, 0.01, 0.005)
"""Rates at which sources are measured."""
_FIXED = (0.7, 0.8)
"""Thresholds at which the rules are measured."""
_FEW = 400
"""Benign sources that are smaller are not left out."""
_PARTS = 3
"""Benign sources are left out in so many parts."""
_MOST = 2000
"""Texts of a source that a rate is measured on at most."""
Kind = Literal["recall", "fpr"]
_METHOD = (
    "Logistic regression on hashed byte 3- to 5-grams, words and word pairs (2^18 buckets, int8 weights), one set of weights per channel, "
    "in two rounds: the second one minds the benign texts that the first one got wrong. What is asked is scored in windows of {asked:,} "
    "bytes, data in windows of {data:,}; the highest counts. Operating points: benign texts kept apart from training, in data joined to "
    "documents of 400 characters or more, frozen by digest before the training; the one-sided 95% upper bound (Clopper-Pearson) keeps to "
    "the rate. Nothing that shares more than 30% of its runs of five words with a text for measuring only is trained on."
)
_LIMITS = (
    "English first; our own templates in twelve other languages were not reviewed by native speakers. Sees wordings like those of public "
    "collections; misses polite or new ones, and does not read images or sound. Quote the left-out and outside rates, not the operating "
    "points, for texts of another kind. Choices of method, and our own hard texts, were made with the outside figures in sight. Not "
    "calibrated on your traffic."
)
_RULES = "Phrases and structures, scored by who wrote them. Written by hand: no data was used, and no operating point is promised."
_RULES_LIMITS = "English. Sees the phrases that it knows and no others; the tool broker, not this, is what stops an action."


class Readers(NamedTuple):
    """Where the texts of a channel come from."""

    attacks: Reader
    benign: Reader
    attacks_outside: Reader
    benign_outside: Reader


class Trained(NamedTuple):
    """One channel of a head."""

    corpus: Corpus
    model: Integers
    curve: Curve
    points: list[OperatingPoint]
    left_out: list[Measurement]
    grouped: list[Measurement]
    outside: list[Measurement]


class Head(NamedTuple):
    """What a head is made from; its name and hazards stand in ``SHAPES``."""

    channels: dict[Channel, Readers]
    grouped: Mapping[str, Reader] = {}
    """Sources of which a fifth is held out, and how to read them."""


HEADS: dict[str, Head] = {
    "injection": Head(
        {
            "asked": Readers(injections, requests, attacks, benign_requests),
            "data": Readers(planted, documents, nothing, benign_documents),
        },
        {"deepset": deepset, "jailbreak classification": jailbreak_classification},
    ),
    "harm": Head(
        {
            "asked": Readers(harmful, requests, harmful_outside, benign_requests),
            "data": Readers(harmful, documents, harmful_outside, benign_documents),
        }
    ),
}


def main() -> int:
    """Train, then compare with what is shipped or replace it; 1 if they differ."""
    options = _options()
    if not options.data.is_dir():
        sys.stderr.write(f"error: {options.data} is no folder\n  mend: name the folder of the data sets with --data\n")
        return 2
    read_corpora(Path(__file__).parent, clock=SystemClock())  # what breaks a rule of its governance stops the training here
    if options.freeze:
        FROZEN.write_bytes(msgspec.json.format(msgspec.json.encode(_pools(options.data), order="sorted"), indent=1) + b"\n")
        _say(f"wrote {FROZEN.name}")
        return 0
    begin = time.monotonic()
    made = {name: content for head in options.heads or HEADS for name, content in _head(options.data, head).items()}
    made |= {} if options.heads else _rules(options.data)
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


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("heads", nargs="*", choices=[*HEADS, []], help="only these; all of them, and the card of the rules, by default")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with one folder per data set")
    parser.add_argument("--write", action="store_true", help="replace the shipped models and cards")
    parser.add_argument("--freeze", action="store_true", help="write down the benign pools that thresholds are set on, and train nothing")
    return parser.parse_args()


def sets_of(root: Path) -> Sets:
    """Return the data in a folder, and what of it nothing may be trained on."""
    outside = Data(root, measuring=True)
    return Sets(Data(root), Data(root, measuring=True), Known(everything(outside)))


def _pools(root: Path) -> dict[str, str]:
    """Return the digest of every pool."""
    data, _, known = sets_of(root)
    return {
        f"{name}/{channel}": digest_of(pool_of(known.without(distinct(readers.benign(data))), channel))
        for name, head in HEADS.items()
        for channel, readers in head.channels.items()
    }


def _head(root: Path, name: str) -> dict[str, bytes]:
    sets = sets_of(root)
    _say(name)
    trained = {channel: _channel(sets, name, channel) for channel in HEADS[name].channels}
    weights = _npy(np.stack([trained[channel].model.table for channel in sorted(trained)]))
    pools = {channel: entry.corpus.pool for channel, entry in trained.items()}
    card = Card(
        detector=SHAPES[name].id,
        method=_METHOD.format(**SHAPES[name].windows),
        limits=_LIMITS,
        model=digest_bytes(weights),
        curves={channel: entry.curve for channel, entry in trained.items()},
        points=tuple(point for entry in trained.values() for point in entry.points),
        pool=counts(pools),
        pools={channel: digest_of(pool) for channel, pool in pools.items()},
        left_out=tuple(left for entry in trained.values() for left in entry.left_out),
        grouped=tuple(left for entry in trained.values() for left in entry.grouped),
        outside=tuple(left for entry in trained.values() for left in entry.outside),
        sources=(*sources_read(sets.data), *sources_read(sets.outside)),
    )
    return {f"{name}.npy": weights, f"{name}.json": document(card)}


def _channel(sets: Sets, name: str, channel: Channel) -> Trained:
    head = HEADS[name]
    readers = head.channels[channel]
    corpus = corpus_of(sets, channel, SHAPES[name].windows[channel], (readers.attacks, readers.benign))
    frozen = json.loads(FROZEN.read_bytes())[f"{name}/{channel}"]
    if digest_of(corpus.pool) != frozen:
        raise SystemExit(
            f"error: the benign pool of {name}/{channel} is not the frozen one\n  mend: `python -m training --freeze`, and say why"
        )
    _say(f"{channel}: {len(corpus.attacks)} attacks, {len(corpus.benign)} benign, {len(corpus.pool)} kept apart")
    model = corpus.fit()
    raw = raw_of([entry.text for entry in corpus.pool], model, corpus.width)
    cuts = thresholds(raw)
    bent = curve(cuts, model.unit, model.bias)
    measured = points(raw, bent, channel)
    for point in measured:
        _say(f"  at most {point.max_fpr:.2%}: {point.fpr.k}/{point.fpr.n}")
    left_out = [*_attacks_left_out(corpus), *_benign_left_out(corpus)]
    _show("left out", left_out)
    grouped = list(_fifths(corpus, {source: {entry.text for entry in reader(sets.data)} for source, reader in head.grouped.items()}))
    _show("a fifth of", grouped)
    apart = [
        *_by_source(corpus, (model, cuts), "recall", distinct(readers.attacks_outside(sets.outside))),
        *_by_source(corpus, (model, cuts), "fpr", distinct(readers.benign_outside(sets.outside))),
    ]
    _show("outside", apart)
    return Trained(corpus, model, bent, measured, left_out, grouped, apart)


def _attacks_left_out(corpus: Corpus) -> Iterator[Measurement]:
    """Yield the recall of each source's attacks by a model that was made without the source and all copies of its texts."""
    for source in left_out_of(corpus):
        unseen = [entry.text for entry in corpus.attacks if entry.source == source]
        yield from _rates(corpus, _without(corpus, [source]), ("recall", source), unseen)


def _benign_left_out(corpus: Corpus) -> Iterator[Measurement]:
    """Yield how often each benign source fires in a model that was made, and whose thresholds were set, without a third of the sources."""
    sizes = Counter(entry.source for entry in corpus.benign if not entry.source.startswith(OWN))
    names = [name for name, size in sizes.items() if size >= _FEW]
    for first in range(_PARTS):
        away = names[first::_PARTS]
        by = _without(corpus, [*away, *(f"pasted {name}" for name in away)])
        for source in away:
            unseen = [entry.text for entry in (*corpus.pool, *corpus.benign) if entry.source == source]
            yield from _rates(corpus, by, ("fpr", source), unseen)


def _without(corpus: Corpus, sources: list[str]) -> tuple[Integers, Cuts]:
    model = corpus.fit(without=sources)
    return model, corpus.cuts(model, without=sources)


def _fifths(corpus: Corpus, wanted: dict[str, set[str]]) -> Iterator[Measurement]:
    """Yield the recall of held-out fifths, of all sources at once, and of the shipped kind of model."""
    held = {source: corpus.fifth(texts) for source, texts in wanted.items()}
    if not held:
        return
    model = corpus.fit(held_out=[entry for found in held.values() for entry in found])
    by = model, corpus.cuts(model)
    for source, found in held.items():
        yield from _rates(corpus, by, ("recall", source), [entry.text for entry in found])


def _by_source(corpus: Corpus, by: tuple[Integers, Cuts], kind: Kind, texts: list[Text]) -> Iterator[Measurement]:
    for source in dict.fromkeys(entry.source for entry in texts):
        yield from _rates(corpus, by, (kind, source), [entry.text for entry in texts if entry.source == source])


def _rates(corpus: Corpus, by: tuple[Integers, Cuts], what: tuple[Kind, str], texts: list[str]) -> Iterator[Measurement]:
    kind, source = what
    model, cuts = by
    met = corpus.met(texts[:_MOST]) if kind == "recall" else texts[:_MOST]
    raw = raw_of(met, model, corpus.width)
    for max_fpr in MEASURED:
        found = rate(int((raw >= cuts[max_fpr]).sum()), raw.size)
        yield Measurement(source=source, channel=corpus.channel, kind=kind, max_fpr=max_fpr, rate=found)


def _rules(root: Path) -> dict[str, bytes]:
    """Return the card of the injection rules: what they do on every source, since they were made from none."""
    _say("injection-rules")
    rules, data, outside = InjectionRules(), Data(root), Data(root, measuring=True)
    measured: list[Measurement] = []
    origins: dict[Channel, Origin] = {"asked": "user", "data": "retrieved"}
    for channel, origin in origins.items():
        readers = HEADS["injection"].channels[channel]
        kinds: tuple[tuple[Kind, list[Text]], ...] = (
            ("recall", [*distinct(readers.attacks(data)), *distinct(readers.attacks_outside(outside))]),
            ("fpr", [*distinct(readers.benign(data)), *distinct(readers.benign_outside(outside))]),
        )
        for kind, texts in kinds:
            for source in dict.fromkeys(entry.source for entry in texts):
                raw = _scores(rules, [entry.text for entry in texts if entry.source == source][:_MOST], origin)
                measured += _at_fixed(raw, (channel, kind, source))
    _show("fixed", measured)
    used = (*sources_read(data, "measuring"), *sources_read(outside))
    card = Card(detector=rules.id, method=_RULES, limits=_RULES_LIMITS, outside=tuple(measured), sources=used)
    return {"injection-rules.json": document(card)}


def _scores(rules: InjectionRules, texts: list[str], origin: Origin) -> Raw:
    return np.array([max((hit.score for hit in rules.detect(prepare(text), origin)), default=0.0) for text in texts])


def _at_fixed(raw: Raw, what: tuple[Channel, Kind, str]) -> Iterator[Measurement]:
    channel, kind, source = what
    for threshold in _FIXED:
        found = rate(int((raw >= threshold).sum()), raw.size)
        yield Measurement(source=source, channel=channel, kind=kind, threshold=threshold, rate=found)


def counts(pools: dict[Channel, list[Text]]) -> dict[str, int]:
    """Return how many texts each source has in each channel's pool."""
    counted = Counter(f"{channel}: {entry.source}" for channel, pool in pools.items() for entry in pool)
    return dict(sorted(counted.items()))


def sources_read(data: Data, use: Literal["training", "measuring", ""] = "") -> tuple[DataSource, ...]:
    """Return what has been read of some data, with its licences and digests."""
    out = []
    for folder, digests in sorted(data.read_files.items()):
        origin = json.loads((data.root / folder / "SOURCE.json").read_text())
        where, commit = str(origin["repo"]), str(origin["commit"])
        how = use or ("measuring" if data.measuring else "training")
        out.append(DataSource(name=folder, repository=where, commit=commit, licence=LICENCES[folder], use=how, digests=digests))
    return tuple(out)


def _npy(table: npt.NDArray[np.int8]) -> bytes:
    target = io.BytesIO()
    np.save(target, table, allow_pickle=False)
    return target.getvalue()


def document(card: msgspec.Struct) -> bytes:
    """Return a card as it is shipped."""
    return msgspec.json.format(msgspec.json.encode(card, order="sorted"), indent=1) + b"\n"


def _show(title: str, measured: list[Measurement]) -> None:
    for entry in measured:
        where = f"{entry.max_fpr:.1%}" if entry.max_fpr else f"{entry.threshold}"
        _say(f"  {title}: {entry.kind} of {entry.source} at {where}: {entry.rate.value:.4f} of {entry.rate.n}")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
