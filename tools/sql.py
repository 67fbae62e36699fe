"""SQL text for values, names and paths: the one place where something is put in quotation marks.

Pure text; nothing here runs a statement. All of it is the dialect of the embedded engine (DuckDB), which knows no escapes
inside quotation marks: a mark is written twice, and every other character means itself.
"""

import glob
from collections.abc import Iterable
from datetime import date
from pathlib import Path


def sql_string(text: str) -> str:
    """A string literal that yields exactly ``text``."""
    return "'" + text.replace("'", "''") + "'"


def sql_strings(texts: Iterable[str]) -> str:
    """String literals with commas between them, for ``IN (...)`` or a list; empty for no texts."""
    return ", ".join(sql_string(text) for text in texts)


def sql_identifier(name: str) -> str:
    """The name of a table or column; ``name`` has at least one character. Case and reserved words do not matter."""
    return '"' + name.replace('"', '""') + '"'


def sql_date(value: date | None) -> str:
    """A DATE literal; NULL for None, which is an unknown day."""
    return "NULL" if value is None else f"DATE '{value.isoformat()}'"


def sql_number(value: float) -> str:
    """A DOUBLE literal that yields exactly the finite number ``value``.

    Only a number with an exponent is a double in the embedded engine: it reads 0.1 as a decimal, and sums of decimals
    round in another way.
    """
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"


def sql_path(path: Path) -> str:
    """The path of a file or folder that the engine is to write or attach, taken as it is."""
    return sql_string(str(path))


def sql_files(paths: Iterable[Path]) -> str:
    """A list literal of files for ``read_parquet`` and its like, which take ``*``, ``?`` and ``[`` for a pattern."""
    return f"[{sql_strings(glob.escape(str(path)) for path in paths)}]"
