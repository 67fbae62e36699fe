"""SQL that reads one date cell: ISO, slashed with a known order, named months, epoch where the mapping says so."""

from domain.tables import Column
from tools.sources.column_formats import ColumnFormat
from tools.sql import sql_string, sql_strings

# Two numbers and a year, with / . or - between them. A time may follow; the day is all that is read.
_SLASHED = r"^([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4}|[0-9]{2})(?:[ T,].*)?$"
_SLASHED_PARTS = ["a", "b", "y"]
_NAMED = "([0-9]{1,2}[ .-]+)?[A-Za-z]{3,9}[ .-]+([0-9]{1,2}[ ,]+)?[0-9]{4}"
_NAMED_MONTHS = ("%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y")
UNKNOWN_ORDER = "the order of day and month is not known"
"""The beginning of the reason for a date that could be two days."""


def date_parts(t: str) -> str:
    """A struct of the two numbers ``a`` and ``b`` and the year ``y`` of a slashed date.

    ``y`` is - for a date that starts with its year (ISO), and empty for anything else.
    """
    names = sql_strings(_SLASHED_PARTS)
    empty, iso = ("{'a': '', 'b': '', 'y': " + year + "}" for year in ("''", "'-'"))
    return (
        f"CASE WHEN {t} IS NULL THEN {empty} WHEN regexp_matches({t}, '^[0-9]{{4}}-[0-9]') THEN {iso}"
        f" ELSE regexp_extract({t}, {sql_string(_SLASHED)}, [{names}]) END"
    )


def date_value(t: str, p: str, column_format: ColumnFormat) -> str:
    """A DATE from the text ``t`` and its parts ``p``; NULL where it is no date, or could be two.

    A time with a zone becomes its day in UTC: the same moment must be the same day in every export.
    """
    # 31.12.26 means 2026: an export about customers has no dates of the last century.
    year = f"CASE WHEN length({p}.y) = 2 THEN '20' || {p}.y ELSE {p}.y END"
    day_first = f"TRY_CAST({year} || '-' || {p}.b || '-' || {p}.a AS DATE)"
    month_first = f"TRY_CAST({year} || '-' || {p}.a || '-' || {p}.b AS DATE)"
    a, b = f"TRY_CAST({p}.a AS INT)", f"TRY_CAST({p}.b AS INT)"
    # Without a known order a date is read only where both orders give the same day, or one order gives no day at all.
    same = f"CASE WHEN {a} = {b} OR {a} > 12 THEN {day_first} WHEN {b} > 12 THEN {month_first} END"
    slashed = {"day_first": day_first, "month_first": month_first, "iso": "NULL"}.get(
        column_format.date_order or "", same
    )
    basic = f"TRY_CAST(substr({t}, 1, 4) || '-' || substr({t}, 5, 2) || '-' || substr({t}, 7, 2) AS DATE)"
    named = sql_strings(_NAMED_MONTHS)
    # The first shape that fits decides, the most frequent ones first: each further test costs a pass over the column.
    cases = [
        (_is_before_christ(t), "NULL"),
        (f"length({t}) = 10 AND {p}.y = '-'", f"TRY_CAST({t} AS DATE)"),
        (f"regexp_full_match({t}, '[0-9]{{4}}-[0-9]{{1,2}}-[0-9]{{1,2}}')", f"TRY_CAST({t} AS DATE)"),
        (f"starts_with({t}, '9999-12-31')", "DATE '9999-12-31'"),  # in another zone it may be in the year 10000
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


def _is_before_christ(t: str) -> str:
    """True for the year 0 and for years marked BC: the engine has such days, and nothing else here has."""
    return f"regexp_matches({t}, '^0000|^[0-9]{{1,2}}[/.-][0-9]{{1,2}}[/.-]0000|[Bb][Cc]')"


def _epoch_cases(t: str, column_format: ColumnFormat) -> list[tuple[str, str]]:
    """Seconds or milliseconds since 1970, only where mapping.yaml says so: ten digits may be anything."""
    number = f"TRY_CAST(TRY_CAST({t} AS DOUBLE) AS BIGINT)"
    if column_format.unit == "epoch_ms":
        return [(f"regexp_full_match({t}, '[0-9]{{12,14}}(\\.0+)?')", f"CAST(epoch_ms({number}) AS DATE)")]
    if column_format.unit == "epoch_s":
        return [(f"regexp_full_match({t}, '[0-9]{{9,11}}(\\.0+)?')", f"CAST(epoch_ms({number} * 1000) AS DATE)")]
    return []


def date_problems(column: Column, t: str, p: str, v: str, column_format: ColumnFormat) -> tuple[tuple[str, str], ...]:
    """(condition, reason) for a filled cell without a date; the reason says what to do where there is something."""
    unread = f"{v} IS NULL AND {t} IS NOT NULL"
    order = f"{UNKNOWN_ORDER}: set date_order (day_first or month_first) in mapping.yaml"
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
