"""Ids that two exports write in two ways. All other ids match exactly.

Salesforce ids have 15 characters, or the same 15 and a 3-character checksum: reports show the short form and the API the
long one. A long one in small letters is still one id, because the checksum says which letters are capitals. A spreadsheet
makes a number of an id (793.0), or a formula (="00123"); zeros that it took away can only be guessed at, so they are named.
"""

from collections.abc import Iterable, Mapping

import duckdb

from domain.errors import DataError
from tools.sources.staging_table import StagingTable
from tools.sql import sql_identifier

REFERENCED_TABLES = {
    "account_id": "accounts",
    "parent_account_id": "accounts",
    "contact_id": "contacts",
    "person_id": "people",
    "csm_id": "people",
    "exec_sponsor_id": "people",
    "manager_id": "people",
}
_KEYS = {"accounts": "account_id", "contacts": "contact_id", "people": "person_id"}
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def create_id_macro(connection: duckdb.DuckDBPyConnection) -> None:
    """The macros ``salesforce_key(id)``, the first 15 characters of an 18-character id whose checksum is right, else the id;
    ``salesforce_long(id)``, the first 15 with their checksum; ``unchanged_id(id)``, without what a spreadsheet added.
    """
    # Each letter of the checksum holds five bits: which of five characters are capitals. (The short id depends on case.)
    letters = []
    for chunk in range(3):
        bits = " + ".join(
            f"{2**bit} * CAST(substr(id, {5 * chunk + bit + 1}, 1) BETWEEN 'A' AND 'Z' AS INTEGER)" for bit in range(5)
        )
        letters.append(f"substr('{_ALPHABET}', 1 + {bits}, 1)")
    connection.execute(
        "CREATE OR REPLACE TEMP MACRO salesforce_key(id) AS CASE WHEN length(id) = 18"
        " AND regexp_full_match(id, '[0-9A-Za-z]{18}')"
        f" AND substr(id, 16) = {' || '.join(letters)} THEN left(id, 15) ELSE id END"
    )
    connection.execute(f"CREATE OR REPLACE TEMP MACRO salesforce_long(id) AS left(id, 15) || {' || '.join(letters)}")
    connection.execute(
        "CREATE OR REPLACE TEMP MACRO unchanged_id(id) AS regexp_replace(regexp_replace(id, '^=\"([^\"]*)\"$', '\\1'),"
        " '^([0-9]+)\\.0+$', '\\1')"
    )


def refuse_repeated_accounts(connection: duckdb.DuckDBPyConnection, accounts: StagingTable) -> None:
    """Raise DataError for an account id that is there twice, in one form or in both: a guess could review the wrong row."""
    # Most tables have no repeated id: a count is cheaper than grouping by a computed key.
    different = (
        f"SELECT count(account_id) = count(DISTINCT account_id) AND NOT bool_or(length(account_id) = 18)"
        f" FROM {accounts.name}"
    )
    if (connection.execute(different).fetchone() or (False,))[0]:
        return
    row = connection.execute(
        f"SELECT min(account_id), list(account_id ORDER BY row_no), min(row_no, 2) FROM {accounts.name}"
        " WHERE account_id IS NOT NULL GROUP BY salesforce_key(account_id) HAVING count(*) > 1 ORDER BY min(row_no)"
    ).fetchone()
    if row is None:
        return
    shown = " and ".join(dict.fromkeys(row[1][:2]))
    raise DataError(
        f"{accounts.raw_table.location}: the account id {shown} is there twice, in rows {row[2][0]} and {row[2][1]}. Which"
        " one is right is not ours to guess: remove one of the rows and run again."
    )


def match_references(
    connection: duckdb.DuckDBPyConnection, known: dict[str, StagingTable], staging_tables: Iterable[StagingTable]
) -> None:
    """Rewrite references of 15 characters to keys of 18, and the other way round, with a notice for each column."""
    for staging in staging_tables:
        for column in staging.table.columns:
            target = REFERENCED_TABLES.get(column.name)
            own_key = target == staging.table.name and column.name == _KEYS.get(target)
            if target not in known or own_key or column.kind != "id":
                continue
            counts = match_column(connection, staging.name, column.name, known[target].name, _KEYS[target])
            staging.notices += match_notices(column.name, target, counts)


