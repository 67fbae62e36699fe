"""Exports of CRM, support and billing tools: every known trap is handled, or refused with its row."""

import hashlib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from domain.data_audit import LeftOutRows
from domain.errors import ConfigurationError, DataError
from domain.tables import TABLES
from tools.sources import Portfolio, open_portfolio
from tools.sources.parse import SQL_TYPES

AS_OF = date(2026, 11, 23)
ACCOUNTS = "account_id,name,arr,renewal_date\nA1,Northwind,82000,2027-01-15\nA2,Contoso,12000,2027-03-01\n"
LONG_1, LONG_2 = "0015g00000AbCdEAAV", "0015g00000aBcDeAAF"


def opened(folder: Path, files: Mapping[str, str | bytes], lookback_days: Mapping[str, int] | None = None) -> Portfolio:
    """Read a folder with these files, and with correct accounts unless the files contain accounts."""
    folder.mkdir(exist_ok=True)
    for name, content in {"accounts.csv": ACCOUNTS, **files}.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return open_portfolio(
        str(folder), as_of=AS_OF, home_currency="EUR", rates={"USD": 0.9}, lookback_days=lookback_days or {}
    )


def rows(portfolio: Portfolio, query: str) -> list[tuple[object, ...]]:
    """The rows of a query over the typed tables."""
    return portfolio.connection.execute(query).fetchall()


def reasons(portfolio: Portfolio) -> list[tuple[str, str | None, int]]:
    """Rows that were left out: (reason, column, rows)."""
    return [(entry.reason, entry.column, entry.rows) for entry in portfolio.audit.left_out]


def only(portfolio: Portfolio) -> LeftOutRows:
    """The only entry about rows that were left out."""
    (entry,) = portfolio.audit.left_out
    return entry


def test_every_table_is_there_with_our_columns_and_types_whether_or_not_it_was_exported(tmp_path: Path) -> None:
    portfolio = opened(tmp_path, {})
    for table in TABLES.values():
        described = rows(portfolio, f"DESCRIBE {table.name}")
        expected = [(column.name, SQL_TYPES[column.kind]) for column in table.columns] + [("row_no", "BIGINT")]
        assert [row[:2] for row in described[: len(expected)]] == expected
        assert [row[0] for row in described[len(expected) :]] == {
            "accounts": ["arr_home"],
            "invoices": ["amount_home"],
        }.get(table.name, [])
    assert [source.table for source in portfolio.audit.sources] == list(TABLES)
    assert [source.connected for source in portfolio.audit.sources] == [name == "accounts" for name in TABLES]
    assert rows(portfolio, "SELECT count(*) FROM duckdb_tables()") == [(len(TABLES),)]


def test_column_names_match_without_case_spaces_underscores_and_hyphens_and_the_rest_is_listed(tmp_path: Path) -> None:
    accounts = "ACCOUNT ID;Name;Arr;renewal-date;Phone;Fax\nA1;Northwind;82.000,00;2027-01-15;1;2\n"
    portfolio = opened(tmp_path, {"accounts.csv": accounts})
    source = portfolio.audit.source("accounts")
    assert source.columns == ("account_id", "name", "arr", "renewal_date")
    assert source.columns_ignored == ("Phone", "Fax")
    assert source.columns_absent[0] == "currency"
    assert rows(portfolio, "SELECT account_id, arr, arr_home FROM accounts") == [("A1", 82000, 82000)]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_any_usual_delimiter_is_recognised(tmp_path: Path, mark: str) -> None:
    portfolio = opened(tmp_path, {"accounts.csv": ACCOUNTS.replace(",", mark)})
    assert rows(portfolio, "SELECT count(*) FROM accounts") == [(2,)]


def test_table_names_of_files_match_in_any_case(tmp_path: Path) -> None:
    portfolio = opened(tmp_path, {"Tickets.CSV": "ticket_id,account_id,opened_at\nT1,A1,2026-11-01\n"})
    assert portfolio.audit.source("tickets").location == "Tickets.CSV"


