"""The store: one database, SQLite by default, PostgreSQL by URL, with the same tables and the same queries.

Reading and writing are two different doors: a write transaction takes SQLite's lock when it begins, so that it waits for its turn
instead of failing half-way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection  # noqa: F401 - named in the listeners' signatures

from fairlead.store import schema_version
from fairlead.store.errors import StoreMisconfigured, StoreUnavailable, StoreUnmigrated

_WRITES: Final = "fairlead_writes"
_SQLITE_WAIT_S = 15
