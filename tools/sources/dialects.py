"""Where engines differ: the one place. Everything else is written once, in the embedded engine's dialect.

=============================  ==========================================  ============================================
what                           PostgreSQL                                  Spark
=============================  ==========================================  ============================================
syntax and functions           translated by sqlglot                       translated by sqlglot
a pattern in a text            ``~*``; a word ends at ``\\y``               ``rlike`` with ``(?i)``
white space on one line        ``regexp_replace`` with the flag ``g``      ``regexp_replace`` replaces all as it is
names of types                 ``information_schema``                      the catalogue's
rounding                       never: done by the embedded engine, on the one row an account that comes back
order of rows                  never relied on: what comes back is sorted by the embedded engine
=============================  ==========================================  ============================================
"""

from typing import Literal

from tools.sql import sql_string

Dialect = Literal["postgres", "spark"]

_MATCH = "'saveplay pattern'"
MATCH_PLACEHOLDER = f"line LIKE {_MATCH}"
"""Stands for "the text ``line`` matches the pattern" in SQL that is still to be translated."""

_TYPES = {
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


def duckdb_type(dialect: Dialect, name: str) -> str:
    """The embedded engine's name of a type; the engine's own where there is none, which then fits no column."""
    return _TYPES[dialect].get(name.split("(")[0], f"({name})")


def translate_sql(sql: str, dialect: Dialect, pattern: str = "") -> str:
    """The same statement for another engine; ``pattern`` is what ``MATCHES`` stands for."""
    import sqlglot

    text = sqlglot.transpile(sql, read="duckdb", write=dialect, pretty=True, comments=False)[0]
    return text.replace(MATCH_PLACEHOLDER, _matches(dialect, pattern)) if MATCH_PLACEHOLDER in text else text


def _matches(dialect: Dialect, pattern: str) -> str:
    if dialect == "postgres":
        with_word_ends = sql_string(pattern.replace(r"\b", r"\y"))
        return rf"regexp_replace(line, '\s+', ' ', 'g') ~* {with_word_ends}"
    return rf"regexp_replace(line, '\\s+', ' ') RLIKE {_spark_string('(?i)' + pattern)}"


def _spark_string(text: str) -> str:
    """A string literal for Spark, which reads a backslash as an escape, and '' not as a quotation mark."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