@pytest.mark.parametrize(
    ("encoding", "notice"),
    [("utf-8", None), ("utf-8-sig", None), ("utf-16", "UTF-16"), ("cp1252", "Windows-1252")],
)
def test_byte_order_marks_and_encodings_do_not_change_what_is_read(
    tmp_path: Path, encoding: str, notice: str | None
) -> None:
    portfolio = opened(tmp_path, {"accounts.csv": ACCOUNTS.replace("Contoso", "Société Générale").encode(encoding)})
    assert rows(portfolio, "SELECT account_id, name FROM accounts ORDER BY row_no") == [
        ("A1", "Northwind"),
        ("A2", "Société Générale"),
    ]
    notices = " ".join(portfolio.audit.source("accounts").notices)
    assert (notice in notices) if notice else notices == ""


def test_bytes_that_windows_1252_does_not_have_are_read_as_latin_1(tmp_path: Path) -> None:
    portfolio = opened(tmp_path, {"accounts.csv": ACCOUNTS.replace("Contoso", "Caf\xe9\x81").encode("latin-1")})
    assert portfolio.audit.source("accounts").notices == ("Not UTF-8: read as Latin-1.",)
    assert rows(portfolio, "SELECT name FROM accounts WHERE account_id = 'A2'") == [("Café",)]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_row_numbers_are_those_of_the_spreadsheet_also_after_embedded_newlines_blank_and_bad_rows(
    tmp_path: Path, newline: str
) -> None:
    lines = [
        "ticket_id,account_id,opened_at,body",
        'T2,A1,2026-11-01,"one',
        "",
        'three"',
        "T3,A1",
        "T4,A1,2026-11-01,fine",
        "",
        "T6,A1,2026-11-01,",
        'T7,nobody,2026-11-01,"a ""quoted"" word"',
        'T8,A1,2026-11-01,5" pipe',
    ]
    portfolio = opened(tmp_path, {"tickets.csv": newline.join(lines) + newline})
    assert rows(portfolio, "SELECT ticket_id, row_no FROM tickets") == [("T2", 2), ("T4", 4), ("T6", 6), ("T8", 8)]
    assert rows(portfolio, "SELECT body FROM tickets") == [("one\n\nthree",), ("fine",), (None,), ('5" pipe',)]
    assert [entry.examples[0].split(":")[0] for entry in portfolio.audit.left_out] == [
        "tickets.csv row 3",
        "tickets.csv row 7",
    ]


def test_rows_keep_their_order_and_numbers_in_a_file_read_by_several_threads(tmp_path: Path) -> None:
    lines = [f"I{row},A1,2026-11-01,{row}\n" if row % 50_000 else "A1,short\n" for row in range(2, 400_002)]
    portfolio = opened(tmp_path, {"invoices.csv": "invoice_id,account_id,due_date,amount\n" + "".join(lines)})
    assert rows(portfolio, "SELECT count(*), count(*) FILTER (WHERE row_no = amount) FROM invoices") == [
        (399_992, 399_992)
    ]
    assert portfolio.audit.source("invoices").rows_left_out == 8


def test_lines_that_end_in_different_ways_are_all_read(tmp_path: Path) -> None:
    portfolio = opened(
        tmp_path, {"tickets.csv": "ticket_id,account_id,opened_at\nT1,A1,2026-11-01\r\nT2,A1,2026-11-01\n"}
    )
    assert rows(portfolio, "SELECT ticket_id, row_no FROM tickets") == [("T1", 2), ("T2", 3)]


def test_a_sep_line_of_excel_is_passed_over_and_counted(tmp_path: Path) -> None:
    portfolio = opened(tmp_path, {"accounts.csv": "sep=;\r\n" + ACCOUNTS.replace(",", ";").replace("\n", "\r\n")})
    assert rows(portfolio, "SELECT account_id, row_no FROM accounts") == [("A1", 3), ("A2", 4)]


