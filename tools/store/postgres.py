"""One session in a PostgreSQL database: statements, transactions, and locks that end with the session.

psycopg is imported when a database is opened, never before: a store in a folder needs none. Everything of ours lives in
a schema of its own, so that a shared database stays tidy. No message of this file holds a password.
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

if TYPE_CHECKING:
    from psycopg import AsyncConnection, Connection, Error
    from psycopg.rows import DictRow

Row = dict[str, Any]

SCHEMA = "saveplay"
DRIVER_MISSING = 'a store in PostgreSQL needs its driver: pip install "saveplay[postgres]"'

_CONNECT_SECONDS = 10
_WAIT_SECONDS = 30
"""How long a write or a change of the tables waits for those of other processes; as long as SQLite does."""
_SESSION = (
    f"-c search_path={SCHEMA} -c lock_timeout={_WAIT_SECONDS}s "
    "-c tcp_keepalives_idle=60 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=6"
)
"""Keepalives: a machine that lost its power gives its locks back within two minutes."""
_RETRY_SECONDS = 0.02
_NAMED = re.compile(r"'[^']*'|(?<!:):(\w+)")
_PORT = re.compile(r"\d{0,5}")


@dataclass(frozen=True)
class PostgresAddress:
    """Where a database is. ``name`` is what people are told, and holds no password."""

    name: str
    parameters: Mapping[str, Any] = field(repr=False)
    """As libpq takes them."""

    @property
    def digest(self) -> str:
        """A short name for the database, the same for all its users."""
        place = [str(self.parameters.get(name) or "") for name in ("service", "host", "hostaddr", "port", "dbname")]
        return hashlib.sha256("\n".join(place).encode()).hexdigest()[:16]


def read_address(url: str) -> PostgresAddress:
    """The address in a URL. Raises InputError for one that cannot be read, and when psycopg is not installed."""
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
    """Whether user and password end where libpq thinks they end; otherwise a piece of a password would be the host."""
    rest = url.partition("://")[2].partition("?")[0]
    server, _, database = rest.partition("/")
    return server.count("@") <= 1 and "@" not in database and "#" not in rest


def _name_of(given: Mapping[str, Any]) -> str:
    """The address without password and options."""
    user = f"{quote(str(given['user']))}@" if given.get("user") else ""
    hosts = [host for host in str(given.get("host") or given.get("hostaddr") or "").split(",") if host[:1] != "/"]
    port = f":{given['port']}" if given.get("port") and hosts else ""
    shown = ",".join(f"[{host}]" if ":" in host else host for host in hosts)
    return f"postgresql://{user}{shown}{port}/{quote(str(given.get('dbname') or ''))}"


class Postgres:
    """One session. Statements name their parameters like ``:this``, as SQLite's do."""

    counted = "bigint generated always as identity primary key"
    """The type of a column that numbers its rows."""

    def __init__(self, address: PostgresAddress) -> None:
        """Connect. Raises InputError when that is refused."""
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
        """End the session; whatever it had locked is free."""
        self._connection.close()

    # statements ------------------------------------------------------------------------------------------------------

    def rows(self, sql: str, values: Mapping[str, Any]) -> list[Row]:
        """What a query finds. Raises what ``told`` raises."""
        with translate_errors(self.address):
            return self._connection.execute(_as_psycopg(sql), values).fetchall()

    def execute(self, sql: str, values: Mapping[str, Any]) -> int:
        """Carry out a change; returns how many rows it changed. Raises what ``told`` raises."""
        with translate_errors(self.address):
            return self._connection.execute(_as_psycopg(sql), values).rowcount

    def execute_each(self, sql: str, values: Sequence[Mapping[str, Any]]) -> None:
        """Carry out a change for each of the rows. Raises what ``told`` raises."""
        with translate_errors(self.address), self._connection.cursor() as cursor:
            cursor.executemany(_as_psycopg(sql), values)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All or nothing, and one process after the other, as in SQLite: what a writer has read stays true until it writes.

        Raises what ``told`` raises.
        """
        with translate_errors(self.address), self._connection.transaction():
            self._connection.execute("select pg_advisory_xact_lock(%s)", [_number("writing")])
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Everything that is read in the block is of one moment. Raises what ``told`` raises."""
        with translate_errors(self.address), self._connection.transaction():
            self._connection.execute("set transaction isolation level repeatable read, read only")
            yield

    # tables ----------------------------------------------------------------------------------------------------------

    def has_tables(self, *names: str) -> bool:
        """Whether there are all these tables of ours."""
        ours = [f"{SCHEMA}.{name}" for name in names]
        query = "select bool_and(to_regclass(name) is not null) as there from unnest(cast(:ours as text[])) as name"
        return bool(self.rows(query, {"ours": ours})[0]["there"])

    def create(self, tables: str) -> None:
        """Make those tables that are not there. Raises InputError when the user may not."""
        if self.has_tables(*re.findall(r"create table if not exists (\w+)", tables)):
            return  # somebody who may only read and write rows needs no more rights than that
        with self.changing_tables(), translate_errors(self.address), self._connection.transaction():
            self._connection.execute(f"create schema if not exists {SCHEMA}")
            self._connection.execute(tables.encode())

    @contextmanager
    def changing_tables(self) -> Iterator[None]:
        """One process at a time changes the tables. Raises BusyError when another one does for too long."""
        if not self.lock("tables", _WAIT_SECONDS):
            raise BusyError(f"another process is changing the tables of {self.name}; try again later")
        try:
            yield
        finally:
            self.unlock("tables")

    # locks -----------------------------------------------------------------------------------------------------------

    def lock(self, name: str, wait_seconds: float) -> bool:
        """Take a lock of this name for the session; says whether it was to be had in time.

        It asks again and again instead of waiting in the database: who waits there holds a snapshot, and whoever has the
        lock may have to wait for all snapshots to end (``create index concurrently``, as the checkpoints do).
        """
        deadline = time.monotonic() + wait_seconds
        while not self.rows("select pg_try_advisory_lock(:key) as got", {"key": _number(name)})[0]["got"]:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_RETRY_SECONDS)
        return True

    def unlock(self, name: str) -> None:
        """Give a lock back; a session that is over has none."""
        with suppress(StoreError):
            self.rows("select pg_advisory_unlock(:key)", {"key": _number(name)})


async def connect_async(address: PostgresAddress) -> "AsyncConnection[DictRow]":
    """A session for the checkpoints, which speak to psycopg themselves. Raises InputError when it is refused."""
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
    """Errors of the database as errors of the tree.

    Raises InputError for what this user or this database may not do or keep, BusyError when another process writes for
    too long, StoreError when the database went away.
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
    """The reason in an error of psycopg, without the addresses that were tried and the hints."""
    said = error.diag.message_primary or str(error).strip().partition("\n")[0]
    return re.sub(r".*(failed|FATAL|ERROR): +", "", said).strip().rstrip(".")


@cache
def _as_psycopg(sql: str) -> bytes:
    """``:name`` as psycopg takes it; a percent sign of the statement's own is doubled."""
    return _NAMED.sub(lambda found: f"%({found[1]})s" if found[1] else found[0], sql.replace("%", "%%")).encode()


def _number(name: str) -> int:
    """The number under which PostgreSQL knows a lock: the same in every process and version."""
    return int.from_bytes(hashlib.sha256(f"{SCHEMA}:{name}".encode()).digest()[:8], "big", signed=True)
