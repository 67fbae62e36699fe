"""Rows that count, and what they stand for: deleted and repeated rows, several rows a day, weeks, customers who came back,
and contracts that renew by themselves."""

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import pytest

from domain.errors import ConfigurationError, DataError
from tests.builders import AS_OF, ScoredPortfolio, score_folder
from tests.contract.test_cell_meanings import HEADER, accounts, as_parquet, reasons, scored, write
from tools.scoring.portfolio_summary import data_report, summarize_portfolio

TYPES = {"arr": "double", "date": "date", "active_users": "double", "logins": "double", "core_actions": "double"}
TYPES |= {"features_used": "double", "renewal_date": "date", "started_on": "date", "seats": "integer"}
TYPES |= {"due_date": "date", "amount": "double", "paid_on": "date", "opened_at": "date"}
DELETED = "deleted at the source, or replaced by a newer version"
REPEATED = "the same row is there already, cell by cell; it counts once"
DELETED_ACCOUNT = "its account is deleted at the source"


def both_ways(folder: Path, files: Mapping[str, str], **types: str) -> list[ScoredPortfolio]:
    """The files scored as CSV, and as Parquet with the types of a warehouse."""
    found = scored(folder / "csv", files)
    typed = as_parquet(folder / "csv", folder / "typed", **TYPES | types)
    write(typed, {name: text for name, text in files.items() if name.endswith(".yaml")})
    return [found, score_folder(typed, AS_OF)]


def gaps(found: ScoredPortfolio) -> str:
    """All questions and gaps of the data."""
    return "\n".join(gap.message for gap in data_report(found.base).gaps)


def notices(found: ScoredPortfolio, table: str) -> str:
    return "\n".join(found.base.audit.source(table).notices)


def days_before(count: int, first: int = 0, step: int = 1) -> list[date]:
    """Days counted back from the review."""
    return [AS_OF - timedelta(days=first + step * place) for place in range(count)]


# --- customers who came back ---

OUTCOMES = "account_id,date,kind\n"


def test_a_customer_who_started_again_after_a_churn_is_reviewed(tmp_path: Path) -> None:
    usage = "account_id,date,active_users\n" + "".join(f"A1,{day},15\n" for day in days_before(60))
    files = {
        "accounts.csv": f"{HEADER},started_on\nA1,Brindle Freight,50000,2027-03-01,20,EUR,2026-06-01\n"
        "B2,Osier Dental,50000,2027-03-01,20,EUR,\n",
        "outcomes.csv": OUTCOMES + "A1,2025-02-01,churned\n",
        "tickets.csv": "ticket_id,account_id,opened_at,escalated,priority\n1,A1,2026-11-21,true,urgent\n",
        "usage.csv": usage,
    }
    for found in both_ways(tmp_path, files, escalated="boolean"):
        assert set(found.accounts) == {"A1", "B2"}
        assert found["A1"]["intervention_tier"] == "critical"
        assert data_report(found.base).former_note == "1 account came back after a churn and is reviewed."
        assert "Churned" not in gaps(found)


LATER = {
    "used": ({"usage.csv": "account_id,date,logins\nA1,2026-11-02,3\nA1,2026-11-23,0\n"}, "used until 2 Nov 2026"),
    "billed": (
        {"invoices.csv": "invoice_id,account_id,due_date,amount,status,paid_on\n1,A1,2027-01-15,900,open,\n"},
        "an invoice due on 15 Jan 2027",
    ),
}


@pytest.mark.parametrize("sign", sorted(LATER))
def test_a_customer_used_or_billed_long_after_a_churn_is_reviewed_and_named(tmp_path: Path, sign: str) -> None:
    files, why = LATER[sign]
    base = {"accounts.csv": accounts("A1", "B2"), "outcomes.csv": OUTCOMES + "A1,2026-10-05,churned\n"}
    for found in both_ways(tmp_path, base | files):
        assert set(found.accounts) == {"A1", "B2"}
        assert f"Acct A1: churned on 5 Oct 2026, {why}. It is reviewed as a customer" in gaps(found)