def test_salesforce_accounts_and_opportunities_are_read_through_a_mapping(tmp_path: Path) -> None:
    account = (
        "Id,Name,ARR__c,AnnualRevenue,CurrencyIsoCode,Stage__c,LastModifiedDate\n"
        f'{LONG_1},Northwind,"$82,000",9000000000,USD,Customer,2026-11-22T10:00:00.000+0000\n'
        f"{LONG_2},Contoso,12k,,,Implementation,2026-11-22T10:00:00.000+0000\n"
        "0015g00000ZZZZZAAZ,Fabrikam,5000,,,,2026-11-22\n"
    )
    opportunity = (
        "AccountId,CloseDate,IsClosed,Type\n"
        f"{LONG_1},2027-06-30,false,Renewal\n{LONG_1},2027-01-31,false,Renewal\n{LONG_1},2026-12-31,true,Renewal\n"
        f"{LONG_1},2026-12-01,false,New Business\n{LONG_2[:15]},2026-09-30,false,Renewal\n"
        f"{LONG_2[:15]},2026-10-31,false,Renewal\nnobody,2027-01-01,false,Renewal\n{LONG_1},soon,false,Renewal\n"
    )
    mapping = """
tables:
  accounts:
    from: Account.csv
    exported_on: 2026-11-22
    columns: {account_id: Id, name: Name, arr: ARR__c, currency: CurrencyIsoCode, lifecycle_stage: Stage__c}
    values: {lifecycle_stage: {Customer: live}}
    renewals:
      {from: Opportunity.csv, account: AccountId, date: CloseDate, closed: IsClosed, type: Type, renewal_type: Renewal}
"""
    portfolio = opened(tmp_path, {"Account.csv": account, "Opportunity.csv": opportunity, "mapping.yaml": mapping})
    assert rows(portfolio, "SELECT name, arr, currency, renewal_date, lifecycle_stage, arr_home FROM accounts") == [
        ("Northwind", 82000, "USD", date(2027, 1, 31), "live", 73800),
        ("Contoso", 12000, "EUR", date(2026, 10, 31), "onboarding", 12000),
        ("Fabrikam", 5000, "EUR", None, None, 5000),
    ]
    source = portfolio.audit.source("accounts")
    assert (source.location, source.seen_until) == ("Account.csv", date(2026, 11, 22))
    assert source.columns_ignored == ("AnnualRevenue", "LastModifiedDate")
    assert "renewal_date" in source.columns
    notices = "\n".join(source.notices)
    assert "2 accounts have several open renewals in Opportunity.csv" in notices
    assert "1 rows of Opportunity.csv not read: not a date (Opportunity.csv row 9: 'soon')" in notices
    assert "1 rows of Opportunity.csv not read: no such account (Opportunity.csv row 8: 'nobody')" in notices
    assert "empty for 1 accounts" in notices


def test_salesforce_ids_of_15_and_18_characters_meet_across_tables(tmp_path: Path) -> None:
    accounts = (
        f"account_id,name,arr,renewal_date\n{LONG_1},Northwind,1,2027-01-15\n{LONG_2[:15]},Contoso,1,2027-01-15\n"
    )
    tickets = (
        "ticket_id,account_id,opened_at\n"
        f"T1,{LONG_1[:15]},2026-11-01\nT2,{LONG_2},2026-11-01\nT3,{LONG_1},2026-11-01\nT4,{LONG_1[:14]}X,2026-11-01\n"
    )
    portfolio = opened(tmp_path, {"accounts.csv": accounts, "tickets.csv": tickets})
    assert rows(portfolio, "SELECT ticket_id, account_id FROM tickets") == [
        ("T1", LONG_1),
        ("T2", LONG_2[:15]),
        ("T3", LONG_1),
    ]
    assert only(portfolio).reason == "no such account"
    assert (
        "account_id: 2 Salesforce ids matched by their first 15 characters (accounts)."
        in portfolio.audit.source("tickets").notices
    )


def test_salesforce_ids_that_differ_only_by_case_are_different_accounts(tmp_path: Path) -> None:
    accounts = ACCOUNTS.replace("A1", "0015g00000AbCdE").replace("A2,Contoso", "0015g00000aBcDe,northwind")
    tickets = "ticket_id,account_id,opened_at\nT1,0015g00000aBcDe,2026-11-01\n"
    portfolio = opened(tmp_path, {"accounts.csv": accounts, "tickets.csv": tickets})
    assert rows(portfolio, "SELECT account_id FROM tickets") == [("0015g00000aBcDe",)]
    assert portfolio.audit.source("accounts").notices == (
        "Account ids that differ only by case are kept apart: 0015g00000AbCdE and 0015g00000aBcDe (rows 2, 3).",
        "Account names that differ only by case are kept apart: Northwind and northwind (rows 2, 3).",
    )


