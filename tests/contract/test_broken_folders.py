"""Ten folders with typical export faults: some stop the run, others lose only rows, each with a clear message."""

import re
import resource
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from domain.errors import ConfigurationError, DataError, InputError
from tools.sources import Portfolio, open_portfolio

AS_OF = date(2026, 11, 23)
ACCOUNTS = "account_id,name,arr,renewal_date\nA1,Northwind,82000,2027-01-15\nA2,Contoso,12000,2027-03-01\n"
TICKETS = "ticket_id,account_id,opened_at,subject\nT1,A1,2026-11-01,Slow\nT2,A2,2026-11-02,Down\n"


def opened(folder: Path, files: Mapping[str, str | bytes]) -> Portfolio:
    """Read a folder with these files, and with correct accounts unless the files contain accounts."""
    for name, content in {"accounts.csv": ACCOUNTS, **files}.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return open_portfolio(str(folder), as_of=AS_OF, home_currency="EUR", rates={"USD": 0.9})


def refused(folder: Path, files: Mapping[str, str | bytes]) -> str:
    """The message that stops the run."""
    with pytest.raises(InputError) as caught:
        opened(folder, files)
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) not in message
    return message


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (TICKETS + "T3,A1", 4),
        (TICKETS + 'T3,A1,2026-11-03,"it broke', 4),
        (TICKETS + 'T3,A1,2026-11-03,"it broke\nand then\n', 4),
        (TICKETS + 'T3,"A1,2026-11-03,x\nT4,A1,2026-11-03,y\n', 4),
    ],
)
def test_a_truncated_file_stops_the_run_and_names_the_row_where_it_breaks_off(
    tmp_path: Path, content: str, row: int
) -> None:
    message = refused(tmp_path, {"tickets.csv": content})
    assert message.startswith(f"tickets.csv row {row}: the file is truncated")
    assert "Export it again" in message


def test_a_file_without_a_last_newline_is_whole(tmp_path: Path) -> None:
    assert opened(tmp_path, {"tickets.csv": TICKETS.rstrip("\n")}).audit.source("tickets").rows == 2


def test_a_file_that_is_not_utf8_is_read_as_windows_1252_with_a_notice(tmp_path: Path) -> None:
    portfolio = opened(tmp_path, {"accounts.csv": ACCOUNTS.replace("Northwind", "Café – Zürich").encode("cp1252")})
    assert portfolio.connection.execute("SELECT name FROM accounts WHERE account_id = 'A1'").fetchone() == (
        "Café – Zürich",
    )
    assert portfolio.audit.source("accounts").notices == ("Not UTF-8: read as Windows-1252.",)


def test_a_file_of_binary_bytes_stops_the_run(tmp_path: Path) -> None:
    message = refused(tmp_path, {"tickets.csv": TICKETS.encode() + b"\x00\x01\x02\x00\n"})
    assert message == (
        "tickets.csv cannot be decoded as text: it holds binary bytes (row 4). Export it again as CSV (UTF-8)."
    )


@pytest.mark.parametrize("magic", [b"PK\x03\x04rest", b"PAR1rest", b"\x89PNGrest"])
def test_another_kind_of_file_named_csv_stops_the_run(tmp_path: Path, magic: bytes) -> None:
    assert "not a CSV file" in refused(tmp_path, {"tickets.csv": magic})


def test_the_same_account_id_twice_stops_the_run_and_names_both_rows(tmp_path: Path) -> None:
    message = refused(tmp_path, {"accounts.csv": ACCOUNTS + "A3,Fabrikam,5000,\nA1,Northwind Ltd,90000,2027-01-15\n"})
    assert message == (
        "accounts.csv: the account id A1 is there twice, in rows 2 and 5. Which one is right is not ours to guess: "
        "remove one of the rows and run again."
    )


def test_the_same_account_id_twice_stops_the_run_even_if_one_row_is_unusable(tmp_path: Path) -> None:
    assert "A1 is there twice, in rows 2 and 4" in refused(tmp_path, {"accounts.csv": ACCOUNTS + "A1,Northwind,?,\n"})


def test_a_missing_required_column_stops_the_run_and_says_where_to_name_it(tmp_path: Path) -> None:
    message = refused(tmp_path, {"tickets.csv": "ticket_id,account_id,created,subject\nT1,A1,2026-11-01,Slow\n"})
    assert message == (
        "tickets.csv: the column opened_at is missing, and tickets cannot be read without it. The file has ticket_id, "
        "account_id, created, subject. Name the column that holds it in mapping.yaml: tables.tickets.columns.opened_at."
    )


