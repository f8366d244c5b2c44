"""Train the scorer of the grounding check and write its card: ``python -m training.grounding [--data FOLDER] [--write]``.

Reads our own retellings and three sets of dialogues. Nothing is trained on SummEdits, and no threshold is set by it: it is measured on.
"""

import argparse
import hashlib
import io
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from fairlead.core import digest, digest_bytes
from fairlead.detectors.card import LADDER, Card, Curve, DataSource, Measurement
from fairlead.detectors.grounding.features import Read, read
from fairlead.detectors.grounding.lexicon import FILE as WORDS
from fairlead.detectors.grounding.lexicon import Lexicon
from fairlead.detectors.grounding.model import Source
from fairlead.detectors.grounding.scorer import DETECTOR, FILE, SUMMARY, Weights, summary
from fairlead.detectors.grounding.sentences import split
from fairlead.detectors.grounding.sources import Index
from training.measure import points, rate, thresholds
from training.retellings import OWN, Told, dialogues, own
from training.sources import LICENCES, Data

Floats = npt.NDArray[np.float64]

SHIPPED = Path(__file__).parents[1] / "src/fairlead/detectors/data"
_SEEDS = (0, 1, 2)
_HIDDEN, _EPOCHS, _FOLDS = 12, 25, 5
_MEASURED = (0.05, 0.02)
_METHOD = (
    "Each sentence of an answer is laid beside its sources: exact and learned matches of words (projected MiniLM word vectors, "
    "WordNet senses), numbers and dates by value, names, negation, quantifiers, opposites, and what stands in the sources in a word's "
    "place. Three small networks (one hidden layer of 12) score words, a logistic regression scores the claim; the highest claim of "
    "an answer counts. Trained with numpy from fixed seeds. Operating points: answers that their sources bear out, of documents and "
    "pieces of knowledge kept apart from training; the one-sided 95% upper bound (Clopper-Pearson) keeps to the rate."
)
_LIMITS = (
    "English. Reads words, not meaning: it sees numbers, names and words that no source gives; it misses most swapped roles, wrong "
    "causes and wrong inferences, and doubts free rewordings. The own retellings are machine-assisted and were written beside the "
    "method. Answers of many sentences fire more often than the pool's short ones. Figures on SummEdits were in sight when choices of "
    "method were made."
)


class Example(NamedTuple):
    """One claim or answer, read."""

    told: Told
    claims: list[Read]
    changed: list[npt.NDArray[np.bool_] | None]
    """For each claim which terms were made wrong, where that is known."""


