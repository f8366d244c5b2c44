"""Errors of the tool broker and of approvals."""

from fairlead.core import InvalidInput, NotFound, Refused, Unavailable


class BadArguments(InvalidInput):
    """The arguments of a tool call are not one plain, unambiguous JSON object; the call is blocked."""

    code = "bad-arguments"


class ApprovalNotFound(NotFound):
    """No approval with this id waits for an answer: it never was, it has expired, or it was answered."""

    code = "approval-not-found"


class SelfApproval(Refused):
    """Who asked for an action can't approve it."""

    code = "self-approval"


class TooManyApprovals(Unavailable):
    """So many approvals wait already that no more are taken; the call is blocked."""

    code = "too-many-approvals"


class ApprovalUnreadable(Unavailable):
    """An approval's file can't be read or written, or another installation sealed it; the call is blocked."""

    code = "approval-unreadable"


class ApprovalsBusy(Unavailable):
    """Another process holds the approvals too long; the call is blocked, the answer not given."""

    code = "approvals-busy"


class MemoryUnreadable(Unavailable):
    """What a text in memory is worth can't be read or written; what asks for it is stopped."""

    code = "memory-unreadable"
