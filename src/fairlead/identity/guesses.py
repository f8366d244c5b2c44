"""Who tries keys that don't exist is soon not listened to any more; who has a key that worked before goes on.

One process's memory, and bounded: it forgets after a minute, and of more sources than it holds the one that was quiet longest.
"""

from collections.abc import Callable
from ipaddress import AddressValueError, IPv6Address
from typing import NamedTuple

from fairlead.core import Clock
from fairlead.identity.errors import KeyGuessed, KeyRefused
from fairlead.identity.keyring import KeyRing
from fairlead.identity.model import ApiKey, Scope

MOST_GUESSES = 20
"""Unknown keys from one source in a window; then no new key of it is looked at until the window is over."""
GUESS_WINDOW_US = 60_000_000
MOST_SOURCES = 4096
MOST_GOOD = 4096


class _Tried(NamedTuple):
    since_us: int
    guesses: int


class Guesses:
    """Counts unknown keys by where they come from."""

    def __init__(self) -> None:
        self._tried: dict[str, _Tried] = {}
        self._good: dict[int, None] = {}

    def admit(self, source: str, token: str, now_us: int) -> None:
        """Let a token be looked at, or refuse that unseen.

        Args:
            source: Address of the peer; empty when it has none.
            token: What it sent.
            now_us: Time since any fixed point, in microseconds; it never goes back.

        Raises:
            KeyGuessed: Too many unknown keys came from there, and this one did not work before.
        """
        if not self._tried or hash(token) in self._good:
            return
        tried = self._tried.get(_network(source))
        if tried is not None and tried.guesses >= MOST_GUESSES and now_us - tried.since_us < GUESS_WINDOW_US:
            raise KeyGuessed("too many unknown API keys came from this address", mend="send a key of this installation, a minute from now")

    def failed(self, source: str, now_us: int) -> None:
        """Count an unknown key."""
        network = _network(source)
        tried = self._tried.pop(network, None)
        if tried is None or now_us - tried.since_us >= GUESS_WINDOW_US:
            tried = _Tried(now_us, 0)
        # Put back at the end: the first of them is the one that was quiet longest.
        self._tried[network] = _Tried(tried.since_us, tried.guesses + 1)
        if len(self._tried) > MOST_SOURCES:
            del self._tried[next(iter(self._tried))]

    def worked(self, token: str) -> None:
        """Remember a token that worked, by Python's own keyed hash: nothing here gives it back."""
        # A guess that has the hash of a good one is only looked at like any other.
        self._good[hash(token)] = None
        if len(self._good) > MOST_GOOD:
            del self._good[next(iter(self._good))]


class Doorkeeper:
    """Looks at the keys that clients send, as long as they are not guesses.

    Args:
        keys: The keys in force.
        clock: The time.
        refused: Told the code of each refusal.
    """

    def __init__(self, keys: KeyRing, clock: Clock, refused: Callable[[str], None]) -> None:
        self._keys = keys
        self._clock = clock
        self._refused = refused
        self._guesses = Guesses()

    def authenticate(self, token: str, scope: Scope, source: str) -> ApiKey:
        """Return the key that a token stands for.

        Args:
            token: What the client sent.
            scope: What it is to be used for.
            source: Address of the client; empty when it has none.

        Raises:
            KeyGuessed: Too many unknown keys came from there.
            KeyRefused: No such key, expired, revoked, or without the scope.
        """
        try:
            self._guesses.admit(source, token, self._clock.monotonic_us())
            key = self._keys.authenticate(token, self._clock.now_us(), scope)
        except KeyRefused as error:
            self._refused(error.code)
            # A key that is expired or lacks a scope is named, and no guess; nor is none at all, or one that was not looked at.
            if token and not error.where and not isinstance(error, KeyGuessed):
                self._guesses.failed(source, self._clock.monotonic_us())
            raise
        self._guesses.worked(token)
        return key


def _network(source: str) -> str:
    """Return what one attacker can choose from: an address, or the 64 bits of an IPv6 network."""
    if ":" not in source:
        return source
    try:
        address = IPv6Address(source)
    except AddressValueError:
        return source
    return str(address.ipv4_mapped or address.packed[:8].hex())
