"""The embedded engine: an in-memory DuckDB with limits on memory and threads, and a way to follow its progress."""

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
    """A context manager around each step; inside, it may ask the connection how far the running statement is."""

    def __call__(self, what: str, connection: duckdb.DuckDBPyConnection, rows: int = 0) -> AbstractContextManager[None]:
        """``what`` names the step for a person; ``rows`` is the number of rows to read, 0 where it is not known."""
        ...


def no_watcher(what: str, connection: duckdb.DuckDBPyConnection, rows: int = 0) -> AbstractContextManager[None]:
    """A watcher that does nothing."""
    return nullcontext()


_spill_folders: list[Path] = []


def remove_spill_folders() -> None:
    """Remove the spill folders of this process. For a process that ends without closing its engines."""
    while _spill_folders:
        shutil.rmtree(_spill_folders.pop(), ignore_errors=True)


@dataclass(frozen=True)
class EngineLimits:
    """The part of a machine that the engine may use. More threads save waiting time, not processor time."""

    memory: str = "1GB"
    """A size like 600MB. Beyond it the engine spills to the temporary folder; the process needs about 0.3 GB more."""
    threads: int = 1
    """1 or more. One thread keeps the order of sums, and so the last bit of every score, the same on every machine."""

    @classmethod
    def from_environment(cls) -> "EngineLimits":
        """``SAVEPLAY_MEMORY`` (like 600MB or 4GB) and ``SAVEPLAY_THREADS``. Raises ConfigurationError."""
        memory, threads = os.environ.get("SAVEPLAY_MEMORY") or cls.memory, os.environ.get("SAVEPLAY_THREADS") or "1"
        if not threads.isdecimal() or int(threads) < 1:
            raise ConfigurationError(f"SAVEPLAY_THREADS must be a whole number from 1, not {threads!r}")
        return cls(memory, int(threads))


def open_engine(limits: EngineLimits = EngineLimits()) -> duckdb.DuckDBPyConnection:
    """An empty database in memory, in UTC, that installs nothing and reads the footer of a Parquet file once.

    Raises ConfigurationError for a memory limit that is not a size.
    """
    # Without this setting DuckDB would download an extension from the network as soon as a file seems to need one.
    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": "false"})
    spill = Path(tempfile.gettempdir()) / f"saveplay-spill-{uuid.uuid4().hex}"
    _spill_folders.append(spill)
    # The progress is counted for the watcher and never printed: a command's output belongs to the command.
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
            f"SAVEPLAY_MEMORY must be a size like 600MB or 4GB, not {limits.memory!r} ({str(error).splitlines()[0]})"
        ) from None
    return connection