def test_an_account_listed_with_its_15_and_its_18_character_id_is_there_twice(tmp_path: Path) -> None:
    long = "0015g00000AbCdE" + checksum("0015g00000AbCdE")
    accounts = f"account_id,name,arr,renewal_date\n{long},N,1,2027-01-15\n{long[:15]},N,1,2027-01-15\n"
    with pytest.raises(DataError, match=f"the account id {long} and {long[:15]} is there twice, in rows 2 and 3"):
        opened(tmp_path, {"accounts.csv": accounts})
    other = accounts.replace(long, "0015g00000AbCdExyz")
    assert opened(tmp_path, {"accounts.csv": other}).audit.source("accounts").rows == 2


def checksum(short: str) -> str:
    """The three characters that Salesforce adds to a 15-character id."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
    chunks = (short[start : start + 5] for start in (0, 5, 10))
    return "".join(alphabet[sum(1 << bit for bit, letter in enumerate(chunk) if letter.isupper())] for chunk in chunks)


def test_stripe_amounts_are_minor_units_except_where_the_currency_has_none(tmp_path: Path) -> None:
    invoices = (
        "id,customer,due,amount_due,currency,status,paid\n"
        "I1,A1,1795305600,123456,usd,uncollectible,\nI2,A1,1795305600,5000,EUR,draft,\n"
        "I3,A1,1795305600,700,,open,\n"
    )
    mapping = """
tables:
  invoices:
    columns: {invoice_id: id, account_id: customer, due_date: due, amount: amount_due, paid_on: paid}
    units: {amount: minor, due_date: epoch_s}