def test_the_last_days_and_the_last_invoice_bring_nobody_back_and_are_a_question(tmp_path: Path) -> None:
    files = {
        "accounts.csv": f"{HEADER}\nA1,One,1000.10,2027-03-01,20,EUR\nB2,Two,2000.20,2027-03-01,20,USD\n"
        "C3,Three,10.00,2027-03-01,20,EUR\n",
        "outcomes.csv": OUTCOMES + "A1,2026-11-18,churned\nB2,2025-11-18,renewed\nB2,2026-11-01,churned\n",
        "usage.csv": "account_id,date,active_users\nA1,2026-11-22,4\n",
        "invoices.csv": "invoice_id,account_id,due_date,amount,status,paid_on\n1,B2,2026-12-15,900,open,\n"
        "2,B2,2027-06-15,900,void,\n3,B2,2027-06-15,-900,open,\n",
    }
    for found in both_ways(tmp_path, files):
        report, numbers = data_report(found.base), summarize_portfolio(found.base)
        assert list(found.accounts) == ["C3"]
        # 2,000.20 dollars at 0.86 are 1,720.17 euros.
        assert (numbers.accounts, report.former_accounts, report.former_arr) == (1, 2, 2720.27)
        assert (
            report.former_note == "2 accounts with EUR 2,720 of ARR are not reviewed: their latest outcome is churned."
        )
        assert (
            "Two: churned on 1 Nov 2026, an invoice due on 15 Dec 2026; One: churned on 18 Nov 2026, used until 22"
            in (gaps(found))
        )


def test_a_base_of_former_customers_only_stops_with_the_reason(tmp_path: Path) -> None:
    files = {
        "accounts.csv": accounts("A1", "B2"),
        "outcomes.csv": OUTCOMES + "A1,2026-01-05,churned\nB2,2026-01-05,churned\n",
    }
    with pytest.raises(DataError) as error:
        scored(tmp_path, files)
    assert str(error.value) == (
        "accounts.csv: there are no accounts to review. 2 accounts with EUR 100,000 of ARR are not reviewed: their latest"
        " outcome is churned. Check the outcomes, and that the accounts are the customers of today."
    )


# --- grain and period of usage ---

USAGE = "account_id,date,active_users,logins,core_actions,features_used,platform\n"


def two_platforms() -> str:
    """16 users on the web each day for eight weeks, and 2 more on a phone for the last three."""
    web = [f"A1,{day},16,30,100,4,web\n" for day in days_before(56)]
    return USAGE + "".join(web + [f"A1,{day},2,5,5,3,mobile\n" for day in days_before(21)])


def test_rows_of_two_platforms_are_added_up_and_said(tmp_path: Path) -> None:
    for found in both_ways(tmp_path, {"accounts.csv": accounts("A1"), "usage.csv": two_platforms()}):
        row = found.measured["A1"]
        assert (row["active_users_trend"], row["core_actions_trend"], row["seat_utilisation"]) == (9.375, 3.75, 87.5)
        assert (row["feature_breadth"], row["logins_per_user"]) == (
            4,
            pytest.approx((28 * 30 + 21 * 5) / (28 * 16 + 21 * 2), abs=1e-6),
        )
        assert found["A1"]["rule"] is None
        assert "21 rows of the last 56 days are for an account and a day that another row is for" in notices(
            found, "usage"
        )
        assert found.base.audit.source("usage").rows == 77


def test_rows_of_one_user_each_are_counted_by_user(tmp_path: Path) -> None:
    lines = [f"A1,{day},{1 if user < 15 else 0},2,u{user}\n" for day in days_before(56) for user in range(16)]
    lines += [f"A1,{day},1,1,u0\n" for day in days_before(56)]  # the first user a second time, on another device
    files = {
        "accounts.csv": accounts("A1"),
        "usage.csv": "account_id,date,active_users,logins,user\n" + "".join(lines),
        "mapping.yaml": "tables: {usage: {repeats: count_distinct, user_id: user}}\n",
    }
    for found in both_ways(tmp_path, files):
        row = found.measured["A1"]
        assert (row["active_users_now"], row["active_users_trend"], row["seat_utilisation"]) == (15, 0, 75)
        assert "different users are counted" in notices(found, "usage")
        assert "user" not in found.base.audit.source("usage").columns_ignored


def test_several_rows_a_day_are_refused_where_the_mapping_says_so(tmp_path: Path) -> None:
    files = {"accounts.csv": accounts("A1"), "usage.csv": two_platforms()}
    refusing = {"mapping.yaml": "tables: {usage: {repeats: refuse}}\n"}
    with pytest.raises(
        DataError, match=r"usage\.csv: 21 rows .* mapping\.yaml refuses that \(tables\.usage\.repeats\)"
    ):
        scored(tmp_path, files | refusing)


@pytest.mark.parametrize("text", ["{repeats: count_distinct}", "{user_id: user}"])
def test_counting_users_needs_the_column_and_the_word(tmp_path: Path, text: str) -> None:
    files = {
        "accounts.csv": accounts("A1"),
        "usage.csv": two_platforms(),
        "mapping.yaml": f"tables: {{usage: {text}}}\n",
    }
    with pytest.raises(
        ConfigurationError, match="count_distinct and user_id, the column with the user of a row, go together"
    ):
        scored(tmp_path, files)


