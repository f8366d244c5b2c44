"""Law 9 in the console: nothing that a request says brings another tenant's records onto a page or into its data."""

import pytest
from console.scene import TENANTS, Browser, Scene, twin

from fairlead.testing.console import MemoryReads


def other(tenant: str) -> str:
    return next(each for each in TENANTS if each != tenant)


def test_no_page_and_no_twin_holds_a_word_of_another_tenant(scene: Scene, inside: Browser, tenant: str) -> None:
    foreign = other(tenant)
    marks = (f"of-{foreign}", scene.own[foreign].incident, scene.own[foreign].run)
    for page in scene.pages(tenant):
        for address in (page, twin(page)):
            answer = inside.get(address)
            assert answer.status_code == 200, address
            assert f"of-{tenant}" in answer.text, f"{address} shows nothing of its own tenant, so that it proves nothing"
            assert not [mark for mark in marks if mark in answer.text], address


def test_a_record_of_another_tenant_is_not_there(scene: Scene, inside: Browser, tenant: str) -> None:
    foreign = scene.own[other(tenant)]
    for page in (f"/incidents/{foreign.incident}", f"/runs/{foreign.run}"):
        assert inside.get(page).status_code == 404
        refused = inside.get(f"{page}.json")
        assert refused.status_code == 404
        assert f"of-{other(tenant)}" not in refused.text


@pytest.mark.parametrize("name", ["incidents/inc_00000000000000000000000000", "runs/run_00000000000000000000000000"])
def test_what_is_another_tenants_reads_like_what_is_nowhere(scene: Scene, inside: Browser, tenant: str, name: str) -> None:
    kind, nowhere = name.split("/")
    own = scene.own[other(tenant)]
    theirs = own.incident if kind == "incidents" else own.run
    asked, missing = (inside.get(f"/{kind}/{each}.json").text.replace(each, "ID") for each in (theirs, nowhere))
    assert asked == missing


def test_filters_and_parameters_name_no_tenant(scene: Scene, inside: Browser, tenant: str) -> None:
    foreign = other(tenant)
    asked = f"tenant={foreign}&system=system-of-{foreign}&rule=cards-of-{foreign}"
    shown = inside.get(f"/decisions.json?{asked}").json()
    assert shown["lines"] == []
    for page in scene.pages(tenant):
        answer = inside.get(f"{twin(page)}?tenant={foreign}")
        assert f"of-{foreign}" not in answer.text


def test_every_query_names_the_viewers_tenant(scene: Scene) -> None:
    reads = MemoryReads("north")
    browser = Browser(scene.app(reads))
    browser.log_in("north")
    pages = ("/", "/decisions", "/incidents", "/incidents/inc_1", "/runs", "/runs/run_1", "/evidence", "/approvals")
    for page in pages:
        browser.get(page)
        browser.get(f"{twin(page)}?tenant=south")
    assert len(reads.asked) >= 2 * len(pages)
    assert set(reads.asked) == {"north"}
