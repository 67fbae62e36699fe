"""The errors with which the engine meets a damaged Parquet or DuckDB file, as one sentence that names it.

A file is read piece by piece, and each piece only when it is needed: a damaged page may be met long after the file was
opened.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from domain.errors import DataError
from tools.sources.raw_tables import error_summary

_DAMAGE = (duckdb.IOException, duckdb.InternalException, duckdb.SerializationException, duckdb.FatalException)
_SIGNS = ("failed to read file", "corrupt")
_OTHER_CAUSES = ("no space left", "temp_directory", "temporary")
"""The engine's own scratch files meet such errors, too; the data are then as good as they were."""


@contextmanager
def name_damaged_file(location: str) -> Iterator[None]:
    """Raise DataError naming ``location`` for an error that only a damaged file can cause; let every other one pass."""
    try:
        yield
    except duckdb.Error as error:
        if not _is_damage(error):
            raise
        raise DataError(
            f"{location} is damaged and cannot be read: {error_summary(error)}. Export it again."
        ) from error


def _is_damage(error: duckdb.Error) -> bool:
    text = str(error).lower()
    if any(cause in text for cause in _OTHER_CAUSES):
        return False
    # Readers of file formats raise the base class itself; a statement with a fault has a class of its own.
    if type(error) is duckdb.Error or isinstance(error, _DAMAGE):
        return True
    return isinstance(error, duckdb.InvalidInputException) and any(sign in text for sign in _SIGNS)
