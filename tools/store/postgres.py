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
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from domain.errors import BusyError, InputError, SaveplayError, StoreError
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
_SHORTEST_SECRET = 4
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
        self.address = address
        self.name = address.name
        self._held: set[str] = set()
        """Locks of this session; they end with it, so a session with locks is never replaced by another one."""
        self._blocks = 0
        """Depth of transactions."""
        self._connection: Connection[DictRow] = self._connect()
        encoding = self._connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            self._connection.close()
            raise InputError(f"the database {self.name} keeps text as {encoding}; make one with the encoding UTF8")

    def _connect(self) -> "Connection[DictRow]":
        import psycopg
        from psycopg.rows import dict_row

        try:
            connection = psycopg.connect(**self.address.parameters, autocommit=True, row_factory=dict_row)
        except psycopg.Error as error:
            raise _connection_error(self.address, error) from None
        connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
        return connection

    @property
    def connection(self) -> "Connection[DictRow]":
        """The session itself, for the set-up of the checkpoints."""
        return self._connection

    def close(self) -> None:
        """End the session; its locks are released."""
        self._connection.close()

    # statements ------------------------------------------------------------------------------------------------------

    def rows(self, sql: str, values: Mapping[str, Any]) -> list[Row]:
        """The rows that a query returns. After the loss of the session it is asked once more in a new one."""
        from psycopg import OperationalError

        with translate_errors(self.address):
            try:
                return self._connection.execute(_as_psycopg(sql), values).fetchall()
            except OperationalError:
                if not self._reconnect():
                    raise
            return self._connection.execute(_as_psycopg(sql), values).fetchall()

    def _reconnect(self) -> bool:
        """Replace a session that was lost outside a transaction, for example when the server started anew.

        False if it was not lost, or if its end matters: locks or a transaction ended with it.
        """
        if not self._connection.closed or self._held or self._blocks:
            return False
        self._connection = self._connect()
        return True

    def is_usable(self) -> bool:
        """False when the session was lost."""
        import psycopg

        try:
            self._connection.execute("select 1")
        except psycopg.Error:
            return False
        return True

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
        with translate_errors(self.address), self._transaction():
            self._connection.execute("select pg_advisory_xact_lock(%s)", [_number("writing")])
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """One moment for all reads in the block."""
        self.rows("select 1", {})  # a lost session is replaced before the block
        with translate_errors(self.address), self._transaction():
            self._connection.execute("set transaction isolation level repeatable read, read only")
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._blocks += 1
        try:
            with self._connection.transaction():
                yield
        finally:
            self._blocks -= 1

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

    def check_rights(self) -> None:
        """Raise InputError when the user may not write to a table, so that no step ends half way."""
        query = (
            "select relname from pg_class where relnamespace = to_regnamespace(:schema) and relkind = 'r' and "
            "relname <> 'checkpoint_migrations' and not (has_table_privilege(oid, 'select') and "
            "has_table_privilege(oid, 'insert') and has_table_privilege(oid, 'update') and has_table_privilege(oid, 'delete'))"
        )
        names = sorted(row["relname"] for row in self.rows(query, {"schema": SCHEMA}))
        if names:
            why = f"permission denied for table {', '.join(names)}; docs/scale.md has the GRANT statements"
            raise _named(InputError, "{} cannot be used: " + _braced(why), self.address)

    @contextmanager
    def changing_tables(self) -> Iterator[None]:
        """Lock for a block that changes tables. Raises BusyError if another process holds it for 30 s."""
        if not self.lock("tables", _WAIT_SECONDS):
            raise _named(BusyError, "another process is changing the tables of {}; try again later", self.address)
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
        self._held.add(name)
        return True

    def unlock(self, name: str) -> None:
        """Release a lock. Does nothing if the session has ended, since its locks ended with it."""
        self._held.discard(name)
        with suppress(StoreError):
            self.execute("select pg_advisory_unlock(:key)", {"key": _number(name)})


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
        raise _named(InputError, "{} cannot be used: " + _braced(_sentence(error)), address) from None
    except psycopg.DataError as error:
        raise _named(InputError, "{} cannot keep this: " + _braced(_sentence(error)), address) from None
    except errors.LockNotAvailable:
        raise _named(
            BusyError, "another process is writing to {}; wait until it is done, then try again", address
        ) from None
    except psycopg.OperationalError as error:
        lost = _named(StoreError, "{} went away; what was finished is kept, try again in a moment", address)
        reason = _hide_password(_sentence(error), address)
        lost.args = (
            f"the store {address.name} went away ({reason}); what was finished is kept, `saveplay resume` goes on",
        )
        raise lost from None


E = TypeVar("E", bound=SaveplayError)


def _named(kind: type[E], template: str, address: PostgresAddress) -> E:
    """An error that names the store on the command line, and does not on pages and in the API."""
    error = kind(template.format(f"the store {address.name}"))
    error.public = template.format("the store")
    return error


def _braced(text: str) -> str:
    """The text for a template."""
    return text.replace("{", "{{").replace("}", "}}")


def _connection_error(address: PostgresAddress, error: "Error") -> InputError:
    why = _hide_password(_sentence(error), address)
    # The reason may name host, user and database: it is for the command line and the server's log.
    refused = InputError(f"cannot open the store {address.name}: {why}")
    refused.public = "the store cannot be opened just now; try again in a moment, and tell who runs the desk"
    return refused


def _hide_password(text: str, address: PostgresAddress) -> str:
    """The text with the password as ``…``. One of fewer than four characters is hidden only in a URL: as a word it may be
    an ordinary one, and the reason would be lost."""
    password = str(address.parameters.get("password") or "")
    if not password:
        return text
    text = text.replace(f":{password}@", ":…@")
    whole = rf"(?<!\w){re.escape(password)}(?!\w)"
    return re.sub(whole, "…", text) if len(password) >= _SHORTEST_SECRET else text


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
