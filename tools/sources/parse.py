"""SQL that reads one cell: for every kind of column the expressions of its value, and the reasons for refusing it.

A column ``x`` goes through three layers: ``t_x`` the clean text, ``p_x`` the parts of a number, ``v_x`` the value.
"""

from collections.abc import Mapping

from domain.tables import Column
from tools.sources import words
from tools.sources.column_formats import ColumnExpressions, ColumnFormat
from tools.sources.dates import date_parts, date_problems, date_value
from tools.sources.empty_cells import empty_words, is_empty_id, is_one_of, real_day, unless_empty
from tools.sources.mapping import CSAT_COLUMNS
from tools.sources.raw_tables import as_text
from tools.sources.reasons import NOT_A_NUMBER, NOT_AN_AMOUNT, REQUIRED_IS_EMPTY, unknown_choice
from tools.sources.scales import SCORE_COLUMNS, freshdesk_score, with_label
from tools.sql import sql_string, sql_strings

SQL_TYPES = {
    "id": "VARCHAR",
    "text": "VARCHAR",
    "choice": "VARCHAR",
    "number": "DOUBLE",
    "money": "DECIMAL(18,2)",
    "integer": "BIGINT",
    "date": "DATE",
    "flag": "BOOLEAN",
}
LONGEST_FIELD = 1_000_000

LONG_TEXT_COLUMNS = frozenset(("subject", "body", "comment", "text"))
"""Columns in which people write. They are searched only while they are recent, and cleaned then."""

# Control characters, and the marks that reverse the direction of writing: a text could hide its end behind them.
_CONTROL = r"[\x00-\x08\x0B-\x1F\x7F-\x{009F}\x{FEFF}\x{202A}-\x{202E}\x{2066}-\x{2069}]"
# Excel and CRMs separate thousands by no-break and thin spaces; \s knows none of them.
_BLANK = r"[\s\x{00A0}\x{2007}\x{2009}\x{202F}]"
_CURRENCY = rf"(?:[a-z]{{0,2}}[$€£¥₹₩₺₽]|{'|'.join(words.CURRENCY_CODES)}|kr|zł|kč)"
# An amount in parts: (1.234,50 EUR), -$1.2k, 12 000 kr. The digits are read later, by the decimal mark of the column.
_AMOUNT = (
    rf"^(\()?([+-])? ?({_CURRENCY})? ?([+-])? ?([0-9][0-9.,' ]*[0-9]|[0-9]|[.,][0-9]+)"
    rf" ?(k|m|mn|mio|bn|b)? ?({_CURRENCY})?(\))?(-)?$"
)
_PARTS = ["open", "sign", "cur1", "sign2", "body", "unit", "cur2", "close", "minus"]


def clean_text(cell: str) -> str:
    """The text without spaces around it and without control characters; NULL where nothing is left."""
    # Nearly all cells are plain ASCII: one cheap test saves them two replacements by pattern.
    shown = f"regexp_replace({cell}, '{_CONTROL}', '', 'g')"
    slow = f"nullif(regexp_replace({shown}, '^{_BLANK}+|{_BLANK}+$', '', 'g'), '')"
    return f"CASE WHEN regexp_full_match({cell}, '[!-~]([ -~]*[!-~])?') THEN {cell} ELSE {slow} END"


def clean_long_text(cell: str) -> str:
    """The same text as ``clean_text``, four times as fast where there are many and they are long.

    JSON writes a control character as an escape, so that a text in ASCII which grows only by its two quotes has none.
    """
    edges = f"{cell} >= '!' AND NOT ends_with({cell}, ' ') AND NOT contains({cell}, chr(127))"
    inside = f"strlen({cell}) = length({cell}) AND strlen(to_json({cell})) = strlen({cell}) + 2"
    return f"CASE WHEN {edges} AND {inside} THEN {cell} ELSE {clean_text(cell)} END"


