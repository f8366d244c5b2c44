"""Makes the list of common words that the views use: ``python -m training.words [--data FOLDER]``.

A word is kept for how many sources use it and how often, each source alike, so that no topic decides. Attacks are read too: their words
must be known to be told apart.
"""

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from training.benign import documents, requests
from training.sources import Data, Text, injections, planted
from training.train import SHIPPED

_WORD = re.compile(r"(?<![\w'])[A-Za-z]{2,20}(?![\w'])", re.ASCII)
_COUNT = 6000
_SOURCES = 3
_SINGLE = ("a", "i")


def main() -> int:
    """Write the list and say how long it is."""
    parser = argparse.ArgumentParser(prog="python -m training.words", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with one folder per data set")
    data = Data(parser.parse_args().data)
    words = sorted(_ranked(data), key=lambda found: (-found[1], found[0]))[:_COUNT]
    (SHIPPED / "common.words").write_text("\n".join((*_SINGLE, *(word for word, _ in words))) + "\n", encoding="ascii")
    sys.stderr.write(f"wrote {len(words) + len(_SINGLE)} words\n")
    return 0


def _ranked(data: Data) -> Iterator[tuple[str, float]]:
    by_source: dict[str, Counter[str]] = {}
    for entry in _texts(data):
        by_source.setdefault(entry.source, Counter()).update(_WORD.findall(entry.text.lower()))
    totals = {source: sum(counts.values()) for source, counts in by_source.items()}
    for word in set().union(*by_source.values()):
        shares = [counts[word] / totals[source] for source, counts in by_source.items() if counts[word]]
        if len(shares) >= _SOURCES and sum(counts[word] for counts in by_source.values()) > _SOURCES:
            yield word, sum(shares)


def _texts(data: Data) -> Iterator[Text]:
    for reader in (requests, documents, injections, planted):
        yield from reader(data)


if __name__ == "__main__":
    raise SystemExit(main())
