"""Removal of personal data from texts that a language model gets to see: names, addresses, numbers, birth dates. Pure.

It removes rather too much: a figure that is lost from a quotation costs little, a telephone number that leaves the house costs trust.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable

_DATE = r"(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\s?\d{1,2}[-./]\s?(?:\d{4}|\d{2}))"
_MONTH = r"(?:jan|feb|mar|m[äa]r|apr|avr|may|mai|jun|jul|juin|juil|aug|ao[uû]|sep|o[ck]t|nov|de[czs]|d[ée]c|ene|abr|ago|dic)\w*"
_WORDED_DATE = rf"(?:\d{{1,2}}(?:st|nd|rd|th|\.|er)?\s(?:of\s|de\s)?{_MONTH}\.?,?\s(?:de\s)?(?:19|20)\d\d|{_MONTH}\.?\s\d{{1,2}}(?:st|nd|rd|th)?,?\s(?:19|20)\d\d)"
_BORN = r"(?:born|birth\w*|dob|d\.o\.b\.?|geb(?:\.|oren)?|geburtsdatum|geburtstag|n[ée]e?\s+le|naissance|nacid[oa]|nacimiento)"
_LONG_AGO = (
    r"(?:(?:19\d\d|200\d|201[0-5])[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\s?\d{1,2}[-./]\s?(?:19\d\d|200\d|201[0-5]))"
)
_LONG_AGO_WORDED = _WORDED_DATE.replace("(?:19|20)\\d\\d", "(?:19\\d\\d|200\\d|201[0-5])")

_ADDRESS = re.compile(r"\S+@\S+|(?:https?://|www\.)\S+", re.IGNORECASE)
_BIRTH_DATE = re.compile(
    rf"(?<!\w)(?:(?P<word>{_BORN}\b[^\d\n]{{0,25}}?)(?:{_DATE}|{_WORDED_DATE}|(?:19|20)\d\d)|{_LONG_AGO}|{_LONG_AGO_WORDED})(?!\d)",
    re.IGNORECASE,
)
_IBAN = re.compile(
    r"(?<!\w)[A-Za-z]{2}\d{2}[ .\-]?[A-Za-z0-9]{4}"
    r"(?:[ .\-]?(?:(?=[A-Za-z]{0,3}\d)[A-Za-z0-9]{1,4}|[A-Z]{4}(?![A-Za-z]))){2,8}(?!\w)"
)
_LONG_NUMBER = re.compile(r"(?<!\w)[+(]{0,2}\d(?:[\s./()\-‐‑–]{0,3}\d){6,}(?!\w)")
_NAMED_NUMBER = re.compile(
    r"(?<!\w)((?:account|acct|konto\w*|compte|cuenta|a/c|sort code|blz|iban|phone|tel|telefon|mobile|handy|fax|card)\b[^\d\n]{0,15}?)"
    r"[+(]?\d(?:[\s./()\-]{0,2}\d){4,}",
    re.IGNORECASE,
)
_PLAIN_DATE = re.compile(_DATE)


def remove_private_data(
    text: str, names: re.Pattern[str] | None = None, role_of: Callable[[str], str] = lambda _: "somebody"
) -> str:
    """The text with a word in brackets in place of addresses, birth dates, bank accounts, telephone and other long numbers.

    Names that ``names`` matches become what ``role_of`` says of them. Ordinary dates stay. Unprintable characters become spaces.
    """
    text = " ".join("".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFC", text)).split())
    text = _ADDRESS.sub("(address)", text)
    text = _BIRTH_DATE.sub(lambda found: f"{found['word'] or ''}(date)", text)
    text = _IBAN.sub("(number)", text)
    text = _NAMED_NUMBER.sub(lambda found: f"{found[1]}(number)", text)
    text = _LONG_NUMBER.sub(lambda found: found[0] if _PLAIN_DATE.fullmatch(found[0]) else "(number)", text)
    return names.sub(lambda found: role_of(found[0]), text) if names else text


def private_spans(text: str) -> list[tuple[int, int, str]]:
    """Places of addresses, birth dates, bank accounts, telephone and other long numbers: start, end and the word in brackets.

    In the order of the text, without overlaps. For texts of which every sign has to be found again.
    """
    found = [(*match.span(), "(address)") for match in _ADDRESS.finditer(text)]
    found += [(match.end("word") if match["word"] else match.start(), match.end(), "(date)") for match in _BIRTH_DATE.finditer(text)]  # fmt: skip
    found += [(*match.span(), "(number)") for match in _IBAN.finditer(text)]
    found += [(match.end(1), match.end(), "(number)") for match in _NAMED_NUMBER.finditer(text)]
    found += [
        (*match.span(), "(number)") for match in _LONG_NUMBER.finditer(text) if not _PLAIN_DATE.fullmatch(match[0])
    ]
    spans: list[tuple[int, int, str]] = []
    for start, end, word in sorted(found):
        if spans and start < spans[-1][1]:  # two that overlap are hidden as one
            spans[-1] = (spans[-1][0], max(spans[-1][1], end), spans[-1][2])
        else:
            spans.append((start, end, word))
    return spans


def names_pattern(people: Iterable[str], account: str, ordinary_words: Collection[str] = ()) -> re.Pattern[str] | None:
    """Pattern for names, whole or in part, in any case and with a possessive ending; None without names.

    Parts of the account's name that are ordinary words ("Security") count only with a capital letter.
    """
    free = {part for name in people for part in name_parts(name)}
    own = name_parts(account)
    strict = {part for part in own if part != account and part.casefold() in ordinary_words} - free
    free |= own - strict
    parts = [
        *((f"(?i:{re.escape(part)})", part) for part in free),
        *((form, part) for part in strict for form in {re.escape(part), re.escape(part.upper())}),
    ]
    if not parts:
        return None
    longest = sorted(parts, key=lambda each: (-len(each[1]), each[0]))
    return re.compile(rf"(?<!\w)(?:{'|'.join(form for form, _ in longest)})(?:['’´`]s?)?(?!\w)")


def name_parts(name: str) -> set[str]:
    """The name and its words, also without accents; small words like "van" are left out."""
    whole = " ".join(unicodedata.normalize("NFC", name).split())
    words = [
        word
        for word in re.split(r"[\s\-]+", whole)
        if (len(word) > 2 or not word.isascii()) and (not word.islower() or whole.islower())
    ]
    found = {part for part in (whole, *words) if len(part) > 1}
    return found | {_without_accents(part) for part in found}


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
