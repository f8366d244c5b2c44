"""The store: the database that the journals are folded into and that every room's ``records.py`` puts its tables in."""

from fairlead.store.engine import Store, head, open_store
from fairlead.store.errors import StoreMisconfigured, StoreUnavailable, StoreUnmigrated
from fairlead.store.fold import fold
from fairlead.store.model import Count, DecisionFilter, Event, Folded, Position
from fairlead.store.schema import Serial, metadata

__all__ = [
    "Count",
    "DecisionFilter",
    "Event",
    "Folded",
    "Position",
    "Serial",
    "Store",
    "StoreMisconfigured",
    "StoreUnavailable",
    "StoreUnmigrated",
    "fold",
    "head",
    "metadata",
    "open_store",
]
