"""An invented customer base of any size, written as Parquet by DuckDB: ``python -m bench.portfolio FOLDER ACCOUNTS``.

Every value comes from a hash of its account and its column, so that the same arguments give the same rows. Usage is
sorted by date, because a warehouse appends it; every other table by account.
"""

import argparse
import re
from datetime import date
from pathlib import Path

import duckdb

AS_OF = date(2026, 11, 23)
_DICE = """
create or replace macro dice(a, b) as (hash(a * 7919 + b * 104729) % 1000003) / 1000003.0;
create or replace macro name_of(i) as 'A' || lpad(cast(i as varchar), 8, '0');
create or replace macro person(i) as 'P' || lpad(cast(i as varchar), 6, '0');
create or replace macro day_back(n) as cast(date '2026-11-23' - cast(n as integer) as date);
"""
_TEXTS = (
    "The weekly sync went as planned and the team is happy with the last release of the reporting module",
    "They asked how to add more seats for the new office and whether the single sign-on setup can be shared",
    "We went through the roadmap; nothing urgent, the next call is set for the first week of the month",
    "Export of the monthly figures takes longer than it used to, support is looking into it already",
    "Login page showed an error for two people in the morning, a restart of the browser helped",
    "The admin is on leave until the end of the month, her deputy will answer our questions meanwhile",
)
_STATEMENTS = (
    "They told us openly that they are evaluating alternatives before the renewal",
    "Budget cut next year: they were asked to reduce software spend",
    "The director asked what value they are getting for the price",
)
TABLES = {
    "accounts": """select name_of(i) as account_id, 'Company ' || i as name,
        cast(round(exp(8.5 + 4 * dice(i, 1)), 2) as decimal(18, 2)) as arr, 'EUR' as currency,
        day_back(-cast(730 * dice(i, 2) as integer) + 20) as renewal_date, cast(null as varchar) as segment,
        person(cast(floor(people * dice(i, 3)) as bigint)) as csm_id, cast(null as varchar) as exec_sponsor_id,
        case when dice(i, 4) < 0.05 then 'onboarding' else 'live' end as lifecycle_stage,
        day_back(200 + cast(1500 * dice(i, 5) as integer)) as started_on,
        cast(5 + 200 * dice(i, 6) as bigint) as seats, cast(null as varchar) as parent_account_id
        from range(accounts) t(i)""",
    "people": """select person(i) as person_id, 'Person ' || i as name, 'p' || i || '@example.com' as email,
        case when i % 12 = 0 then 'cs_manager' when i % 50 = 7 then 'exec_sponsor' else 'csm' end as role,
        case when i % 12 > 0 then person(i - i % 12) end as manager_id, 38.0 as weekly_hours from range(people) t(i)""",
    "usage": """select name_of(i) as account_id, day_back(k * step) as date,
        round((3 + 120 * dice(i, 6)) * (0.5 + 0.5 * dice(i, 7)) * (1 - k * step * (dice(i, 8) - 0.6) / 150)
            * (0.9 + 0.2 * dice(i, 100 + k)))::double as active_users,
        round(40 * dice(i, 6) * (1 + dice(i, 300 + k)))::double as logins,
        round(200 * dice(i, 6) * (1 + dice(i, 500 + k)) * (1 - k * step * (dice(i, 9) - 0.6) / 150))::double
            as core_actions,
        round(3 + 12 * dice(i, 10))::double as features_used
        from range({first}, {last}) d(k), range(accounts) t(i) order by k desc, i""",
    "tickets": """select 'T' || j as ticket_id, name_of(cast(floor(accounts * dice(j, 21)) as bigint)) as account_id,
        day_back(cast(360 * dice(j, 22) as integer)) as opened_at,
        case when dice(j, 23) < 0.85 then day_back(cast(360 * dice(j, 22) * dice(j, 24) as integer)) end as closed_at,
        list_extract(['low', 'normal', 'normal', 'high', 'urgent'], 1 + cast(floor(5 * dice(j, 25)) as integer))
            as priority,
        dice(j, 26) < 0.08 as escalated, dice(j, 27) < 0.06 as sla_breached,
        case when dice(j, 28) < 0.4 then round(1 + 4 * dice(j, 29)) end as csat,
        'Question about the reports ' || j as subject,
        case when dice(j, 30) < 0.02 then said[1 + j % 3] else texts[1 + j % 6] end as body
        from range(cast(0.6 * accounts as bigint)) t(j)""",
    "invoices": """select 'I' || j as invoice_id, name_of(cast(floor(accounts * dice(j, 41)) as bigint)) as account_id,
        day_back(cast(300 * dice(j, 42) as integer) - 30) as due_date,
        cast(round(500 + 9000 * dice(j, 43), 2) as decimal(18, 2)) as amount, 'EUR' as currency,
        case when dice(j, 44) < 0.90 then 'paid' when dice(j, 44) < 0.98 then 'open' else 'failed' end as status,
        case when dice(j, 44) < 0.90 then day_back(cast(300 * dice(j, 42) as integer) - 28) end as paid_on
        from range(cast(0.5 * accounts as bigint)) t(j)""",
    "surveys": """select name_of(cast(floor(accounts * dice(j, 51)) as bigint)) as account_id,
        day_back(cast(360 * dice(j, 52) as integer)) as date,
        case when dice(j, 53) < 0.7 then 'nps' else 'csat' end as kind,
        case when dice(j, 53) < 0.7 then round(10 * sqrt(dice(j, 54))) else round(1 + 4 * dice(j, 54)) end as score,
        case when dice(j, 55) < 0.2 then texts[1 + j % 6] end as comment, cast(null as varchar) as contact_id
        from range(cast(0.4 * accounts as bigint)) t(j)""",
    "contacts": """select 'C' || i as contact_id, name_of(i) as account_id, 'Contact ' || i as name,
        'Head of Operations' as title,
        list_extract(['champion', 'champion', 'economic_buyer', 'exec_sponsor', 'user'],
            1 + cast(floor(5 * dice(i, 61)) as integer)) as role,
        case when dice(i, 62) < 0.07 then 'departed' else 'active' end as status,
        case when dice(i, 62) < 0.07 then day_back(cast(200 * dice(i, 63) as integer)) end as departed_on,
        'c' || i || '@example.com' as email from range(accounts) t(i)""",
    "touchpoints": """select name_of(a) as account_id, day_back(cast(300 * dice(j, 72) as integer)) as date,
        list_extract(['exec_meeting', 'qbr', 'call', 'email', 'training'], 1 + cast(floor(5 * dice(j, 73)) as integer))
            as kind,
        dice(j, 74) < 0.6 as outbound, dice(j, 75) < 0.85 as attended,
        case when dice(j, 76) < 0.6 then day_back(greatest(0, cast(300 * dice(j, 72) as integer) - 2)) end
            as responded_at,
        'C' || a as contact_id, person(cast(floor(people * dice(a, 3)) as bigint)) as person_id
        from (select j, cast(floor(accounts * dice(j, 71)) as bigint) as a
            from range(cast(0.8 * accounts as bigint)) t(j))""",
    "goals": """select name_of(cast(floor(accounts * dice(j, 81)) as bigint)) as account_id, 'Goal ' || j as goal,
        day_back(-cast(200 * dice(j, 82) as integer)) as due_date,
        list_extract(['met', 'on_track', 'on_track', 'behind'], 1 + cast(floor(4 * dice(j, 83)) as integer)) as status
        from range(cast(0.2 * accounts as bigint)) t(j)""",
    "notes": """select name_of(cast(floor(accounts * dice(j, 91)) as bigint)) as account_id,
        day_back(cast(110 * dice(j, 92) as integer)) as date,
        array_to_string([case when dice(j + 11 * k, 93) < 0.03 / (sentences * sentences) then said[1 + j % 3] else texts[1 + (j + k) % 6] end
            for k in range(sentences)], '. ') || case when sentences > 1 then ', ' || j else '' end as text, 'csm' as author,
        case when dice(j, 94) < 0.7 then round(1 + 4 * sqrt(dice(j, 95))) end as pulse
        from range(cast(notes_each * accounts as bigint)) t(j)""",
    "outcomes": """select name_of(cast(floor(accounts * dice(j, 96)) as bigint)) as account_id,
        day_back(30 + cast(300 * dice(j, 97) as integer)) as date,
        case when dice(j, 98) < 0.8 then 'renewed' else 'expanded' end as kind,
        cast(round(3000 * dice(j, 99), 2) as decimal(18, 2)) as arr_change
        from range(cast(0.05 * accounts as bigint)) t(j)""",
}


