"""The store: one database, SQLite by default, PostgreSQL by URL, with the same tables and the same queries.

Reading and writing are two different doors: a write transaction takes SQLite's lock when it begins, so that it waits for its turn
instead of failing half-way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from fairlead.store.errors import StoreMisconfigured, StoreUnavailable, StoreUnmigrated

_WRITES: Final = "fairlead_writes"
_SQLITE_WAIT_S: Final = 15
_MIGRATION_LOCK: Final = 4_701_873_215
"""Any number, the same for every Fairlead: PostgreSQL's advisory lock under which one process at a time migrates."""
_MEND_URL: Final = "give sqlite:////absolute/path.db or postgresql://user@host/database"


class Store:
    """An opened database. Use :func:`open_store`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def place(self) -> str:
        """Where the database is, without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction for reading; what is written in it is thrown away.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        with self._reachable(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Open a transaction for writing; it is committed when the block ends without an error.

        Raises:
            StoreUnavailable: The database does not answer, or another writer holds it too long.
        """
        with self._reachable(), self.engine.connect().execution_options(**{_WRITES: True}) as connection, connection.begin():
            yield connection

    def upgrade(self) -> str:
        """Bring the schema up to this version of Fairlead; safe to run twice and by several processes at once.

        Returns:
            The revision it is at now.

        Raises:
            StoreUnavailable: The database does not answer.
            StoreUnmigrated: A newer Fairlead has migrated it already.
        """
        with self.write() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
            self._refuse_newer(_revision(connection))
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            return _revision(connection)

    def revision(self) -> str:
        """Return the revision the schema is at; empty for an empty database.

        Raises:
            StoreUnavailable: The database does not answer.
        """
        with self.read() as connection:
            return _revision(connection)

    def require_current(self) -> None:
        """Refuse to work on another schema than this version's.

        Raises:
            StoreUnavailable: The database does not answer.
            StoreUnmigrated: The schema is older or newer.
        """
        found = self.revision()
        self._refuse_newer(found)
        if found != head():
            raise StoreUnmigrated(
                f"the schema is at {found or 'nothing'}, not {head()}", where=self.place, mend="run `fairlead db upgrade`"
            )

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _refuse_newer(self, found: str) -> None:
        if found and found not in {script.revision for script in _scripts().walk_revisions()}:
            raise StoreUnmigrated(
                f"the schema is at {found}, which this version does not know", where=self.place, mend="install the newer Fairlead"
            )

    @contextmanager
    def _reachable(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, InterfaceError, PoolTimeout) as error:
            kind = type(getattr(error, "orig", None) or error).__name__
            raise StoreUnavailable(
                f"the database does not answer ({kind})", where=self.place, mend="see that it runs and is reachable"
            ) from error


def open_store(url: str) -> Store:
    """Open a database; nothing is migrated, and PostgreSQL is not contacted, until it is used.

    Args:
        url: ``sqlite:///path`` or ``postgresql://…`` (which uses psycopg 3).

    Raises:
        StoreMisconfigured: The URL is not usable, or the driver is not installed. The message never holds the URL's password.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StoreMisconfigured("the database URL can't be read", where="FAIRLEAD_DATABASE", mend=_MEND_URL) from error
    if parsed.get_backend_name() == "sqlite":
        return Store(_sqlite(parsed))
    if parsed.get_backend_name() != "postgresql":
        raise StoreMisconfigured("only SQLite and PostgreSQL are supported", where="FAIRLEAD_DATABASE", mend=_MEND_URL)
    try:
        return Store(create_engine(parsed.set(drivername="postgresql+psycopg"), hide_parameters=True, pool_pre_ping=True))
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise StoreMisconfigured("the PostgreSQL driver is not installed", mend="pip install 'fairlead[postgres]'") from error


def head() -> str:
    """Return the revision of the schema that this version of Fairlead works with."""
    return str(_scripts().get_current_head())


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database == ":memory:":
        raise StoreMisconfigured("an SQLite store needs a file", where="FAIRLEAD_DATABASE", mend=_MEND_URL)
    path = Path(url.database)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise StoreUnavailable(
            f"the database file can't be made ({type(error).__name__})", where=str(path), mend="see its permissions"
        ) from error
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": _SQLITE_WAIT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _entry: object) -> None:  # noqa: ANN401 - a DBAPI connection has no static type
    connection.isolation_level = None  # transactions are begun below, not guessed by the driver
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get(_WRITES) else "BEGIN")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _revision(connection: Connection) -> str:
    return MigrationContext.configure(connection).get_current_revision() or ""
