"""Pages: valid on their own, nothing loaded, nothing executed, the same content in HTML, Markdown and JSON."""

import re
from html.parser import HTMLParser

import msgspec
import pytest
from governance.scene import PERIOD, good_scene

from fairlead.core import canonical_bytes
from fairlead.governance import kpis, render_card, render_kpis, render_readiness
from fairlead.governance.pages import amount, duration, interval, moment
from fairlead.testing.governance import incident_record

VOID = {"meta", "br", "link", "img", "hr", "input"}


class Balance(HTMLParser):
    """Checks that every tag is closed where it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.links: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        for name, value in attrs:
            if name == "href" and value:
                self.links.append(value)
            if name == "id" and value:
                self.ids.add(value)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("page", ["card", "readiness", "kpis"])
def test_a_page_is_one_sound_file_that_loads_and_runs_nothing(page: str) -> None:
    scene = good_scene()
    computed = kpis(scene.records.sources(), "t1", "assistant", tier="high", period=PERIOD)
    html = {
        "card": scene.card_page(),
        "readiness": scene.readiness_page(),
        "kpis": render_kpis(computed, system="assistant", period=PERIOD, form="html"),
    }[page]
    parser = Balance()
    parser.feed(html)
    assert parser.open == []
    assert {"script", "img", "link", "iframe"}.isdisjoint(parser.seen)
    assert all(link.startswith("#") for link in parser.links)
    assert "url(" not in html
    assert "http" not in html


def test_links_lead_somewhere() -> None:
    for page in (good_scene().card_page(), good_scene().readiness_page()):
        parser = Balance()
        parser.feed(page)
        assert {link for link in parser.links if link[1:] not in parser.ids} == set()


def test_what_a_record_holds_is_text_and_never_markup() -> None:
    scene = good_scene()
    title = "<script>alert(1)</script> | cell"
    hostile = msgspec.structs.replace(incident_record("inc_9", at_us=PERIOD.until_us - 1), title=title)
    scene.records.found["inc_9"] = hostile
    assert "<script>" not in scene.card_page()
    assert "&lt;script&gt;" in scene.card_page()
    markdown = render_card(scene.card(), "md")
    assert "<script>" not in markdown
    assert "\\| cell" in markdown


def test_markdown_says_the_same_numbers() -> None:
    scene = good_scene(unsafe=4)
    card = scene.card()
    markdown = render_card(card, "md")
    for suite in card.suites:
        for row in suite.overall:
            assert amount(row.guarded.value, "share") in markdown
            assert interval(row.guarded) in markdown
    lines = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len(lines) > 20
    report = render_readiness(scene.readiness(), "md")
    assert report.lstrip().startswith("# ")
    assert "NOT SUPPORTED" not in markdown
    del scene.records.bodies["run", "run_guarded"]
    assert "**NOT SUPPORTED**: run_guarded was signed and is gone" in render_card(scene.card(), "md")


def test_the_json_twin_holds_what_the_page_shows() -> None:
    card = good_scene().card()
    twin = msgspec.json.decode(canonical_bytes(card))
    assert twin["system"] == "assistant"
    assert len(twin["kpis"]) == 6
    assert twin["suites"][0]["overall"][0]["guarded"]["basis"]["records"][0]["id"] == "run_guarded"


@pytest.mark.parametrize(("seconds", "text"), [(0.25, "250 ms"), (5, "5.0 s"), (90, "1.5 min"), (5400, "1.5 h"), (172_800, "2.0 d")])
def test_times_read_well(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_numbers_read_well() -> None:
    assert amount(0.0, "share") == "0.0%"
    assert amount(0.004, "share") == "0.40%"
    assert amount(None, "share") == "no upper end"
    assert amount(4.0, "per_thousand") == "4.00"
    assert moment(1_764_000_000_000_000) == "2025-11-24 16:00 UTC"
    assert re.fullmatch(r"\d+\.\d\d ms", amount(2.1994, "milliseconds"))
