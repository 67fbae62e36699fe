"""Cells that other programs write in their own way: no value, no debt, typed text, scales and changed ids."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.builders import ScoredPortfolio, score_folder
from tools.sources import open_portfolio

AS_OF = date(2026, 11, 23)
HEADER = "account_id,name,arr,renewal_date,seats,currency"


def accounts(*ids: str) -> str:
    """Accounts that differ only by id."""
    return "\n".join([HEADER, *(f"{given},Acct {given},50000,2027-03-01,20,EUR" for given in ids)]) + "\n"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """Write the files into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def scored(folder: Path, files: Mapping[str, str]) -> ScoredPortfolio:
    """Write the files and score them."""
    return score_folder(write(folder, files), AS_OF)


def as_parquet(folder: Path, target: Path, **types: str) -> Path:
    """The same tables as Parquet files; ``types`` by column name, all others are texts."""
    target.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.csv"):
        relation = duckdb.read_csv(str(path), all_varchar=True)
        cells = ", ".join(
            f"{f'cast({name} as {types[name]}) as ' if name in types else ''}{name}" for name in relation.columns
        )
        duckdb.sql(f"copy (select {cells} from relation) to '{target / path.stem}.parquet'")
    return target


def reasons(found: ScoredPortfolio) -> list[tuple[str, str | None, str, int]]:
    """Table, column, reason and number of rows of all that was not used."""
    return [(entry.table, entry.column, entry.reason, entry.rows) for entry in found.base.audit.left_out]


OWNERS = ("NULL", "N/A", r"\N", "000000000000000AAA", "None")
RENEWALS = ("TBD", "N/A", "-", "NULL")


def test_an_owner_or_a_renewal_date_that_says_nothing_is_unknown(tmp_path: Path) -> None:
    lines = [f"A{n},Acct {n},50000,2027-03-01,20,EUR,{owner}" for n, owner in enumerate(OWNERS)]
    lines += [f"A{n},Acct {n},50000,{day},20,EUR,P1" for n, day in enumerate(RENEWALS, 5)]
    files = {
        "accounts.csv": "\n".join([HEADER + ",csm_id", *lines]) + "\n",
        "people.csv": "person_id,name,role\nP1,Ida Null,csm\n",
    }
    found = scored(tmp_path, files)
    base = found.accounts
    assert [base[f"A{n}"]["csm_id"] for n in range(5)] == [None] * 5
    assert [(base[f"A{n}"]["csm_id"], base[f"A{n}"]["renewal_date"]) for n in range(5, 9)] == [("P1", None)] * 4
    assert found.base.rows("select name from people") == [{"name": "Ida Null"}]
    assert reasons(found) == []


def test_a_typed_date_without_end_is_no_date_and_the_region_na_stays(tmp_path: Path) -> None:
    files = {
        "accounts.csv": "account_id,name,arr,renewal_date,segment,csm_id\nA1,Null Ltd,50000,9999-12-31,NA,nan\n"
        "A2,Two,50000,2027-03-01,EMEA,P1\n",
    }
    found = score_folder(
        as_parquet(write(tmp_path / "csv", files), tmp_path / "typed", arr="double", renewal_date="date"), AS_OF
    )
    row = found.accounts["A1"]
    assert (row["renewal_date"], row["segment"], row["name"], row["csm_id"]) == (None, "NA", "Null Ltd", None)
    assert reasons(found) == []


def test_a_ticket_opened_on_day_zero_is_left_out_as_undated(tmp_path: Path) -> None:
    tickets = (
        "ticket_id,account_id,opened_at,closed_at,priority\nT1,A1,1970-01-01,,None\nT2,A1,2026-11-20,1900-01-01,N/A\n"
    )
    found = scored(tmp_path, {"accounts.csv": accounts("A1"), "tickets.csv": tickets})
    assert reasons(found) == [("tickets", "opened_at", "empty, and it is required", 1)]
    assert found.base.rows("select ticket_id, closed_at, priority from tickets") == [
        {"ticket_id": "T2", "closed_at": None, "priority": None}
    ]


