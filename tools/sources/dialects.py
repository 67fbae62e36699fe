"""Differences between database engines, each in one table by the name of the SQL dialect.

Every other statement is written once, in the dialect of the embedded engine (DuckDB), and translated by sqlglot. The name
of a dialect is the one that sqlglot uses. A dialect is used only when every table here has an entry for it: no engine
takes the entry of another one by default.

=============================  ==========================================  ============================================
difference                     PostgreSQL                                  Spark
=============================  ==========================================  ============================================
syntax and functions           translated by sqlglot                       translated by sqlglot
names of types                 ``information_schema``                      the names of the catalogue
rounding                       never: done by the embedded engine, on the one row an account that comes back
order of rows                  never relied on: what comes back is sorted by the embedded engine
=============================  ==========================================  ============================================
"""

from collections.abc import Mapping

from domain.errors import InputError

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
    if dialect not in COLUMN_TYPES:
        raise InputError(
            f"{engine} speaks the SQL dialect {dialect!r}, which is not described: add an entry for {dialect!r} to"
            " COLUMN_TYPES in tools/sources/dialects.py."
        )


def duckdb_type(dialect: str, name: str) -> str:
    """The embedded engine's name of a server's type.

    A type without an entry keeps its own name, in parentheses: it then fits no column and is reported by name.
    """
    return COLUMN_TYPES[dialect].get(name.split("(")[0], f"({name})")


def translate_sql(sql: str, dialect: str) -> str:
    """The same statement for another engine."""
    import sqlglot

    return sqlglot.transpile(sql, read="duckdb", write=dialect, pretty=True, comments=False)[0]