def match_notices(column: str, target: str, counts: Mapping[str, int]) -> list[str]:
    """A notice for each way in which ids were matched; ``counts`` are those of ``match_column``."""
    return [f"{column}: {count} {way} ({target})." for way, count in counts.items()]


_BY_LENGTH = "Salesforce ids matched by their first 15 characters"
_BY_CHECKSUM = "Salesforce ids in small letters matched by their checksum"
_AS_NUMBER = 'ids matched without what a spreadsheet added (793.0, ="00123")'
_WAYS = {
    # 33 is 15 + 18: one id is short and the other long.
    _BY_LENGTH: "left({own}, 15) = left({key}, 15) AND length({own}) + length({key}) = 33 AND length({own}) IN (15, 18)"
    " AND regexp_full_match({own}, '[0-9A-Za-z]+') AND regexp_full_match({key}, '[0-9A-Za-z]+')",
    _BY_CHECKSUM: "{own} = lower(salesforce_long({key})) AND length({own}) = 18 AND length(salesforce_key({key})) = 15"
    " AND regexp_full_match({key}, '[0-9A-Za-z]+')",
    _AS_NUMBER: "unchanged_id({own}) = unchanged_id({key})",
}
"""By notice: the condition for an id ``own`` and a key that are one."""


def match_column(
    connection: duckdb.DuckDBPyConnection, table: str, column: str, target: str, key: str
) -> dict[str, int]:
    """Rewrite references of ``column`` to the id in ``target`` that is written otherwise. Returns how many different ids
    were matched, by the way of matching.

    An id that is a key itself is never rewritten, nor one that fits two keys.
    """
    given = f"g.{sql_identifier(column)}"
    unusual = f"length({given}) IN (15, 18) OR ends_with({given}, '.0') OR starts_with({given}, '=')"
    keys = f"SELECT {sql_identifier(key)} AS key FROM {target} WHERE {sql_identifier(key)} IS NOT NULL"
    written = f"SELECT count(*) FROM ({keys}) WHERE ends_with(key, '.0') OR starts_with(key, '=')"
    wanted = unusual if connection.execute(written).fetchone() == (0,) else "true"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE id_unmatched AS SELECT DISTINCT {given} AS own FROM {table} g"
        f" WHERE ({wanted}) AND {given} NOT IN ({keys})"
    )
    counts = {}
    if connection.execute("SELECT count(*) FROM id_unmatched").fetchone() != (0,):
        whens = " UNION ALL ".join(
            f"SELECT {number} AS way, u.own, t.key FROM id_unmatched u JOIN ({keys}) t ON {test.format(own='u.own', key='t.key')}"
            for number, test in enumerate(_WAYS.values())
        )
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE id_matches AS SELECT own AS given, min(key) AS known, min(way) AS way FROM ({whens})"
            " GROUP BY own HAVING count(DISTINCT key) = 1"
        )
        found = dict(connection.execute("SELECT way, count(*) FROM id_matches GROUP BY way").fetchall())
        counts = {way: found[number] for number, way in enumerate(_WAYS) if number in found}
    if counts:
        connection.execute(
            f"UPDATE {table} AS s SET {sql_identifier(column)} = id_matches.known FROM id_matches"
            f" WHERE s.{sql_identifier(column)} = id_matches.given"
        )
    connection.execute("DROP TABLE IF EXISTS id_matches")
    connection.execute("DROP TABLE id_unmatched")
    return counts


def case_duplicate_notices(connection: duckdb.DuckDBPyConnection, accounts: str) -> list[str]:
    """Notices naming accounts whose ids or names differ only by case: they are kept apart."""
    notices = []
    for column, word in (("account_id", "ids"), ("name", "names")):
        different = f"SELECT count({column}) = count(DISTINCT lower({column})) FROM {accounts}"
        if (connection.execute(different).fetchone() or (False,))[0]:
            continue
        rows = connection.execute(
            f"SELECT list(DISTINCT {column} ORDER BY {column}), list(row_no ORDER BY row_no) FROM {accounts}"
            f" WHERE {column} IS NOT NULL GROUP BY lower({column}) HAVING count(DISTINCT {column}) > 1"
            " ORDER BY min(row_no)"
        ).fetchall()
        if rows:
            shown = "; ".join(
                f"{' and '.join(values)} (rows {', '.join(map(str, lines))})" for values, lines in rows[:5]
            )
            more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
            notices.append(f"Account {word} that differ only by case are kept apart: {shown}{more}.")
    return notices