def column_expressions(table: str, column: Column, cell: str, column_format: ColumnFormat) -> ColumnExpressions:
    """The expressions that read ``column`` from ``cell``, an expression over the source."""
    t, p, v = f"t_{column.name}", f"p_{column.name}", f"v_{column.name}"
    if column_format.typed and column.kind not in ("id", "text", "choice"):
        return _typed_expressions(column, cell, column_format.typed)
    too_long = (f"strlen({t}) > {LONGEST_FIELD} AND length({t}) > {LONGEST_FIELD}", "longer than 1,000,000 characters")
    is_fast = column_format.fast_path and column_format.typed and not column_format.values
    if is_fast and (as_it_is := _fast_expressions(table, column, cell, column_format)):
        return as_it_is
    written = unless_empty(column, cell, clean_text(cell), column_format.values)
    if column.kind in ("id", "text"):
        value = _translate(t, column_format.values) if column_format.values else t
        return ColumnExpressions(written, None, value, (too_long,))
    if column.kind == "choice":
        value = _choice(table, column, t, column_format)
        return ColumnExpressions(written, None, value, (too_long, *_choice_problems(column, t, v)))
    if column.kind == "flag":
        problem = (f"{v} IS NULL AND {t} IS NOT NULL", "neither yes nor no")
        return ColumnExpressions(written, None, _flag(t, column_format), (too_long, problem))
    if column_format.plain:
        return _plain_expressions(column, cell)
    if column.kind == "date":
        return ColumnExpressions(
            unless_empty(column, cell, f"nullif(trim({cell}), '')"),
            date_parts(t),
            date_value(t, p, column_format),
            date_problems(column, t, p, v, column_format),
        )
    return _number_expressions(table, column, cell, column_format)


def _fast_expressions(table: str, column: Column, cell: str, column_format: ColumnFormat) -> ColumnExpressions | None:
    """An id, a choice or a long text on the fast path; None for every other column."""
    t, v = f"t_{column.name}", f"v_{column.name}"
    if column.name == "account_id" and table != "accounts":
        return ColumnExpressions(cell, None, t, ())  # whether it is one of an account is checked for all tables at once
    if column.kind == "id" and column.required:
        empty = is_empty_id(t, ("", *empty_words(column)))
        return ColumnExpressions(cell, None, t, ((empty, REQUIRED_IS_EMPTY),))
    if column.kind == "id":
        return ColumnExpressions(unless_empty(column, cell, f"nullif(trim({cell}), '')"), None, t, ())
    if column.name in LONG_TEXT_COLUMNS:
        return ColumnExpressions(cell, None, f"CASE WHEN {t} >= '!' THEN {t} WHEN trim({t}) <> '' THEN {t} END", ())
    if column.kind == "choice":
        # Most cells are one of the choices as they are written here; only the others are worth the long way.
        slow = _choice(table, column, f"({clean_text(t)})", column_format)
        value = f"CASE WHEN {_any_of(t, column.choices)} THEN {t} WHEN {t} IS NOT NULL THEN {slow} END"
        ((unread, reason),) = _choice_problems(column, t, v)
        is_empty = is_one_of(f"lower(trim({t}))", empty_words(column))
        is_word = f"CASE WHEN {unread} THEN NOT {is_empty} ELSE false END"
        return ColumnExpressions(cell, None, value, ((is_word, reason),))
    return None


def _typed_expressions(column: Column, cell: str, source: str) -> ColumnExpressions:
    """A cell whose type the source gives: a cast is enough. A cast that fails or overflows is a problem, not an error."""
    t, v = f"t_{column.name}", f"v_{column.name}"
    lost = f"{v} IS NULL AND {t} IS NOT NULL"
    is_float = source in ("FLOAT", "DOUBLE")
    if column.kind == "money":
        # By way of its text: 1.005 then rounds as it is written, and not as the binary number just below it.
        text = as_text(cell, source) if is_float else cell
        return ColumnExpressions(text, None, f"TRY_CAST({t} AS DECIMAL(18,2))", ((lost, NOT_AN_AMOUNT),))
    if column.kind == "date":  # infinity, years before Christ and beyond 9999 are no days: they are empty cells
        return ColumnExpressions(real_day(cell), None, f"CAST({t} AS DATE)", ())
    if column.kind == "integer":
        return ColumnExpressions(cell, None, f"TRY_CAST({t} AS BIGINT)", ((lost, "not a whole number"),))
    if is_float:
        finite = f"CASE WHEN isfinite({t}) THEN CAST({t} AS DOUBLE) END"
        return ColumnExpressions(cell, None, finite, ((lost, NOT_A_NUMBER),))
    value = t if source == SQL_TYPES[column.kind] else f"CAST({t} AS {SQL_TYPES[column.kind]})"
    return ColumnExpressions(cell, None, value, ())


