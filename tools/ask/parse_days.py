"""Days in a question about things that happened or are due: "since October", "in the last 30 days", "this week". Pure.

Reads plain small letters. Renewals have their own reader (``parse_range``): they lie ahead.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from domain.configuration import AskSettings
from domain.questions import Condition
from tools.ask.parse_question import compiled, normalize_text
from tools.ask.parse_range import FoundRange, add_months, part_of_year
from tools.wording import format_date

_ISO = r"(?P<iso>\d{4}-\d\d-\d\d)"
_SOME_WEEKS = 4
"""Weeks of "the last weeks"."""
_MOST = 3660
"""Days; nobody asks for more than ten years."""


@dataclass(frozen=True)
class _Words:
    """The expressions of the configuration, with numbers and units filled in."""

    spans: dict[str, tuple[str, ...]]
    units: dict[str, str]
    numbers: dict[str, int]
    months: tuple[str, ...]

    @property
    def day(self) -> str:
        """An expression for a day or a month: "3 october 2026", "october", "2026-10-03"."""
        names = "|".join(self.months)
        return rf"(?:{_ISO}|(?:(?:the|dem|den|le|el) )?(?:(?P<dom>\d{{1,2}})(?:st|nd|rd|th|\.)? )?(?:of |de )?(?P<month>{names})\b(?: (?P<dom2>\d{{1,2}})\b(?!\d))?(?: (?P<year>20\d\d))?)"


@lru_cache(maxsize=4)
def _filled(numbers: tuple[tuple[str, int], ...], units: tuple[tuple[str, tuple[str, ...]], ...],
            spans: tuple[tuple[str, tuple[str, ...]], ...], months: tuple[tuple[str, ...], ...]) -> _Words:  # fmt: skip
    month_names = "|".join(normalize_text(name) for each in months for name in each)
    number = rf"(?P<number>\d{{1,3}}|{'|'.join(sorted((w for w, _ in numbers), key=len, reverse=True))})"
    unit = rf"(?P<unit>{'|'.join(word for _, words in units for word in words)})"
    filled = {
        name: tuple(
            _once(p.replace("{number}", number).replace("{unit}", unit).replace("{month}", f"(?P<first>{month_names})"))
            for p in patterns
        )
        for name, patterns in spans
    }
    names = tuple(
        "|".join([*(re.escape(normalize_text(n)) for n in each), rf"{re.escape(normalize_text(each[0])[:3])}"])
        for each in months
    )
    return _Words(filled, {name: "|".join(words) for name, words in units}, dict(numbers), names)


def _once(pattern: str) -> str:
    """The pattern with each named group only once, as ``re`` wants it."""
    first = pattern.find("(?P<number>")
    if first >= 0:
        head, tail = pattern[: first + 11], pattern[first + 11 :]
        pattern = head + tail.replace("(?P<number>", "(?P<number2>")
    return pattern


def _words(asking: AskSettings) -> _Words:
    return _filled(
        tuple(asking.numbers.items()), tuple(asking.units.items()), tuple(asking.spans.items()), asking.months
    )


def day_range(text: str, asking: AskSettings, today: date, past: bool, title: str) -> FoundRange | None:
    """The days that the question asks for, as a condition on ``day``. ``past``: days behind are meant, not ahead."""
    words = _words(asking)
    for reader in (_between, _last, _ahead, _this, _since, _until, _inside):
        found = reader(words, text, today, past)
        if found is not None:
            low, high, taken = found
            return FoundRange(Condition(field="day", low=low, high=high, says=_says(title, low, high)), taken)
    if part := part_of_year(text, today, past):
        return FoundRange(Condition(field="day", low=part[0], high=part[1], says=_says(title, *part[:2])), part[2])
    return None


def days_back(text: str, asking: AskSettings, today: date) -> tuple[int, str] | None:
    """Number of days of "in the last 30 days", "more than 30 days overdue", with its words."""
    words = _words(asking)
    for name in ("overdue", "last"):
        for pattern in words.spans[name]:
            match = compiled(pattern).search(text)
            if match:
                return (today - _back(words, match, today)).days, match[0]
    return None


def overdue_days(text: str, asking: AskSettings, today: date) -> tuple[int, str] | None:
    """Number of days of "more than 30 days overdue", with its words."""
    words = _words(asking)
    for pattern in words.spans["overdue"]:
        match = compiled(pattern).search(text)
        if match:
            return (today - _back(words, match, today)).days, match[0]
    return None


def since_day(text: str, asking: AskSettings, today: date) -> tuple[date, str] | None:
    """The other day of a comparison: "three weeks ago", "in the last month", "since October"; with its words."""
    words = _words(asking)
    for name in ("ago", "last"):
        for pattern in words.spans[name]:
            match = compiled(pattern).search(text)
            if match:
                return _back(words, match, today), match[0]
    found = _since(words, text, today, past=True) or _inside(words, text, today, past=True)
    return (found[0], found[2]) if found and found[0] else None


def is_vague(words: str, asking: AskSettings) -> bool:
    """True for "the last weeks", which has no number."""
    filled = _words(asking)
    match = next((found for pattern in filled.spans["last"] if (found := compiled(pattern).fullmatch(words))), None)
    return match is not None and _number(match) is None and _plural(match)


def _says(title: str, low: date | None, high: date | None) -> str:
    last = high - timedelta(days=1) if high else None
    what = f"{title} " if title else ""
    if low and last:
        return f"{what}from {format_date(low)} to {format_date(last)}"
    return f"{what}since {format_date(low)}" if low else f"{what}until {format_date(last) if last else ''}"


def _number(match: re.Match[str]) -> str | None:
    """The number of the match, in digits or in a word."""
    groups = match.groupdict()
    return groups.get("number") or groups.get("number2")


def _count(words: _Words, match: re.Match[str]) -> int:
    number = _number(match)
    if number is None:
        return 1
    return int(number) if number.isdigit() else words.numbers[number]


def _unit(words: _Words, match: re.Match[str]) -> str:
    return next(name for name, pattern in words.units.items() if re.fullmatch(pattern, match["unit"]))


def _moved(day: date, unit: str, count: int) -> date:
    """The day so many units later, or earlier for a negative count."""
    if unit in ("day", "week"):
        days = count * (7 if unit == "week" else 1)
        return day + timedelta(days=max(-_MOST, min(_MOST, days)))
    months = count * {"month": 1, "quarter": 3, "year": 12}[unit]
    return add_months(day, max(-120, min(120, months)))


def _back(words: _Words, match: re.Match[str], today: date) -> date:
    unit = _unit(words, match)
    some = _SOME_WEEKS if unit == "week" and _number(match) is None and _plural(match) else None
    return _moved(today, unit, -(some or _count(words, match)))


def _plural(match: re.Match[str]) -> bool:
    """True for "the last weeks", which is more than one."""
    return match["unit"].endswith(("s", "en"))


_Found = tuple[date | None, date | None, str]


def _last(words: _Words, text: str, today: date, past: bool) -> _Found | None:
    for pattern in words.spans["last"]:
        match = compiled(pattern).search(text)
        if match is None:
            continue
        unit = _unit(words, match)
        if _number(match) is None and not _plural(match):
            start = _start(today, unit)
            return _moved(start, unit, -1), start, match[0]
        return _back(words, match, today), today + timedelta(days=1), match[0]
    return None


def _ahead(words: _Words, text: str, today: date, past: bool) -> _Found | None:
    for pattern in words.spans["ahead"]:
        match = compiled(pattern).search(text)
        if match is None:
            continue
        unit = _unit(words, match)
        if _number(match) is None:
            start = _moved(_start(today, unit), unit, 1)
            return start, _moved(start, unit, 1), match[0]
        return today, _moved(today, unit, _count(words, match)) + timedelta(days=1), match[0]
    return None


def _this(words: _Words, text: str, today: date, past: bool) -> _Found | None:
    for pattern in words.spans["this"]:
        match = compiled(pattern).search(text)
        if match:
            unit = _unit(words, match)
            start = _start(today, unit)
            return start if past else None, _moved(start, unit, 1), match[0]
    return None


def _start(day: date, unit: str) -> date:
    """The first day of the week, month, quarter or year of a day."""
    if unit == "week":
        return day - timedelta(days=day.weekday())
    if unit == "month":
        return day.replace(day=1)
    if unit == "quarter":
        return date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    return date(day.year, 1, 1) if unit == "year" else day


def _named(
    words: _Words, patterns: tuple[str, ...], text: str, today: date, past: bool
) -> tuple[date, date, str] | None:
    """First and last-but-one day of a day or a month after one of the words."""
    for pattern in patterns:
        match = compiled(rf"{pattern}{words.day}(?!\w)").search(text)
        if match is None:
            continue
        if match["iso"]:
            try:
                day = date.fromisoformat(match["iso"])
            except ValueError:
                continue
            return day, day + timedelta(days=1), match[0]
        number = next(i for i, names in enumerate(words.months, 1) if re.fullmatch(names, match["month"]))
        year = int(match["year"]) if match["year"] else _year(number, today, past)
        of_month = match["dom"] or match["dom2"]
        start = _day_of(year, number, int(of_month or 1))
        return start, start + timedelta(days=1) if of_month else add_months(start, 1), match[0]
    return None


def _day_of(year: int, month: int, day: int) -> date:
    """The day of a month; its last one for a larger number."""
    return date(year, month, max(1, min(day, monthrange(year, month)[1])))


def _year(month: int, today: date, past: bool) -> int:
    if past:
        return today.year - (month > today.month)
    return today.year + (month < today.month)


def _between(words: _Words, text: str, today: date, past: bool) -> _Found | None:
    """From one day of a month to another, of the same month or a later one."""
    for pattern in words.spans.get("between", ()):
        until = _named(words, (pattern,), text, today, past)
        match = compiled(pattern).search(text)
        if until is None or match is None:
            continue
        last, day = until[1] - timedelta(days=1), int(match["number"])
        month = next(
            (i for i, names in enumerate(words.months, 1) if re.fullmatch(names, match["first"] or "")), last.month
        )
        year = last.year - (month > last.month)
        return _day_of(year, month, day), until[1], until[2]
    return None


def _since(words: _Words, text: str, today: date, past: bool) -> _Found | None:
    found = _named(words, words.spans["beginning"], text, today, past)
    found = found or _named(words, words.spans["since"], text, today, past)
    return (found[0], None, found[2]) if found else None


def _until(words: _Words, text: str, today: date, past: bool) -> _Found | None:
    found = _named(words, words.spans["until"], text, today, past)
    if found is None:
        return None
    is_before = re.match(r"(?:before|vor|avant|antes)\b", found[2].strip()) is not None
    return None, found[0] if is_before else found[1], found[2]


def _inside(words: _Words, text: str, today: date, past: bool) -> _Found | None:
    return _named(words, words.spans["inside"], text, today, past)
