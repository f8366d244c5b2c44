"""A page and its JSON twin are two spellings of one Context."""

from collections.abc import Iterator
from html.parser import HTMLParser

import msgspec
import pytest
from console.scene import Browser, Scene, twin

from fairlead.console import PAGES, Ask, StoreReads
from fairlead.core import canonical_bytes

TOLD = {
    "/": "systems/*/system systems/*/owner systems/*/tier systems/*/mode systems/*/release systems/*/readiness systems/*/gate/suite",
    "/decisions": "lines/*/decision/system lines/*/decision/rule lines/*/decision/exchange lines/*/decision/capture",
    "/incidents": "standing/*/id standing/*/severity standing/*/status standing/*/system standing/*/owner",
    "/incidents/{name}": "file/incident/id file/incident/opened_by file/incident/rule file/levers/*/id file/levers/*/reason"
    " file/levers/*/target file/events/*/actor file/events/*/subject",
    "/runs": "runs/*/run runs/*/suite runs/*/model runs/*/policy runs/*/gates/*/answer",
    "/runs/{name}": "run suite model policy digest rates/*/estimate/n gates/*/gate/answer gates/*/claims/*/judgement/claim/id "
    "gates/*/claims/*/judgement/reason failing/*/case failing/*/reason",
    "/evidence": "file/checkpoint/root file/checkpoint/origin file/entries/*/digest file/entries/*/subject file/entries/*/kind",
    "/approvals": "waiting/*/id waiting/*/system waiting/*/tool waiting/*/exchange"
    " waiting/*/unmet/* waiting/*/sources/* load/calls load/asked",
}
"""What of each Context a reader must find on the page: pointers into the JSON, ``*`` for every element."""


class _Words(HTMLParser):
    """Collects what a page says: its text and its titles."""

    def __init__(self) -> None:
        super().__init__()
        self.said = ""

    def handle_data(self, data: str) -> None:
        self.said += f"{data} "

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag
        self.said += "".join(f"{value} " for name, value in attrs if name in ("title", "href"))


def words(page: str) -> str:
    parser = _Words()
    parser.feed(page)
    return parser.said


def pointed(found: object, steps: list[str]) -> Iterator[str]:
    if not steps:
        yield str(found)
    elif steps[0] == "*":
        assert isinstance(found, list)
        for each in found:
            yield from pointed(each, steps[1:])
    else:
        assert isinstance(found, dict)
        yield from pointed(found.get(steps[0], ""), steps[1:])


def test_a_twin_is_the_context_byte_for_byte(scene: Scene, inside: Browser, tenant: str) -> None:
    for page, address in zip(PAGES, scene.pages(tenant), strict=True):
        ask = Ask(tenant=tenant, now_us=scene.clock.now_us(), name=address.rpartition("/")[2])
        assert inside.get(twin(address)).content == canonical_bytes(page.build(StoreReads(scene.plane), ask)), page.title


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.template)
def test_what_the_data_say_stands_on_the_page(scene: Scene, inside: Browser, tenant: str, page: msgspec.Struct) -> None:
    index = [each.path for each in PAGES].index(page.path)  # type: ignore[attr-defined] # pytest hands it on untyped
    address = scene.pages(tenant)[index]
    shown, said = inside.get(twin(address)).json(), words(inside.get(address).text)
    for pointer in TOLD[PAGES[index].path].split():
        values = [value for value in pointed(shown, pointer.split("/")) if value]
        assert values, f"{pointer} points at nothing"
        assert not [value for value in values if value not in said and value[:1].upper() + value[1:] not in said], pointer


def test_the_log_is_read_from_its_end_and_no_entry_is_lost(scene: Scene, inside: Browser, tenant: str) -> None:
    reads = StoreReads(scene.plane)
    whole = [entry.position for entry in reads.evidence(tenant, None, 100).entries]
    assert whole == list(range(len(whole)))[::-1]
    assert len(whole) == 4
    newest, rest = reads.evidence(tenant, None, 3).entries, reads.evidence(tenant, 1, 3).entries
    assert [entry.position for entry in (*newest, *rest)] == whole
    assert [entry["position"] for entry in inside.get("/evidence.json?before=2").json()["file"]["entries"]] == [1, 0]
    assert 'href="/evidence"' in inside.get("/evidence?before=2").text
    assert inside.get("/evidence?before=x").status_code == 400


def test_the_twin_of_a_filtered_page_is_filtered_alike(inside: Browser) -> None:
    page = inside.get("/decisions?action=redact&stage=output").text
    assert 'href="/decisions.json?action=redact&amp;stage=output"' in page
    lines = inside.get("/decisions.json?action=redact&stage=output").json()["lines"]
    assert {(line["decision"]["action"], line["decision"]["stage"]) for line in lines} == {("redact", "output")}
    assert inside.get("/decisions.json").json()["lines"] != lines
