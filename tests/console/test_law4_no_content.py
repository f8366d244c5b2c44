"""Law 4 in the console: what users, documents, models and cases say is on no page and in no data."""

from console.scene import CANARY, TENANTS, Browser, Scene, twin

from fairlead.journal import journals, read


def test_the_canary_went_through_the_guard_and_is_kept_only_sealed(scene: Scene) -> None:
    """Otherwise its absence from the pages would prove nothing."""
    records = [entry.record for path in journals(scene.plane.settings.data_dir / "journal") for entry in read(path, 0, 1000)]
    decided = [record for record in records if record.kind == "decision"]
    assert sum(b'"action":"redact"' in record.body for record in decided) == 4 * len(TENANTS)
    assert sum(b'"action":"block"' in record.body for record in decided) == 2 * len(TENANTS)
    assert [record for record in records if record.kind == "capture"]
    assert not [record for record in records if CANARY.encode() in record.body]


def test_what_was_said_is_on_no_page_and_in_no_twin(scene: Scene, inside: Browser, tenant: str) -> None:
    for page in scene.pages(tenant):
        for address in (page, twin(page)):
            text = inside.get(address).text
            assert CANARY not in text, address
            assert "4111 1111" not in text, address


def test_an_outcome_stands_there_without_the_words_behind_it(scene: Scene, inside: Browser, tenant: str) -> None:
    page = inside.get(f"/runs/{scene.own[tenant].run}").text
    assert "u-000" in page
    assert "unscored" in page