"""
    portfolio = opened(tmp_path, {"invoices.csv": invoices, "mapping.yaml": mapping})
    assert rows(portfolio, "SELECT invoice_id, amount, currency, status, amount_home, due_date FROM invoices") == [
        ("I1", Decimal("1234.56"), "USD", "failed", Decimal("1111.10"), date(2026, 11, 22)),
        ("I2", 50, "EUR", "void", 50, date(2026, 11, 22)),
        ("I3", 7, "EUR", "open", 7, date(2026, 11, 22)),
    ]
    assert "amount: read as minor (mapping.yaml)." in portfolio.audit.source("invoices").notices


def test_yen_has_no_minor_unit(tmp_path: Path) -> None:
    (tmp_path / "accounts.csv").write_text("account_id,name,arr,renewal_date,currency\nA1,N,5000,2027-01-15,JPY\n")
    (tmp_path / "mapping.yaml").write_text("tables: {accounts: {units: {arr: minor}}}")
    portfolio = open_portfolio(str(tmp_path), as_of=AS_OF, home_currency="EUR", rates={"JPY": 0.006})
    assert rows(portfolio, "SELECT arr, arr_home FROM accounts") == [(5000, 30)]


def test_hubspot_times_in_milliseconds_need_to_be_declared(tmp_path: Path) -> None:
    tickets = "ticket_id,account_id,opened_at\nT1,A1,1793900000000\n"
    undeclared = opened(tmp_path / "a", {"tickets.csv": tickets})
    assert "say units: {opened_at: epoch_ms} in mapping.yaml" in only(undeclared).reason
    mapping = "tables: {tickets: {units: {opened_at: epoch_ms}}}"
    declared = opened(tmp_path / "b", {"tickets.csv": tickets, "mapping.yaml": mapping})
    assert rows(declared, "SELECT opened_at FROM tickets") == [(date(2026, 11, 5),)]


def test_day_first_dates_are_read_where_the_column_proves_them_or_the_mapping_says_so(tmp_path: Path) -> None:
    tickets = "ticket_id,account_id,opened_at\nT1,A1,03/04/2026\nT2,A1,05.06.2026\n"
    unknown = opened(tmp_path / "a", {"tickets.csv": tickets})
    assert reasons(unknown)[0][0].startswith("the order of day and month is not known")
    proven = opened(tmp_path / "b", {"tickets.csv": tickets + "T3,A1,31/10/2026\n"})
    assert rows(proven, "SELECT opened_at FROM tickets") == [
        (date(2026, 4, 3),),
        (date(2026, 6, 5),),
        (date(2026, 10, 31),),
    ]
    assert proven.audit.source("tickets").notices == ("opened_at: dates read day first, as 31/12 in the column shows.",)
    no_date = opened(tmp_path / "e", {"tickets.csv": tickets + "T3,A1,31.02.2026\nT4,A1,10/31/2026\n"})
    assert rows(no_date, "SELECT opened_at FROM tickets")[0] == (date(2026, 3, 4),), "a day that is none proves nothing"
    said = opened(tmp_path / "c", {"tickets.csv": tickets, "mapping.yaml": "date_order: month_first"})
    assert rows(said, "SELECT opened_at FROM tickets") == [(date(2026, 3, 4),), (date(2026, 5, 6),)]
    both = opened(tmp_path / "d", {"tickets.csv": tickets + "T3,A1,31/10/2026\nT4,A1,10/31/2026\n"})
    assert both.audit.source("tickets").rows == 2


def test_decimal_commas_are_read_where_the_column_proves_them_or_the_mapping_says_so(tmp_path: Path) -> None:
    accounts = "account_id;name;arr;renewal_date\nA1;N;12.500;2027-01-15\nA2;C;8000;2027-01-15\n"
    unknown = opened(tmp_path / "a", {"accounts.csv": accounts})
    assert only(unknown).examples == ("accounts.csv row 2: '12.500'",)
    proven = opened(tmp_path / "b", {"accounts.csv": accounts + 'A3;F;"1.234,50";2027-01-15\n'})
    assert rows(proven, "SELECT arr FROM accounts") == [(12500,), (8000,), (Decimal("1234.50"),)]
    said = opened(tmp_path / "c", {"accounts.csv": accounts, "mapping.yaml": "decimal: comma"})
    assert rows(said, "SELECT arr FROM accounts") == [(12500,), (8000,)]


def test_an_nps_answer_is_one_persons_and_a_csat_answer_is_one_to_five(tmp_path: Path) -> None:
    surveys = (
        "account_id,date,kind,score\n"
        "A1,2026-11-01,NPS,10\nA1,2026-11-01,nps,0\nA1,2026-11-01,nps,-40\nA1,2026-11-01,nps,11\n"
        "A1,2026-11-01,csat,4\nA1,2026-11-01,csat,87\nA1,2026-11-01,CSAT,good\nA1,2026-11-01,nps,good\n"
        "A1,2026-11-01,ces,5\nA1,2026-11-01,nps,nan\n"
    )
    portfolio = opened(tmp_path / "a", {"surveys.csv": surveys})
    assert rows(portfolio, "SELECT kind, score FROM surveys") == [("nps", 10), ("nps", 0), ("csat", 4), ("csat", 5)]
    assert [(reason.split(";")[0].split(" (")[0], count) for reason, _, count in reasons(portfolio)] == [
        ("not one of nps, csat", 1),
        ("not a satisfaction score", 2),
        ("an NPS answer is 0 to 10 per person", 2),
        ("a CSAT answer is 1 to 5", 1),
    ]
    mapping = "tables: {surveys: {units: {score: percent}}}"
    percent = opened(tmp_path / "b", {"surveys.csv": surveys, "mapping.yaml": mapping})
    assert (Decimal("4.48"),) in [
        (Decimal(str(row[0])),) for row in rows(percent, "SELECT score FROM surveys WHERE kind = 'csat'")
    ]
    assert (10.0,) in rows(percent, "SELECT score FROM surveys WHERE kind = 'nps'")


def test_a_ticket_with_no_account_or_of_an_account_left_out_is_left_out(tmp_path: Path) -> None:
    accounts = ACCOUNTS + "A3,Fabrikam,-5,2027-01-01\n"
    tickets = "ticket_id,account_id,opened_at\nT1,,2026-11-01\nT2,zz,2026-11-01\nT3,A3,2026-11-01\nT4,a1,2026-11-01\n"
    portfolio = opened(tmp_path, {"accounts.csv": accounts, "tickets.csv": tickets})
    assert reasons(portfolio) == [
        ("below zero", "arr", 1),
        ("empty, and it is required", "account_id", 1),
        ("no such account", "account_id", 2),
        ("its account was left out", "account_id", 1),
    ]


def test_a_key_that_repeats_keeps_its_first_usable_row(tmp_path: Path) -> None:
    tickets = "ticket_id,account_id,opened_at,subject\nT1,A1,,a\nT1,A1,2026-11-01,b\nT1,A1,2026-11-02,c\n"
    portfolio = opened(tmp_path, {"tickets.csv": tickets})
    assert rows(portfolio, "SELECT subject FROM tickets") == [("b",)]
    assert reasons(portfolio)[1] == ("this ticket_id is there already; the first row is kept", "ticket_id", 1)


def test_what_had_not_happened_by_the_review_date_is_not_known(tmp_path: Path) -> None:
    portfolio = opened(
        tmp_path,
        {
            "tickets.csv": "ticket_id,account_id,opened_at,closed_at\n"
            "T1,A1,2026-11-01,2026-11-24\nT2,A1,2026-11-01,2026-11-23\n",
            "invoices.csv": "invoice_id,account_id,due_date,amount,status,paid_on\n"
            "I1,A1,2026-11-01,5,paid,2026-12-01\nI2,A1,2026-12-05,5,failed,\nI3,A1,2026-11-01,5,failed,\n"
            "I4,A1,2026-11-01,5,paid,2026-11-20\n",
            "contacts.csv": "contact_id,account_id,name,status,departed_on\nC1,A1,Ann,departed,2026-12-01\n"
            "C2,A1,Bo,departed,2026-11-01\n",
            "touchpoints.csv": "account_id,date,kind,responded_at\nA1,2026-11-20,email,2026-11-25\n",
        },
    )
    assert rows(portfolio, "SELECT closed_at FROM tickets") == [(None,), (AS_OF,)]
    assert rows(portfolio, "SELECT status, paid_on FROM invoices") == [
        ("open", None),
        ("open", None),
        ("failed", None),
        ("paid", date(2026, 11, 20)),
    ]
    assert rows(portfolio, "SELECT status, departed_on FROM contacts") == [
        ("active", None),
        ("departed", date(2026, 11, 1)),
    ]
    assert rows(portfolio, "SELECT responded_at FROM touchpoints") == [(None,)]
    assert portfolio.audit.left_out == ()
    assert portfolio.audit.source("invoices").last_date == date(2026, 11, 20)


def test_rows_before_the_look_back_are_not_loaded_and_not_left_out(tmp_path: Path) -> None:
    usage = "account_id,date,logins\nA1,2026-08-01,1\nA1,2026-08-24,2\nA1,2026-11-22,3\n"
    portfolio = opened(tmp_path, {"usage.csv": usage}, lookback_days={"usage": 91})
    assert rows(portfolio, "SELECT logins, row_no FROM usage") == [(2, 3), (3, 4)]
    source = portfolio.audit.source("usage")
    assert (source.rows, source.rows_left_out, source.first_date) == (2, 0, date(2026, 8, 24))


def test_an_empty_renewal_date_keeps_the_account_and_a_wrong_one_leaves_it_out(tmp_path: Path) -> None:
    accounts = ACCOUNTS + "A3,Fabrikam,1,\nA4,Adatum,1,soon\n"
    portfolio = opened(tmp_path, {"accounts.csv": accounts})
    assert rows(portfolio, "SELECT renewal_date FROM accounts WHERE account_id = 'A3'") == [(None,)]
    assert portfolio.audit.source("accounts").notices == (
        "renewal_date: empty for 1 accounts; they are kept with the date unknown.",
    )
    assert only(portfolio).examples == ("accounts.csv row 5: 'soon'",)


def test_a_parent_that_does_not_exist_is_unknown_and_reported(tmp_path: Path) -> None:
    accounts = "account_id,name,arr,renewal_date,parent_account_id\nA1,N,1,2027-01-01,A2\nA2,C,1,2027-01-01,A9\n"
    portfolio = opened(tmp_path, {"accounts.csv": accounts})
    assert rows(portfolio, "SELECT parent_account_id FROM accounts") == [("A2",), (None,)]
    assert reasons(portfolio) == [("value set to unknown: no such account", "parent_account_id", 1)]


def test_amounts_in_the_home_currency_are_rounded_half_up_to_cents(tmp_path: Path) -> None:
    accounts = "account_id,name,arr,renewal_date,currency\nA1,N,0.05,2027-01-01,USD\nA2,C,10.25,2027-01-01,usd\n"
    assert rows(opened(tmp_path, {"accounts.csv": accounts}), "SELECT arr_home FROM accounts") == [
        (Decimal("0.05"),),
        (Decimal("9.23"),),
    ]


def test_an_amount_that_names_its_currency_is_in_that_currency(tmp_path: Path) -> None:
    accounts = (
        "account_id,name,arr,renewal_date\nA1,N,82 000 USD,2027-01-01\nA2,C,$500,2027-01-01\nA3,F,€500,2027-01-01\n"
    )
    portfolio = opened(tmp_path / "a", {"accounts.csv": accounts})
    assert rows(portfolio, "SELECT arr, currency, arr_home FROM accounts") == [
        (82000, "USD", 73800),
        (500, "EUR", 500),
        (500, "EUR", 500),
    ]
    assert "arr: 1 amounts are written with $" in portfolio.audit.source("accounts").notices[0]
    contradicted = "account_id,name,arr,renewal_date,currency\nA1,N,£5,2027-01-01,USD\nA2,C,$5,2027-01-01,USD\n"
    portfolio = opened(tmp_path / "b", {"accounts.csv": contradicted})
    assert reasons(portfolio) == [("the amount names another currency than its row", "arr", 1)]
    assert portfolio.audit.source("accounts").notices == ()
    with pytest.raises(DataError, match=r"accounts.csv row 2: there is no rate for the currency GBP"):
        opened(tmp_path / "c", {"accounts.csv": contradicted.replace(",USD", ",")})


def test_five_examples_are_given_shortened_with_control_characters_shown(tmp_path: Path) -> None:
    bad = "".join(f'T{row},A1,"\x1b]0;{"x" * 90}"\n' for row in range(2, 10))
    entry = only(opened(tmp_path, {"tickets.csv": "ticket_id,account_id,opened_at\n" + bad}))
    assert (entry.rows, len(entry.examples)) == (8, 5)
    assert entry.examples[0].startswith("tickets.csv row 2: '\\x1b]0;xxx")
    assert entry.examples[4].startswith("tickets.csv row 6: ")
    assert all(len(example) <= 20 + 62 for example in entry.examples)


def test_constants_fill_a_column_and_values_translate_words(tmp_path: Path) -> None:
    touchpoints = "account_id,date,Type\nA1,2026-11-01,Webinar\nA1,2026-11-02,Steering Committee\n"
    mapping = """
