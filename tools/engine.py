"""The embedded engine: an in-memory DuckDB with limits, and a way to watch it at work."""

import os
import shutil
import tempfile
import uuid
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import duckdb

from domain.errors import ConfigurationError
from tools.sql import sql_path


class StepWatcher(Protocol):
    """Called around every piece of work with what it is; it may ask the connection how far it is."""

    def __call__(self, what: str, connection: duckdb.DuckDBPyConnection, rows: int = 0) -> AbstractContextManager[None]:
        """``rows`` is how many rows there are to go through, where that is known."""
        ...


def no_watcher(what: str, connection: duckdb.DuckDBPyConnection, rows: int = 0) -> AbstractContextManager[None]:
    """Nobody watches."""
    return nullcontext()


_spill_folders: list[Path] = []


def remove_spill_folders() -> None:
    """Remove what the engines of this process have spilled: for a process that ends without closing them."""
    while _spill_folders:
        shutil.rmtree(_spill_folders.pop(), ignore_errors=True)


@dataclass(frozen=True)
class EngineLimits:
    """How much of a machine the engine may take. More threads are faster on the clock, not in processor time."""

    memory: str = "1GB"
    """What the engine holds before it spills to the temporary folder; the process needs about 0.3 GB more."""
    threads: int = 1
    """One keeps the order of sums, and so the last bit of every score, the same on every machine."""

    @classmethod
    def from_environment(cls) -> "EngineLimits":
        """``SAVEPLAY_MEMORY`` (like 600MB or 4GB) and ``SAVEPLAY_THREADS``. Raises ConfigurationError."""
        memory, threads = os.environ.get("SAVEPLAY_MEMORY") or cls.memory, os.environ.get("SAVEPLAY_THREADS") or "1"
        if not threads.isdecimal() or int(threads) < 1:
            raise ConfigurationError(f"SAVEPLAY_THREADS is a number from 1 on, not {threads!r}")
        return cls(memory, int(threads))


def open_engine(limits: EngineLimits = EngineLimits()) -> duckdb.DuckDBPyConnection:
    """An empty database in memory, in UTC, that installs nothing and reads the footer of a Parquet file once.

    Raises ConfigurationError for a limit that is none.
    """
    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
    spill = Path(tempfile.gettempdir()) / f"saveplay-spill-{uuid.uuid4().hex}"
    _spill_folders.append(spill)
    connection.execute(
        f"SET TimeZone = 'UTC'; SET threads = {limits.threads}; SET parquet_metadata_cache = true; "
        f"SET enable_progress_bar = true; "
        f"SET enable_progress_bar_print = false; "
        f"SET temp_directory = {sql_path(spill)}"
    )
    try:
        connection.execute("SET memory_limit = ?", [limits.memory])
    except duckdb.Error as error:
        raise ConfigurationError(
            f"SAVEPLAY_MEMORY is a size like 600MB or 4GB, not {limits.memory!r} ({str(error).splitlines()[0]})"
        ) from None
    return connection