def _plain_expressions(column: Column, cell: str) -> ColumnExpressions:
    """A column in which every cell is an ISO date, plain digits or empty: a cast is enough."""
    t, v = f"t_{column.name}", f"v_{column.name}"
    problem = {"date": "not a date", "money": NOT_AN_AMOUNT, "integer": "not a whole number"}
    reason = problem.get(column.kind, NOT_A_NUMBER)
    value = f"TRY_CAST({t} AS {SQL_TYPES[column.kind]})"
    return ColumnExpressions(f"nullif(trim({cell}), '')", None, value, ((f"{v} IS NULL AND {t} IS NOT NULL", reason),))


def _number_expressions(table: str, column: Column, cell: str, column_format: ColumnFormat) -> ColumnExpressions:
    t, p, v = f"t_{column.name}", f"p_{column.name}", f"v_{column.name}"
    plain = _plain_pattern(column, column_format)
    text = _translate(
        unless_empty(column, cell, f"nullif(trim({cell}), '')", column_format.values), column_format.values
    )
    parts = _number_parts(t, plain)
    ambiguous = (
        f"{v} IS NULL AND regexp_full_match({p}.body, '[1-9][0-9]{{0,2}}\\.[0-9]{{3}}')",
        "the point may be a decimal point or a thousands mark: set decimal (point or comma) in mapping.yaml",
    )
    not_number = (f"{v} IS NULL AND {t} IS NOT NULL", NOT_AN_AMOUNT if column.kind == "money" else NOT_A_NUMBER)
    if (table, column.name) in CSAT_COLUMNS:
        asked_only = _any_of(f"lower({t})", words.NOT_ANSWERED)
        not_number = (f"{v} IS NULL AND {t} IS NOT NULL AND NOT {asked_only}", "not a satisfaction score")
        return ColumnExpressions(text, parts, _csat_or_number(table, t, p, plain, column_format), (not_number,))
    if column.kind == "money":
        return ColumnExpressions(text, parts, _money(t, p, plain, column_format), (ambiguous, not_number))
    number = _number(t, p, plain, column_format)
    if (table, column.name) in SCORE_COLUMNS:
        number = with_label(table, t, number)
    if column.kind == "integer":
        whole = f"CASE WHEN {number} = trunc({number}) THEN TRY_CAST({number} AS BIGINT) END"
        return ColumnExpressions(text, parts, whole, ((f"{v} IS NULL AND {t} IS NOT NULL", "not a whole number"),))
    return ColumnExpressions(text, parts, number, (not_number,))


def _number_parts(t: str, plain: str) -> str:
    """The parts of a number that is not plain digits; NULL for a plain one."""
    spaced = f"regexp_replace(translate(lower({t}), '−–’', '--'''), '{_BLANK}+', ' ', 'g')"
    names = sql_strings(_PARTS)
    return f"CASE WHEN NOT {_is_plain(t, plain)} THEN regexp_extract({spaced}, {sql_string(_AMOUNT)}, [{names}]) END"


def _plain_pattern(column: Column, column_format: ColumnFormat) -> str:
    """The shape of cells that are a number as they stand and cannot be read in two ways."""
    if column.kind == "money" and not column_format.numeric:
        return r"[0-9]{1,15}(\.[0-9]{1,2})?"
    return (
        "[0-9]{1,15}" if column_format.decimal == "comma" and not column_format.numeric else r"[0-9]{1,15}(\.[0-9]+)?"
    )


def _is_plain(t: str, plain: str) -> str:
    return f"regexp_full_match({t}, {sql_string(plain)})"


