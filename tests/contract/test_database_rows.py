"""A PostgreSQL database counts the rows that files count: deleted, repeated, several a day, weekly, and after a churn."""

from datetime import date
from pathlib import Path

import pytest

from tests.builders import AS_OF, NO_HISTORY
from tests.contract.test_cell_meanings import reasons
from tests.contract.test_cell_meanings import scored as scored_files
from tests.contract.test_database_cells import run, scored
from tests.contract.test_row_meanings import DELETED, DELETED_ACCOUNT, REPEATED, gaps, notices, two_platforms, weeks
from tests.unit.test_signals_of_a_team import PAIR, TAKES, account_signal, configured, evidence, own, write
from tools.scoring.portfolio_summary import data_report
from tools.scoring.scored_base import read_base

KINDS = {
    "visits": "double precision", "Since": "date",
    "arr": "numeric", "renewal_date": "date", "date": "date", "opened_at": "date", "due_date": "date", "amount": "numeric",
    "active_users": "double precision", "logins": "integer", "core_actions": "integer", "features_used": "integer",
    "started_on": "date", "auto_renews": "boolean", "term_months": "integer", "escalated": "boolean", "seats": "bigint",
    "IsDeleted": "boolean", "_fivetran_active": "boolean", "_fivetran_deleted": "boolean", "arr_change": "numeric",
}  # fmt: skip


def load(url: str, files: dict[str, str]) -> None:
    """Write the files into a schema, with types."""
    run(url, "create schema crm")
    for name, text in files.items():
        header, *lines = (line.split(",") for line in text.splitlines())
        described = ", ".join(f'"{column}" {KINDS.get(column, "text")}' for column in header)
        run(url, f"create table crm.{name.removesuffix('.csv')} ({described})")
        rows = ["(" + ", ".join(f"'{cell}'" if cell else "null" for cell in line) + ")" for line in lines]
        run(url, f"insert into crm.{name.removesuffix('.csv')} values {', '.join(rows)}")


def test_deleted_and_repeated_rows_are_left_out_and_counted(postgres_url: str, tmp_path: Path) -> None:
    files = {
        "accounts.csv": "account_id,name,arr,renewal_date,_fivetran_active\nA1,Old,40000,2027-03-01,false\n"
        "A1,New,50000,2027-03-01,true\nB2,Gone,50000,2027-03-01,false\n",
        "tickets.csv": "ticket_id,account_id,opened_at,escalated,IsDeleted\n1,A1,2026-11-20,true,true\n"
        "2,B2,2026-11-20,true,false\n3,A1,2026-11-20,false,false\n",
        "goals.csv": "account_id,goal,status,source\nA1,Roll out,behind,crm\nA1,Roll out,behind,crm\nA1,Roll out,behind,plan\n",
    }
    load(postgres_url, files)
    served, read = scored(postgres_url), scored_files(tmp_path, files)
    assert reasons(served) == [
        ("accounts", "_fivetran_active", DELETED, 2),
        ("tickets", "IsDeleted", DELETED, 1),
        ("tickets", "account_id", DELETED_ACCOUNT, 1),
        ("goals", None, REPEATED, 1),
    ]
    assert sorted(map(str, reasons(read))) == sorted(map(str, reasons(served)))
    assert served["A1"] == read["A1"]
    assert served["A1"]["name"] == "New"
    served.base.close()


@pytest.mark.parametrize("usage", [two_platforms(), weeks(0, "A1"), two_platforms() + two_platforms().splitlines()[-1]])
def test_usage_of_any_grain_is_measured_like_a_file(postgres_url: str, tmp_path: Path, usage: str) -> None:
    files = {"accounts.csv": "account_id,name,arr,renewal_date,seats\nA1,One,40000,2027-03-01,20\n", "usage.csv": usage}
    load(postgres_url, files)
    served, read = scored(postgres_url), scored_files(tmp_path, files)
    assert served.measured["A1"] == pytest.approx(read.measured["A1"])
    assert reasons(served) == reasons(read)
    assert notices(served, "usage") == notices(read, "usage") != ""
    ours, theirs = (found.base.audit.source("usage") for found in (read, served))
    assert (ours.rows, ours.first_date, ours.last_date) == (theirs.rows, theirs.first_date, theirs.last_date)
    served.base.close()


def test_customers_who_came_back_and_contracts_that_renew_by_themselves(postgres_url: str, tmp_path: Path) -> None:
    files = {
        "accounts.csv": "account_id,name,arr,renewal_date,started_on,auto_renews,term_months\n"
        "A1,Started,50000,2025-02-09,2026-06-01,true,\nB2,Used,50000,2026-01-31,,true,1\n"
        "C3,Billed,50000,2024-01-31,,,\nD4,Left,1000.10,2027-01-31,,,\nE5,Unknown,,,,,\n",
        "outcomes.csv": "account_id,date,kind\n"
        + "".join(f"{a},2026-02-01,churned\n" for a in ("A1", "B2", "C3", "D4")),
        "usage.csv": "account_id,date,logins\nB2,2026-11-02,3\nD4,2026-11-02,0\n",
        "invoices.csv": "invoice_id,account_id,due_date,amount,status\n1,C3,2026-11-15,900,open\n2,D4,2026-02-15,900,open\n",
    }
    load(postgres_url, files)
    served, read = scored(postgres_url), scored_files(tmp_path, files)
    assert served.accounts == read.accounts
    assert {a: (row["renewal_date"], row["renewal_in_days"]) for a, row in served.accounts.items()} == {
        "A1": (date(2027, 2, 9), 78),
        "B2": (date(2026, 11, 30), 7),
        "C3": (date(2024, 1, 31), None),
        "E5": (None, None),
    }
    report = data_report(served.base)
    assert (report.former_accounts, report.former_arr) == (1, 1000.10)
    assert [line for line in gaps(served).splitlines() if "Churned" in line or "ARR of" in line] == [
        line for line in gaps(read).splitlines() if "Churned" in line or "ARR of" in line
    ]
    served.base.close()


def test_own_signals_are_measured_like_in_a_file(postgres_url: str, tmp_path: Path) -> None:
    write(tmp_path)
    contract = account_signal("Contract", values={"Monthly": 1, "Yearly": 12})
    signals = {f"own_{take}": own(take) for take in TAKES}
    everything = {"days": 7, "counted_from": "source"}
    signals |= {"own_all": own("sum", fresh=everything), "own_fall": own("change", fresh=everything)}
    signals |= {"own_contract": contract, "own_since": account_signal("Since", kind="date")}
    pair = {**PAIR, "signals": ["own_latest", "own_contract"]}
    files = {
        f"{name}.csv": (tmp_path / f"{name}.csv").read_text(encoding="utf-8") for name in ("accounts", "own_visits")
    }
    load(postgres_url, {name: text.replace("\r\n", "\n") for name, text in files.items()})
    configuration = configured(signals, [pair])
    served, read = (read_base(where, AS_OF, configuration, NO_HISTORY) for where in (postgres_url, str(tmp_path)))
    names = [*signals, *(f"{name}_on" for name in signals)]
    for table, columns in (("measured", ", ".join(names)), ("scored", "risk, health, coverage")):
        query = f"select account_id, {columns} from {table} order by account_id"
        assert served.rows(query) == read.rows(query)
    assert evidence(served, "A")["own_sum"].row_count == evidence(read, "A")["own_sum"].row_count == 2
    wrong = [(entry.table, entry.column, entry.rows) for entry in served.audit.left_out]
    assert wrong == [("own_accounts", "own_contract", 1)]
    served.close()
