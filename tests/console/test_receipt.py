"""The signed receipt of an Exchange, over HTTP: for who may take evidence out, of his own tenant."""

from collections.abc import Callable

import pytest
from console.scene import CANARY, TENANTS, Browser, Scene, account

from fairlead.ledger import read_receipt

LogIn = Callable[[str, str], Browser]


@pytest.fixture(scope="module")
def auditor(scene: Scene) -> LogIn:
    """Logs an auditor of a tenant in, and tells of an Exchange of it."""
    for tenant in TENANTS:
        account(scene.door, tenant, f"auditor-of-{tenant}", "auditor")

    def log_in(tenant: str, login: str) -> Browser:
        browser = Browser(scene.app())
        assert browser.log_in(tenant, login).status_code == 303
        return browser

    return log_in


def exchange_of(browser: Browser) -> str:
    lines = browser.get("/decisions.json").json()["lines"]
    return str(lines[-1]["decision"]["exchange"])


def test_a_receipt_is_signed_whole_and_without_content(scene: Scene, auditor: LogIn, tenant: str) -> None:
    browser = auditor(tenant, f"auditor-of-{tenant}")
    exchange = exchange_of(browser)
    answer = browser.get(f"/exchanges/{exchange}/receipt.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    receipt = read_receipt(answer.content, scene.plane.ledger.trust_root(tenant, scene.plane.ledger.key))
    assert (receipt.exchange, receipt.tenant) == (exchange, tenant)
    assert receipt.decisions
    assert CANARY not in answer.text


def test_another_tenant_s_exchange_reads_like_one_that_is_nowhere(auditor: LogIn) -> None:
    one, other = (auditor(tenant, f"auditor-of-{tenant}") for tenant in TENANTS)
    theirs, nowhere = exchange_of(other), "x_00000000000000000000000000"
    told = [one.get(f"/exchanges/{name}/receipt.json") for name in (theirs, nowhere)]
    assert [answer.status_code for answer in told] == [404, 404]
    assert told[0].text.replace(theirs, "ID") == told[1].text.replace(nowhere, "ID")


def test_it_takes_a_role_and_a_session(scene: Scene, auditor: LogIn, inside: Browser, tenant: str) -> None:
    exchange = exchange_of(auditor(tenant, f"auditor-of-{tenant}"))
    assert inside.get(f"/exchanges/{exchange}/receipt.json").status_code == 403
    assert Browser(scene.app()).get(f"/exchanges/{exchange}/receipt.json").status_code == 401