def amount_currency(p: str) -> str:
    """The currency that an amount names itself, by its code or by a sign that only one currency has."""
    written = f"coalesce(nullif({p}.cur1, ''), nullif({p}.cur2, ''))"
    signs = " ".join(f"WHEN {sql_string(sign)} THEN {sql_string(code)}" for sign, code in words.CURRENCY_SIGNS.items())
    return (
        f"CASE {written} {signs} ELSE CASE WHEN {_any_of(written, words.CURRENCY_CODES)} THEN upper({written}) END END"
    )


def _digits(p: str, decimal: str | None, exact: bool) -> str:
    """The body as digits with a decimal point; NULL where its shape is not a number's.

    ``exact`` refuses "1.234" where the decimal mark is not known: for an amount a guess could be wrong by a thousand.
    """
    body = f"{p}.body"
    comma_means = "decimal" if decimal == "comma" else "thousands"
    point_means = {"comma": "thousands", "point": "decimal"}.get(decimal or "", "unknown" if exact else "decimal")
    no = {mark: f"replace({body}, {sql_string(mark)}, '')" for mark in (",", ".")}
    single_comma = f"replace({body}, ',', '.')" if comma_means == "decimal" else no[","]
    single_point = {"thousands": no["."], "decimal": body, "unknown": "NULL"}[point_means]
    loose_comma = "NULL" if decimal == "point" else f"replace({body}, ',', '.')"
    swapped = f"replace({no['.']}, ',', '.')"
    spaced = f"replace(translate({body}, ' ''', ''), ',', '.')"
    cases = (
        ("[0-9]+", body),
        (r"[1-9][0-9]{0,2}\.[0-9]{3}", single_point),
        (r"[0-9]*\.[0-9]+", body),
        (r"[1-9][0-9]{0,2},[0-9]{3}", single_comma),
        (r"[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?|[0-9]{1,2}(,[0-9]{2})+,[0-9]{3}(\.[0-9]+)?", no[","]),
        (r"[0-9]{1,3}(\.[0-9]{3})+,[0-9]+|[0-9]{1,3}(\.[0-9]{3}){2,}", swapped),
        (r"[0-9]*,[0-9]+", loose_comma),
        (r"[0-9]{1,3}([ '][0-9]{3})+([.,][0-9]+)?", spaced),
    )
    whens = " ".join(f"WHEN regexp_full_match({body}, {sql_string(shape)}) THEN {value}" for shape, value in cases)
    return f"CASE {whens} END"


def _negative(p: str) -> str:
    return f"({p}.open <> '' OR {p}.sign = '-' OR {p}.sign2 = '-' OR {p}.minus = '-')"


def _balanced(p: str) -> str:
    """True where brackets come in pairs and at most one sign makes the amount negative."""
    once = " + ".join(f"CAST({p}.{part} <> '' AS INTEGER)" for part in ("open", "sign", "sign2", "minus"))
    return f"({p}.open = '') = ({p}.close = '') AND {once} <= 1"


def _unit_factor(p: str) -> str:
    return (
        f"CASE {p}.unit WHEN '' THEN 1 WHEN 'k' THEN 1000 WHEN 'bn' THEN 1000000000 WHEN 'b' THEN 1000000000"
        " ELSE 1000000 END"
    )


def _money(t: str, p: str, plain: str, column_format: ColumnFormat) -> str:
    digits = _digits(p, "point" if column_format.numeric else column_format.decimal, exact=True)
    # DECIMAL all the way: a double would lose cents of large amounts. TRY, because the product may overflow.
    times = f"CAST({_unit_factor(p)} * CASE WHEN {_negative(p)} THEN -1 ELSE 1 END AS DECIMAL(12,0))"
    amount = f"TRY_CAST(TRY(TRY_CAST({digits} AS DECIMAL(26,6)) * {times}) AS DECIMAL(18,2))"
    written = f"TRY_CAST({t} AS DECIMAL(18,2))"
    exact = f"{_is_plain(t, plain)} OR {_is_scientific(t)}"
    return f"CASE WHEN {exact} THEN {written} WHEN {_balanced(p)} THEN {amount} END"


