"""Reading of a single cell of an export."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.tables import TABLES, Column
from tools.sources.column_formats import ColumnFormat
from tools.sources.parse import SQL_TYPES, clean_long_text, clean_text, column_expressions

MONEY, NUMBER, WHOLE = Column("x", "money"), Column("x", "number"), Column("x", "integer")
DATE, FLAG, TEXT = Column("x", "date"), Column("x", "flag"), Column("x", "text")
CONNECTION = duckdb.connect(config={"threads": 1})
CONNECTION.execute("SET TimeZone = 'UTC'")


def read(
    column: Column, *cells: str | None, table: str = "accounts", style: ColumnFormat = ColumnFormat()
) -> list[object]:
    """The values of the cells, None where refused."""
    return [value for value, _ in _read(column, cells, table, style)]


def refusal(column: Column, cell: str, style: ColumnFormat = ColumnFormat()) -> str | None:
    """The reason for which the cell is refused, or None."""
    return _read(column, (cell,), "accounts", style)[0][1]


def _read(
    column: Column, cells: tuple[str | None, ...], table: str, style: ColumnFormat
) -> list[tuple[object, str | None]]:
    item, name = column_expressions(table, column, "c0", style), column.name
    rows = ", ".join(f"({index}, ${index + 1})" for index in range(len(cells)))
    query = f"SELECT *, {item.text} AS t_{name} FROM (VALUES {rows}) AS given(row_no, c0)"
    query = f"SELECT *, {item.parts or 'NULL'} AS p_{name} FROM ({query})"
    query = f"SELECT *, CAST({item.value} AS {SQL_TYPES[column.kind]}) AS v_{name} FROM ({query})"
    whens = " ".join(f"WHEN {condition} THEN {index}" for index, (condition, _) in enumerate(item.problems))
    whens = whens or "WHEN false THEN 0"
    query = f"SELECT v_{name}, CASE {whens} END FROM ({query}) ORDER BY row_no"
    found = CONNECTION.execute(query, list(cells)).fetchall()
    return [(value, None if bad is None else item.problems[bad][1]) for value, bad in found]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("82000", "82000"),
        ("$82,000", "82000"),
        ("US$82,000.50", "82000.50"),
        ("82k", "82000"),
        ("82 K", "82000"),
        ("1.2m", "1200000"),
        ("$1.25M", "1250000"),
        ("1.234,50", "1234.50"),
        ("€1.234,50", "1234.50"),
        ("1,234.50", "1234.50"),
        ("1 234,50", "1234.50"),
        ("1\u00a0234,50", "1234.50"),
        ("1\u202f234\u202f567", "1234567"),
        ("1'234.50", "1234.50"),
        ("1.234.567", "1234567"),
        ("12,34,567", "1234567"),
        ("(500)", "-500"),
        ("($1,500.25)", "-1500.25"),
        ("-500", "-500"),
        ("−500", "-500"),
        ("500-", "-500"),
        ("82 000 EUR", "82000"),
        ("EUR 82.000,00", "82000"),
        ("82.000,00 €", "82000"),
        ("8.2E+04", "82000"),
        ("0.005", "0.01"),
        ("2.345", None),
        ("-0.005", "-0.01"),
        (" 12 ", "12"),
        ("0", "0"),
    ],
)
def test_an_amount_is_read_as_people_and_exports_write_it(written: str, meant: str | None) -> None:
    assert read(MONEY, written) == [None if meant is None else Decimal(meant)]


@pytest.mark.parametrize(
    "written",
    [
        "abc",
        "12abc",
        "1.2.3",
        "1,2,3",
        "NaN",
        "inf",
        "-inf",
        "12 34",
        "()",
        "(5",
        "5)",
        "--5",
        "1e999",
        "$",
        "k",
        "12 EUR USD",
    ],
)
def test_text_in_a_number_is_refused_and_not_guessed(written: str) -> None:
    assert read(MONEY, written) == [None]
    assert refusal(MONEY, written) == "not an amount"
    assert read(NUMBER, written) == [None]


def test_one_point_with_three_digits_is_ambiguous_money_until_the_mapping_says_which() -> None:
    assert "set decimal" in str(refusal(MONEY, "12.500"))
    assert read(MONEY, "12.500", style=ColumnFormat(decimal="comma")) == [Decimal("12500")]
    assert read(MONEY, "12.500", style=ColumnFormat(decimal="point")) == [Decimal("12.50")]
    assert read(MONEY, "12,500", style=ColumnFormat(decimal="comma")) == [Decimal("12.50")]
    assert read(MONEY, "12,500") == [Decimal("12500")]
    assert read(NUMBER, "12.125") == [12.125]
    assert read(NUMBER, "12.125", style=ColumnFormat(decimal="comma")) == [12125.0]


def test_a_number_that_was_a_number_at_the_source_has_no_separators_to_misread() -> None:
    assert read(MONEY, "12.500", style=ColumnFormat(decimal="comma", numeric=True)) == [Decimal("12.50")]


AMOUNTS = st.decimals(min_value=0, max_value=10**9, places=2, allow_nan=False, allow_infinity=False)


@settings(max_examples=40, deadline=None)
@given(AMOUNTS, st.booleans())
def test_an_amount_is_the_same_in_every_way_of_writing_it(amount: Decimal, negative: bool) -> None:
    english = f"{amount:,.2f}"
    continental = english.translate(str.maketrans(",.", ".,"))
    french, swiss = continental.replace(".", "\u202f"), english.replace(",", "'")
    ways = [f"{amount:.2f}", english, continental, french, swiss, f"${english}", f"{continental} €", f"EUR {french}"]
    if negative:
        ways = [f"-{way}" for way in ways[:5]] + [f"({way})" for way in ways]
    assert set(read(MONEY, *ways)) == {-amount if negative else amount}


@settings(max_examples=30, deadline=None)
@given(st.integers(min_value=0, max_value=10**12))
def test_a_count_is_the_same_with_and_without_thousands_marks(count: int) -> None:
    ways = [str(count), f"{count:,}", f"{count:,}".replace(",", " "), f"{count}.0"]
    assert set(read(WHOLE, *ways)) == {count}


def test_seats_are_whole_and_half_a_seat_is_refused() -> None:
    assert read(WHOLE, "12", "12.0", "1,200", "12.5") == [12, 12, 1200, None]
    assert refusal(WHOLE, "12.5") == "not a whole number"


def test_a_date_is_read_in_iso_and_a_time_counts_on_its_utc_day() -> None:
    cells = (
        "2026-11-22",
        "2026-11-22T23:30:00",
        "2026-11-22T23:30:00Z",
        "2026-11-22T10:00:00.000+0000",
        "2026-11-22T23:30:00-05:00",
        "2026-11-23T00:30:00+02:00",
        "2026-11-22 10:00:00 UTC",
        "20261122",
        "2026/11/22",
        "22 Nov 2026",
        "Nov 22, 2026",
        "22-Nov-2026",
        "22 November 2026",
    )
    day = date(2026, 11, 22)
    assert read(DATE, *cells) == [day] * 4 + [date(2026, 11, 23)] + [day] * 8


@settings(max_examples=30, deadline=None)
@given(st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30)), st.integers(-12, 14))
def test_a_time_in_any_zone_is_the_day_it_was_in_utc(moment: datetime, hours: int) -> None:
    zoned = moment.replace(tzinfo=timezone(timedelta(hours=hours)))
    assert read(DATE, zoned.isoformat()) == [zoned.astimezone(UTC).date()]


@settings(max_examples=30, deadline=None)
@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.sampled_from("/.-"))
def test_a_slashed_date_is_read_in_the_order_that_was_said(day: date, mark: str) -> None:
    day_first, month_first = day.strftime(f"%d{mark}%m{mark}%Y"), day.strftime(f"%m{mark}%d{mark}%Y")
    assert read(DATE, day_first, style=ColumnFormat(date_order="day_first")) == [day]
    assert read(DATE, month_first, style=ColumnFormat(date_order="month_first")) == [day]


def test_a_slashed_date_that_could_be_two_days_is_refused_until_someone_says_which() -> None:
    assert read(DATE, "03/04/2026", "31/12/2026", "12/31/2026", "05/05/2026") == [
        None,
        date(2026, 12, 31),
        date(2026, 12, 31),
        date(2026, 5, 5),
    ]
    assert "set date_order" in str(refusal(DATE, "03/04/2026"))
    assert refusal(DATE, "12/31/2026", ColumnFormat(date_order="day_first")) == "not a date"
    assert "set date_order" in str(refusal(DATE, "05/05/2026", ColumnFormat(date_order="iso")))
    assert read(DATE, "3.4.26 10:15", style=ColumnFormat(date_order="day_first")) == [date(2026, 4, 3)]


@pytest.mark.parametrize(
    "written", ["soon", "2026-02-30", "2026-13-01", "epoch", "99999-01-01", "22", "31/31/2026", "0"]
)
def test_what_is_no_date_is_refused(written: str) -> None:
    assert read(DATE, written) == [None]
    assert refusal(DATE, written) == "not a date"


@pytest.mark.parametrize(
    "written",
    ["NULL", "n/a", "NA", "TBD", "-", "1899-12-30", "1900-01-01T00:00:00Z", "1970-01-01", "0000-00-00", "9999-12-31",
     "31.12.9999", "12/31/9999", "01/01/0001", "01.01.1970 00:00:00", "infinity", "2099-12-31", "12/31/2099"],
)  # fmt: skip
def test_a_date_that_means_no_date_is_an_empty_cell(written: str) -> None:
    assert read(DATE, written) == [None]
    assert refusal(DATE, written) is None


@pytest.mark.parametrize("written", ["1970-01-02", "1969-07-20", "2098-12-31", "1901-01-01", "2100-01-01"])
def test_an_odd_day_that_may_be_true_stays_a_date(written: str) -> None:
    assert read(DATE, written) == [date.fromisoformat(written)]


def test_na_is_a_word_of_texts_and_may_be_an_id() -> None:
    assert read(TEXT, "NA", "NULL", "None") == ["NA", "NULL", "None"]
    assert read(Column("x", "id"), "NA", "NULL", "n/a", r"\N", "000000000000000AAA", "#N/A") == ["NA", *[None] * 5]
    assert read(MONEY, "N/A", "-", "NA") == [None, None, None]
    assert refusal(MONEY, "N/A") is None


def test_a_word_that_the_mapping_translates_is_not_an_empty_cell() -> None:
    style = ColumnFormat(values={"None": "false"})
    assert read(FLAG, "None", "N/A", style=style) == [False, None]
    assert refusal(FLAG, "n/a") is None


def test_milliseconds_are_a_date_only_where_the_mapping_says_so() -> None:
    assert read(DATE, "1795305600000") == [None]
    assert "epoch_ms" in str(refusal(DATE, "1795305600000"))
    assert "epoch_s" in str(refusal(DATE, "1795305600"))
    assert read(DATE, "1795305600000", style=ColumnFormat(unit="epoch_ms")) == [date(2026, 11, 22)]
    assert read(DATE, "1795305600", style=ColumnFormat(unit="epoch_s")) == [date(2026, 11, 22)]
    assert read(DATE, "1795305600", style=ColumnFormat(unit="epoch_ms")) == [None]


def test_yes_and_no_are_read_in_any_case_and_perhaps_is_unknown() -> None:
    assert read(FLAG, "TRUE", "yes", "Y", "1", "t") == [True] * 5
    assert read(FLAG, "False", "NO", "n", "0", "f") == [False] * 5
    assert read(FLAG, "perhaps", "", None) == [None] * 3


def test_text_is_trimmed_and_freed_of_control_characters_but_keeps_its_lines() -> None:
    assert read(TEXT, "  a\x00b\x1b[31m \n c\t ", "", " \u00a0 ", "x\u202ey") == ["ab[31m \n c", None, None, "xy"]


def test_our_choices_are_read_in_any_spelling_and_well_known_words_are_translated() -> None:
    priority = next(column for column in TABLES["tickets"].columns if column.name == "priority")
    assert read(priority, "P1", "1 - Critical", "High", "NORMAL", "p4", "odd", table="tickets") == [
        "urgent",
        "urgent",
        "high",
        "normal",
        "low",
        None,
    ]
    kind = next(column for column in TABLES["touchpoints"].columns if column.name == "kind")
    assert read(kind, "Exec Meeting", "exec-meeting", "QBR", table="touchpoints") == ["exec_meeting"] * 2 + ["qbr"]
    status = next(column for column in TABLES["invoices"].columns if column.name == "status")
    assert read(status, "uncollectible", "draft", "Paid", table="invoices") == ["failed", "void", "paid"]


def test_words_are_translated_in_any_case_the_first_of_two_alike_counts_and_others_stay() -> None:
    kind = next(column for column in TABLES["touchpoints"].columns if column.name == "kind")
    style = ColumnFormat(values={" Webinar": "training", "WEBINAR": "email", "steering": "exec_meeting"})
    written = ("webinar", "Steering", "QBR", "podcast", None)
    assert read(kind, *written, table="touchpoints", style=style) == ["training", "exec_meeting", "qbr", None, None]


def test_satisfaction_is_one_to_five_whatever_scale_it_was_asked_on() -> None:
    csat = next(column for column in TABLES["tickets"].columns if column.name == "csat")
    assert read(csat, "4", "good", "Bad", "offered", table="tickets") == [4.0, 5.0, 1.0, None]
    assert read(csat, "0", "50", "100%", "75 %", table="tickets", style=ColumnFormat(unit="percent")) == [
        1.0,
        3.0,
        5.0,
        4.0,
    ]


LETTERS = list('aZ !~"\\\t\n\r\x00\x1f\x7f\x85\xa0é\u202e\U0001f680')


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(st.sampled_from(LETTERS), max_size=6), min_size=1))
def test_many_texts_are_cleaned_as_one_is(texts: list[str]) -> None:
    query = f"SELECT {clean_text('x')}, {clean_long_text('x')} FROM (SELECT unnest($1::VARCHAR[]) AS x)"
    assert all(one == many for one, many in CONNECTION.execute(query, [texts]).fetchall())


def test_a_text_of_nothing_but_spaces_is_none_however_it_is_typed() -> None:
    style = ColumnFormat(typed="VARCHAR", fast_path=True)
    assert read(Column("body", "text"), "", " ", "   ", " a", "!", "é", table="tickets", style=style) == [
        None,
        None,
        None,
        " a",
        "!",
        "é",
    ]
