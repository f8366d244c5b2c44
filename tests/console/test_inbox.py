"""The inbox: who may answers from a page, for nobody of another tenant, never for himself, and it is in the audit trail."""

from itertools import count

import pytest
from console.scene import Browser, Scene, account, csrf_of

from fairlead.agents import ApprovalRequest, FileApprovals, Scope
from fairlead.identity.records import IdentityRecords
from fairlead.journal import AuditEntry

_NUMBERS = count()


def request_of(tenant: str, requester: str = "somebody") -> ApprovalRequest:
    return ApprovalRequest(
        tenant=tenant,
        system=f"system-of-{tenant}",
        release="sha256:r",
        tool=f"pay-of-{tenant}",
        requester=requester,
        trajectory="t_9",
        exchange="x_9",
        arguments=f'{{"iban":"{next(_NUMBERS)}"}}',
        origins=(("iban", ("quoted", "untrusted")),),
        unmet=("iban.provenance",),
        sources=("read_page",),
    )


class Desk:
    """A reviewer's browser, and a question that waits for its tenant."""

    def __init__(self, scene: Scene, tenant: str, login: str, role: str = "reviewer") -> None:
        self.scene, self.tenant = scene, tenant
        settings = scene.plane.settings
        self.files = FileApprovals.open(settings.data_dir / "approvals", settings.config_dir)
        account(scene.door, tenant, login, role)
        self.browser = Browser(scene.app())
        self.browser.log_in(tenant, login)

    def asks(self, request: ApprovalRequest) -> str:
        return self.files.ask(request).id

    def says(self, approval: str, say: str, **fields: str) -> int:
        csrf = csrf_of(self.browser.get("/approvals"))
        return self.browser.post(f"/approvals/{approval}", {"csrf": csrf, "say": say, **fields}).status_code

    def trail(self, approval: str) -> list[AuditEntry]:
        return IdentityRecords(self.scene.plane.store).audit(self.tenant, target=approval, limit=10)


@pytest.mark.parametrize(("say", "scope"), [("grant", "call"), ("values", "values"), ("sources", "sources"), ("refuse", "")])
def test_a_reviewer_answers_on_the_page_and_it_is_in_the_audit_trail(scene: Scene, say: str, scope: Scope) -> None:
    desk, request = Desk(scene, "north", f"reviewer-who-says-{say}"), request_of("north")
    asked = desk.asks(request)
    page = desk.browser.get("/approvals").text
    for told in (asked, "pay-of-north", "iban", "untrusted", "read_page", "iban.provenance"):
        assert told in page
    assert desk.says(asked, say, reason="  asked  by phone ") == 303
    (entry,) = desk.trail(asked)
    assert (entry.action, entry.detail["reason"]) == ("approval.refuse" if say == "refuse" else "approval.grant", "asked by phone")
    answered = desk.browser.get("/approvals").text
    assert f"reviewer-who-says-{say}" in answered
    assert f'action="/approvals/{asked}"' not in answered
    assert desk.files.redeem(asked, request) == scope
    assert desk.says(asked, say) == 404


def test_who_has_no_such_role_sees_no_form_and_changes_nothing(scene: Scene) -> None:
    desk, request = Desk(scene, "north", "only-looks", "auditor"), request_of("north")
    asked = desk.asks(request)
    page = desk.browser.get("/approvals").text
    assert asked in page
    assert 'action="/approvals/' not in page
    assert desk.says(asked, "grant") == 403
    assert desk.trail(asked) == []
    assert not desk.files.redeem(asked, request)


def test_nobody_answers_for_a_call_of_their_own(scene: Scene) -> None:
    desk, request = Desk(scene, "north", "asks-for-herself"), request_of("north", " Asks-For-Herself ")
    asked = desk.asks(request)
    assert desk.says(asked, "grant") == 403
    assert desk.trail(asked) == []
    assert not desk.files.redeem(asked, request)


def test_a_reviewer_of_another_tenant_finds_no_such_approval(scene: Scene) -> None:
    desk, request = Desk(scene, "south", "reviewer-from-south"), request_of("north")
    asked = desk.asks(request)
    assert asked not in desk.browser.get("/approvals").text
    assert desk.says(asked, "grant") == 404
    assert not desk.files.redeem(asked, request)


@pytest.mark.parametrize(("csrf", "say", "status"), [("", "grant", 401), ("0" * 64, "grant", 401), (None, "", 400), (None, "all", 400)])
def test_a_form_that_is_not_ours_changes_nothing(scene: Scene, csrf: str | None, say: str, status: int) -> None:
    desk, request = Desk(scene, "north", f"reviewer-{next(_NUMBERS)}"), request_of("north")
    asked = desk.asks(request)
    more = {} if csrf is None else {"csrf": csrf}
    assert desk.says(asked, say, **more) == status
    assert Browser(scene.app()).post(f"/approvals/{asked}", {"say": "grant"}).status_code == 401
    assert not desk.files.redeem(asked, request)


def test_the_page_of_a_tenant_that_was_asked_shows_the_load(inside: Browser) -> None:
    load = inside.get("/approvals.json").json()["load"]
    assert (load["asked"], load["untrusted"]["k"]) == (1, 1)
    assert load["per_call"]["n"] == load["calls"] >= 3
