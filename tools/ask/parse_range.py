"""Ranges in a question: days of renewal, money and scores. Reads plain small letters. Pure."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from domain.configuration import AskSettings
from domain.questions import Condition
from tools.ask.parse_question import compiled, normalize_text
from tools.wording import format_date

_NUMBER = r"(?:eur|usd|€|\$)?\s*(\d[\d.,]*)\s*(k|tsd|thousand|m|mio|million|millions)?\b"
_MORE = r"(?:over|above|more than|at least|bigger than|larger than|greater than|>=?|uber|mehr als|mindestens|plus de|au moins|mas de|al menos)"
_LESS = r"(?:under|below|less than|at most|smaller than|<=?|unter|weniger als|hochstens|moins de|menos de)"
_AT_LEAST = r"(?:at least|mindestens|au moins|al menos|>=)"
_AT_MOST = r"(?:at most|no more than|up to|hochstens|au plus|como maximo|<=)"
_OR_LESS = r"(?:(?:or|and|oder|ou|o) (?:lower|below|less|fewer|under|worse|weniger|moins|menos))"
_OR_MORE = r"(?:(?:or|and|oder|ou|o) (?:higher|above|more|over|better|mehr|plus|mas))"
_ANY_SIGN = rf"{_AT_MOST}|{_AT_LEAST}|{_MORE}|{_LESS}|fewer than"
_COUNT = r"\d+(?:\.\d+)?"
_NO_MONEY = r"(?![\d.,]*\d| ?(?:k|m|tsd|mio|million|thousand)\b)(?: ?%| ?percent| ?prozent| points?)?"
"""The text after a count: no more digits and no thousands."""
_BETWEEN, _AND = r"(?:between|zwischen|entre)", r"(?:and|und|et|y)"
_DOWN = r"(?:down|fell|fallen|dropped|declined|decreased|lost|shrank|gefallen|gesunken|zuruckgegangen|en baisse|ha bajado|cayo)"
_BEFORE = r"(?:before|vor|avant|antes de)"
_UNTIL = r"(?:until|by|till|bis|jusqu.en|jusqu.a|hasta)(?: (?:the )?end of| ende| fin(?: de)?(?: la)?| la fin d.| el final de| finales de)?"
_AFTER, _IN = r"(?:after|from|since|nach|ab|apres|despues de)", r"(?:in|im|en|this|next|for|de|du|of)"
_UNITS = {"day": 1, "tag": 1, "jour": 1, "dia": 1, "week": 7, "woche": 7, "semaine": 7, "semana": 7}
_ORDINALS = {"first": 1, "second": 2, "third": 3, "fourth": 4, "1st": 1, "2nd": 2, "3rd": 3, "4th": 4, "ersten": 1, "erstes": 1,
             "zweiten": 2, "zweites": 2, "dritten": 3, "drittes": 3, "vierten": 4, "viertes": 4, "premier": 1, "deuxieme": 2,
             "troisieme": 3, "quatrieme": 4, "primer": 1, "segundo": 2, "tercer": 3, "cuarto": 4}  # fmt: skip
_ORDINAL = "|".join(_ORDINALS)
_THOUSAND, _MILLION = 1_000.0, 1_000_000.0


@dataclass(frozen=True)
class FoundRange:
    """A condition and the words that say it."""

    condition: Condition
    words: str


@dataclass(frozen=True)
class FoundFigure:
    """A range of a figure, from ``low`` and below ``high``, and the words that say it."""

    low: float | None
    high: float | None
    words: str
    noun: str
    """The words that name the figure."""


def figure_range(text: str, words: Sequence[str], falls: bool = False) -> FoundFigure | None:
    """The range of a figure that one of the words names: ``health below 60``, ``more than 300 seats``, ``NPS of 6 or lower``.

    ``falls``: the figure is a change; ``down by more than 30 %`` is below -30.
    """
    noun = rf"(?P<noun>{'|'.join(words)})"
    after = rf"{noun}(?: (?:is|are|was|of|score|scores|answer|at|with|von|mit|de|con|avec))*"
    sign, turned = rf"(?P<sign>{_ANY_SIGN})", rf"(?P<sign>{_OR_LESS}|{_OR_MORE})"
    count = rf"(?P<count>{_COUNT}){_NO_MONEY}"
    if falls:
        match = compiled(
            rf"{noun}(?: (?:is|are|has|have|was|went))*(?: by)? {_DOWN}(?: by)?(?: {_MORE})? {count}"
        ).search(text)
        if match:
            return FoundFigure(None, math.nextafter(-float(match["count"]), math.inf), match[0], match["noun"])
    match = compiled(rf"{after} {_BETWEEN} {count} {_AND} (?P<until>{_COUNT}){_NO_MONEY}").search(text)
    if match:
        high = math.nextafter(float(match["until"]), math.inf)
        return FoundFigure(float(match["count"]), high, match[0], match["noun"])
    for pattern in (
        rf"{after} {sign} {count}",
        rf"{sign} {count} {noun}",
        rf"{after} {count} {turned}",
        rf"\b{count} {turned} {noun}",
    ):
        match = compiled(pattern).search(text)
        if match:
            return FoundFigure(*_bounds(match["sign"], float(match["count"])), match[0], match["noun"])
    return None


def _bounds(sign: str, value: float) -> tuple[float | None, float | None]:
    """At least the first and below the second: both ends of a bound in words."""
    above, below = math.nextafter(value, math.inf), value
    if re.fullmatch(_OR_LESS, sign) or re.fullmatch(_AT_MOST, sign):
        return None, above
    if re.fullmatch(_OR_MORE, sign) or re.fullmatch(_AT_LEAST, sign):
        return value, None
    return (above, None) if re.fullmatch(_MORE, sign) else (None, below)


def money_range(text: str, currency: str) -> FoundRange | None:
    """``over 100k``, ``between 50k and 80k``; a small number without a unit is no amount of money."""
    between = re.search(rf"\b(?:between|zwischen|entre) {_NUMBER}\s+(?:and|und|et|y)\s+{_NUMBER}", text)
    if between and (high := _amount(between[3], between[4])) and (low := _amount(between[1], between[2] or between[4])):
        says = f"ARR from {currency} {low:,.0f} to {currency} {high:,.0f}"
        return FoundRange(Condition(field="arr", low=low, high=high + 0.01, says=says), between[0])
    for words, is_low in ((_MORE, True), (_LESS, False)):
        match = re.search(rf"(?<!\w){words}\s*{_NUMBER}", text)
        amount = _amount(match[1], match[2]) if match else None
        if match and amount:
            says = f"ARR {'above' if is_low else 'below'} {currency} {amount:,.0f}"
            bounds = {"low": amount + 0.01} if is_low else {"high": amount}
            return FoundRange(Condition(field="arr", says=says, **bounds), match[0])
    return None


def _amount(number: str, unit: str | None) -> float | None:
    plain = number.rstrip(".,")
    if re.fullmatch(r"\d{1,3}(?:[.,]\d{3})+", plain):
        plain = re.sub(r"[.,]", "", plain)
    try:
        value = float(plain.replace(",", "."))
    except ValueError:
        return None
    if unit:
        return value * (_THOUSAND if unit in ("k", "tsd", "thousand") else _MILLION)
    return value if value >= _THOUSAND else None


def renewal_range(text: str, asking: AskSettings, today: date) -> FoundRange | None:
    """The days in which the renewal lies; a month without a year is the next one."""
    readers = (_overdue, _ahead, _period, _half_or_quarter, _iso_day, _month)
    for reader in readers:
        found = reader(text, asking, today)
        if found is not None:
            return found
    return None


def _between(low: date | None, high: date | None, words: str) -> FoundRange:
    """From ``low`` to the day before ``high``."""
    last = high - timedelta(days=1) if high else None
    says = f"renewal from {format_date(low)}" if low else "renewal"
    says += f" to {format_date(last)}" if last and low else (f" before {format_date(high)}" if high else "")
    return FoundRange(Condition(field="renewal", low=low, high=high, says=says), words)


def _overdue(text: str, asking: AskSettings, today: date) -> FoundRange | None:
    match = re.search(r"\boverdue renewals?\b|\brenewals? (?:is |are )?overdue\b|\brenewal (?:dates? )?(?:has |have |is |are )?(?:already |long )?(?:passed|gone by|in the past)\b|\buberfallige\w* verlanger\w*", text)  # fmt: skip
    return _between(None, today, match[0]) if match else None


def _ahead(text: str, asking: AskSettings, today: date) -> FoundRange | None:
    units = "|".join(_UNITS)
    match = re.search(rf"\b(?:next|coming|nachsten|kommenden|prochains?|proximos?) (\d+) ({units}|month|monat|mois|mes)\w*\b", text)  # fmt: skip
    match = match or re.search(
        rf"\b(?:in|within|innerhalb von|dans les) (\d+) ({units}|month|monat|mois|mes)\w*\b", text
    )
    if match is None:
        return None
    days = int(match[1]) * _UNITS[match[2]] if match[2] in _UNITS else (add_months(today, int(match[1])) - today).days
    return _between(today, today + timedelta(days=min(days, 3660) + 1), match[0])


def add_months(day: date, months: int) -> date:
    """The same day so many months later, or earlier for a negative number; at most the 28th."""
    index = day.year * 12 + day.month - 1 + min(months, 120)
    return date(index // 12, index % 12 + 1, min(day.day, 28))


def _period(text: str, asking: AskSettings, today: date) -> FoundRange | None:
    first = today.replace(day=1)
    quarter = date(today.year, 3 * ((today.month - 1) // 3) + 1, 1)
    periods = (
        (r"\bthis month\b|\bdiesen monat\b|\bce mois\b|\beste mes\b", first, 1),
        (r"\bnext month\b|\bnachsten monat\b|\bmois prochain\b|\bproximo mes\b", add_months(first, 1), 1),
        (r"\bthis quarter\b|\bdieses quartal\b|\bce trimestre\b|\beste trimestre\b", quarter, 3),
        (
            r"\bnext quarter\b|\bnachstes quartal\b|\btrimestre prochain\b|\bproximo trimestre\b",
            add_months(quarter, 3),
            3,
        ),
        (r"\bthis year\b|\bdieses jahr\b|\bcette annee\b|\beste ano\b", date(today.year, 1, 1), 12),
        (r"\bnext year\b|\bnachstes jahr\b|\bannee prochaine\b|\bproximo ano\b", date(today.year + 1, 1, 1), 12),
    )
    for pattern, start, months in periods:
        if match := re.search(rf"(?:(?:in|im|en) )?(?:{pattern})", text):
            return _between(max(start, today), add_months(start, months), match[0])
    return None


def part_of_year(text: str, today: date, past: bool = False) -> tuple[date, date, str] | None:
    """A half or a quarter of a year: its first day, the day after it, and the words. Without a year, the nearest one ahead, or behind."""
    half = re.search(r"\b(?:in )?(?:the )?(?:(first|second) half|h([12]))(?: of)?(?: (20\d\d))?\b", text)
    if half:
        part = 1 if half[1] == "first" or half[2] == "1" else 2
        start = date(int(half[3] or today.year), 1 if part == 1 else 7, 1)
        return start, add_months(start, 6), half[0]
    quarter = re.search(
        rf"\b(?:in )?(?:the )?(?:q([1-4])|({_ORDINAL}) (?:quarter|quartal|trimestre))(?: (?:of |de |von )?(20\d\d))?\b",
        text,
    )
    if quarter is None:
        return None
    month = 3 * (int(quarter[1]) if quarter[1] else _ORDINALS[quarter[2]]) - 2
    nearest = today.year - (month > today.month) if past else today.year + (month + 2 < today.month)
    start = date(int(quarter[3]) if quarter[3] else nearest, month, 1)
    return start, add_months(start, 3), quarter[0]


def _half_or_quarter(text: str, asking: AskSettings, today: date) -> FoundRange | None:
    if part := part_of_year(text, today):
        return _between(*part)
    year_only = re.search(r"\b(?:in|im jahr|en) (20\d\d)\b", text)
    return (
        _between(date(int(year_only[1]), 1, 1), date(int(year_only[1]) + 1, 1, 1), year_only[0]) if year_only else None
    )


def _iso_day(text: str, asking: AskSettings, today: date) -> FoundRange | None:
    match = re.search(rf"\b({_BEFORE}|{_UNTIL}|{_AFTER}) (\d{{4}}-\d\d-\d\d)\b", text)
    if match is None:
        return None
    try:
        day = date.fromisoformat(match[2])
    except ValueError:
        return None
    return _bounded(match[1], day, day + timedelta(days=1), today, match[0])


def _bounded(word: str, start: date, end: date, today: date, words: str) -> FoundRange:
    """A range that ends before ``start``, ends with ``end``, or begins at it, by the preposition."""
    if re.fullmatch(_BEFORE, word):
        return _between(today, start, words)
    if re.fullmatch(_UNTIL, word):
        return _between(today, end, words)
    return _between(end if re.fullmatch(r"after|nach|apres|despues de", word) else start, None, words)


def _month(text: str, asking: AskSettings, today: date) -> FoundRange | None:
    for number, names in enumerate(asking.months, start=1):
        choice = _month_words(names)
        match = compiled(
            rf"\b({_BEFORE}|{_UNTIL}|{_AFTER}|{_IN}) (?:the )?(?:(\d{{1,2}})(?:st|nd|rd|th|\.)? (?:of )?)?(?:{choice})\b"
            r"(?: (\d{1,2})(?:st|nd|rd|th)?\b)?(?:,? (20\d\d))?"
        ).search(text)
        if match is None:
            continue
        year = int(match[4]) if match[4] else today.year + (number < today.month)
        start = date(year, number, 1)
        end = add_months(start, 1)
        if day := match[2] or match[3]:
            start = min(start + timedelta(days=max(int(day), 1) - 1), end - timedelta(days=1))
            end = start + timedelta(days=1)
        if re.fullmatch(_IN, match[1]) and match[1] not in ("from",):
            return _between(start, end, match[0])
        return _bounded(match[1], start, end, today, match[0])
    return None


def _month_words(names: Sequence[str]) -> str:
    """The names of a month, and the English short form."""
    plain = [normalize_text(name) for name in names]
    return "|".join([*map(re.escape, plain), re.escape(plain[0][:3])])
