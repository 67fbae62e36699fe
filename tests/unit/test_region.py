"""Numbers, money and dates in the format of the reader's region; the currency is always shown."""

from collections.abc import Iterator
from datetime import date
from types import ModuleType

import pytest

from app.desk.region_format import region_format
from app.report import formatting
from app.report.markdown import display_text
from tools import wording
from tools.wording import format_day, format_money, format_number, format_short_day, plural

ON = date(2026, 11, 23)


@pytest.fixture
def read_in() -> Iterator[object]:
    token = formatting.REGION_FORMAT.set(formatting.RegionFormat())
    yield lambda languages: formatting.REGION_FORMAT.set(region_format(languages))
    formatting.REGION_FORMAT.reset(token)


@pytest.mark.parametrize(
    ("languages", "money", "share", "on"),
    [
        ("", "EUR 1,234,567", "12.5 %", "2026-11-23"),
        ("de-DE,de;q=0.9,en;q=0.8", "EUR 1.234.567", "12,5 %", "23 Nov 2026"),
        ("de", "EUR 1.234.567", "12,5 %", "23 Nov 2026"),
        ("en-US", "EUR 1,234,567", "12.5 %", "Nov 23, 2026"),
        ("sv", "EUR 1\u00a0234\u00a0567", "12,5 %", "23 Nov 2026"),
        ("ja", "EUR 1,234,567", "12.5 %", "23 Nov 2026"),
        ("en;q=0.1, de-DE;q=0.7", "EUR 1.234.567", "12,5 %", "23 Nov 2026"),
    ],
)
def test_a_reader_sees_numbers_and_dates_as_at_home(read_in, languages, money, share, on) -> None:
    read_in(languages)
    assert formatting.money(1_234_567, "EUR") == money
    assert formatting.percent(0.125, 1) == share
    assert display_text(ON) == on
    assert formatting.counted(2_500, "account").endswith(" accounts")


@pytest.mark.parametrize(
    "languages", ["*", "xx-XX", ";;;,,,", "q=1", "../../etc", "e" * 5000, "de;q=abc", "\x00", "zz"]
)
def test_a_header_that_says_nothing_of_use_gives_the_international_way(languages: str) -> None:
    assert region_format(languages) in (formatting.RegionFormat(), region_format("de"))


def test_files_are_written_in_one_way_for_everybody() -> None:
    assert plural(1_855, "account") == formatting.counted(1_855, "account") == "1,855 accounts"
    assert format_money(1_234_567, "EUR") == formatting.money(1_234_567, "EUR") == "EUR 1,234,567"
    assert format_day(ON) == formatting.day(ON) == "Mon 23 Nov 2026"
    assert format_short_day(ON) == formatting.short_day(ON) == "23 Nov"
    assert format_number(1_234.56) == formatting.number(1_234.56) == "1,234.6"
    assert format_number(-0.04) == formatting.number(-0.04) == "0"


def test_the_pages_and_the_tools_define_no_wording_twice() -> None:
    def own(module: ModuleType) -> set[str]:
        return {name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}

    assert not own(formatting) & own(wording)