def main() -> int:
    """Train, then compare with what is shipped or replace it; 1 if they differ."""
    parser = argparse.ArgumentParser(prog="python -m training.grounding", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with one folder per data set")
    parser.add_argument("--write", action="store_true", help="replace what is shipped")
    options = parser.parse_args()
    made = build(options.data)
    same = all((SHIPPED / name).is_file() and (SHIPPED / name).read_bytes() == content for name, content in made.items())
    if options.write:
        for name, content in made.items():
            (SHIPPED / name).write_bytes(content)
        _say(f"wrote {', '.join(made)}")
        return 0
    _say("what is shipped came out again, byte for byte" if same else "what is shipped did NOT come out: compare with --write")
    return 0 if same else 1


def build(root: Path) -> dict[str, bytes]:
    """Return the files of the scorer by name."""
    data = Data(root)
    words = (SHIPPED / WORDS).read_bytes()
    examples = examples_of([*own(), *dialogues(data)], Lexicon(words))
    kept = [entry for entry in examples if not _apart(entry.told)]
    pool = [entry for entry in examples if _apart(entry.told)]
    weights = _fit(kept, digest_bytes(words))
    raw = raw_of([entry for entry in pool if not entry.told.wrong], Weights(weights))
    cuts = thresholds(raw)
    scored = [(cuts[max_fpr], score) for max_fpr, score in LADDER if max_fpr in cuts]
    at = [scored[0][0] - 4, *(cut for cut, _ in scored), scored[-1][0] + 4]
    rising = np.maximum.accumulate(np.array(at) + np.arange(len(at)) * 1e-6)
    curve = Curve(unit=1.0, bias=0.0, raw=tuple(float(value) for value in rising), scores=(0.0, *(score for _, score in scored), 1.0))
    measured = points(raw, curve, "asked")
    for point in measured:
        _say(f"at most {point.max_fpr:.2%}: {point.fpr.k}/{point.fpr.n}")
    right = [entry.told for entry in pool if not entry.told.wrong]
    card = Card(
        detector=DETECTOR,
        method=_METHOD,
        limits=_LIMITS,
        model=digest_bytes(weights),
        curves={"asked": curve},
        points=tuple(measured),
        pool={f"asked: {name}": sum(told.source == name for told in right) for name in sorted({told.source for told in right})},
        pools={"asked": digest([told.text for told in right])},
        left_out=tuple(_left_out(examples, digest_bytes(words))),
        sources=_sources(data),
    )
    return {FILE: weights, "grounding.json": msgspec.json.format(msgspec.json.encode(card, order="sorted"), indent=1) + b"\n"}


def examples_of(told: Iterable[Told], lexicon: Lexicon) -> list[Example]:
    """Read claims beside their documents; our own short ones beside two others too, as an answer stands beside several sources."""
    entries = list(told)
    documents = {entry.group: entry.document for entry in entries if entry.source == OWN}
    names = sorted(documents)
    stems: dict[str, str] = {}
    indexes: dict[str, Index] = {}
    out: list[Example] = []
    for entry in entries:
        if entry.document not in indexes:
            place = names.index(entry.group) if entry.source == OWN else -1
            others = [documents[names[(place + step) % len(names)]] for step in (3, 11)] if place >= 0 else []
            texts = [entry.document, *others]
            indexes = {entry.document: Index([Source(str(number), text) for number, text in enumerate(texts)], lexicon, stems)}
        index = indexes[entry.document]
        claims = [read(entry.text, span, index, stems) for span in split(entry.text)]
        out.append(Example(entry, claims, [_changed(entry, claim) for claim in claims]))
    return out


def raw_of(examples: Sequence[Example], weights: Weights) -> Floats:
    """Return the raw value of the claim of each answer that is borne out least."""
    return np.array([max((weights.claim(claim, weights.words(claim.word)) for claim in entry.claims), default=-9.0) for entry in examples])


def _changed(told: Told, claim: Read) -> npt.NDArray[np.bool_] | None:
    if told.changed is not None:
        first, last = told.changed
        return np.array([first <= term.word.start < last for term in claim.terms], dtype=np.bool_)
    return np.zeros(len(claim.terms), dtype=np.bool_) if told.source == OWN and not told.wrong else None


def _apart(told: Told) -> bool:
    """Tell whether an answer belongs to the pool: one document in three, by a hash of its name."""
    return hashlib.sha256(told.group.encode()).digest()[0] % 3 == 0


def _fit(examples: Sequence[Example], words: str) -> bytes:
    """Return the weights, as an archive."""
    groups = sorted({entry.told.group for entry in examples if entry.told.source == OWN})
    fold = {group: place % _FOLDS for place, group in enumerate(groups)}
    rows: list[Floats] = []
    labels: list[bool] = []
    sources: list[str] = []
    nets = [_words([entry for entry in examples if fold.get(entry.told.group) != number]) for number in range(_FOLDS)] if groups else []
    whole = _words(examples)
    blank = np.zeros(len(SUMMARY) + 1)
    for entry in examples:
        if len(entry.claims) != 1 or not entry.claims[0].terms:
            continue
        # A claim is read by networks that never saw its document.
        net = nets[fold[entry.told.group]] if entry.told.group in fold else whole
        read_by = Weights(_archive(net, blank, words))
        rows.append(summary(entry.claims[0], read_by.words(entry.claims[0].word)))
        labels.append(entry.told.wrong)
        sources.append(entry.told.source)
    return _archive(whole, _regression(np.vstack(rows), np.array(labels, dtype=np.float64), np.array(sources)), words)


class _Net(NamedTuple):
    mean: Floats
    scale: Floats
    inner: Floats
    inner_bias: Floats
    outer: Floats
    outer_bias: Floats


def _words(examples: Sequence[Example]) -> _Net:
    """Train the networks that score words."""
    pairs = [
        (claim.word, changed)
        for entry in examples
        for claim, changed in zip(entry.claims, entry.changed, strict=True)
        if changed is not None and len(changed)
    ]
    features = np.vstack([rows for rows, _ in pairs]).astype(np.float64)
    labels = np.concatenate([changed for _, changed in pairs]).astype(np.float64)
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-3
    weights = np.where(labels == 1, (labels.size - labels.sum()) / labels.sum() * 0.5, 1.0)
    nets = [_network((features - mean) / scale, labels, weights, seed) for seed in _SEEDS]
    return _Net(mean, scale, *(np.stack(part) for part in zip(*nets, strict=True)))


def _network(features: Floats, labels: Floats, weights: Floats, seed: int) -> tuple[Floats, ...]:
    """Return a network of one hidden layer, by Adam on the weighted logistic loss."""
    drawn = np.random.default_rng(seed)
    width = features.shape[1]
    parts = [drawn.normal(0, width**-0.5, (width, _HIDDEN)), np.zeros(_HIDDEN), drawn.normal(0, _HIDDEN**-0.5, _HIDDEN), np.zeros(1)]
    means, spreads = [np.zeros_like(part) for part in parts], [np.zeros_like(part) for part in parts]
    step = 0
    for epoch in range(_EPOCHS):
        order = drawn.permutation(len(features))
        for start in range(0, len(order), 128):
            chosen = order[start : start + 128]
            step += 1
            hidden = np.tanh(features[chosen] @ parts[0] + parts[1])
            chance = 1 / (1 + np.exp(-(hidden @ parts[2] + parts[3])))
            error = (chance - labels[chosen]) * weights[chosen] / len(chosen)
            inner = np.outer(error, parts[2]) * (1 - hidden**2)
            slopes = [
                features[chosen].T @ inner + 1e-3 * parts[0],
                inner.sum(axis=0),
                hidden.T @ error + 1e-3 * parts[2],
                error.sum()[None],
            ]
            for place, slope in enumerate(slopes):
                means[place] = 0.9 * means[place] + 0.1 * slope
                spreads[place] = 0.999 * spreads[place] + 0.001 * slope**2
                pace = 3e-3 * (1 - 0.7 * epoch / _EPOCHS) / (1 - 0.9**step)
                parts[place] -= pace * means[place] / (np.sqrt(spreads[place] / (1 - 0.999**step)) + 1e-8)
    return parts[0], parts[1], parts[2], parts[3][0]


def _regression(rows: Floats, labels: Floats, sources: npt.NDArray[np.str_]) -> Floats:
    """Return the weights of a logistic regression, each source and each side of it counting alike, by Newton's method."""
    weights = np.zeros(len(labels))
    for name in np.unique(sources):
        for side in (0, 1):
            members = (sources == name) & (labels == side)
            weights[members] = len(labels) / 2 / len(np.unique(sources)) / max(members.sum(), 1) * (3 if name == OWN else 1)
    mean, scale = rows.mean(axis=0), rows.std(axis=0) + 1e-3
    standard = np.hstack([(rows - mean) / scale, np.ones((len(rows), 1))])
    found = np.zeros(standard.shape[1])
    ridge = np.eye(found.size) * 5.0
    ridge[-1, -1] = 0
    for _ in range(30):
        chance = 1 / (1 + np.exp(-standard @ found))
        slope = standard.T @ ((chance - labels) * weights) + ridge @ found
        bend = (standard * (weights * chance * (1 - chance))[:, None]).T @ standard + ridge
        found -= np.linalg.solve(bend, slope)
    plain = found[:-1] / scale
    return np.append(plain, found[-1] - plain @ mean)


def _left_out(examples: Sequence[Example], words: str) -> list[Measurement]:
    """Return what a model finds on a source when it, and its thresholds, were made without the source."""
    out: list[Measurement] = []
    names = sorted({entry.told.source for entry in examples})
    for name in names:
        if name == OWN:
            continue  # the words are learned from it alone
        others = [entry for entry in examples if entry.told.source != name]
        weights = Weights(_fit([entry for entry in others if not _apart(entry.told)], words))
        cuts = thresholds(raw_of([entry for entry in others if _apart(entry.told) and not entry.told.wrong], weights))
        for max_fpr in (rate_ for rate_ in _MEASURED if rate_ in cuts):
            for kind, wrong in (("recall", True), ("fpr", False)):
                raw = raw_of([entry for entry in examples if entry.told.source == name and entry.told.wrong == wrong], weights)
                found = rate(int((raw >= cuts[max_fpr]).sum()), raw.size)
                _say(f"left out: {kind} of {name} at {max_fpr:.0%}: {found.value:.3f} of {found.n}")
                out.append(
                    msgspec.convert(
                        {"source": name, "channel": "asked", "kind": kind, "max_fpr": max_fpr, "rate": msgspec.to_builtins(found)},
                        Measurement,
                    )
                )
    return out


def _archive(net: _Net, claim: Floats, words: str) -> bytes:
    target = io.BytesIO()
    arrays = {name: np.round(value, 6).astype(np.float32) for name, value in net._asdict().items()}
    np.savez(target, claim=np.round(claim, 6).astype(np.float32), lexicon=np.frombuffer(words.encode(), dtype=np.uint8), **arrays)
    return target.getvalue()


def _sources(data: Data) -> tuple[DataSource, ...]:
    out = []
    for folder, digests in sorted(data.read_files.items()):
        origin = msgspec.json.decode((data.root / folder / "SOURCE.json").read_bytes())
        where, commit = str(origin["repo"]), str(origin["commit"])
        out.append(DataSource(name=folder, repository=where, commit=commit, licence=LICENCES[folder], use="training", digests=digests))
    return tuple(out)


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    raise SystemExit(main())