def write_portfolio(
    folder: Path,
    accounts: int,
    usage_rows: int,
    step_days: int,
    notes_each: float = 0.4,
    sentences: int = 1,
    memory_limit: str = "6GB",
) -> None:
    """Write the eleven tables with ``usage_rows`` rows per account, one every ``step_days`` days before the review date,
    and ``notes_each`` notes per account of so many ``sentences``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    people = max(accounts // 40, 12)
    with duckdb.connect(":memory:", config={"memory_limit": memory_limit}) as connection:
        connection.execute(_DICE)
        connection.execute(f"set variable texts = {list(_TEXTS)!r}")
        connection.execute(f"set variable said = {list(_STATEMENTS)!r}")
        # Rows of usage are a week apart and count on their own date, as the other programs of this folder read them.
        (folder / "mapping.yaml").write_text("tables: {usage: {dated_by: day}}\n", encoding="utf-8")
        for table, sql in TABLES.items():
            values: dict[str, float] = {"accounts": accounts, "people": people, "step": step_days}
            values |= {"notes_each": notes_each, "sentences": sentences}
            if table != "usage":
                ordered = "" if table in ("accounts", "people", "contacts") else " order by account_id"
                _write(connection, sql, values, ordered, folder / f"{table}.parquet")
                continue
            (folder / "usage").mkdir(exist_ok=True)
            for age in range(usage_rows - 1, -1, -1):
                one_day = sql.format(first=age, last=age + 1)
                _write(connection, one_day, values, "", folder / "usage" / f"{usage_rows - age:04}.parquet")


def _write(
    connection: duckdb.DuckDBPyConnection, sql: str, values: dict[str, float], ordered: str, target: Path
) -> None:
    for name, value in values.items():
        sql = re.sub(rf"(?<![\w.]){name}(?!\w)", str(value), sql)
    query = sql.replace("texts[", "getvariable('texts')[").replace("said[", "getvariable('said')[")
    connection.execute(f"copy ({query}{ordered}) to '{target}' (format parquet)")


def main() -> None:
    """Write one base from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("accounts", type=int)
    parser.add_argument("--usage-rows", type=int, default=50, help="rows an account")
    parser.add_argument("--step-days", type=int, default=7, help="days between two rows")
    parser.add_argument("--notes", type=float, default=0.4, help="notes an account")
    parser.add_argument("--sentences", type=int, default=1, help="sentences a note")
    given = parser.parse_args()
    write_portfolio(given.folder, given.accounts, given.usage_rows, given.step_days, given.notes, given.sentences)


if __name__ == "__main__":
    main()
