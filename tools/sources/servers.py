"""Servers: their tables, and the answer to a statement as a table in the embedded engine.

Nothing is written to a server. Its driver is imported only when a URL asks for it. To add one: a class with its own
``dialect``, an entry in ``SERVERS``, and the entries of the dialect in ``tools.sources.dialects``.
"""

import os
import tempfile
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, LiteralString, Protocol
from urllib.parse import parse_qs, urlsplit, urlunsplit

import duckdb

from domain.errors import DataError, InputError
from tools.sources.dialects import duckdb_type, require_dialect
from tools.sql import sql_identifier, sql_path, sql_string

ColumnTypes = Sequence[tuple[str, str]]
"""Names and types of columns, the types as the embedded engine names them."""


class DatabaseServer(Protocol):
    """A database server or a cluster."""

    dialect: str
    """The SQL dialect, by its name in ``tools.sources.dialects``."""
    rows_fetched: int
    """Rows that have left the server so far."""

    def tables(self) -> dict[str, list[tuple[str, str]]]:
        """By name (``schema.table``): the columns and their types. System tables are left out.

        A table that is there and may not be read has no columns.
        """
        ...

    def table_sql(self, table: str) -> str:
        """The table as SQL that can follow FROM, in the quotation marks of the embedded engine."""
        ...

    def fetch(self, sql: str, connection: duckdb.DuckDBPyConnection, name: str, columns: ColumnTypes) -> None:
        """Run a statement and put its answer into a new temporary table of the embedded engine. Raises DataError."""
        ...

    def close(self) -> None:
        """Close the connection."""
        ...


def url_parameter(url: str, name: str) -> str | None:
    """A parameter after the question mark of a URL."""
    found = parse_qs(urlsplit(url).query).get(name)
    return found[-1] if found else None


def drop_parameters(url: str, names: Sequence[str]) -> str:
    """The URL without the parameters ``names``, which a driver would refuse."""
    parts = urlsplit(url)
    kept = [pair for pair in parts.query.split("&") if pair and pair.split("=")[0] not in names]
    return urlunsplit(parts._replace(query="&".join(kept)))


_POSTGRES_SETTINGS: tuple[LiteralString, ...] = (
    "SET TimeZone = 'UTC'",
    "SET jit = off",  # compiling such a long statement takes longer than running it
    # PostgreSQL has no statistics of common table expressions and would guess: keep the joins as written, by hash.
    "SET enable_nestloop = off",
    "SET join_collapse_limit = 1",
    "SET from_collapse_limit = 1",
)


# The information schema knows no materialised views, and hides what the user may not read. A domain is read like the type
# below it; types that somebody made (enumerations, citext) are read as texts.
_POSTGRES_CATALOGUE: LiteralString = """
    SELECT n.nspname, c.relname, a.attname,
        CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, NULL)
            WHEN t.typcategory <> 'A' AND t.typnamespace <> 'pg_catalog'::regnamespace THEN 'USER-DEFINED'
            ELSE format_type(t.oid, NULL) END,
        has_schema_privilege(n.oid, 'USAGE') AND has_column_privilege(c.oid, a.attnum, 'SELECT')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
        JOIN pg_type t ON t.oid = a.atttypid
    WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
        AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
    ORDER BY 1, 2, a.attnum"""


class PostgresServer:
    """PostgreSQL 12 or later, by psycopg; one read-only transaction, so that every statement sees the same state."""

    dialect = "postgres"

    def __init__(self, url: str) -> None:
        try:
            import psycopg
            from psycopg import conninfo
        except ImportError:
            raise InputError('PostgreSQL needs its driver: pip install "saveplay[postgres]"') from None
        try:
            given: dict[str, Any] = conninfo.conninfo_to_dict(drop_parameters(url, ("mapping",)))
        except psycopg.ProgrammingError:  # its message may repeat a piece of a password
            raise InputError("--data: this URL cannot be read. Write it like postgresql://user@host/database") from None
        if given.get("password") or urlsplit(url).password:
            raise InputError(
                "--data: leave the password out of the URL, it would be kept with the review; set PGPASSWORD or ~/.pgpass"
            )
        self._error = psycopg.Error
        self.rows_fetched = 0
        self._places: dict[str, tuple[str, str]] = {}
        try:
            self._connection = psycopg.connect(**{"connect_timeout": 15, **given}, autocommit=True)
            for setting in _POSTGRES_SETTINGS:
                self._connection.execute(setting)
            self._connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        except psycopg.Error as error:
            raise DataError(
                f"the database does not answer: {_first_line(error)}. Check the URL and that the server runs."
            ) from None

    def tables(self) -> dict[str, list[tuple[str, str]]]:
        """By schema.table: the columns and their types; a table that may not be read has none."""
        found: dict[str, list[tuple[str, str]]] = {}
        for schema, table, column, kind, is_readable in self._connection.execute(_POSTGRES_CATALOGUE).fetchall():
            name = f"{schema}.{table}"
            self._places[name] = schema, table
            columns = found.setdefault(name, [])
            if is_readable:
                columns.append((column, duckdb_type(self.dialect, kind)))
        return found

    def table_sql(self, table: str) -> str:
        """The table as SQL that can follow FROM."""
        # A schema may have a dot in its name.
        return ".".join(sql_identifier(part) for part in self._places.get(table) or table.split(".", 1))

    def fetch(self, sql: str, connection: duckdb.DuckDBPyConnection, name: str, columns: ColumnTypes) -> None:
        """Fetch by COPY: a text form of numbers and dates that both engines read to the last bit."""
        with tempfile.TemporaryDirectory(prefix="saveplay-") as folder:
            file = Path(folder) / "answer.csv"
            try:
                with file.open("wb") as target, self._connection.cursor() as cursor:
                    with cursor.copy(f"COPY ({sql}) TO STDOUT (FORMAT csv, NULL '\\N', FORCE_QUOTE *)") as answer:
                        for chunk in answer:
                            target.write(chunk)
                    self.rows_fetched += max(cursor.rowcount, 0)
            except self._error as error:
                raise DataError(
                    f"the database refused a statement: {_first_line(error)}. Check the rights and types of the tables named there."
                ) from None
            described = ", ".join(f"{sql_string(column)}: {sql_string(kind)}" for column, kind in columns)
            connection.execute(
                f"CREATE OR REPLACE TEMP TABLE {sql_identifier(name)} AS SELECT * FROM read_csv({sql_path(file)}, header = false,"
                f" auto_detect = false, columns = {{{described}}}, nullstr = '\\N', quote = '\"', escape = '\"',"
                " delim = ',', strict_mode = true, max_line_size = 20000000)"
            )

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def _spark_settings(master: str, reads_folder: bool) -> dict[str, str]:
    settings = {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.log.level": "ERROR",
        "spark.sql.ansi.enabled": "true",
    }
    if master.startswith("local"):
        settings |= {
            "spark.sql.shuffle.partitions": "8",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.host": "127.0.0.1",
        }
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    # Without a place for tables of its own, Spark would make a folder where the command is called.
    if reads_folder:
        settings["spark.sql.warehouse.dir"] = tempfile.gettempdir()
    return settings


