"""A PostgreSQL database says what files say: odd cells, hidden tables, and texts as people read them."""

import pytest

from domain.errors import DataError
from tests import databases
from tests.builders import AS_OF, NO_HISTORY, SHIPPED, ScoredPortfolio
from tests.contract.test_cell_meanings import MARKED_UP, STATED, TYPED
from tools.scoring.scored_base import read_base

ACCOUNTS = (
    "create table crm.accounts (account_id text, name text, arr numeric, renewal_date date, csm_id text);"
    "insert into crm.accounts values ('A1', 'One', 50000, '2027-03-01', 'NULL'), ('A2', 'Two', 50000, 'infinity', 'P1'),"
    " ('A3', 'Three', 'NaN', '2027-03-01', null), ('A4', 'Four', 1e17, '2027-03-01', null)"
)


def run(url: str, *statements: str) -> None:
    """Run the statements one by one."""
    for statement in statements:
        databases.run_sql(url, statement)


def scored(url: str) -> ScoredPortfolio:
    """Score the database."""
    return ScoredPortfolio(read_base(url, AS_OF, SHIPPED, NO_HISTORY), NO_HISTORY)


@pytest.fixture
def crm(postgres_url: str) -> str:
    """A database with accounts, two of which have an ARR that is no amount."""
    run(postgres_url, "create schema crm", *ACCOUNTS.split(";"))
    return postgres_url


def test_odd_cells_are_unknown_or_left_out_with_table_key_and_reason(crm: str) -> None:
    run(
        crm,
        "create table crm.tickets (ticket_id text, account_id text, opened_at timestamp, closed_at timestamptz, csat numeric)",
        "insert into crm.tickets values ('T1', 'A1', '2026-11-20', 'infinity', 'NaN'), ('T2', 'A1', '-infinity', null, 5)",
    )
    found = scored(crm)
    base = found.accounts
    assert list(base) == ["A1", "A2"]
    assert (base["A1"]["csm_id"], base["A2"]["renewal_date"]) == (None, None)
    assert [(e.table, e.column, e.reason, e.examples) for e in found.base.audit.left_out] == [
        ("accounts", "arr", "not an amount", ("crm.accounts: 2 rows (account_id A3 and others)",)),
        ("tickets", "opened_at", "empty, and it is required", ("crm.tickets: 1 rows (ticket_id T2)",)),
        ("tickets", "csat", "value set to unknown: not a number", ("crm.tickets: 1 rows (ticket_id T1)",)),
    ]
    found.base.close()


def test_a_materialised_view_and_a_schema_with_a_dot_are_found(crm: str) -> None:
    run(
        crm,
        'create schema "dbt.prod"',
        "create materialized view \"dbt.prod\".usage as select 'A1'::text as account_id, date '2026-11-20' as date, 5 as active_users",
    )
    found = scored(crm)
    assert found.base.audit.source("usage").location == "dbt.prod.usage"
    assert found.measured["A1"]["active_users_now"] == 5
    found.base.close()


def test_a_table_that_may_not_be_read_is_not_taken_for_absent(crm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    user = databases.new_user(crm)
    name = user.partition("//")[2].partition(":")[0]
    run(
        crm,
        "create table crm.outcomes (account_id text, date date, kind text)",
        f"grant usage on schema crm to {name}",
        f"grant select on crm.accounts to {name}",
    )
    monkeypatch.setenv("PGPASSWORD", databases.PASSWORD)
    with pytest.raises(DataError, match=r"crm.outcomes is there, but may not be read"):
        scored(crm.replace("postgres@", f"{name}@"))


@pytest.mark.parametrize("kind", ["jsonb", "text[]"])
def test_a_nested_type_is_no_text(crm: str, kind: str) -> None:
    run(crm, f"create table crm.notes (account_id text, date date, text {kind})")
    with pytest.raises(DataError, match=r"crm.notes.text is .*, and notes.text is a text: make a view"):
        scored(crm)


@pytest.mark.parametrize("texts", [TYPED, MARKED_UP])
def test_the_search_at_the_server_reads_plain_text(texts: tuple[str, ...], postgres_url: str) -> None:
    run(
        postgres_url,
        "create table accounts (account_id text, name text, arr numeric, renewal_date date)",
        "create table notes (account_id text, date date, text text)",
    )
    for number, text in enumerate(texts):
        databases.run_sql(postgres_url, "insert into accounts values (%s, 'x', 50000, '2027-03-01')", f"N{number}")
        databases.run_sql(postgres_url, "insert into notes values (%s, '2026-11-18', %s)", f"N{number}", text)
    found = scored(postgres_url)
    assert {said.account_id: said.kind for said in found.base.statements if said.mode == "asserted"} == STATED[texts]
    found.base.close()