@pytest.mark.parametrize("header", ["AnnualRevenue", "annualrevenue", "annual_revenue", "Annual Revenue"])
def test_the_customers_own_revenue_is_never_taken_for_arr(tmp_path: Path, header: str) -> None:
    accounts = ACCOUNTS.replace("arr", header)
    assert "the customer's own revenue, never the ARR" in refused(tmp_path, {"accounts.csv": accounts})
    mapping = f"tables: {{accounts: {{columns: {{arr: {header}}}}}}}"
    message = refused(tmp_path, {"accounts.csv": accounts, "mapping.yaml": mapping})
    assert message.startswith(f"accounts.csv: {header} is the customer's own revenue, never the ARR")


def test_text_in_a_number_leaves_the_row_out_where_it_is_needed_and_the_value_where_not(tmp_path: Path) -> None:
    accounts = (
        "account_id,name,arr,renewal_date,seats\nA1,Northwind,lots,2027-01-15,5\nA2,Contoso,12000,2027-03-01,many\n"
    )
    portfolio = opened(tmp_path, {"accounts.csv": accounts})
    assert portfolio.connection.execute("SELECT account_id, seats FROM accounts").fetchall() == [("A2", None)]
    row, cell = portfolio.audit.left_out
    assert (row.table, row.column, row.reason, row.rows) == ("accounts", "arr", "not an amount", 1)
    assert row.examples == ("accounts.csv row 2: 'lots'",)
    assert (cell.column, cell.reason, cell.rows) == ("seats", "value set to unknown: not a whole number", 1)
    assert cell.examples == ("accounts.csv row 3: 'many'",)
    assert portfolio.audit.source("accounts").rows_left_out == 1
    assert portfolio.audit.share_left_out == 0.5


def test_two_columns_for_one_field_stop_the_run(tmp_path: Path) -> None:
    twice = "Account ID,account_id,name,arr,renewal_date\nA1,B1,Northwind,1,2027-01-15\n"
    message = refused(tmp_path, {"accounts.csv": twice})
    assert message.startswith("accounts.csv: the columns 'Account ID', account_id both fit account_id.")


def test_two_columns_for_one_field_in_the_mapping_stop_the_run(tmp_path: Path) -> None:
    mapping = "tables:\n  accounts:\n    columns:\n      arr: ARR__c\n      arr: MRR__c\n"
    (tmp_path / "mapping.yaml").write_text(mapping)
    with pytest.raises(
        ConfigurationError, match=r"^mapping.yaml line 5: tables.accounts.columns: arr is there twice; keep one"
    ):
        opened(tmp_path, {})


def test_one_column_for_two_amounts_in_the_mapping_stops_the_run(tmp_path: Path) -> None:
    mapping = "tables: {accounts: {columns: {arr: Amount, seats: Amount}}}"
    message = refused(tmp_path, {"accounts.csv": ACCOUNTS.replace("arr", "Amount"), "mapping.yaml": mapping})
    assert "'Amount' of accounts.csv is taken for arr and seats; one column cannot be both" in message


def test_what_is_dated_after_the_review_is_left_out_and_counted(tmp_path: Path) -> None:
    portfolio = opened(tmp_path, {"tickets.csv": TICKETS + "T3,A1,2026-11-24,Later\nT4,A1,2026-11-23,Today\n"})
    (late,) = portfolio.audit.left_out
    assert (late.reason, late.rows, late.examples) == (
        "dated after the review date",
        1,
        ("tickets.csv row 4: '2026-11-24'",),
    )
    assert portfolio.audit.source("tickets").last_date == AS_OF


def test_a_table_with_only_a_header_is_connected_and_empty(tmp_path: Path) -> None:
    source = opened(tmp_path, {"tickets.csv": "ticket_id,account_id,opened_at\n"}).audit.source("tickets")
    assert (source.connected, source.rows, source.last_date) == (True, 0, None)


@pytest.mark.parametrize("name", ["accounts.csv", "tickets.csv", "tickets.parquet"])
def test_a_file_of_no_bytes_stops_the_run(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path, {name: b""}).startswith(f"{name} is empty (0 bytes)")


def test_one_field_of_ten_megabytes_is_left_out_and_the_rest_goes_on(tmp_path: Path) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    huge = 'T3,A1,2026-11-03,"' + "x" * 10_000_000 + '"\n'
    portfolio = opened(tmp_path, {"tickets.csv": TICKETS + huge + "T4,A1,2026-11-04,fine\n"})
    assert portfolio.connection.execute("SELECT ticket_id, row_no FROM tickets").fetchall() == [
        ("T1", 2),
        ("T2", 3),
        ("T4", 5),
    ]
    (entry,) = portfolio.audit.left_out
    assert (entry.rows, entry.column) == (1, None)
    assert entry.reason == "the row or a field in it is longer than 1,000,000 characters"
    assert entry.examples[0].startswith("tickets.csv row 4: 'T3,A1,2026-11-03,")
    assert len(entry.examples[0]) < 100
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300 * 1024