class SparkServer:
    """Spark 4, by PySpark: ``spark://local`` in this process, ``spark://host:7077`` a standalone cluster.

    ``?folder=`` registers the Parquet files and folders there as tables; otherwise the catalogue's tables are used.
    """

    dialect = "spark"

    def __init__(self, url: str) -> None:
        try:
            from pyspark.errors import PySparkException
            from pyspark.sql import SparkSession
        except ImportError:
            raise InputError('Spark needs PySpark and Java 17: pip install "saveplay[spark]"') from None
        self._error = PySparkException
        self.rows_fetched = 0
        host = urlsplit(url).netloc
        master = "local[*]" if host in ("", "local") else f"spark://{host}"
        builder = SparkSession.builder.master(master).appName("saveplay")
        for key, value in _spark_settings(master, url_parameter(url, "folder") is not None).items():
            builder = builder.config(key, value)
        try:
            self._session = builder.getOrCreate().newSession()  # tables of another folder are not this one's
        except Exception as error:  # noqa: BLE001 - what a JVM that does not start raises is not one type
            raise DataError(f"Spark does not start: {_first_line(error)}. It needs Java 17.") from None
        for database in filter(None, [urlsplit(url).path.strip("/")]):
            self._session.catalog.setCurrentDatabase(database)
        if folder := url_parameter(url, "folder"):
            self._register(Path(folder))

    def _register(self, folder: Path) -> None:
        if not folder.is_dir():
            raise DataError(f"{folder.name} is not a folder. Give the folder that holds the Parquet files.")
        for path in sorted(folder.iterdir()):
            if path.suffix == ".parquet" or (path.is_dir() and any(path.rglob("*.parquet"))):
                self._session.read.parquet(str(path)).createOrReplaceTempView(path.stem)

    def tables(self) -> dict[str, list[tuple[str, str]]]:
        """By name: the columns and their types."""
        found = {}
        for table in self._session.catalog.listTables():
            name = table.name if table.isTemporary else ".".join([*(table.namespace or []), table.name])
            described = self._session.table(name).dtypes
            found[name] = [(column, duckdb_type(self.dialect, kind)) for column, kind in described]
        return found

    def table_sql(self, table: str) -> str:
        """The table as SQL that can follow FROM."""
        return ".".join(sql_identifier(part) for part in table.split("."))

    def fetch(self, sql: str, connection: duckdb.DuckDBPyConnection, name: str, columns: ColumnTypes) -> None:
        """Fetch as an Arrow table."""
        try:
            with warnings.catch_warnings():  # PySpark warns of a pandas that it does not use here
                warnings.simplefilter("ignore")
                answer: Any = self._session.sql(sql).toArrow()
        except self._error as error:
            raise DataError(
                f"Spark refused a statement: {_first_line(error)}. Check the tables and columns named there."
            ) from None
        self.rows_fetched += answer.num_rows
        answer = answer.rename_columns([column for column, _ in columns])
        connection.execute("select 1").fetchall()  # an answer that is not read to its end would be in the way
        connection.register("spark_answer", answer)
        cells = ", ".join(
            f"CAST({sql_identifier(column)} AS {kind}) AS {sql_identifier(column)}" for column, kind in columns
        )
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {sql_identifier(name)} AS SELECT {cells} FROM spark_answer")
        connection.unregister("spark_answer")

    def close(self) -> None:
        """Do nothing: the session is shared by the process and ends with it."""


SERVERS: Mapping[str, Callable[[str], DatabaseServer]] = {
    "postgres": PostgresServer,
    "postgresql": PostgresServer,
    "spark": SparkServer,
}
"""By scheme of a URL: the class of the server."""


def open_server(url: str, servers: Mapping[str, Callable[[str], DatabaseServer]] = SERVERS) -> DatabaseServer:
    """Connect to the server that the URL names.

    Raises InputError for a URL that names none or a dialect that is not described, DataError when it does not answer.
    """
    scheme = url.partition(":")[0]
    if scheme not in servers:
        raise InputError(
            f"{scheme}:// is not a data location; give a folder, duckdb:///file.db, postgres://… or spark://…"
        )
    server = servers[scheme]
    # Only what the class itself says counts: a new engine made from another one would silently get its dialect.
    require_dialect(getattr(server, "__name__", scheme), vars(server).get("dialect"))
    return server(url)


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
