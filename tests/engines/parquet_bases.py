"""Two customer bases of 20,000 accounts as typed Parquet files, and the same in a PostgreSQL database.

``clean`` has no faults. ``dirty`` has the faults of a warehouse: rows of unknown accounts, repeated ids, future dates,
impossible values, times with time zones, empty and missing tables, and many ties.
"""

from pathlib import Path

import duckdb

from domain.tables import TABLES

ACCOUNTS = 20_000
_START = """
set TimeZone = 'UTC';
create macro dice(a, b) as (hash(a * 7919 + b * 104729) % 1000003) / 1000003.0;
create macro maybe(x, a, b, share) as case when dice(a, b) < share then x end;
create macro name_of(i) as 'A' || lpad(cast(i as varchar), 6, '0');
create macro day_back(n) as cast(date '2026-11-23' - cast(n as integer) as date);
create macro one_of(a, b, list) as list_extract(list, 1 + cast(floor(dice(a, b) * len(list)) as integer));
create macro any_account(j, b) as name_of(cast(floor({accounts} * dice(j, b)) as bigint));
"""
_TABLES = {
    "accounts": """select name_of(i) as account_id, 'Käse & Söhne ' || i as name,
        cast(round(1000 * dice(i, 1) * dice(i, 2) * 300, 2) as decimal(18, 2)) as arr,
        one_of(i, 3, ['EUR', 'usd', 'GBP', null]) as currency,
        maybe(day_back(200 - 600 * dice(i, 4)), i, 5, 0.9) as renewal_date,
        one_of(i, 6, ['enterprise', 'mid', null]) as segment, 'P' || cast(floor(200 * dice(i, 7)) as bigint) as csm_id,
        one_of(i, 8, ['live', 'Live', 'onboarding', null]) as lifecycle_stage,
        maybe(day_back(1500 * dice(i, 9)), i, 10, 0.7) as started_on,
        maybe(cast(round(40 * dice(i, 11)) as bigint), i, 12, 0.8) as seats from range({accounts}) t(i)""",
    "people": "select 'P' || i as person_id, 'Person ' || i as name, 'csm' as role from range(200) t(i)",
    "usage": """select any_account(j, 21) as account_id, day_back(100 * dice(j, 22)) as date,
        maybe(round(30 * dice(j, 23)) / 4, j, 24, 0.9) as active_users, maybe(round(50 * dice(j, 25)), j, 26, 0.8) as logins,
        maybe(round(90 * dice(j, 27)), j, 28, 0.7) as core_actions, maybe(round(9 * dice(j, 29)), j, 30, 0.6)
        as features_used from range({accounts} * 10) t(j)""",
    "tickets": """select 'T' || j as ticket_id, any_account(j, 31) as account_id,
        timestamptz '2026-11-23 22:30:00+02' - to_hours(cast(9000 * dice(j, 32) as integer)) as opened_at,
        maybe(timestamptz '2026-11-23 20:00:00+00' - to_hours(cast(4000 * dice(j, 33) as integer)), j, 34, 0.6) as closed_at,
        one_of(j, 35, ['low', 'Normal', 'high', 'urgent', null]) as priority, maybe(dice(j, 36) < 0.3, j, 37, 0.9) as escalated,
        maybe(dice(j, 38) < 0.2, j, 39, 0.9) as sla_breached, maybe(round(1 + 4 * dice(j, 40)), j, 41, 0.3) as csat,
        maybe('Slow export ' || (j % 7), j, 42, 0.8) as subject,
        one_of(j, 43, ['', null, 'We are   evaluating alternatives' || chr(10) || 'since May.', 'Budget cut next year.',
            'Nothing to say.', 'Wir prüfen das.']) as body from range({accounts} * 2) t(j)""",
    "invoices": """select 'I' || j as invoice_id, any_account(j, 51) as account_id, day_back(300 * dice(j, 52) - 40) as due_date,
        cast(round(9000 * dice(j, 53), 2) as decimal(18, 2)) as amount, one_of(j, 54, ['EUR', 'USD', null]) as currency,
        one_of(j, 55, ['paid', 'open', 'failed', 'void', null]) as status,
        maybe(day_back(300 * dice(j, 56) - 10), j, 57, 0.3) as paid_on from range({accounts}) t(j)""",
    "surveys": """select any_account(j, 61) as account_id, day_back(9 * cast(40 * dice(j, 62) as integer)) as date,
        'nps' as kind, round(10 * dice(j, 63)) as score,
        maybe('They asked us to reduce software spend', j, 64, 0.1) as comment from range({accounts}) t(j)""",
    "contacts": """select 'C' || j as contact_id, any_account(j, 71) as account_id, 'Contact ' || j as name,
        one_of(j, 72, ['champion', 'economic_buyer', 'exec sponsor', 'user', null]) as role,
        one_of(j, 73, ['active', 'departed', null]) as status,
        maybe(day_back(300 * dice(j, 74) - 20), j, 75, 0.2) as departed_on from range({accounts} * 2) t(j)""",
    "touchpoints": """select any_account(j, 71) as account_id, day_back(7 * cast(50 * dice(j, 82) as integer)) as date,
        one_of(j, 83, ['exec_meeting', 'qbr', 'call', 'email', 'training']) as kind, maybe(dice(j, 84) < 0.5, j, 85, 0.9)
        as outbound, maybe(dice(j, 86) < 0.7, j, 87, 0.6) as attended,
        maybe(day_back(7 * cast(50 * dice(j, 82) as integer) - 3 * dice(j, 88)), j, 89, 0.5) as responded_at,
        maybe('C' || j, j, 90, 0.8) as contact_id from range({accounts} * 2) t(j)""",
    "notes": """select any_account(j, 91) as account_id, day_back(5 * cast(24 * dice(j, 92) as integer)) as date,
        one_of(j, 93, ['They are evaluating alternatives.', 'All is well.', 'No budget cut is planned.',
            'A reorganisation: their new director starts in May.']) as text,
        maybe(round(1 + 4 * dice(j, 94)), j, 95, 0.7) as pulse from range({accounts}) t(j)""",
    "outcomes": """select any_account(j, 96) as account_id, day_back(400 * dice(j, 97)) as date,
        one_of(j, 98, ['renewed', 'expanded', 'contracted', 'churned']) as kind,
        maybe(cast(round(5000 * dice(j, 99) - 2500, 2) as decimal(18, 2)), j, 100, 0.7) as arr_change
        from range({accounts} // 5) t(j)""",
}
_FAULTS = {
    "accounts": "select * replace (case when account_id = 'A000007' then '' else name end as name) from clean",
    "usage": "select account_id, date, case when hash(date) % 50 = 0 then -1 else active_users end as active_users, logins,"
    " core_actions, features_used from clean union all select 'nobody', date '2026-11-01', 3, 3, 3, 3 union all"
    " select 'A000001', date '2026-12-24', 3, 3, 3, 3 union all select 'A000002', null, 3, 3, 3, 3",
    "tickets": "select * from clean union all select * from clean where ticket_id in ('T5', 'T6') union all"
    " select * replace ('stranger' as account_id, 'T-x' as ticket_id) from clean where ticket_id = 'T7' union all"
    " select * replace (9.0 as csat, 'T-y' as ticket_id) from clean where ticket_id = 'T8'",
    "surveys": "select * from clean union all select account_id, date, 'nps', 77.0, null from clean limit 20100",
    "touchpoints": "select * from clean where false",
    "notes": "select * replace (case when hash(text) % 3 = 0 then 9.0 else pulse end as pulse) from clean",
}