tables:
  accounts: {constants: {currency: USD}}
  touchpoints:
    columns: {kind: Type}
    values: {kind: {Webinar: training, steering committee: exec_meeting}}
    constants: {outbound: yes}
"""
    portfolio = opened(tmp_path, {"touchpoints.csv": touchpoints, "mapping.yaml": mapping})
    assert rows(portfolio, "SELECT kind, outbound FROM touchpoints") == [("training", True), ("exec_meeting", True)]
    assert rows(portfolio, "SELECT DISTINCT currency FROM accounts") == [("USD",)]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("tabels: {}", "mapping.yaml line 1: tabels: no such key here"),
        ("tables: {acounts: {}}", "mapping.yaml line 1: tables.acounts: no such table"),
        ("tables: {accounts: {columns: {ar: X}}}", "tables.accounts.columns.ar: no such column"),
        ("tables: {accounts: {form: X}}", "mapping.yaml line 1: tables.accounts.form: no such key here"),
        ("tables: {accounts: {units: {name: minor}}}", "tables.accounts.units.name: minor does not fit this column"),
        (
            "tables: {accounts: {values: {lifecycle_stage: {X: gone}}}}",
            "gone is not one of onboarding, live, offboarding",
        ),
        ("tables: {accounts: {from: Accnt.csv}}", "tables.accounts.from: Accnt.csv: there is no such file or table"),
        ("tables: {accounts: {columns: {arr: A}, constants: {arr: 1}}}", "also under columns; keep one of the two"),
        ("date_order: european", "mapping.yaml line 1: date_order: "),
        ("tables: [", "mapping.yaml line 2 is not valid YAML: "),
        ("- a", "mapping.yaml: "),
        (
            "tables: {touchpoints: {columns: {date: LastModifiedDate}}}",
            "LastModifiedDate is when the record was last edited",
        ),
    ],
)
def test_a_wrong_mapping_stops_the_run_and_names_the_key(tmp_path: Path, mapping: str, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        opened(tmp_path, {"mapping.yaml": mapping})
    assert message in str(caught.value)


def test_a_mapped_column_that_the_file_does_not_have_stops_the_run_and_names_the_nearest(tmp_path: Path) -> None:
    mapping = "tables: {accounts: {columns: {arr: ARRR}}}"
    with pytest.raises(DataError, match=r"^accounts.csv: there is no column 'ARRR', which mapping.yaml takes for arr"):
        opened(tmp_path, {"mapping.yaml": mapping})


def typed_source(path: Path) -> duckdb.DuckDBPyConnection:
    """A database with accounts in typed columns, and usage in another schema."""
    connection = duckdb.connect(str(path))
    connection.execute(
        "CREATE TABLE accounts AS SELECT * FROM (VALUES"
        " (1, 'Northwind', 12.500::DECIMAL(10,3), DATE '2027-01-15', true),"
        " (2, 'Contoso', 99.99, NULL, false)) AS t(account_id, name, arr, renewal_date, vip)"
    )
    connection.execute("CREATE SCHEMA product")
    connection.execute(
        "CREATE TABLE product.events AS SELECT * FROM (VALUES (1::DOUBLE, TIMESTAMPTZ '2026-11-01 23:30:00-05', 3.5),"
        " (2, TIMESTAMPTZ '2026-11-01 00:00:00+00', 'nan'::DOUBLE)) AS t(account_id, date, logins)"
    )
    return connection


def test_a_database_is_read_like_a_folder(tmp_path: Path) -> None:
    typed_source(tmp_path / "x.db").close()
    (tmp_path / "mapping.yaml").write_text("tables: {usage: {from: product.events}}")
    for location in (str(tmp_path / "x.db"), f"duckdb:///{tmp_path}/x.db", f"duckdb://{tmp_path}/x.db"):
        portfolio = open_portfolio(location, as_of=AS_OF, home_currency="EUR", rates={})
        assert rows(portfolio, "SELECT account_id, arr, renewal_date, row_no FROM accounts") == [
            ("1", Decimal("12.50"), date(2027, 1, 15), 2),
            ("2", Decimal("99.99"), None, 3),
        ]
        assert rows(portfolio, "SELECT account_id, date, logins FROM usage") == [
            ("1", date(2026, 11, 2), 3.5),
            ("2", date(2026, 11, 1), None),
        ]
        assert reasons(portfolio) == [("value set to unknown: not a number", "logins", 1)]
        assert portfolio.audit.source("usage").location == "events"


def test_a_parquet_file_is_read_like_a_csv_file(tmp_path: Path) -> None:
    connection = typed_source(tmp_path / "x.duckdb")
    connection.execute(f"COPY accounts TO '{tmp_path}/accounts.parquet'")
    connection.execute(f"COPY product.events TO '{tmp_path}/usage.parquet'")
    connection.close()
    portfolio = open_portfolio(str(tmp_path), as_of=AS_OF, home_currency="EUR", rates={})
    assert rows(portfolio, "SELECT account_id, arr FROM accounts") == [("1", Decimal("12.50")), ("2", Decimal("99.99"))]
    assert rows(portfolio, "SELECT account_id, logins FROM usage") == [("1", 3.5), ("2", None)]


def test_a_table_in_two_files_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "accounts.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match=r"accounts.csv and accounts.parquet both hold accounts"):
        opened(tmp_path, {})


def test_a_folder_whose_name_looks_like_a_pattern_is_read(tmp_path: Path) -> None:
    assert opened(tmp_path / "week [47] *", {}).audit.source("accounts").rows == 2


def test_the_fingerprint_changes_with_the_bytes_and_only_with_them(tmp_path: Path) -> None:
    first, second = opened(tmp_path / "a", {}), opened(tmp_path / "b", {"README.txt": "not a table"})
    changed = opened(tmp_path / "c", {"accounts.csv": ACCOUNTS.replace("82000", "82001")})
    mapped = opened(tmp_path / "d", {"mapping.yaml": "date_order: iso"})
    assert first.audit == second.audit
    prints = {portfolio.audit.fingerprint for portfolio in (first, second, changed, mapped)}
    assert len(prints) == 3
    assert all(len(value) == hashlib.sha256().digest_size * 2 for value in prints)


def test_twice_the_same_data_gives_twice_the_same_tables_and_audit(tmp_path: Path) -> None:
    files = {
        "tickets.csv": "ticket_id,account_id,opened_at\n"
        + "".join(f"T{n % 7},A{n % 3},2026-11-01\n" for n in range(50))
    }
    first, second = opened(tmp_path / "a", files), opened(tmp_path / "b", files)
    assert first.audit == second.audit
    assert rows(first, "SELECT * FROM tickets") == rows(second, "SELECT * FROM tickets")