def weeks(first: int, *accounts: str) -> str:
    """Twelve equal weeks and the first hours of the one that has just begun, dated ``first`` days ago."""
    begun, *before = days_before(13, first, 7)
    lines = [f"{account},{begun},3,3,10,6\n" for account in accounts]
    lines += [f"{account},{day},18,60,400,6\n" for account in accounts for day in before]
    return "account_id,date,active_users,logins,core_actions,features_used\n" + "".join(lines)


def test_a_week_that_has_not_ended_is_not_counted(tmp_path: Path) -> None:
    for found in both_ways(tmp_path, {"accounts.csv": accounts("A1", "B2"), "usage.csv": weeks(0, "A1", "B2")}):
        for row in found.measured.values():
            assert (row["active_users_trend"], row["core_actions_trend"], row["seat_utilisation"]) == (0, 0, 90)
            assert row["usage_on"] == date(2026, 11, 22)
        assert "The week from 23 Nov 2026 has not ended and is not counted." in notices(found, "usage")
        assert found.base.audit.source("usage").last_date == date(2026, 11, 22)


@pytest.mark.parametrize(("day", "is_known"), [(24, True), (28, True), (29, True), (30, False)])
def test_a_weekly_row_is_fresh_until_the_next_one_is_due(tmp_path: Path, day: int, is_known: bool) -> None:
    files = {"accounts.csv": accounts("A1"), "usage.csv": weeks(7, "A1").replace(",3,3,10,6", ",18,60,400,6")}
    found = score_folder(write(tmp_path, files), date(2026, 11, day))
    assert (found.values["A1"]["seat_utilisation"] is not None) == is_known


def test_weeks_dated_by_their_last_day_count_at_once_where_the_mapping_says_so(tmp_path: Path) -> None:
    files = {
        "accounts.csv": accounts("A1"),
        "usage.csv": weeks(1, "A1"),
        "mapping.yaml": "tables: {usage: {dated_by: last_day_of_week}}\n",
    }
    for found in both_ways(tmp_path, files):
        assert found.measured["A1"]["active_users_now"] == (3 + 3 * 18) / 4
        assert notices(found, "usage") == ""


def test_a_week_without_a_row_is_a_week_without_use_where_the_mapping_says_so(tmp_path: Path) -> None:
    used, left = weeks(7, "A1").replace(",3,3,10,6", ",18,60,400,6"), weeks(7, "B2").splitlines()[5:]
    files = {
        "accounts.csv": accounts("A1", "B2"),
        "usage.csv": used + "\n".join(left) + "\n",
        "mapping.yaml": "tables: {usage: {no_row: zero}}\n",
    }
    for found in both_ways(tmp_path, files):
        assert found.measured["A1"]["active_users_now"] == 18, "the days between two weeks are not filled with zeros"
        assert found.measured["B2"]["active_users_now"] == 0


# --- rows that do not count ---


def test_deleted_accounts_and_tickets_are_left_out_and_counted(tmp_path: Path) -> None:
    files = {
        "accounts.csv": f"{HEADER},IsDeleted\nA1,Brindle Freight,50000,2027-03-01,20,EUR,false\n"
        "B2,Osier Dental,50000,2027-03-01,20,EUR,true\n",
        "tickets.csv": "ticket_id,account_id,opened_at,priority,escalated,_fivetran_deleted\n"
        "1,A1,2026-11-20,urgent,true,true\n2,B2,2026-11-20,urgent,true,false\n",
    }
    for found in both_ways(tmp_path, files, IsDeleted="boolean", _fivetran_deleted="boolean", escalated="boolean"):
        assert list(found.accounts) == ["A1"]
        assert found["A1"]["at_risk"] is False
        assert reasons(found) == [
            ("accounts", "IsDeleted", DELETED, 1),
            ("tickets", "_fivetran_deleted", DELETED, 1),
            ("tickets", "account_id", DELETED_ACCOUNT, 1),
        ]
        assert found.base.audit.share_left_out == 0