def write_base(folder: Path, dirty: bool) -> Path:
    """Write one typed Parquet file per table, without goals."""
    folder.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(_START.replace("{accounts}", str(ACCOUNTS)))
        for table, sql in _TABLES.items():
            connection.execute(f"create or replace table clean as {sql.replace('{accounts}', str(ACCOUNTS))}")
            if table == "notes":  # no day after the review date
                connection.execute("delete from clean where date > date '2026-11-23'")
            if table == "tickets":
                connection.execute("delete from clean where cast(opened_at as date) > date '2026-11-23'")
            chosen = _FAULTS.get(table, "select * from clean") if dirty else "select * from clean"
            connection.execute(f"copy ({chosen}) to '{folder / table}.parquet' (format parquet)")
    return folder


def load_into_postgres(folder: Path, url: str, schema: str = "crm") -> None:
    """Write the same tables into a database."""
    import psycopg

    kinds = {
        "VARCHAR": "text",
        "DOUBLE": "double precision",
        "BOOLEAN": "boolean",
        "TIMESTAMP WITH TIME ZONE": "timestamptz",
    }
    with duckdb.connect() as engine, psycopg.connect(url, autocommit=True) as database:
        engine.execute("set TimeZone = 'UTC'")
        database.execute(f"create schema {schema}".encode())
        for path in sorted(folder.glob("*.parquet")):
            if path.stem not in TABLES:
                continue
            described = engine.execute(f"describe select * from '{path}'").fetchall()
            columns = ", ".join(f'"{row[0]}" {kinds.get(row[1], row[1])}' for row in described)
            database.execute(f"create table {schema}.{path.stem} ({columns})".encode())
            aside = folder / "aside.csv"
            engine.execute(f"copy (from '{path}') to '{aside}' (header false, nullstr '\\N', force_quote *)")
            copy = f"copy {schema}.{path.stem} from stdin (format csv, null '\\N')".encode()
            with database.cursor() as cursor, cursor.copy(copy) as target, aside.open("rb") as source:
                while chunk := source.read(1 << 20):
                    target.write(chunk)
        database.execute(b"analyze")
