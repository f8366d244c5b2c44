"""The pages of the detectors and of the deep model say what the shipped cards say."""

import json

from house.tree import DOCS, python

LISTING = """\
import json, sys
sys.path.insert(0, {docs!r})
import detectors_page
print(json.dumps([detectors_page.page(), detectors_page.deep_page()]))
"""


def test_the_pages_are_what_the_cards_say() -> None:
    told = json.loads(python(LISTING.format(docs=str(DOCS))))
    written = [(DOCS / "reference" / name).read_text(encoding="utf-8") for name in ("detectors.md", "deep-model.md")]
    assert written == told, "run `python docs/detectors_page.py`"
