"""Words and dates by which other programs write "no value": a cell that holds one is an empty cell.

Only ids, dates, numbers, choices, flags, currencies and addresses are read so. A text keeps its words: NA is a region,
and a person may be called Null.
"""

import re
from collections.abc import Collection

from domain.tables import Column
from tools.sql import sql_string

NO_VALUE = (
    "null", "(null)", "[null]", "<null>", "n/a", "#n/a", "#n/a!", "#null!", "\\n", "none", "(none)", "nil", "nan", "nat",
    "<na>", "undefined", "tbd", "tba", "t.b.d.", "unknown", "unassigned", "not set", "(blank)", "-", "--", "---", "–",
    "—", "000000000000000aaa", "000000000000000",
)  # fmt: skip
"""In lower case. SQL clients, spreadsheets, pandas and R, MySQL dumps, Salesforce exports, and people."""
_NO_DATE = ("0000-00-00", "0000-00-00 00:00:00", "infinity", "-infinity")
_LONGEST = max(map(len, (*NO_VALUE, *_NO_DATE)))
# Two letters may be somebody's initials and so an id. No date, number, choice or currency is written so.
_NOT_FOR_IDS = ("na",)

PLACEHOLDER_DAYS = ("1969-12-31", "1970-01-01", "2099-12-31")
"""The day 0 of computers (1969-12-31 west of Greenwich), and the last day of the century as "without end"."""
_AFTER_DAY_ZERO = "1970-01-02"
FIRST_DAY, FIRST_DAY_TOO_LATE = "1901-01-01", "2900-01-01"
"""Earlier days are the day 0 of a spreadsheet or a database, later ones mean "without end" (9999-12-31)."""
_OTHER_YEAR = "(?:[01][0-8][0-9]{2}|0[0-9]{3}|1900|29[0-9]{2}|[3-9][0-9]{3})"
_PLACEHOLDER_DATE = (
    rf"(?:{_OTHER_YEAR}[-/.][0-9]{{1,2}}[-/.][0-9]{{1,2}}|{'|'.join(PLACEHOLDER_DAYS)}"
    rf"|[0-9]{{1,2}}[/.-][0-9]{{1,2}}[/.-]{_OTHER_YEAR}|0?1[/.-]0?1[/.-]1970"
    r"|(?:31[/.-]12|12[/.-]31)[/.-](?:1969|2099))(?:[T ].*)?"
)
_CODES = frozenset(("currency", "email"))


def empty_words(column: Column, translated: Collection[str] = ()) -> tuple[str, ...]:
    """The words that mean "no value" in a column, in lower case; () for a text.

    ``translated`` are the words that mapping.yaml gives a meaning: those are no empty cells.
    """
    if column.kind == "text" and column.name not in _CODES:
        return ()
    found = (*NO_VALUE, *(_NO_DATE if column.kind == "date" else ()), *(() if column.kind == "id" else _NOT_FOR_IDS))
    meant = {word.strip().lower() for word in translated}
    # NaN in a number is a calculation that failed, which is named like one from a source with types.
    meant |= {"nan"} if column.kind in ("number", "money", "integer") else set()
    return tuple(word for word in found if word not in meant)


def is_empty_id(cell: str, words: Collection[str]) -> str:
    """A condition: an id is one of the words, in any case. Most ids are told from them by their first sign alone."""
    # lower() of every id of every row would cost more than reading it.
    return f"CASE WHEN {_differs(cell)} THEN false ELSE {is_one_of(f'lower({cell})', words)} END"


def is_one_of(text: str, words: Collection[str]) -> str:
    """A condition: the text is one of the words."""
    # A long IN would become a join, which is worked out for every row whatever condition stands before it; a list is
    # planned word by word.
    return f"regexp_full_match({text}, {sql_string('|'.join(map(re.escape, words)))})"


def _differs(cell: str) -> str:
    """A condition that holds for most cells and for none of the words, which begin with N, T, U, a 0 or a sign."""
    ranges = (("1", ":"), ("A", "N"), ("O", "T"), ("V", "["))
    return " OR ".join(f"{cell} >= '{first}' AND {cell} < '{end}'" for first, end in ranges)


def unless_empty(column: Column, cell: str, text: str, translated: Collection[str] = ()) -> str:
    """``text``, or NULL where the cell, an expression of a text, holds a word or a date that means "no value"."""
    if not (names := empty_words(column, translated)):
        return text
    empty = f"length({cell}) <= {_LONGEST + 4} AND {is_one_of(f'lower(trim({cell}))', names)}"
    if column.kind == "date":
        empty += f" OR regexp_full_match(trim({cell}), {sql_string(_PLACEHOLDER_DATE)})"
        return f"CASE WHEN {empty} THEN NULL ELSE {text} END"
    return f"CASE WHEN {_differs(cell)} THEN {text} WHEN {empty} THEN NULL ELSE {text} END"


def real_day(cell: str) -> str:
    """A date or time with a type of its own; NULL where it means "no date". Every engine reads this expression."""
    named = ", ".join(f"date '{day}'" for day in PLACEHOLDER_DAYS)
    real = f"{cell} >= date '{FIRST_DAY}' and {cell} < date '{FIRST_DAY_TOO_LATE}'"
    # Nearly every day lies between the placeholders: one comparison is then enough.
    usual = f"{cell} >= date '{_AFTER_DAY_ZERO}' and {cell} < date '{PLACEHOLDER_DAYS[2]}'"
    named_none = f"cast({cell} as date) in ({named})"
    return f"case when {usual} then {cell} when {real} and not {named_none} then {cell} end"
