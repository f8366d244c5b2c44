"""Fixtures of the console's tests: one filled store for all of them."""

from collections.abc import Iterator

import pytest
from console.scene import TENANTS, Browser, Scene, fill

from fairlead.config import load_settings


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Two tenants with records of every kind, on SQLite; tests only read it, and make accounts of their own."""
    folder = tmp_path_factory.mktemp("console")
    made = fill(load_settings({"FAIRLEAD_DATA": str(folder / "data"), "FAIRLEAD_CONFIG": str(folder / "config")}), folder)
    yield made
    made.plane.store.close()


@pytest.fixture
def browser(scene: Scene) -> Browser:
    """A browser that nobody has logged in with."""
    return Browser(scene.app())


@pytest.fixture(params=TENANTS)
def tenant(request: pytest.FixtureRequest) -> str:
    """Each tenant in turn."""
    return str(request.param)


@pytest.fixture
def inside(browser: Browser, tenant: str) -> Browser:
    """A browser that a viewer of the tenant has logged in with."""
    assert browser.log_in(tenant).status_code == 303
    return browser
