"""Sessions of browsers: a random token in a cookie, kept as its hash; a CSRF token that is bound to it and ends with it."""

from hashlib import blake2b
from hmac import compare_digest

from fairlead.identity.errors import SessionRefused
from fairlead.identity.model import Session

LIFETIME_US = 8 * 3_600_000_000
"""A session ends after a working day."""


def csrf_token(token: str) -> str:
    """Return the CSRF token of a session's token: as random, and useless with any other session."""
    return blake2b(b"fairlead csrf", key=token.encode()[:64], digest_size=32).hexdigest()


def require_csrf(token: str, given: str) -> None:
    """Do nothing if a request that changes something carries its session's CSRF token.

    Args:
        token: The session's token, from the cookie.
        given: What the form or header carries.

    Raises:
        SessionRefused: It is missing or another session's.
    """
    if not token or not compare_digest(csrf_token(token).encode(), given.encode()):
        raise SessionRefused("the request does not carry its session's CSRF token", mend="load the page again and send its form")


class OpenedSession:
    """A session that was just opened, with the token that only the browser keeps.

    Args:
        session: The session.
        token: For the cookie: ``HttpOnly``, ``SameSite=Strict``, ``Secure`` except on loopback.
    """

    def __init__(self, session: Session, token: str) -> None:
        self.session = session
        self.token = token

    @property
    def csrf(self) -> str:
        """The token that forms carry."""
        return csrf_token(self.token)
