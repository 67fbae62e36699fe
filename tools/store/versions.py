"""The version of a store: a new store gets the newest one, an older store is brought to it, a newer one is refused.

The version is a row of the table ``meta``. Stores of the time before it are recognised by their tables.
"""

import re
import secrets
from collections.abc import Mapping, Sequence

from domain.errors import InputError
from tools.store.database import Database
from tools.store.tables import STEPS

NEWEST = len(STEPS)
"""Version of the stores that this program makes."""
_META = "create table if not exists meta (name text primary key, value text not null)"
_CREATED = re.compile(r"create table if not exists (\w+) \((.*)\)$", re.DOTALL)
_FIRST_LAYOUT = {
    "actions": ("action_id", "approved_in", "review_id", "approved_on", "account_id", "body"),
    "progress": ("action_id", "state", "on_day", "note", "by"),
}
"""Columns of the very first stores, where they differ from version 1."""
_FROM_FIRST_LAYOUT = (
    'alter table progress rename column "by" to said_by',
    "drop index if exists ix_actions_approved_in",
    "alter table actions drop column review_id",
    "alter table actions drop column account_id",
)


def bring_up_to_date(database: Database, steps: Sequence[str] = STEPS) -> None:
    """Make the tables of a new store, or bring those of an older one to the newest version, all or nothing.

    Raises InputError for a store that a newer saveplay made, and for tables that are not those of a store.
    """
    version = stored_version(database)
    if version is not None and version > len(steps):
        raise InputError(
            f"{database.name} was made by a newer saveplay (store version {version}, this one knows {len(steps)}); "
            "update saveplay on this machine"
        )
    if version == len(steps):
        return
    with database.upgrading():
        version = stored_version(database)  # again: another process may have been faster
        if version is None:
            version = _adopt(database, steps[0])
        database.execute(_META, {})
        for step in steps[version:]:
            for statement in _statements(step, database):
                database.execute(statement, {})
        _set(database, "schema_version", str(len(steps)))
        if find_value(database, "store_id") is None:
            _set(database, "store_id", secrets.token_hex(8))


def stored_version(database: Database) -> int | None:
    """Version that the store says it has; None for one that says none."""
    if "meta" not in database.columns():
        return None
    found = find_value(database, "schema_version")
    return int(found) if found is not None and found.isdecimal() else None


def find_value(database: Database, name: str) -> str | None:
    """A value of the table ``meta``, or None."""
    rows = database.rows("select value from meta where name = :name", {"name": name})
    return str(rows[0]["value"]) if rows else None


def _set(database: Database, name: str, value: str) -> None:
    upsert = "insert into meta values (:name, :value) on conflict (name) do update set value = excluded.value"
    database.execute(upsert, {"name": name, "value": value})


def _adopt(database: Database, first_step: str) -> int:
    """Prepare a store without a version for the first step, which makes what is missing. Returns 0.

    Raises InputError if its tables are not those of any earlier saveplay.
    """
    found = database.columns()
    expected = _expected_columns(first_step)
    if found and "reviews" not in found and not set(found) <= _TABLES_BESIDE:
        raise InputError(
            f"{database.name} is no store of saveplay: it holds other tables ({', '.join(sorted(found)[:5])}); "
            "name another place with --store"
        )
    differ = [name for name, columns in expected.items() if name in found and found[name] != columns]
    if differ and all(found[name] == _FIRST_LAYOUT.get(name) for name in differ):
        for statement in _FROM_FIRST_LAYOUT:
            database.execute(statement, {})
    elif differ:
        raise InputError(
            f"{database.name} cannot be used: the table {differ[0]} has other columns than any saveplay made "
            f"({', '.join(found[differ[0]])}); put back a copy of the store, or name another place with --store"
        )
    return 0


_TABLES_BESIDE = frozenset(
    {"meta", "snapshots", "checkpoints", "checkpoint_blobs", "checkpoint_writes", "checkpoint_migrations"}
)
"""Tables of a store in PostgreSQL that others make: the history and the checkpoints."""


def _statements(step: str, database: Database) -> list[str]:
    whole = step.replace("{identity}", database.identity_column)
    return [statement.strip() for statement in whole.split(";") if statement.strip()]


def _expected_columns(first_step: str) -> Mapping[str, tuple[str, ...]]:
    """Columns of version 1 by table, read from the statements that make them."""
    found = {}
    for statement in first_step.split(";"):
        made = _CREATED.match(statement.strip())
        if made:
            parts = re.split(r",(?![^()]*\))", made[2])
            names = [part.split()[0] for part in parts]
            found[made[1]] = tuple(name for name in names if name != "primary")
    return found
