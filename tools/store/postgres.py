"""PostgreSQL database of a store: statements, transactions, and locks that end with the session.

psycopg is imported only when a database is opened, because a store in a folder does not need it. All tables are in the schema
``saveplay``, apart from others in the same database. No message of this module contains a password.
"""

import hashlib
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from domain.errors import BusyError, InputError, StoreError
from domain.record import Row

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Connection, Error
    from psycopg.rows import DictRow

SCHEMA = "saveplay"
DRIVER_MISSING = 'a store in PostgreSQL needs its driver: pip install "saveplay[postgres]"'

_CONNECT_SECONDS = 10
_WAIT_SECONDS = 30
"""Longest wait of a write, or of a change of the tables, for other processes; the same as for SQLite."""
_SESSION = (
    f"-c search_path={SCHEMA} -c lock_timeout={_WAIT_SECONDS}s "
    "-c tcp_keepalives_idle=60 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=6"
)
"""Keepalives: the locks of a machine that lost its power are released within two minutes (60 s, then 6 tries of 10 s)."""
_RETRY_SECONDS = 0.02
_PARAMETER = re.compile(r"'[^']*'|(?<!:):(\w+)")
_PORT = re.compile(r"\d{0,5}")


@dataclass(frozen=True)
class PostgresAddress:
    """Address of a database. ``name`` is for messages and holds no password."""

    name: str
    parameters: Mapping[str, Any] = field(repr=False)
    """Connection parameters of libpq; not shown, as they may hold the password."""

    @property
    def digest(self) -> str:
        """16 hexadecimal digits that name the database; the same for all its users."""
        place = [str(self.parameters.get(name) or "") for name in ("service", "host", "hostaddr", "port", "dbname")]
        return hashlib.sha256("\n".join(place).encode()).hexdigest()[:16]


def read_address(url: str) -> PostgresAddress:
    """Parse the URL of a store. Raises InputError for a URL that cannot be read, or if psycopg is not installed."""
    try:
        from psycopg import ProgrammingError, conninfo
    except ImportError:
        raise InputError(DRIVER_MISSING) from None
    try:
        given = conninfo.conninfo_to_dict(url) if _is_unambiguous(url) else None
    except ProgrammingError:  # its message may repeat a piece of a password
        given = None
    if given is None or not all(_PORT.fullmatch(port) for port in str(given.get("port") or "5432").split(",")):
        raise InputError(
            "the URL of the store cannot be read; write it like postgresql://user@host/database, and characters like "
            "@ : / # in a password as %40 %3A %2F %23"
        )
    options = f"{given.get('options') or ''} {_SESSION}".strip()
    ours = {"options": options, "client_encoding": "UTF8"}
    usual = {"connect_timeout": _CONNECT_SECONDS, "application_name": SCHEMA}
    return PostgresAddress(_name_of(given), {**usual, **given, **ours})


def _is_unambiguous(url: str) -> bool:
    """True if user and password end where libpq ends them; otherwise part of a password would be shown as the host."""
    rest = url.partition("://")[2].partition("?")[0]
    server, _, database = rest.partition("/")
    return server.count("@") <= 1 and "@" not in database and "#" not in rest


def _name_of(given: Mapping[str, Any]) -> str:
    """URL without password and options, for messages."""
    user = f"{quote(str(given['user']))}@" if given.get("user") else ""
    hosts = [host for host in str(given.get("host") or given.get("hostaddr") or "").split(",") if host[:1] != "/"]
    port = f":{given['port']}" if given.get("port") and hosts else ""
    shown = ",".join(f"[{host}]" if ":" in host else host for host in hosts)
    return f"postgresql://{user}{shown}{port}/{quote(str(given.get('dbname') or ''))}"


