"""The desk of approvals: people with the permission answer, and every answer is in the audit trail before it takes effect."""

from collections.abc import Callable

from fairlead.agents.approval_files import Answer, FileApprovals, KeptApproval
from fairlead.agents.approvals import Scope
from fairlead.agents.load import ASKED
from fairlead.core import Clock, FairleadError, new_id
from fairlead.identity import Account, Actor, require
from fairlead.journal import AuditEntry

GATEWAY = "gateway"
"""Who asks, in the audit trail."""


class ApprovalDesk:
    """What people do with approvals.

    Args:
        files: The approvals that live.
        note: Adds an entry to the audit trail, durably.
        clock: For the times of the record.
    """

    def __init__(self, files: FileApprovals, note: Callable[[AuditEntry], None], clock: Clock) -> None:
        self._files = files
        self._note = note
        self._clock = clock

    def approvals(self, tenant: str) -> tuple[KeptApproval, ...]:
        """Return a tenant's approvals that wait or hold, the oldest first; one that was used is in the Decisions.

        Raises:
            ApprovalUnreadable: One can't be read.
        """
        return self._files.live(tenant)

    def answer(self, tenant: str, approval: str, *, by: Account, granted: bool, scope: Scope = "call", reason: str = "") -> KeptApproval:
        """Grant or refuse a tool call that waits.

        Args:
            tenant: Whose call.
            approval: ``apr_…``.
            by: Who answers.
            granted: True to allow the call, once.
            scope: What is granted beside the call.
            reason: Why, without content.

        Raises:
            PermissionRefused: The account may not, in this tenant.
            ApprovalNotFound: No approval of this tenant waits under this id.
            SelfApproval: The account is the user for whom the call was asked.
            StoreUnavailable: The answer can't be recorded, so it was not given.
        """
        require(Actor.of(by), "approval.give", tenant)
        told: list[KeptApproval] = []
        said = Answer(granted=granted, approver=by.id, login=by.login, scope=scope)

        def record(kept: KeptApproval) -> None:
            self._tell(kept, "grant" if granted else "refuse", reason)
            told.append(kept)

        try:
            return self._files.answer(approval, tenant, said, record)
        except FairleadError as error:
            for kept in told:  # it was recorded and then could not take effect: the trail says so too
                self._tell(kept, "void", error.code)
            raise

    def _tell(self, kept: KeptApproval, verb: str, reason: str) -> None:
        more = {"scope": kept.scope} if kept.state == "granted" else {}
        self._note(_entry(kept, kept.approver, f"approval.{verb}", self._clock.now_us(), {**more, "reason": reason}))


def asked_entry(kept: KeptApproval) -> AuditEntry:
    """Return what the audit trail says of a question that is put to people."""
    return _entry(kept, GATEWAY, ASKED, kept.asked_us, {"untrusted": "yes" if kept.untrusted else "no"})


def _entry(kept: KeptApproval, actor: str, action: str, at_us: int, more: dict[str, str]) -> AuditEntry:
    detail = {"tool": kept.tool, "system": kept.system, "release": kept.release, "exchange": kept.exchange, "call": kept.call, **more}
    return AuditEntry(id=new_id("aud"), tenant=kept.tenant, actor=actor, action=action, target=kept.id, at_us=at_us, detail=detail)