def _number(t: str, p: str, plain: str, column_format: ColumnFormat) -> str:
    digits = _digits(p, "point" if column_format.numeric else column_format.decimal, exact=False)
    amount = f"TRY_CAST({digits} AS DOUBLE) * {_unit_factor(p)} * CASE WHEN {_negative(p)} THEN -1 ELSE 1 END"
    scientific = f"CASE WHEN isfinite(TRY_CAST({t} AS DOUBLE)) THEN TRY_CAST({t} AS DOUBLE) END"
    return (
        f"CASE WHEN {_is_plain(t, plain)} THEN TRY_CAST({t} AS DOUBLE) WHEN {_is_scientific(t)} THEN {scientific}"
        f" WHEN {_balanced(p)} THEN {amount} END"
    )


def _is_scientific(t: str) -> str:
    return f"regexp_full_match({t}, '[+-]?[0-9]+(\\.[0-9]+)?[eE][+-]?[0-9]{{1,3}}')"


def _csat_or_number(table: str, t: str, p: str, plain: str, column_format: ColumnFormat) -> str:
    """Satisfaction on 1 to 5. In surveys the same column holds NPS answers, which stay as they are.

    A percentage outside 0 to 100 is moved out of every valid range (+ 1000), so that the range check refuses it.
    """
    word = f"lower(regexp_replace({t}, '[\\s-]+', '_', 'g'))"
    number = with_label(table, t, _number(t, p, plain, column_format))
    percent = f"regexp_full_match({t}, '.*[0-9] ?%')"
    if column_format.unit == "percent":
        bare = f"nullif(trim(replace({t}, '%', '')), '')"
        asked = f"CASE WHEN {percent} THEN TRY_CAST(replace({bare}, ',', '.') AS DOUBLE) ELSE {number} END"
        score = f"CASE WHEN {asked} BETWEEN 0 AND 100 THEN 1 + 4 * {asked} / 100 ELSE {asked} + 1000 END"
    else:
        score = freshdesk_score(number) if column_format.unit == "freshdesk" else number
    if table == "surveys":
        score = f"CASE WHEN v_kind = 'nps' THEN {number} ELSE {score} END"
    good, bad = _any_of(word, words.GOOD_RATINGS), _any_of(word, words.BAD_RATINGS)
    if table == "surveys":
        good, bad = f"v_kind = 'csat' AND {good}", f"v_kind = 'csat' AND {bad}"
    return f"CASE WHEN {good} THEN 5.0 WHEN {bad} THEN 1.0 ELSE {score} END"


def _any_of(expression: str, choices: tuple[str, ...]) -> str:
    return f"{expression} IN ({sql_strings(choices)})"


def _flag(t: str, column_format: ColumnFormat) -> str:
    text = f"lower({_translate(t, column_format.values)})"
    return f"CASE WHEN {_any_of(text, words.YES)} THEN true WHEN {_any_of(text, words.NO)} THEN false END"


def _translate(t: str, values: dict[str, str]) -> str:
    if not values:
        return t
    lower = {
        word.strip().lower(): meaning for word, meaning in reversed(values.items())
    }  # of equal words the first counts
    return f"coalesce({_lookup(f'lower({t})', lower)}, {t})"


def _lookup(word: str, meanings: Mapping[str, str]) -> str:
    """The meaning of a word; NULL for an unknown one. A CASE would compute ``word`` again for every entry."""
    keys, values = (f"[{sql_strings(side)}]" for side in (meanings, meanings.values()))
    return f"list_extract({values}, list_position({keys}, {word}))"


def _choice(table: str, column: Column, t: str, column_format: ColumnFormat) -> str:
    known = words.choice_meanings(table, column)
    return _lookup(f"lower(regexp_replace({_translate(t, column_format.values)}, '[\\s_-]+', '_', 'g'))", known)


def _choice_problems(column: Column, t: str, v: str) -> tuple[tuple[str, str], ...]:
    return ((f"{v} IS NULL AND {t} IS NOT NULL", unknown_choice(column)),)
