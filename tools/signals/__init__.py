"""The signals: one SQL file for each category, joined into one row for each account.

Pure text: this module assembles SQL and never runs it. ``:name`` in a file stands for a typed literal.
What a signal means (direction, breakpoints, freshness, weight) is in ``configs/scoring.yaml``; ``registry.py`` says when
it was observed and which rows are behind it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path

from tools.signals.plain_text import re2_pattern
from tools.signals.registry import CONTEXT_COLUMNS, SIGNALS, USAGE_WINDOW_DAYS, WHOLE_CONTEXT
from tools.sql import sql_date, sql_string

__all__ = [
    "CONTEXT_COLUMNS",
    "FEW_TEXTS",
    "INTENTS",
    "OBSERVED_ON",
    "TEXT_COLUMNS",
    "USAGE_COLUMNS",
    "WHOLE_NUMBERS",
    "bind_literals",
    "category_signals_sql",
    "category_sql",
    "last_signs_sql",
    "match_sql",
    "round_sql",
    "signal_columns",
    "single_line_sql",
    "usage_by_account_sql",
]  # fmt: skip

_FOLDER = Path(__file__).parent

OBSERVED_ON: dict[str, str] = {name: entry.observed_on for name, entry in SIGNALS.items()}
"""The column that holds the day each signal was observed."""

INTENTS = tuple(name for name, entry in SIGNALS.items() if entry.is_stated)
"""The signals that count stated intents: they are found by reading, not by the engine."""

WHOLE_NUMBERS = frozenset(name for name, entry in SIGNALS.items() if entry.is_whole) | WHOLE_CONTEXT
"""Counts and days: whole numbers, which need no rounding."""

TEXT_COLUMNS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "notes": ("date", ("text",), "{text}"),
    "tickets": ("opened_at", ("subject", "body"), "concat_ws('. ', {subject}, {body})"),
    "surveys": ("date", ("comment",), "{comment}"),
}
"""The tables with texts: the day, the columns, and the one text made of them."""

FEW_TEXTS = 20_000
"""Rows. For so few, one search for all phrases costs more to prepare than it saves."""


@cache
def category_sql(category: str) -> str:
    """The text of one category's file."""
    return (_FOLDER / f"{category}.sql").read_text(encoding="utf-8")


def bind_literals(sql: str, values: Mapping[str, date | str | None]) -> str:
    """Replace each ``:name`` by its literal or by the SQL given for it. Raises KeyError for a name that is not given."""

    def text(match: re.Match[str]) -> str:
        value = values[match.group(1)]
        return value if isinstance(value, str) else sql_date(value)

    return re.sub(r"(?<![:\w]):([a-z_]+)\b", text, sql)


USAGE_COLUMNS = ("active_users", "logins", "core_actions", "features_used")
"""The measures of usage."""


def usage_by_account_sql(as_of: date, filled: Collection[str] = (), recent_days: str = "0") -> str:
    """Usage as one row an account.

    ``filled`` are the columns that are known to have a value in every row; ``recent_days`` is an aggregate of the ``age``
    of the rows, for those who want to know their grain.
    """
    values: dict[str, date | str | None] = {"as_of": as_of, "recent_days": recent_days}
    values["window_usage"] = str(USAGE_WINDOW_DAYS)
    values |= {f"has_{name}": "true" if name in filled else f"{name} is not null" for name in USAGE_COLUMNS}
    return bind_literals(category_sql("usage_by_account"), values)


def last_signs_sql(as_of: date) -> str:
    """The days of the last use and of the last bill, one row an account."""
    return bind_literals(category_sql("last_signs"), {"as_of": as_of})


def category_signals_sql(
    category: str, as_of: date, seen: Mapping[str, date | None], windows: Mapping[str, int]
) -> str:
    """The signals of one category, one row an account.

    ``seen`` gives per source when it was last seen (``tickets_seen``, ``touchpoints_seen``, ``invoices_seen``) and the
    first day that touchpoints cover (``touchpoints_from``). ``windows`` gives days by signal, and by ``texts``.
    """
    days = {f"window_{name}": str(count) for name, count in windows.items()}
    return bind_literals(category_sql(category), {"as_of": as_of, **seen, **days})


def signal_columns(names: Sequence[str]) -> list[str]:
    """These signals and this context, and the days they were observed, from a relation that holds what is measured.

    Values are rounded to six decimals. Stated intents are known where somebody wrote something.
    """
    # Averages of doubles differ in the last bits with the order of rows and with the engine (about 1e-12). Six decimals
    # are far above that and far below what anybody sees, so that no account changes sides at a threshold by chance.
    columns = []
    for name in names:
        if name in INTENTS:
            columns.append(f"case when written_on is not null then coalesce({name}, 0.0::double) end as {name}")
        else:
            columns.append(f"{f'cast({name} as double)' if name in WHOLE_NUMBERS else round_sql(name)} as {name}")
    own = [f"{name}_on" for name in names if name not in OBSERVED_ON and name not in CONTEXT_COLUMNS]
    return columns + sorted({OBSERVED_ON[name] for name in names if name in OBSERVED_ON}) + own


def round_sql(expression: str) -> str:
    """Rounded to six decimals, in the embedded engine."""
    return f"round(({expression}) * 1e6) / 1e6"


def single_line_sql(text: str) -> str:
    """A text with single spaces for all that is blank."""
    wide = " or ".join(f"contains({text}, {blank})" for blank in ("'  '", "chr(10)", "chr(9)"))
    return f"case when {wide} then regexp_replace({text}, '\\s+', ' ', 'g') else {text} end"


def match_sql(line: str, pattern: str) -> str:
    """A condition: the plain text on one line matches the pattern, without regard to case."""
    return f"regexp_matches({line}, {sql_string(re2_pattern(pattern))}, 'i')"
