"""Secrets of stores over the network, kept and asked for again: no request waits for a store, a rotated key needs no restart."""

import logging
import threading
from collections.abc import Callable, Iterable
from typing import Self

from fairlead.core import Clock
from fairlead.integrations.secret_refusals import SecretAbsent, StoreFailed

EVERY_S = 60.0
"""A rotated secret is in use after so long at most."""
STORES = ("vault:", "aws:", "azure:")
"""How references to stores begin."""
_log = logging.getLogger("fairlead.secrets")


class KeptSecrets:
    """The secrets of stores that a process needs.

    A store that can't be reached leaves the last known secret in use, and is told in the log; one that says that there is none takes it
    out of use.

    Args:
        ask: Reference to its secret, asked now; raises :class:`SecretAbsent` or :class:`StoreFailed`.
        every_s: How long until it is asked again.
    """

    def __init__(self, ask: Callable[[str], str], every_s: float = EVERY_S) -> None:
        self._ask = ask
        self._every_s = every_s
        self._kept: dict[str, str] = {}
        self._wanted: set[str] = set()
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    @classmethod
    def of_stores(cls, environment: Callable[[str], str], clock: Clock) -> Self:
        """Return the secrets of Vault, AWS and Azure.

        Args:
            environment: Name of a variable to its value; the stores' own credentials are there.
            clock: For signatures.
        """

        def ask(reference: str) -> str:
            from fairlead.integrations.secret_stores import ask_store  # noqa: PLC0415 - a policy that asks no store pays nothing

            return ask_store(reference, environment, clock)

        return cls(ask)

    def prepare(self, references: Iterable[str]) -> None:
        """Ask for what was not asked for yet, and go on asking; what is not of a store is left alone.

        One that can't be had is no error here: who needs it is told so, and it is asked for again.
        """
        with self._lock:
            new = {one for one in references if one.startswith(STORES)} - self._wanted
            self._wanted |= new
        for reference in sorted(new):
            self._renew(reference)
        if new and self._thread is None:
            self._thread = threading.Thread(target=self._go_on, name="fairlead-secrets", daemon=True)
            self._thread.start()

    def read(self, reference: str) -> str:
        """Return a secret as it was last; empty when there is none. Asks nobody."""
        return self._kept.get(reference, "")

    def renew(self) -> None:
        """Ask for all of them again, now."""
        with self._lock:
            wanted = sorted(self._wanted)
        for reference in wanted:
            self._renew(reference)

    def close(self) -> None:
        """Ask no more."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join()

    def _go_on(self) -> None:
        while not self._ended.wait(self._every_s):
            self.renew()

    def _renew(self, reference: str) -> None:
        try:
            self._kept[reference] = self._ask(reference)
        except SecretAbsent:
            self._kept.pop(reference, None)
            _log.warning("the store %s has no such secret as the policy names", reference.partition(":")[0])
        except StoreFailed as failure:
            _log.warning("the store %s did not tell a secret: %s", reference.partition(":")[0], failure)
