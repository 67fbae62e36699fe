"""SQL that reads one date cell: ISO, slashed with a known order, named months, epoch where the mapping says so."""

from domain.tables import Column
from tools.sources.column_formats import ColumnFormat
from tools.sql import sql_string, sql_strings

_SLASHED = r"^([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4}|[0-9]{2})(?:[ T,].*)?$"
_SLASHED_PARTS = ["a", "b", "y"]
_NAMED = "([0-9]{1,2}[ .-]+)?[A-Za-z]{3,9}[ .-]+([0-9]{1,2}[ ,]+)?[0-9]{4}"
_NAMED_MONTHS = ("%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y")


def date_parts(t: str) -> str:
    """Day, month and year of a slashed date; the year is - for an ISO date and empty for anything else."""
    names = sql_strings(_SLASHED_PARTS)
    empty, iso = ("{'a': '', 'b': '', 'y': " + year + "}" for year in ("''", "'-'"))
    return (
        f"CASE WHEN {t} IS NULL THEN {empty} WHEN regexp_matches({t}, '^[0-9]{{4}}-[0-9]') THEN {iso}"
        f" ELSE regexp_extract({t}, {sql_string(_SLASHED)}, [{names}]) END"
    )


def date_value(t: str, p: str, column_format: ColumnFormat) -> str:
    """A DATE; a time with a zone becomes the day in UTC. NULL where it is none or could be two."""
    year = f"CASE WHEN length({p}.y) = 2 THEN '20' || {p}.y ELSE {p}.y END"
    day_first = f"TRY_CAST({year} || '-' || {p}.b || '-' || {p}.a AS DATE)"
    month_first = f"TRY_CAST({year} || '-' || {p}.a || '-' || {p}.b AS DATE)"
    a, b = f"TRY_CAST({p}.a AS INT)", f"TRY_CAST({p}.b AS INT)"
    same = f"CASE WHEN {a} = {b} OR {a} > 12 THEN {day_first} WHEN {b} > 12 THEN {month_first} END"
    slashed = {"day_first": day_first, "month_first": month_first, "iso": "NULL"}.get(
        column_format.date_order or "", same
    )
    basic = f"TRY_CAST(substr({t}, 1, 4) || '-' || substr({t}, 5, 2) || '-' || substr({t}, 7, 2) AS DATE)"
    named = sql_strings(_NAMED_MONTHS)
    cases = [
        (f"length({t}) = 10 AND {p}.y = '-'", f"TRY_CAST({t} AS DATE)"),
        (f"regexp_full_match({t}, '[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}')", f"TRY_CAST({t} AS DATE)"),
        (
            f"regexp_matches({t}, '^[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}[T ]')",
            f"CAST(TRY_CAST({t} AS TIMESTAMPTZ) AS DATE)",
        ),
        *_epoch_cases(t, column_format),
        (f"{p}.y NOT IN ('', '-')", slashed),
        (f"regexp_full_match({t}, '(19|20)[0-9]{{6}}')", basic),
        (
            f"regexp_full_match({t}, '[0-9]{{4}}[/.][0-9]{{1,2}}[/.][0-9]{{1,2}}')",
            f"TRY_CAST(translate({t}, '/.', '--') AS DATE)",
        ),
        (
            f"regexp_full_match({t}, '{_NAMED}')",
            f"CAST(try_strptime(regexp_replace({t}, '[ ,.-]+', ' ', 'g'), [{named}]) AS DATE)",
        ),
    ]
    return "CASE " + " ".join(f"WHEN {condition} THEN {value}" for condition, value in cases) + " END"


def _epoch_cases(t: str, column_format: ColumnFormat) -> list[tuple[str, str]]:
    number = f"TRY_CAST(TRY_CAST({t} AS DOUBLE) AS BIGINT)"
    if column_format.unit == "epoch_ms":
        return [(f"regexp_full_match({t}, '[0-9]{{12,14}}(\\.0+)?')", f"CAST(epoch_ms({number}) AS DATE)")]
    if column_format.unit == "epoch_s":
        return [(f"regexp_full_match({t}, '[0-9]{{9,11}}(\\.0+)?')", f"CAST(epoch_ms({number} * 1000) AS DATE)")]
    return []


def date_problems(column: Column, t: str, p: str, v: str, column_format: ColumnFormat) -> tuple[tuple[str, str], ...]:
    """Why a cell that is there has no date, with what to do about it."""
    unread = f"{v} IS NULL AND {t} IS NOT NULL"
    order = "the order of day and month is not known: set date_order (day_first or month_first) in mapping.yaml"
    a, b = f"TRY_CAST({p}.a AS INT)", f"TRY_CAST({p}.b AS INT)"
    both = f"{p}.y NOT IN ('', '-') AND {a} BETWEEN 1 AND 12 AND {b} BETWEEN 1 AND 12"
    hint = "not a date; if it is {} since 1970, say units: {{{}: {}}} in mapping.yaml"
    problems = [
        (
            f"{unread} AND regexp_full_match({t}, '[0-9]{{12,13}}')",
            hint.format("milliseconds", column.name, "epoch_ms"),
        ),
        (f"{unread} AND regexp_full_match({t}, '[0-9]{{9,10}}')", hint.format("seconds", column.name, "epoch_s")),
        (unread, "not a date"),
    ]
    if column_format.date_order in (None, "iso"):
        problems.insert(0, (f"{unread} AND {both}", order))
    return tuple(problems)
