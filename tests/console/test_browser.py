"""The console in a real Chromium: logged in by its form without a script, every page, nothing fetched from elsewhere."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from console.scene import PASSWORD, Scene, account
from console.test_inbox import request_of
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright
from servers import missing

from fairlead.agents import FileApprovals
from fairlead.console.app import SESSION_COOKIE
from fairlead.testing import serving

pytestmark = pytest.mark.server

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
TIMEOUT_MS = 10_000
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 800}


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the Chromium of this machine; without one the test is skipped, or fails where everything must be here."""
    path = shutil.which("chromium")
    if path is None:
        missing("Chromium is not installed (apt-get install chromium)")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=FLAGS, timeout=TIMEOUT_MS)
        yield browser
        browser.close()


class Watched:
    """A context of which every request and every complaint is noted."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.requests: list[str] = []
        self.complaints: list[str] = []
        context.set_default_timeout(TIMEOUT_MS)
        context.on("request", lambda request: self.requests.append(request.url))
        context.on("requestfailed", self._failed)
        context.on("console", lambda message: self.complaints.append(message.text))
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # left behind by the next click
            self.complaints.append(f"{request.failure}: {request.url}")

    def log_in(self, base: str, tenant: str, login: str = "") -> Page:
        page = self.context.new_page()
        page.goto(f"{base}/incidents")
        assert page.url == f"{base}/login"
        page.get_by_label("Tenant").fill(tenant)
        page.get_by_label("Login").fill(login or f"viewer-of-{tenant}")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(f"{base}/")
        return page


def test_a_viewer_finds_everything_without_a_script_and_nothing_comes_from_elsewhere(scene: Scene) -> None:
    with chromium() as browser, serving(scene.app()) as base:
        watched = Watched(browser.new_context(java_script_enabled=False, viewport=DESK))
        page = watched.log_in(base, "north")
        (session,) = watched.context.cookies()
        assert (session["name"], session["httpOnly"], session["sameSite"]) == (SESSION_COOKIE, True, "Strict")

        expect(page.get_by_text("NO-GO")).to_be_visible()
        page.get_by_role("link", name="Decisions").click()
        page.wait_for_url(f"{base}/decisions")
        page.get_by_label("Action").select_option("redact")
        page.get_by_role("button", name="Filter").click()
        page.wait_for_url(f"{base}/decisions?*action=redact*")
        expect(page.locator("tbody tr")).to_have_count(4)
        expect(page.locator("tbody").get_by_text("cards-of-north")).to_have_count(4)
        page.get_by_role("link", name="JSON").click()
        page.wait_for_url(f"{base}/decisions.json?*action=redact*")
        page.go_back()

        own = scene.own["north"]
        page.get_by_role("link", name="Incidents").click()
        page.wait_for_url(f"{base}/incidents")
        page.locator("tbody a").first.click()
        page.wait_for_url(f"{base}/incidents/{own.incident}")
        expect(page.get_by_text("reason of north").first).to_be_visible()
        page.get_by_role("link", name="Runs and gates").first.click()
        page.wait_for_url(f"{base}/runs")
        page.locator("tbody a").first.click()
        page.wait_for_url(f"{base}/runs/{own.run}")
        expect(page.get_by_role("img").first).to_have_attribute("aria-label", re.compile("claimed: at most 10.0%"))
        page.get_by_role("link", name="Evidence").click()
        page.wait_for_url(f"{base}/evidence")
        expect(page.get_by_text("verified just now")).to_be_visible()

        page.get_by_role("button", name="Log out").click()
        page.wait_for_url(f"{base}/login")
        assert SESSION_COOKIE not in {cookie["name"] for cookie in watched.context.cookies()}
        assert not [url for url in watched.requests if not url.startswith(f"{base}/")]
        assert watched.complaints == []


def test_scripts_cannot_run_or_see_the_session_and_pages_fit_a_phone_in_light_and_dark(scene: Scene) -> None:
    with chromium() as browser, serving(scene.app()) as base:
        grounds = []
        for scheme in ("light", "dark"):
            watched = Watched(browser.new_context(color_scheme=scheme, viewport=PHONE))  # type: ignore[arg-type] # one of the two
            page = watched.log_in(base, "south")
            grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
            for address in scene.pages("south"):
                page.goto(f"{base}{address}")
                assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address
            assert watched.complaints == []
        assert page.evaluate("document.cookie") == ""
        page.evaluate("const made = document.createElement('script'); made.textContent = 'window.ran = 1'; document.body.append(made)")
        assert page.evaluate("window.ran") is None
        assert len(set(grounds)) == 2


def test_a_reviewer_answers_an_approval_without_a_script(scene: Scene) -> None:
    account(scene.door, "north", "reviewer-at-a-desk", "reviewer")
    settings = scene.plane.settings
    files = FileApprovals.open(settings.data_dir / "approvals", settings.config_dir)
    request = request_of("north")
    asked = files.ask(request).id
    with chromium() as browser, serving(scene.app()) as base:
        watched = Watched(browser.new_context(java_script_enabled=False, viewport=DESK))
        page = watched.log_in(base, "north", "reviewer-at-a-desk")
        page.get_by_role("link", name="Approvals").click()
        page.wait_for_url(f"{base}/approvals")
        card = page.locator(f"#{asked}")
        expect(card.get_by_text("untrusted", exact=True)).to_be_visible()
        card.get_by_label("Why, without content").fill("asked by phone")
        card.get_by_role("button", name="Allow this call").click()
        page.wait_for_url(f"{base}/approvals")
        expect(page.get_by_role("row").filter(has_text="reviewer-at-a-desk")).to_be_visible()
        assert watched.complaints == []
    assert files.redeem(asked, request) == "call"