def test_a_field_just_above_a_million_characters_is_unknown_and_one_just_below_is_kept(tmp_path: Path) -> None:
    files = TICKETS + f"T3,A1,2026-11-03,{'x' * 1_000_001}\nT4,A1,2026-11-03,{'y' * 1_000_000}\n"
    portfolio = opened(tmp_path, {"tickets.csv": files})
    assert portfolio.connection.execute("SELECT ticket_id, length(subject) FROM tickets").fetchall()[2:] == [
        ("T3", None),
        ("T4", 1_000_000),
    ]
    assert portfolio.audit.left_out[0].reason == "value set to unknown: longer than 1,000,000 characters"


@pytest.mark.parametrize(
    ("accounts", "why"),
    [
        ("account_id,name,arr,renewal_date\n", "it has only a header line"),
        ("account_id,name,arr,renewal_date\nA1,Northwind,?,\n", r"not an amount \(accounts.csv row 2: '\?'\)"),
    ],
)
def test_no_accounts_at_all_stops_the_run_and_says_why(tmp_path: Path, accounts: str, why: str) -> None:
    message = refused(tmp_path, {"accounts.csv": accounts})
    assert re.match(f"accounts.csv: there are no accounts to review: {why}", message)


def test_a_folder_without_accounts_stops_the_run_and_lists_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "Account.csv").write_text(ACCOUNTS)
    with pytest.raises(DataError, match=r"there is no accounts table \(found: Account.csv\).*tables.accounts.from"):
        open_portfolio(str(tmp_path), as_of=AS_OF, home_currency="EUR", rates={})


@pytest.mark.parametrize("location", ["nowhere", "nowhere.db", "duckdb:///nowhere.db", "ftp://somewhere/x"])
def test_a_location_that_is_not_there_stops_the_run(location: str) -> None:
    with pytest.raises(InputError, match=r"does not exist|is not a data location"):
        open_portfolio(location, as_of=AS_OF, home_currency="EUR", rates={})


@pytest.mark.parametrize("name", ["tickets.parquet", "accounts.db"])
def test_a_broken_parquet_or_database_file_stops_the_run(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PAR1 not really")
    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    location = tmp_path / name if name.endswith(".db") else tmp_path
    with pytest.raises(DataError, match=rf"^{name} cannot be") as caught:
        open_portfolio(str(location), as_of=AS_OF, home_currency="EUR", rates={})
    assert str(tmp_path) not in str(caught.value)


def test_a_file_that_is_neither_folder_nor_database_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text(ACCOUNTS)
    with pytest.raises(DataError, match="neither a folder nor a DuckDB file"):
        open_portfolio(str(tmp_path / "accounts.csv"), as_of=AS_OF, home_currency="EUR", rates={})


def test_a_currency_without_a_rate_stops_the_run_and_says_where_to_add_it(tmp_path: Path) -> None:
    accounts = "account_id,name,arr,renewal_date,currency\nA1,N,1,2027-01-01,usd\nA2,C,1,2027-01-01,CHF\n"
    assert refused(tmp_path, {"accounts.csv": accounts}) == (
        "accounts.csv row 3: there is no rate for the currency CHF. Add it to configs/scoring.yaml: money.rates.CHF "
        "(home-currency units for 1 CHF)."
    )
    invoices = "invoice_id,account_id,due_date,amount,currency\nI1,A1,2026-11-01,5,GBP\n"
    message = refused(tmp_path, {"accounts.csv": ACCOUNTS, "invoices.csv": invoices})
    assert message.startswith("invoices.csv row 2: there is no rate for the currency GBP.")


def test_rows_with_too_few_or_too_many_fields_are_left_out_with_their_row_numbers(tmp_path: Path) -> None:
    portfolio = opened(tmp_path, {"tickets.csv": TICKETS + "T3,A1\nT4,A1,2026-11-04,a,b\nT5,A1,2026-11-05,fine\n"})
    (entry,) = portfolio.audit.left_out
    assert (entry.rows, entry.reason) == (2, "wrong number of fields (the header has 4)")
    assert entry.examples == ("tickets.csv row 4: 'T3,A1'", "tickets.csv row 5: 'T4,A1,2026-11-04,a,b'")
    assert portfolio.connection.execute("SELECT row_no FROM tickets WHERE ticket_id = 'T5'").fetchone() == (6,)
