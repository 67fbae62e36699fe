"""Salesforce ids: 15 characters, or the same 15 and a 3-character checksum. All other ids match exactly.

Reports show the short form and the API the long one, so that two exports of one CRM may not match by text.
"""

from collections.abc import Iterable

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
    """``salesforce_key(id)``: the first 15 characters of an 18-character id whose checksum is right, else the id."""
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
            count = match_column(connection, staging.name, column.name, known[target].name, _KEYS[target])
            if count:
                staging.notices.append(
                    f"{column.name}: {count} Salesforce ids matched by their first 15 characters ({target})."
                )


def match_column(connection: duckdb.DuckDBPyConnection, table: str, column: str, target: str, key: str) -> int:
    """Rewrite references of ``column`` to the id of the other length in ``target``. Returns the number of different ids."""
    shaped = f"SELECT 1 FROM {table} WHERE length({sql_identifier(column)}) IN (15, 18) LIMIT 1"
    if connection.execute(shaped).fetchone() is None:
        return 0
    # 33 is 15 + 18: one id is short and the other long. An id that is a key itself is never rewritten.
    own, other = f"s.{sql_identifier(column)}", f"t.{sql_identifier(key)}"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE id_matches AS SELECT DISTINCT {own} AS given, {other} AS known FROM {table} s"
        f" JOIN {target} t ON left({own}, 15) = left({other}, 15)"
        f" WHERE length({own}) + length({other}) = 33 AND length({own}) IN (15, 18)"
        f" AND regexp_full_match({own}, '[0-9A-Za-z]+') AND regexp_full_match({other}, '[0-9A-Za-z]+')"
        f" AND {own} NOT IN (SELECT {sql_identifier(key)} FROM {target} WHERE {sql_identifier(key)} IS NOT NULL)"
    )
    row = connection.execute("SELECT count(*) FROM id_matches").fetchone()
    count = int(row[0]) if row else 0
    if count:
        connection.execute(
            f"UPDATE {table} AS s SET {sql_identifier(column)} = id_matches.known FROM id_matches WHERE {own} = id_matches.given"
        )
    connection.execute("DROP TABLE id_matches")
    return count


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