def test_older_versions_of_a_row_are_no_repeated_accounts(tmp_path: Path) -> None:
    files = {
        "accounts.csv": f"{HEADER},_fivetran_active\nA1,Old name,40000,2027-03-01,20,EUR,False\n"
        "A1,New name,50000,2027-03-01,20,EUR,TRUE\nB2,Two,1000,2027-03-01,20,EUR,\n",
        "tickets.csv": "ticket_id,account_id,opened_at,is_deleted,Archived\n1,A1,2026-11-20,1,no\n2,A1,2026-11-20,0,yes\n",
    }
    found = scored(tmp_path, files)
    assert {a: (row["name"], float(row["arr"])) for a, row in found.accounts.items()} == {
        "A1": ("New name", 50000),
        "B2": ("Two", 1000),
    }
    assert reasons(found) == [("accounts", "_fivetran_active", DELETED, 1), ("tickets", "is_deleted", DELETED, 1)]
    assert "Archived: this column is not read" in notices(found, "tickets")


def test_a_renewal_that_is_deleted_is_passed_over_and_types_compare_without_case(tmp_path: Path) -> None:
    files = {
        "accounts.csv": "account_id,name,arr,currency\nA1,Brindle Freight,50000,EUR\n",
        "mapping.yaml": "tables: {accounts: {renewals: {from: Opportunity.csv, account: AccountId, date: CloseDate,"
        " closed: IsClosed, type: Type, renewal_type: Renewal}}}\n",
        "Opportunity.csv": "Id,AccountId,CloseDate,IsClosed,IsDeleted,Type\nO1,A1,2026-12-05,false,true,Renewal\n"
        "O2,A1,2027-06-01,false,false,renewal\nO3,A1,2026-12-01,false,false,New Business\nO4,A1,2026-12-02,false,,\n",
    }
    found = scored(tmp_path, files)
    assert found["A1"]["renewal_date"] == date(2027, 6, 1)
    said = notices(found, "accounts")
    assert f"1 rows of Opportunity.csv not read: {DELETED} (Opportunity.csv row 2)" in said
    assert "2 rows of Opportunity.csv passed over, because Type is not Renewal: 1 New Business, 1 no type." in said


REPEATING = {
    "notes": "account_id,date,text,author\nA1,2026-11-18,We are evaluating alternatives.,x\n"
    "A1,2026-11-18,We are evaluating alternatives.,x\nA1,2026-11-18,We are evaluating alternatives.,y\n",
    "surveys": "account_id,date,kind,score,respondent\nA1,2026-11-18,nps,3,r1\nA1,2026-11-18,nps,3,r1\n"
    "A1,2026-11-18,nps,3,r2\n",
    "goals": "account_id,goal,status,source\nA1,Roll out,behind,crm\nA1,Roll out,behind,crm\nA1,Roll out,behind,plan\n",
    "outcomes": "account_id,date,kind,arr_change,id\nA1,2026-10-18,expanded,500,1\nA1,2026-10-18,expanded,500,1\n"
    "A1,2026-10-18,expanded,500,2\n",
    "touchpoints": "account_id,date,kind,subject\nA1,2026-11-18,call,a\nA1,2026-11-18,call,a\nA1,2026-11-18,call,b\n",
    "usage": USAGE + "A1,2026-11-18,5,6,7,3,web\nA1,2026-11-18,5,6,7,3,web\nA1,2026-11-18,5,6,7,3,app\n",
}


@pytest.mark.parametrize("table", sorted(REPEATING))
def test_a_row_that_is_there_twice_counts_once_and_one_that_differs_anywhere_counts(tmp_path: Path, table: str) -> None:
    files = {"accounts.csv": accounts("A1"), f"{table}.csv": REPEATING[table]}
    for found in both_ways(tmp_path, files, score="double", arr_change="double"):
        assert reasons(found) == [(table, None, REPEATED, 1)]
        source = found.base.audit.source(table)
        assert (source.rows, source.rows_left_out, found.base.audit.share_left_out) == (2, 1, 0)
        if table == "usage":
            assert found.measured["A1"]["active_users_now"] == 10
        if table == "outcomes":
            assert found.measured["A1"]["arr_trend"] == pytest.approx(100 * 1000 / 49_000)


def test_a_repeated_row_is_not_shown_as_evidence(tmp_path: Path) -> None:
    files = {"accounts.csv": accounts("A1"), "notes.csv": REPEATING["notes"]}
    for found in both_ways(tmp_path, files):
        (stated,) = [e for e in found.dossier("A1").evidence if e.signal == "evaluating_alternatives"]
        assert stated.row_count == 2


# --- renewals ---


