"""Differences between database engines, each in one table by the name of the SQL dialect.

Every other statement is written once, in the dialect of the embedded engine (DuckDB), and translated by sqlglot. The name
of a dialect is the one that sqlglot uses. A dialect is used only when every table here has an entry for it: no engine
takes the entry of another one by default.

=============================  ==========================================  ============================================
difference                     PostgreSQL                                  Spark
=============================  ==========================================  ============================================
syntax and functions           translated by sqlglot                       translated by sqlglot
a pattern in a text            ``~*``; a word ends at ``\\y``               ``rlike`` with ``(?is)``
white space on one line        ``regexp_replace`` with the flag ``g``      ``regexp_replace`` always replaces all
names of types                 ``information_schema``                      the names of the catalogue
rounding                       never: done by the embedded engine, on the one row an account that comes back
order of rows                  never relied on: what comes back is sorted by the embedded engine
=============================  ==========================================  ============================================
"""

from collections.abc import Callable, Mapping, Sequence

from domain.errors import InputError
from tools.signals.plain_text import STEPS, nested_steps
from tools.sql import sql_string

_MATCH = "'saveplay pattern'"
MATCH_PLACEHOLDER = f"line LIKE {_MATCH}"
"""The test "the text ``line`` matches the pattern" in SQL that is still to be translated.

sqlglot translates the functions of regular expressions, but not the syntax of the pattern inside. So the test goes through
the translation as a harmless LIKE, and is replaced afterwards.
"""

COLUMN_TYPES: Mapping[str, Mapping[str, str]] = {
    "postgres": {
        "character varying": "VARCHAR", "character": "VARCHAR", "text": "VARCHAR", "citext": "VARCHAR", "name": "VARCHAR",
        "uuid": "VARCHAR", "USER-DEFINED": "VARCHAR", "smallint": "SMALLINT", "integer": "INTEGER", "bigint": "BIGINT",
        "real": "FLOAT", "double precision": "DOUBLE", "numeric": "DECIMAL", "date": "DATE", "boolean": "BOOLEAN",
        "timestamp without time zone": "TIMESTAMP", "timestamp with time zone": "TIMESTAMP WITH TIME ZONE",
    },
    "spark": {
        "string": "VARCHAR", "varchar": "VARCHAR", "char": "VARCHAR", "tinyint": "TINYINT", "smallint": "SMALLINT",
        "int": "INTEGER", "bigint": "BIGINT", "float": "FLOAT", "double": "DOUBLE", "decimal": "DECIMAL", "date": "DATE",
        "boolean": "BOOLEAN", "timestamp": "TIMESTAMP", "timestamp_ntz": "TIMESTAMP",
    },
}  # fmt: skip
"""By dialect: the embedded engine's name for each type of the server that a column can be read from."""


def _postgres_step(text: str, pattern: str, by: str) -> str:
    return f"regexp_replace({text}, {sql_string(pattern)}, {sql_string(by)}, 'gi')"


def _postgres_match(pattern: str) -> str:
    # PostgreSQL takes \b for a backspace; the end of a word is \y there.
    with_word_ends = sql_string(pattern.replace(r"\b", r"\y"))
    return f"{nested_steps('line', _PLAIN_LINE, _postgres_step)} ~* {with_word_ends}"


def _spark_string(text: str) -> str:
    # Spark reads a backslash inside a string as an escape, and '' as two strings side by side.
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _spark_step(text: str, pattern: str, by: str) -> str:
    return f"regexp_replace({text}, {_spark_string('(?is)' + pattern)}, {_spark_string(by)})"


def _spark_match(pattern: str) -> str:
    return f"{nested_steps('line', _PLAIN_LINE, _spark_step)} RLIKE {_spark_string('(?is)' + pattern)}"


_PLAIN_LINE = (*STEPS, (r"\s+", " "))
"""A text as people read it, on one line."""


PATTERN_TESTS: Mapping[str, Callable[[str], str]] = {"postgres": _postgres_match, "spark": _spark_match}
"""By dialect: the test that a text on one line matches a pattern, without regard to case."""


def require_dialect(engine: str, dialect: str | None) -> None:
    """Check that every difference is described for the dialect of an engine, before anything is sent to it.

    ``engine`` is the name of the server's class, ``dialect`` is what that class itself says (None: nothing). Raises
    InputError that says what to add.
    """
    if dialect is None:
        raise InputError(
            f"{engine} does not say which SQL dialect it speaks: set `dialect` in the class itself, to a name that sqlglot"
            " knows. The dialect of a parent class does not count."
        )
    tables = {"COLUMN_TYPES": COLUMN_TYPES, "PATTERN_TESTS": PATTERN_TESTS}
    missing = [name for name, entries in tables.items() if dialect not in entries]
    if missing:
        raise InputError(
            f"{engine} speaks the SQL dialect {dialect!r}, which is not described: add an entry for {dialect!r} to"
            f" {' and '.join(missing)} in tools/sources/dialects.py."
        )


def duckdb_type(dialect: str, name: str) -> str:
    """The embedded engine's name of a server's type.

    A type without an entry keeps its own name, in parentheses: it then fits no column and is reported by name.
    """
    return COLUMN_TYPES[dialect].get(name.split("(")[0], f"({name})")


def translate_sql(sql: str, dialect: str, patterns: Sequence[str] = ()) -> str:
    """The same statement for another engine; ``MATCH_PLACEHOLDER`` tests for the first of ``patterns`` and one of the rest."""
    import sqlglot

    text = sqlglot.transpile(sql, read="duckdb", write=dialect, pretty=True, comments=False)[0]
    first, *rest = (PATTERN_TESTS[dialect](pattern) for pattern in patterns or ("",))
    tests = f"{first} AND ({' OR '.join(rest)})" if rest else first
    return text.replace(MATCH_PLACEHOLDER, tests) if MATCH_PLACEHOLDER in text else text
