"""A real PostgreSQL for the tests: one server a run, shared by its workers, and a database of its own for whoever asks.

Where there is no PostgreSQL, what needs one is skipped; with SAVEPLAY_REQUIRE_POSTGRES=1 it fails.
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
"""Of every user but ``postgres``, who gives none."""
_started: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class LocalPostgres:
    """A server that runs."""

    port: int

    def url(self, database: str, user: str = "postgres") -> str:
        """The URL of a database on it."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def fresh(self, like: str | None = None) -> str:
        """The URL of a new database: an empty one, or a copy of another one, given by its URL."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        source = like.rpartition("/")[2] if like else "template0"
        run_sql(self.url("postgres"), f"create database {name} template {source}")
        return self.url(name)


def run_sql(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Carry out one statement, apart from the product; returns what it finds."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement.encode(), values or None)
        return cursor.fetchall() if cursor.description else []


def new_user(url: str) -> str:
    """The URL with another user in it, who was made for this and must give the password; he owns nothing yet."""
    name = f"user_of_{url.rpartition('/')[2]}"
    run_sql(url, f"create role {name} login password '{PASSWORD}'")
    return url.replace("postgres@", f"{name}:{quote(PASSWORD, safe='')}@")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> LocalPostgres:
    """The server of this run."""
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
    return postgres.fresh()


SERVERS = pytest.mark.servers
"""Needs a database server or a cluster: run by `make servers`, not by `make test`."""
_KINDS = ["folder", pytest.param("database", marks=SERVERS)]


@pytest.fixture(params=_KINDS)
def where(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where a store is to be that nobody has made yet: what holds for one kind of place holds for the other."""
    return _store_location(request.param, request, tmp_path, monkeypatch)


@pytest.fixture(scope="module", params=_KINDS)
def where_shared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """As ``where``, one for all tests of a file."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        yield _store_location(request.param, request, tmp_path_factory.mktemp("place"), monkeypatch)


def _store_location(kind: str, request: pytest.FixtureRequest, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    if kind == "folder":
        return str(folder / "store")
    monkeypatch.setenv("SAVEPLAY_CACHE", str(folder / "cache"))
    server: LocalPostgres = request.getfixturevalue("postgres")
    return server.fresh()


def _server_answer(root: Path, owner: int) -> dict[str, Any]:
    """The port of the server that lives as long as ``owner``, the main process of the run; or the reason for none."""
    if importlib.util.find_spec("psycopg") is None:
        return {"reason": "psycopg is not installed"}
    answer = root / "postgres.json"
    with FileLock(root / "postgres.lock"):
        if not answer.exists():
            command = [sys.executable, "-m", "tests.postgres_server", str(answer), str(owner)]
            server = subprocess.Popen(command, cwd=Path(__file__).parents[1], start_new_session=True)
            _started.append(server)  # it outlives us when other workers go on
            deadline = time.monotonic() + 2 * START_TIMEOUT
            while not answer.exists() and server.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
        return json.loads(answer.read_text()) if answer.exists() else {"reason": "PostgreSQL did not come up"}