INVOICES = "invoice_id,account_id,due_date,amount,status,paid_on\n"


def test_a_credit_note_or_a_zero_is_no_debt(tmp_path: Path) -> None:
    invoices = (
        INVOICES
        + "CN1,A1,2026-08-15,-500.00,open,\nI2,A1,2026-11-03,5000.00,paid,2026-11-08\nZ1,B2,2026-08-15,0.00,open,\n"
        "Z2,C3,2026-08-15,100.00,open,\nZ3,C3,2026-08-15,-100.00,open,\n"
    )
    found = scored(tmp_path, {"accounts.csv": accounts("A1", "B2", "C3"), "invoices.csv": invoices})
    overdue = {account: row["invoice_overdue"] for account, row in found.measured.items()}
    assert overdue == {"A1": 0, "B2": 0, "C3": 100}
    assert [found.measured[account]["amount_overdue"] for account in ("A1", "B2", "C3")] == [0, 0, 100]
    assert [found[account]["rule"] for account in ("A1", "B2", "C3")] == [None, None, "payment_overdue"]


def test_a_failed_refund_is_no_failed_payment_and_has_no_row_behind_it(tmp_path: Path) -> None:
    invoices = (
        INVOICES + "R1,A1,2026-10-15,(500.00),failed,\nR2,B2,2026-10-15,500-,open,\nF1,B2,2026-10-15,20.00,failed,\n"
    )
    found = scored(tmp_path, {"accounts.csv": accounts("A1", "B2"), "invoices.csv": invoices})
    assert [found.measured[account]["payment_failed"] for account in ("A1", "B2")] == [0, 1]
    behind = {e.signal: [row.row for row in e.rows] for e in found.dossier("B2").evidence}
    assert behind["payment_failed"] == behind["invoice_overdue"] == [4]


def notes(*texts: str) -> str:
    """A note for each of the accounts N0, N1, ..."""
    quoted = (text.replace('"', '""') for text in texts)
    return "account_id,date,text\n" + "".join(f'N{n},2026-11-18,"{text}"\n' for n, text in enumerate(quoted))


TYPED = (
    "They aren\u2019t evaluating alternatives.", "We won\u2019t leave you.", "There isn\u2019t an RFP.",
    "We can\u2019t afford this anymore.", "We don\u2019t see the value of it.", "We are evaluating\u00a0alternatives.",
)  # fmt: skip
MARKED_UP = (
    '<div class="shortlist">All fine.</div>', "<style>.tender{margin:0}</style><p>All fine.</p>",
    "See https://help.osier.example/rfp/answers for the form.", "Mail from tender@osier.example, thanks.",
    "<p>They are <b>evaluating</b>&nbsp;alternatives.</p>", "We can&#39;t afford this anymore.",
    "<p>They are evaluating<br>alternatives.</p>",
)  # fmt: skip
STATED: dict[tuple[str, ...], dict[str, str]] = {
    TYPED: {"N3": "budget_cut", "N4": "value_doubted", "N5": "evaluating_alternatives"},
    MARKED_UP: {"N4": "evaluating_alternatives", "N5": "budget_cut", "N6": "evaluating_alternatives"},
}


@pytest.mark.parametrize("texts", STATED)
@pytest.mark.parametrize("rows", [1, 25_000])
def test_what_was_typed_or_marked_up_is_read_as_people_read_it(
    texts: tuple[str, ...], rows: int, tmp_path: Path
) -> None:
    folder = write(
        tmp_path / "csv", {"accounts.csv": accounts(*(f"N{n}" for n in range(len(texts)))), "notes.csv": notes(*texts)}
    )
    typed = as_parquet(folder, tmp_path / "typed", arr="double", renewal_date="date", seats="int", date="date")
    if rows > 1:  # so many that the fast path keeps only the texts with a phrase
        more = f"from '{typed}/notes.parquet' union all select 'N0', date '2026-11-18', 'All fine.' from range({rows})"
        duckdb.sql(f"copy (select * {more}) to '{tmp_path}/more.parquet'")
        (tmp_path / "more.parquet").replace(typed / "notes.parquet")
    for place in (typed, folder):
        found = score_folder(place, AS_OF).base.statements
        assert {said.account_id: said.kind for said in found if said.mode == "asserted"} == STATED[texts]


