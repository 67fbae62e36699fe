"""The reader's region from the browser's languages: its numbers and dates, with English words."""

from datetime import date
from functools import cache

from app.report.formatting import RegionFormat

_MAX_HEADER_LENGTH = 200


def region_format(languages: str) -> RegionFormat:
    """The region of an ``Accept-Language`` header; the international way when it names none."""
    for tag in _preferred_tags(languages[:_MAX_HEADER_LENGTH]):
        found = _territory_format(tag)
        if found is not None:
            return found
    return RegionFormat()


def _preferred_tags(languages: str) -> list[str]:
    """The languages, most wanted first."""
    wanted = []
    for position, part in enumerate(languages.split(",")):
        tag, _, rest = part.strip().partition(";")
        quality = rest.strip().removeprefix("q=") or "1"
        weight = float(quality) if quality.replace(".", "", 1).isdecimal() else 0.0
        if tag and tag != "*":
            wanted.append((-weight, position, tag))
    return [tag for _, _, tag in sorted(wanted)]


@cache
def _territory_format(tag: str) -> RegionFormat | None:
    """English as it is written in the territory of a language tag; None when there is no such tag."""
    from babel import Locale, UnknownLocaleError
    from babel.core import get_global
    from babel.dates import format_date
    from babel.numbers import get_decimal_symbol, get_group_symbol

    try:
        own = Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return None
    territory = own.territory or str(get_global("likely_subtags").get(own.language, "")).rpartition("_")[2]
    try:
        locale = Locale.parse(f"en_{territory}")
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse("en_GB")

    def written(on: date, how: str) -> str:
        return str(format_date(on, how, locale=locale))

    return RegionFormat(
        group=get_group_symbol(locale),
        decimal=get_decimal_symbol(locale),
        table_day=lambda on: written(on, "medium"),
        day=lambda on: written(on, "EEE d MMM y"),
        short_day=lambda on: written(on, "d MMM"),
    )
