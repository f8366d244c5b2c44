"""Passwords: argon2id with RFC 9106's second recommended parameters (64 MiB, 3 passes, 4 lanes), the library's default."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from fairlead.identity.errors import IdentityInvalid

MIN_LENGTH = 12
"""Length does what composition rules don't (NIST SP 800-63B-4)."""
_MAX_LENGTH = 1024


class Passwords:
    """Hashes and checks passwords.

    Args:
        hasher: Another cost, for tests.
    """

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._nobody = self._hasher.hash("the password of no account")

    def hash(self, password: str) -> str:
        """Return the hash to keep.

        Raises:
            IdentityInvalid: The password is too short or too long.
        """
        if not MIN_LENGTH <= len(password) <= _MAX_LENGTH:
            raise IdentityInvalid(
                f"a password has {MIN_LENGTH} to {_MAX_LENGTH} characters", where="password", mend="choose a longer one, such as a sentence"
            )
        return self._hasher.hash(password)

    def check(self, password: str, kept: str | None) -> bool:
        """Tell whether a password is right; takes as long for an account that does not exist (``None``)."""
        try:
            self._hasher.verify(kept or self._nobody, password[: _MAX_LENGTH + 1])
        except (VerificationError, InvalidHashError):
            return False
        return kept is not None
