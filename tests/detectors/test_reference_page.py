"""The page of the detectors says what the shipped cards say."""

import json

from house.tree import DOCS, python

LISTING = "import json, sys; sys.path.insert(0, {docs!r}); import detectors_page; print(json.dumps(detectors_page.page()))"


def test_the_page_is_what_the_cards_say() -> None:
    told = json.loads(python(LISTING.format(docs=str(DOCS))))
    assert (DOCS / "reference" / "detectors.md").read_text(encoding="utf-8") == told, "run `python docs/detectors_page.py`"
