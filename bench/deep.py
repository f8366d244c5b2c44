"""What the deep model costs on one core, and what its card says of it and of the fast head on the same texts, whose sources neither saw."""

import sys
import time
from collections.abc import Iterable, Iterator

import msgspec
from rows import ROOT, Bench, Peer, Row
from texts import prose
from tokenizers import Tokenizer

from fairlead.core import Origin
from fairlead.detectors import Measurement
from fairlead.detectors.remote import DEEP, PACKAGE, DeepCard, Remote, read_deep
from fairlead.integrations.deep import DeepModel
from fairlead.statistics import clopper_pearson

ISSUE = 3
ROUNDS = 5
TEXTS = 40
TOKENS = 126
"""Of a text, so that with the two that frame it a window is full."""
TARGET_MS = 9.0
AT = {"injection": 0.01, "harm": 0.05}
FOLDER = ROOT / "packages/fairlead-models/src"


def measure(bench: Bench) -> list[Row]:
    """Return the time of one full window, and the figures of the card."""
    sys.path.insert(0, str(FOLDER))
    deep = read_deep()
    if deep is None:
        raise SystemExit(f"error: no model in {FOLDER}")
    model = DeepModel.load(Remote(id=deep.id_of("deep"), kind=DEEP, labels={}, model=PACKAGE, card=deep.digest))
    tokenizer = Tokenizer.from_file(str(FOLDER / PACKAGE / "tokenizer.json"))
    medians = []
    texts = [window(tokenizer, seed) for seed in range(TEXTS)]
    for round_ in range(ROUNDS + 1):
        spent = sorted(_cost(model, text) for text in texts)
        if round_:  # the first one warms up
            medians.append(spent[TEXTS // 2])
    rows = [bench.row("model_128_tokens", "ms", medians, n=ROUNDS * TEXTS, target=TARGET_MS)]
    return [msgspec.structs.replace(row, issue=ISSUE) for row in (*rows, *_figures(bench, deep.card))]


def window(tokenizer: Tokenizer, seed: int) -> str:
    """Return a text that fills one window and no more."""
    words = prose(2048, seed=seed).split()
    while len(tokenizer.encode(" ".join(words), add_special_tokens=False).ids) > TOKENS:
        words.pop()
    return " ".join(words)


def _cost(model: DeepModel, text: str) -> float:
    origin: Origin = "user"
    begin = time.process_time_ns()
    model.detect(text, origin)
    return (time.process_time_ns() - begin) / 1e6


def _figures(bench: Bench, card: DeepCard) -> Iterator[Row]:
    for name, head in card.heads.items():
        sources = {entry.source for entry in head.card.left_out}
        for channel in ("asked", "data"):
            for kind in ("recall", "fpr"):
                for how, measured in (("", head.card.left_out), ("_cascade", head.cascade)):
                    deep, fast = (_pooled(each, channel, kind, AT[name], sources) for each in (measured, head.beside))
                    ends = [100 * deep.low, 100 * deep.value, 100 * deep.high]
                    peer = Peer(f"{name} head", [100 * fast.value])
                    yield bench.row(f"{name}_{kind}_left_out_{channel}{how}", f"% at {AT[name]:.0%}", ends, n=deep.n, peer=peer)


class Pooled(msgspec.Struct, frozen=True):
    """A rate over sources."""

    low: float
    value: float
    high: float
    n: int


def _pooled(measured: Iterable[Measurement], channel: str, kind: str, at: float, sources: set[str]) -> Pooled:
    """Pool the sources that were left out; the pool itself is none."""
    rates = [
        entry.rate
        for entry in measured
        if (entry.channel, entry.kind, entry.max_fpr) == (channel, kind, at)
        and entry.source in sources
        and not entry.source.startswith("benign pool")
    ]
    k, n = sum(rate.k for rate in rates), sum(rate.n for rate in rates)
    interval = clopper_pearson(k, n)
    return Pooled(interval.low, k / n, interval.high, n)
