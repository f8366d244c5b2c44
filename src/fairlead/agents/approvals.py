"""Approvals: a person allows exactly one call, once, for a while."""

import threading
from typing import Literal, Protocol

import msgspec

from fairlead.agents.errors import ApprovalNotFound, SelfApproval, TooManyApprovals
from fairlead.core import Clock, SystemClock, digest, new_id
from fairlead.policy import Label

ApprovalState = Literal["waiting", "granted", "refused", "used"]
Scope = Literal["", "call", "values", "fields", "sources"]
"""What a person allowed: nothing, this very call, or this call and more of the same Trajectory.

``values``: its values may be used again for the same arguments of the same tool, and the user is taken to want that tool. ``fields``: so
may the other values that stand in the same field of the same results, unless that field holds prose. ``sources``: whatever stands where
its untrusted values stand counts as endorsed.
"""
TTL_US = 15 * 60 * 1_000_000
"""How long an approval waits, and how long an answer holds; then it is as if it had never been."""
MAX_OPEN = 10_000


class ApprovalRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which call a person is asked about."""

    tenant: str
    system: str
    release: str
    tool: str
    requester: str
    """The application's user for whom the agent works; he can't approve it himself."""
    trajectory: str
    exchange: str
    arguments: str
    """Canonical JSON of the arguments. Content: shown to the approver, and kept only while the approval lives."""
    origins: tuple[tuple[str, tuple[Label, ...]], ...] = ()
    """Argument to the origins of its values."""
    unmet: tuple[str, ...] = ()
    """Conditions of the policy that the call does not meet."""
    sources: tuple[str, ...] = ()
    """Where its untrusted values stand: paths of the request, or tools that the policy lists."""
    definitions: str = ""
    """Digest of the tool definitions that the model was shown."""

    @property
    def binding(self) -> str:
        """Digest of everything that an approval holds for: another value anywhere needs another approval."""
        who = [self.tenant, self.system, self.release, self.requester, self.trajectory]
        return digest([*who, self.tool, self.definitions, self.arguments, self.origins])


class Approval(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question to a person, and the answer."""

    id: str
    """``apr_…``."""
    request: ApprovalRequest
    binding: str
    state: ApprovalState
    asked_us: int
    expires_us: int
    approver: str = ""
    scope: Scope = "call"


class ApprovalStore(Protocol):
    """Keeps approvals. Failure posture: an exception blocks the call."""

    def ask(self, request: ApprovalRequest) -> Approval:
        """Return the approval of this very call that is alive, whatever its state, or a new one that waits."""
        ...

    def redeem(self, approval: str, request: ApprovalRequest) -> Scope:
        """Use up a granted approval of exactly this call, once, and return what was granted; empty for everybody else."""
        ...


class MemoryApprovals:
    """Approvals of one process.

    Args:
        clock: Tells when they expire.
        ttl_us: Life of an approval in microseconds.
        limit: Most approvals that are kept at once.
    """

    def __init__(self, clock: Clock | None = None, *, ttl_us: int = TTL_US, limit: int = MAX_OPEN) -> None:
        self._clock = clock or SystemClock()
        self._ttl_us = ttl_us
        self._limit = limit
        self._lock = threading.Lock()
        self._by_id: dict[str, Approval] = {}

    def ask(self, request: ApprovalRequest) -> Approval:
        """Return the live approval of this very call, or a new one that waits.

        Raises:
            TooManyApprovals: The store is full.
        """
        binding = request.binding
        with self._lock:
            now = self._purge()
            for found in self._by_id.values():
                if found.binding == binding and found.state != "used":
                    return found
            if len(self._by_id) >= self._limit:
                raise TooManyApprovals(f"{self._limit} approvals wait already", mend="answer some, or wait for them to expire")
            approval = Approval(
                id=new_id("apr"), request=request, binding=binding, state="waiting", asked_us=now, expires_us=now + self._ttl_us
            )
            self._by_id[approval.id] = approval
            return approval

    def redeem(self, approval: str, request: ApprovalRequest) -> Scope:
        """Use up a granted approval of exactly this call; what it allows for one caller, once."""
        with self._lock:
            self._purge()
            found = self._by_id.get(approval)
            if found is None or found.state != "granted" or found.binding != request.binding:
                return ""
            self._by_id[approval] = msgspec.structs.replace(found, state="used")
            return found.scope

    def answer(self, approval: str, *, tenant: str, approver: str, granted: bool, scope: Scope = "call") -> Approval:
        """Record a person's answer.

        Args:
            approval: ``apr_…``.
            tenant: The approver's tenant.
            approver: Account that answers.
            granted: True to allow the call.
            scope: What is granted.

        Raises:
            ApprovalNotFound: No approval of this tenant waits under this id.
            SelfApproval: The approver is who asked.
        """
        with self._lock:
            self._purge()
            found = self._by_id.get(approval)
            if found is None or found.request.tenant != tenant or found.state != "waiting":
                raise ApprovalNotFound("no approval waits under this id", where=approval, mend="ask for the action again")
            if approver in ("", found.request.requester):
                raise SelfApproval("who asked for an action can't approve it", where=approval, mend="let another person answer")
            state: ApprovalState = "granted" if granted else "refused"
            until = self._clock.now_us() + self._ttl_us
            answered = msgspec.structs.replace(found, state=state, approver=approver, expires_us=until, scope=scope)
            self._by_id[approval] = answered
            return answered

    def waiting(self, tenant: str) -> tuple[Approval, ...]:
        """Return the approvals of a tenant that wait for an answer, the oldest first."""
        with self._lock:
            self._purge()
            return tuple(entry for entry in self._by_id.values() if entry.request.tenant == tenant and entry.state == "waiting")

    def _purge(self) -> int:
        now = self._clock.now_us()
        for entry in [entry for entry in self._by_id.values() if entry.expires_us <= now]:
            del self._by_id[entry.id]
        return now
