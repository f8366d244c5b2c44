"""The vault in memory, for one process: what pseudonyms stand for, by tenant and scope, until it is forgotten."""

from collections import OrderedDict
from threading import Lock

from fairlead.guard.ports import AskHeld, AskKeep

MOST = 100_000
"""Values that are kept for one tenant at most; the scope that was written longest ago goes first."""
_SWEEP_US = 1_000_000
"""How often everything that has run out is dropped, also of tenants that are silent."""


class MemoryVault:
    """Keeps values in memory and nowhere else; a tenant's are found under that tenant and scope only (law 9).

    Args:
        most: Values of one tenant.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._tenants: dict[str, OrderedDict[str, dict[str, _Kept]]] = {}
        self._swept_us = 0
        self._lock = Lock()

    def keep(self, ask: AskKeep, monotonic_us: int) -> None:
        """Keep values; one that is kept again lives on."""
        with self._lock:
            self._sweep(monotonic_us)
            scopes = self._tenants.setdefault(ask.tenant, OrderedDict())
            own = scopes.setdefault(ask.scope, {})
            scopes.move_to_end(ask.scope)
            for name, value in ask.values.items():
                own.pop(name, None)
                own[name] = (value, monotonic_us + ask.ttl_us)
            while len(scopes) > 1 and sum(map(len, scopes.values())) > self._most:
                scopes.popitem(last=False)
            while len(own) > self._most:
                del own[next(iter(own))]

    def held(self, ask: AskHeld, monotonic_us: int) -> dict[str, str]:
        """Return name and value of all that has not run out."""
        with self._lock:
            self._sweep(monotonic_us)
            scopes = self._tenants.get(ask.tenant)
            own = {} if scopes is None else scopes.get(ask.scope, {})
            return {name: value for name, (value, until_us) in own.items() if until_us > monotonic_us}

    def size(self) -> int:
        """Return how many values are kept, over all tenants."""
        with self._lock:
            return sum(len(own) for scopes in self._tenants.values() for own in scopes.values())

    def _sweep(self, now_us: int) -> None:
        if now_us - self._swept_us < _SWEEP_US:
            return
        self._swept_us = now_us
        for tenant, scopes in list(self._tenants.items()):
            for scope, own in list(scopes.items()):
                for name in [name for name, (_, until_us) in own.items() if until_us <= now_us]:
                    del own[name]
                if not own:
                    del scopes[scope]
            if not scopes:
                del self._tenants[tenant]


_Kept = tuple[str, int]
"""Value, and until when in monotonic microseconds."""
