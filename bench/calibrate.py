"""What a deployer's labels give: a head is calibrated on 100 and on 400 labels of a site, and measured on the rest of that site.

The sites are public sources with labels of both kinds that no head was trained on. Each draw takes whole clusters of near-duplicates, so
no text that is measured on is a copy of one that was fitted to. ``value`` is the middle of three draws; ``low`` and ``high`` are the ends
of their exact 95% intervals (Clopper and Pearson), the widest of the three. The peer is the head as it was shipped, at a threshold that is
set on the texts that are measured on, to the same false-positive rate: better than it could do in use. A draw with too few clusters for
the rate is not calibrated, and counts as finding nothing.
"""

import csv
import gzip
import json
import random
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np
from rows import ROOT, Bench, Peer, Row

from fairlead.detectors import CalibratedHead, Calibration, HeadDetector, Labels, Registry, Text, calibrate, prepare, read_labels
from fairlead.detectors.duplicates import clusters
from fairlead.statistics import clopper_pearson

DATA = ROOT.parent / "shared" / "data"
HEAD = "harm"
MAX_FPR = 0.05
BENIGN_SHARE = 0.6
SIZES = (100, 400)
DRAWS = 3
MOST = 900
"""Texts of a site that are looked at, drawn from all of it."""


class Site(NamedTuple):
    """Texts of one source, each with whether the head should fire, and its cluster."""

    name: str
    texts: list[str]
    prepared: list[Text]
    unsafe: list[bool]
    clusters: list[int]


class Drawn(NamedTuple):
    """What one draw gave."""

    recall: tuple[int, int]
    fpr: tuple[int, int]
    shipped: float


def measure(bench: Bench) -> list[Row]:
    """Return the rows; none where the data is not here."""
    if not DATA.is_dir():
        raise SystemExit(f"there is no {DATA}")
    head = Registry.load().head(HEAD)
    out: list[Row] = []
    for site in sites():
        for size in SIZES:
            draws = [draw(head, site, size, seed) for seed in range(DRAWS)]
            shipped = [found.shipped for found in draws]
            out += [
                _row(bench, f"{site.name}_{size}_recall", [found.recall for found in draws], peer=Peer(f"{HEAD} as shipped", shipped)),
                _row(bench, f"{site.name}_{size}_fpr", [found.fpr for found in draws], target=MAX_FPR),
            ]
    return out


def sites() -> Iterator[Site]:
    """Yield the sources: answers of models to forbidden questions (unsafe: it complied), and comments of a social network (toxic)."""
    rows = _rows("gptfuzz/responses_labeled_train.csv.gz")
    yield _site("answers", [(row["Response"], row["label"] == "1") for row in rows])
    rows = _rows("surge_toxicity/toxicity_en.csv.gz")
    yield _site("comments", [(row["text"], row["is_toxic"] == "Toxic") for row in rows])
    rows = _rows("hatemoji/HatemojiBuild_train.csv.gz")
    yield _site("emoji_hate", [(row["text"], row["label_gold"] == "1") for row in rows])


def draw(head: HeadDetector, site: Site, size: int, seed: int) -> Drawn:
    """Calibrate on labels of some clusters and measure on the others."""
    order = random.Random(seed).sample(range(len(site.texts)), len(site.texts))  # noqa: S311 - a repeatable draw is the point
    wanted = {False: round(size * BENIGN_SHARE), True: size - round(size * BENIGN_SHARE)}
    chosen: list[int] = []
    for at in order:
        if wanted[site.unsafe[at]]:
            wanted[site.unsafe[at]] -= 1
            chosen.append(at)
    used = {site.clusters[at] for at in chosen}
    rest = [at for at in order if site.clusters[at] not in used]
    rows = [json.dumps({"text": site.texts[at], "label": site.unsafe[at], "origin": "model"}) for at in chosen]
    labels: Labels = read_labels("\n".join(rows).encode(), where=site.name)
    outcome = calibrate(head, labels, max_fpr=MAX_FPR)
    new: CalibratedHead | HeadDetector = head
    threshold = float("inf")
    if "asked" in outcome.channels:
        made = Calibration(head=head.id, labels=labels.digest, channels=outcome.channels, by="bench", at_us=0)
        new = CalibratedHead(head, made)
        threshold = next(point.threshold for point in outcome.channels["asked"].points if point.max_fpr == MAX_FPR)
    fired = {at: any(hit.score >= threshold for hit in new.detect(site.prepared[at], "model")) for at in rest}
    unsafe, benign = ([at for at in rest if site.unsafe[at] == side] for side in (True, False))
    false_alarms = sum(fired[at] for at in benign)
    raw = {at: max(head.window(grams, "asked").raw for _, grams in site.prepared[at].grams) for at in rest}
    cut = float(np.sort([raw[at] for at in benign])[::-1][max(0, min(false_alarms, len(benign) - 1))])
    shipped = sum(raw[at] > cut for at in unsafe) / len(unsafe)
    return Drawn((sum(fired[at] for at in unsafe), len(unsafe)), (false_alarms, len(benign)), shipped)


def _row(bench: Bench, what: str, counts: list[tuple[int, int]], *, target: float | None = None, peer: Peer | None = None) -> Row:
    intervals = [clopper_pearson(k, n) for k, n in counts]
    row = bench.row(what, "share", [k / n for k, n in counts], n=sum(n for _, n in counts), target=target, peer=peer)
    low, high = min(entry.low for entry in intervals), max(entry.high for entry in intervals)
    return msgspec.structs.replace(row, issue=3, low=float(f"{low:.4g}"), high=float(f"{high:.4g}"))


def _site(name: str, labelled: list[tuple[str, bool]]) -> Site:
    chosen = random.Random(0).sample(labelled, len(labelled))  # noqa: S311 - as above
    known = dict.fromkeys(text for text, _ in chosen if text.strip())
    last = dict(chosen)
    texts = list(known)[:MOST]
    return Site(name, texts, [prepare(text) for text in texts], [last[text] for text in texts], clusters(texts))


def _rows(name: str) -> list[dict[str, str]]:
    text = gzip.decompress((DATA / name).read_bytes()).decode()
    return list(csv.DictReader(text.splitlines(keepends=True)))