class Postgres:
    """One session. Statements name their parameters like ``:this``, as SQLite's do.

    Each method raises the errors of `translate_errors`.
    """

    identity_column = "bigint generated always as identity primary key"

    def __init__(self, address: PostgresAddress) -> None:
        """Connect. Raises InputError if the connection is refused or the database does not use UTF8."""
        import psycopg
        from psycopg.rows import dict_row

        self.address = address
        self.name = address.name
        try:
            self._connection: Connection[DictRow] = psycopg.connect(
                **address.parameters, autocommit=True, row_factory=dict_row
            )
        except psycopg.Error as error:
            raise _connection_error(address, error) from None
        self._connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        encoding = self._connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            self._connection.close()
            raise InputError(f"the database {self.name} keeps text as {encoding}; make one with the encoding UTF8")

    def close(self) -> None:
        """End the session; its locks are released."""
        self._connection.close()

    # statements ------------------------------------------------------------------------------------------------------

    def rows(self, sql: str, values: Mapping[str, Any]) -> list[Row]:
        """The rows that a query returns."""
        with translate_errors(self.address):
            return self._connection.execute(_as_psycopg(sql), values).fetchall()

    def execute(self, sql: str, values: Mapping[str, Any]) -> int:
        """Run one change and return the number of rows it changed."""
        with translate_errors(self.address):
            return self._connection.execute(_as_psycopg(sql), values).rowcount

    def execute_each(self, sql: str, values: Sequence[Mapping[str, Any]]) -> None:
        """Run one change for each set of values."""
        with translate_errors(self.address), self._connection.cursor() as cursor:
            cursor.executemany(_as_psycopg(sql), values)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Transaction for the block. One process writes at a time, as in SQLite.

        The advisory lock is what makes "read, then write" safe: nothing that the block has read changes before it writes.
        """
        with translate_errors(self.address), self._connection.transaction():
            self._connection.execute("select pg_advisory_xact_lock(%s)", [_number("writing")])
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One moment for all reads in the block."""
        with translate_errors(self.address), self._connection.transaction():
            self._connection.execute("set transaction isolation level repeatable read, read only")
            yield

    # tables ----------------------------------------------------------------------------------------------------------

    def has_tables(self, *names: str) -> bool:
        """True if all these tables exist in the schema."""
        ours = [f"{SCHEMA}.{name}" for name in names]
        query = "select bool_and(to_regclass(name) is not null) as there from unnest(cast(:ours as text[])) as name"
        return bool(self.rows(query, {"ours": ours})[0]["there"])

    def create(self, tables: str) -> None:
        """Create the tables that are missing. Raises InputError if the user has no right to."""
        if self.has_tables(*re.findall(r"create table if not exists (\w+)", tables)):
            return  # a user who may only read and write rows needs no further rights
        with self.changing_tables(), translate_errors(self.address), self._connection.transaction():
            self._connection.execute(f"create schema if not exists {SCHEMA}")
            self._connection.execute(tables.encode())

    def columns(self) -> dict[str, tuple[str, ...]]:
        """Names of the columns by table, of the schema ``saveplay``."""
        found: dict[str, tuple[str, ...]] = {}
        query = (
            "select c.relname as place, a.attname as name from pg_attribute a join pg_class c on c.oid = a.attrelid "
            "where c.relnamespace = to_regnamespace(:schema) and c.relkind in ('r', 'p') and a.attnum > 0 "
            "and not a.attisdropped order by c.relname, a.attnum"
        )
        for row in self.rows(query, {"schema": SCHEMA}):
            found[row["place"]] = (*found.get(row["place"], ()), row["name"])
        return found

    @contextmanager
    def upgrading(self) -> Iterator[None]:
        """Transaction for a block that makes or changes tables; one process at a time. Raises InputError without the right."""
        with self.changing_tables(), translate_errors(self.address), self._connection.transaction():
            if not self.rows("select to_regnamespace(:schema) is not null as there", {"schema": SCHEMA})[0]["there"]:
                self._connection.execute(f"create schema if not exists {SCHEMA}")
            yield

    @contextmanager
    def changing_tables(self) -> Iterator[None]:
        """Lock for a block that changes tables. Raises BusyError if another process holds it for 30 s."""
        if not self.lock("tables", _WAIT_SECONDS):
            raise BusyError(f"another process is changing the tables of {self.name}; try again later")
        try:
            yield
        finally:
            self.unlock("tables")

    # locks -----------------------------------------------------------------------------------------------------------

    def lock(self, name: str, wait_seconds: float) -> bool:
        """Take the lock of this name for the session. False if another session held it for all of ``wait_seconds``.

        It asks every 20 ms instead of waiting in the database. A statement that waits there holds a snapshot, and the holder
        of the lock may itself wait for all snapshots to end (``create index concurrently``, used by the checkpoints): a deadlock.
        """
        deadline = time.monotonic() + wait_seconds
        while not self.rows("select pg_try_advisory_lock(:key) as got", {"key": _number(name)})[0]["got"]:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_RETRY_SECONDS)
        return True

    def unlock(self, name: str) -> None:
        """Release a lock. Does nothing if the session has ended, since its locks ended with it."""
        with suppress(StoreError):
            self.rows("select pg_advisory_unlock(:key)", {"key": _number(name)})


async def connect_async(address: PostgresAddress) -> "AsyncConnection[DictRow]":
    """Open a session for the checkpoints, which call psycopg themselves. Raises InputError if it is refused."""
    import psycopg
    from psycopg.rows import dict_row

    try:
        return await psycopg.AsyncConnection.connect(
            **address.parameters, autocommit=True, prepare_threshold=0, row_factory=dict_row
        )
    except psycopg.Error as error:
        raise _connection_error(address, error) from None


@contextmanager
def translate_errors(address: PostgresAddress) -> Iterator[None]:
    """Raise the errors of psycopg in the block as errors of `domain.errors`.

    InputError: the user may not do this, or the database cannot store the value. BusyError: another process wrote for more than
    30 s. StoreError: the connection was lost.
    """
    import psycopg
    from psycopg import errors

    try:
        yield
    except (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction) as error:
        raise InputError(f"the store {address.name} cannot be used: {_sentence(error)}") from None
    except psycopg.DataError as error:
        raise InputError(f"the store {address.name} cannot keep this: {_sentence(error)}") from None
    except errors.LockNotAvailable:
        raise BusyError(
            f"another process is writing to {address.name}; wait until it is done, then try again"
        ) from None
    except psycopg.OperationalError as error:
        raise StoreError(
            f"the store {address.name} went away ({_sentence(error)}); what was finished is kept, `saveplay resume` goes on"
        ) from None


def _connection_error(address: PostgresAddress, error: "Error") -> InputError:
    why, password = _sentence(error), str(address.parameters.get("password") or "")
    if password and password in why:
        why = "the connection was refused"
    return InputError(f"cannot open the store {address.name}: {why}")


def _sentence(error: "Error") -> str:
    """Reason in an error of psycopg, without tried addresses and hints."""
    said = error.diag.message_primary or str(error).strip().partition("\n")[0]
    return re.sub(r".*(failed|FATAL|ERROR): +", "", said).strip().rstrip(".")


@cache
def _as_psycopg(sql: str) -> bytes:
    """The statement with ``:name`` as ``%(name)s`` of psycopg; a literal percent sign is doubled."""
    return _PARAMETER.sub(lambda found: f"%({found[1]})s" if found[1] else found[0], sql.replace("%", "%%")).encode()


def _number(name: str) -> int:
    """Number of an advisory lock, from its name; the same in every process and version, unlike ``hash()``."""
    return int.from_bytes(hashlib.sha256(f"{SCHEMA}:{name}".encode()).digest()[:8], "big", signed=True)
