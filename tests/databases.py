"""A real PostgreSQL for the tests: one server per run, shared by its workers, with a new database per test.

Without PostgreSQL on the machine, these tests are skipped; with SAVEPLAY_REQUIRE_POSTGRES=1 they fail.
"""

import importlib.util
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from filelock import FileLock

from tests.postgres_server import START_TIMEOUT

PASSWORD = "p@ss/w:rd№1"
"""Password of every user except ``postgres``, who needs none."""
_started: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class LocalPostgres:
    """A running server."""

    port: int

    def url(self, database: str, user: str = "postgres") -> str:
        """The URL of a database on the server."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def new_database(self, like: str | None = None) -> str:
        """Create a database, empty or as a copy of the one with the URL ``like``, and return its URL."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        source = like.rpartition("/")[2] if like else "template0"
        run_sql(self.url("postgres"), f"create database {name} template {source}")
        return self.url(name)


def run_sql(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run one statement without the product and return its rows."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values or None)
        return cursor.fetchall() if cursor.description else []


def new_user(url: str) -> str:
    """Create a user who needs the password and owns nothing, and return the URL for that user."""
    name = f"user_of_{url.rpartition('/')[2]}"
    run_sql(url, f"create role {name} login password '{PASSWORD}'")
    return url.replace("postgres@", f"{name}:{quote(PASSWORD, safe='')}@")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> LocalPostgres:
    """The PostgreSQL server of this run."""
    base = tmp_path_factory.getbasetemp()
    worker = bool(os.environ.get("PYTEST_XDIST_WORKER"))
    said = _server_answer(base.parent if worker else base, os.getppid() if worker else os.getpid())
    if "reason" in said:
        if os.environ.get("SAVEPLAY_REQUIRE_POSTGRES") == "1":
            pytest.fail(said["reason"])
        pytest.skip(said["reason"])
    return LocalPostgres(said["port"])


@pytest.fixture
def postgres_url(postgres: LocalPostgres) -> str:
    """The URL of a new, empty database."""
    return postgres.new_database()


SERVERS = pytest.mark.servers
"""Marks a test that needs a database server or a cluster: run by `make servers`, not by `make test`."""
_KINDS = ["folder", pytest.param("database", marks=SERVERS)]


@pytest.fixture(params=_KINDS)
def store_location(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Location of a store that does not exist yet, once as a folder and once as a database."""
    return _store_location(request.param, request, tmp_path, monkeypatch)


@pytest.fixture(scope="module", params=_KINDS)
def shared_store_location(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same location for all tests of a file; see `store_location`."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield _store_location(request.param, request, tmp_path_factory.mktemp("place"), monkeypatch)


def _store_location(kind: str, request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if kind == "folder":
        return str(folder / "store")
    monkeypatch.setenv("SAVEPLAY_CACHE", str(folder / "cache"))
    server: LocalPostgres = request.getfixturevalue("postgres")
    return server.new_database()


def _server_answer(root: Path, owner: int) -> dict[str, Any]:
    """Port of the server that runs as long as the process ``owner``, or the reason why there is none."""
    if importlib.util.find_spec("psycopg") is None:
        return {"reason": "psycopg is not installed"}
    answer = root / "postgres.json"
    with FileLock(root / "postgres.lock"):
        if not answer.exists():
            command = [sys.executable, "-m", "tests.postgres_server", str(answer), str(owner)]
            server = subprocess.Popen(command, cwd=Path(__file__).parents[1], start_new_session=True)
            _started.append(server)  # it must survive this worker while other workers go on
            deadline = time.monotonic() + 2 * START_TIMEOUT
            while not answer.exists() and server.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
        return json.loads(answer.read_text()) if answer.exists() else {"reason": "PostgreSQL did not come up"}
