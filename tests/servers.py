"""Real servers for tests, started on free ports; where a server is not installed, its tests are skipped, and fail under ``CI=true``."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest


def missing(reason: str) -> None:
    """Skip a test whose server is not here, or fail it where everything must be here."""
    if os.environ.get("CI") == "true":  # noqa: TID251 - only the CI's environment tells
        pytest.fail(f"{reason}; under CI=true that is a failure")
    pytest.skip(reason)


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Postgres:
    """A PostgreSQL of its own in a temporary folder, run by the user ``postgres`` when the tests run as root."""

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        self._folder = Path(tempfile.mkdtemp(prefix="fairlead-pg-"))
        self._as: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres", "postgres")
            self._as = ["runuser", "-u", "postgres", "--"]
        self._port = free_port()
        self._tool("initdb", "-D", f"{self._folder}/data", "-U", "fairlead", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder} -c fsync=off"
        self._tool("pg_ctl", "-D", f"{self._folder}/data", "-l", f"{self._folder}/log", "-w", "-t", "60", "-o", options, "start")

    def database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"t{uuid.uuid4().hex}"
        with psycopg.connect(f"postgresql://fairlead@127.0.0.1:{self._port}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql://fairlead@127.0.0.1:{self._port}/{name}"

    def stop(self) -> None:
        """Stop it and remove its folder."""
        self._tool("pg_ctl", "-D", f"{self._folder}/data", "-m", "immediate", "stop")
        shutil.rmtree(self._folder, ignore_errors=True)

    def _tool(self, name: str, *arguments: str) -> None:
        command = [*self._as, str(self._binaries / name), *arguments]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if found:
        return found[-1].parent
    here = shutil.which("initdb")
    return Path(here).resolve().parent if here else None


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the whole test run."""
    binaries = _binaries()
    if binaries is None:
        missing("PostgreSQL is not installed (apt-get install postgresql)")
        return
    if os.geteuid() == 0 and not _has_user("postgres"):
        missing("PostgreSQL does not run as root and there is no user postgres")
        return
    server = Postgres(binaries)
    yield server
    server.stop()


class RedisServer:
    """A Redis of its own, in memory only, that a test may stop and start again at the same place."""

    def __init__(self, binary: str) -> None:
        self._binary = binary
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = [self._binary, "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, cwd=tempfile.gettempdir())
        assert self._process.stdout is not None
        assert any(b"eady to accept connections" in line for line in self._process.stdout)

    def stop(self) -> None:
        """Kill it; what it held is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@pytest.fixture(scope="session")
def redis_binary() -> str:
    """The server's program."""
    found = shutil.which("redis-server") or shutil.which("valkey-server")
    if found is None:
        missing("neither Redis nor Valkey is installed (apt-get install redis-server)")
    return str(found)


@pytest.fixture(scope="session")
def shared_redis(redis_binary: str) -> Iterator[RedisServer]:
    """One Redis for tests whose keys don't meet."""
    server = RedisServer(redis_binary)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis_server(redis_binary: str) -> Iterator[RedisServer]:
    """A Redis that a test may stop and start."""
    server = RedisServer(redis_binary)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    """The URL of an empty database."""
    return postgres.database()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/store/fairlead.db"
    return str(request.getfixturevalue("postgres_url"))
