"""Errors of identity. None tells whether an account or a key exists."""

from fairlead.core import InvalidInput, NotFound, Refused, Unavailable, UsageError


class KeyRefused(Refused):
    """The API key is unknown, expired or revoked, or lacks the scope."""

    code = "key-refused"


class KeyGuessed(KeyRefused):
    """Too many unknown API keys came from one address; wait."""

    code = "key-guessed"


class LoginRefused(Refused):
    """Unknown login, wrong password or disabled account: nobody is told which."""

    code = "login-refused"


class LoginLimited(Refused):
    """Too many failed logins; wait."""

    code = "login-limited"


class SessionRefused(Refused):
    """The session is unknown or over, or the request does not carry its CSRF token."""

    code = "session-refused"


class PermissionRefused(Refused):
    """None of the actor's roles permits this, or it is another tenant's."""

    code = "permission-refused"


class IdentityNotFound(NotFound):
    """There is no such tenant, account or key."""

    code = "identity-not-found"


class IdentityTaken(UsageError):
    """A tenant, login or key of that name exists already."""

    code = "identity-taken"


class IdentityInvalid(InvalidInput):
    """A name, password, role or scope is not acceptable."""

    code = "identity-invalid"


class KeysUnreadable(Unavailable):
    """The published keys can't be read, and none were known before."""

    code = "keys-unreadable"