TICKETS = "ticket_id,account_id,opened_at,csat\n1,A1,2026-11-18,-103\n2,A1,2026-11-19,103\n3,B2,2026-11-19,100\n"


def test_a_column_beyond_a_percentage_is_not_advised_to_be_one(tmp_path: Path) -> None:
    found = scored(tmp_path, {"accounts.csv": accounts("A1", "B2"), "tickets.csv": TICKETS})
    said = [reason for _, _, reason, _ in reasons(found)]
    assert not any("percent}" in reason for reason in said)
    assert any("units: {csat: freshdesk}" in reason for reason in said)


def test_ratings_of_freshdesk_have_a_scale_of_their_own(tmp_path: Path) -> None:
    mapping = "tables: {tickets: {units: {csat: freshdesk}}}\n"
    files = {
        "accounts.csv": accounts("A1", "B2"),
        "tickets.csv": TICKETS + "4,B2,2026-11-20,99\n",
        "mapping.yaml": mapping,
    }
    found = scored(tmp_path, files)
    assert [row["csat"] for row in found.base.rows("select csat from tickets order by row_no")] == [1, 5, 3, None]
    assert reasons(found)[0][2].endswith("a Freshdesk rating is 100 to 103, or −101 to −103")


def test_a_score_with_a_label_is_read_by_its_number(tmp_path: Path) -> None:
    written = [
        "nps,0 - Not at all likely",
        "nps,10 - Extremely likely",
        "nps,9/10",
        "csat,4/5",
        "csat,5 stars",
        "csat,2. Poor",
    ]
    surveys = "account_id,date,kind,score\n" + "".join(
        f"A1,2026-11-14,{cell}\n" for cell in [*written, "csat,4/10", "nps,4/5"]
    )
    found = scored(tmp_path, {"accounts.csv": accounts("A1"), "surveys.csv": surveys})
    assert [row["score"] for row in found.base.rows("select score from surveys order by row_no")] == [0, 10, 9, 4, 5, 2]
    assert reasons(found) == [("surveys", "score", "not a satisfaction score", 2)]


def test_words_of_a_number_column_can_be_translated(tmp_path: Path) -> None:
    mapping = 'tables: {notes: {values: {pulse: {Green: 5, "Red": 1}}}}\n'
    pulses = "account_id,date,text,pulse\nA1,2026-11-18,x,green\nB2,2026-11-18,y,Red\n"
    found = scored(tmp_path, {"accounts.csv": accounts("A1", "B2"), "notes.csv": pulses, "mapping.yaml": mapping})
    assert [found.measured[account]["csm_pulse"] for account in ("A1", "B2")] == [5, 1]


@pytest.mark.parametrize(("unit", "amounts"), [("minor", [500_000_000, 500_000]), ("stripe", [5_000_000, 5_000])])
def test_minor_units_are_those_of_the_provider(unit: str, amounts: list[int], tmp_path: Path) -> None:
    lines = "I1,A1,2026-11-01,500000000,ugx,open\nI2,A1,2026-11-01,500000,isk,open\nI3,A1,2026-11-01,500,jpy,open\n"
    files = {
        "accounts.csv": accounts("A1"),
        "invoices.csv": "invoice_id,account_id,due_date,amount,currency,status\n" + lines,
        "mapping.yaml": f"tables: {{invoices: {{units: {{amount: {unit}}}}}}}\n",
    }
    rates = {"UGX": 0.00024, "ISK": 0.0068, "JPY": 0.006}
    portfolio = open_portfolio(str(write(tmp_path, files)), as_of=AS_OF, home_currency="EUR", rates=rates)
    found = portfolio.connection.execute("select amount from invoices order by row_no").fetchall()
    assert [int(amount) for (amount,) in found] == [*amounts, 500]
    notices = " ".join(portfolio.audit.source("invoices").notices)
    assert ("1 rows in UGX" in notices) == (unit == "minor")