def test_a_contract_that_renews_by_itself_has_its_next_renewal(tmp_path: Path) -> None:
    lines = "A1,Yearly,50000,2025-02-09,true,\nB2,Monthly,50000,2026-01-31,yes,1\nC3,Ended,50000,2026-11-20,no,1\n"
    lines += "D4,Ahead,50000,2027-03-01,true,12\nE5,No date,50000,,true,12\n"
    files = {"accounts.csv": "account_id,name,arr,renewal_date,auto_renews,term_months\n" + lines}
    for found in both_ways(tmp_path, files, auto_renews="boolean", term_months="integer"):
        days = {a: (row["renewal_date"], row["renewal_in_days"]) for a, row in found.accounts.items()}
        assert days == {
            "A1": (date(2027, 2, 9), 78),
            "B2": (date(2026, 11, 30), 7),
            "C3": (date(2026, 11, 20), -3),
            "D4": (date(2027, 3, 1), 98),
            "E5": (None, None),
        }
        assert "auto_renews: 4 accounts renew by themselves" in notices(found, "accounts")


def test_the_whole_base_renews_by_itself_where_the_mapping_says_so(tmp_path: Path) -> None:
    mapping = "tables: {accounts: {constants: {auto_renews: true, term_months: 3}}}\n"
    found = scored(
        tmp_path, {"accounts.csv": accounts("A1").replace("2027-03-01", "2024-02-29"), "mapping.yaml": mapping}
    )
    assert found["A1"]["renewal_date"] == date(2026, 11, 29)


@pytest.mark.parametrize("word", ["unknown", '""', "~"])
def test_a_team_without_renewal_dates_and_arr_can_say_so(tmp_path: Path, word: str) -> None:
    files = {
        "accounts.csv": "Id,Name,AnnualRevenue\nA1,Brindle Freight,9000000\n",
        "tickets.csv": "ticket_id,account_id,opened_at,escalated\n1,A1,2026-11-21,true\n",
        "mapping.yaml": f"tables: {{accounts: {{columns: {{account_id: Id, name: Name}}, constants: {{renewal_date: {word},"
        f" arr: {word}}}}}}}\n",
    }
    found = scored(tmp_path, files)
    row, numbers = found["A1"], summarize_portfolio(found.base)
    assert (row["arr"], row["renewal_date"], row["renewal_in_days"], row["size"]) == (None, None, None, "mid_market")
    assert (row["at_risk"], row["expected_churn_arr"], numbers.arr, numbers.at_risk_accounts) == (True, None, 0, 1)
    assert (found.dossier("A1").arr, found.plan()[0].arr) == (None, None)
    assert "The ARR of 1 account is unknown: scored, but in no sum of ARR" in gaps(found)


def test_an_empty_arr_is_unknown_and_a_constant_one_is_taken(tmp_path: Path) -> None:
    accounts_file = "Id,Name,AnnualRevenue,Renewal__c\nA1,One,9000000,2027-03-01\n"
    mapping = "tables: {accounts: {columns: {account_id: Id, name: Name, renewal_date: Renewal__c}, constants: {arr: 10000}}}\n"
    found = scored(tmp_path / "constant", {"accounts.csv": accounts_file, "mapping.yaml": mapping})
    assert float(found["A1"]["arr"]) == 10_000
    lines = "A1,One,50000,2027-03-01\nB2,Two,,2027-03-01\nC3,Three,0,2027-03-01\n"
    for each in both_ways(tmp_path / "empty", {"accounts.csv": "account_id,name,arr,renewal_date\n" + lines}):
        assert {a: row["arr"] for a, row in each.accounts.items()} == {"A1": 50_000, "B2": None, "C3": 0}
        assert summarize_portfolio(each.base).arr == 50_000


def test_a_constant_that_accounts_cannot_do_without_is_refused(tmp_path: Path) -> None:
    files = {"accounts.csv": accounts("A1"), "mapping.yaml": 'tables: {accounts: {constants: {name: ""}}}\n'}
    with pytest.raises(ConfigurationError, match=r"constants\.name: accounts cannot be read without a value"):
        scored(tmp_path, files)


def test_a_renewal_more_than_a_year_past_is_a_question_and_no_deadline(tmp_path: Path) -> None:
    lines = "A1,Brindle Freight,50000,2025-02-09\nB2,Osier Dental,50000,2025-11-23\nC3,Tern Optics,50000,2025-11-22\n"
    for found in both_ways(tmp_path, {"accounts.csv": "account_id,name,arr,renewal_date\n" + lines}):
        assert {a: row["renewal_in_days"] for a, row in found.accounts.items()} == {"A1": None, "B2": -365, "C3": None}
        assert [row.account_id for row in found.plan()] == ["B2"]
        assert (
            "The renewal date is more than 365 days past and counts as unknown: Brindle Freight (9 Feb 2025), Tern Optics"
            " (22 Nov 2025). Correct the date, or say auto_renews" in gaps(found)
        )
        assert summarize_portfolio(found.base).overdue_renewals == 1