def test_an_open_payment_without_a_due_date_is_not_known_to_be_well(tmp_path: Path) -> None:
    header = "invoice_id,account_id,due_date,created,amount,status,paid_on\n"
    lines = ["I1,A1,,2026-10-24,5000.00,open,", "I2,A1,2026-11-11,2026-10-12,5000,paid,2026-11-13"]
    lines += ["I3,B2,,2026-10-24,50,paid,2026-10-25", "I4,C3,,2026-10-24,50,uncollectible,"]
    files = {"accounts.csv": accounts("A1", "B2", "C3"), "invoices.csv": header + "\n".join(lines) + "\n"}
    found = scored(tmp_path / "as_it_is", files)
    signals = {a: (row["payment_failed"], row["invoice_overdue"]) for a, row in found.measured.items()}
    assert signals == {"A1": (None, None), "B2": (0, 0), "C3": (1, None)}
    mapping = {"mapping.yaml": "tables: {invoices: {fallbacks: {due_date: created}}}\n"}
    mapped = scored(tmp_path / "mapped", files | mapping)
    assert mapped.measured["A1"]["invoice_overdue"] == 30
    typed = as_parquet(
        tmp_path / "mapped", tmp_path / "typed", arr="double", due_date="date", created="date", amount="double"
    )
    write(typed, mapping)
    assert score_folder(typed, AS_OF).measured["A1"]["invoice_overdue"] == 30
    assert reasons(mapped) == reasons(found) == []


SALESFORCE, SHORT = "0015g00000f1tVUAAY", "0015g00000f1tVU"


def test_an_id_that_a_spreadsheet_changed_is_matched_or_its_likely_cause_named(tmp_path: Path) -> None:
    ids = ("00123", "370326104793", SALESFORCE)
    given = ("123", "370326104793.0", SALESFORCE.lower(), '"=""00123"""', "3.70326E+11", "stranger", SHORT)
    tickets = "ticket_id,account_id,opened_at\n" + "".join(f"{n},{cell},2026-11-20\n" for n, cell in enumerate(given))
    found = scored(tmp_path, {"accounts.csv": accounts(*ids), "tickets.csv": tickets})
    matched = {
        row["ticket_id"]: row["account_id"] for row in found.base.rows("select ticket_id, account_id from tickets")
    }
    assert matched == {"1": "370326104793", "2": SALESFORCE, "3": "00123", "6": SALESFORCE}
    said = " | ".join(reason for _, _, reason, _ in reasons(found))
    assert "no such account | no such account: a spreadsheet" in said
    assert "lost its leading zeros" in said


def test_a_parent_written_as_a_number_is_its_account(tmp_path: Path) -> None:
    lines = "1001,One,50000,2027-03-01,\n1002,Two,50000,2027-03-01,1001.0\n1003,Three,50000,2027-03-01,77.0\n"
    found = scored(tmp_path, {"accounts.csv": "account_id,name,arr,renewal_date,parent_account_id\n" + lines})
    assert [found[account]["parent_account_id"] for account in ("1002", "1003")] == ["1001", None]


def test_a_short_key_is_found_by_a_long_id_in_small_letters_and_usage_too(tmp_path: Path) -> None:
    usage = f"account_id,date,active_users\n{SALESFORCE.lower()},2026-11-20,5\n7.0,2026-11-20,4\n"
    files = {"accounts.csv": accounts(SHORT, "7"), "usage.csv": usage}
    found = scored(tmp_path / "csv", files)
    typed = as_parquet(
        tmp_path / "csv", tmp_path / "typed", arr="double", renewal_date="date", date="date", active_users="double"
    )
    for each in (found, score_folder(typed, AS_OF)):
        assert {a: row["active_users_now"] for a, row in each.measured.items()} == {SHORT: 5, "7": 4}
