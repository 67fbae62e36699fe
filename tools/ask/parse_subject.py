"""The subject of a question about many things, and questions about the kept weeks. Reads plain small letters. Pure."""

from dataclasses import dataclass
from datetime import date

from domain.configuration import AskSettings, HistoryKind, Subject
from tools.ask.parse_days import is_vague, since_day
from tools.ask.parse_question import compiled, matches

_MOST_BETWEEN = 40
"""Characters between "accounts" and what they have."""


@dataclass(frozen=True)
class AskedHistory:
    """A question about the kept weeks; ``since`` is the other week, as its words say it."""

    kind: HistoryKind
    since: date | None
    words: str
    """Words for the day."""
    text: frozenset[str]
    """Words of the question that say the kind, or stand between them."""


def asked_subject(text: str, asking: AskSettings) -> Subject:
    """The subject whose word comes first; accounts where there is none, or where the accounts are said to have it."""
    found: list[tuple[int, int, Subject]] = []
    for subject, rule in asking.subjects.items():
        places = [match.span() for pattern in rule.words if (match := compiled(pattern).search(text))]
        if places:
            start, end = min(places)
            found.append((start, -end, subject))
    if not found:
        return "accounts"
    start, _, subject = min(found)
    return "accounts" if _accounts_have(text, start, subject, asking) else subject


def _accounts_have(text: str, start: int, subject: Subject, asking: AskSettings) -> bool:
    """True for "accounts with overdue invoices": the accounts are asked for, the invoices are a filter."""
    nouns = "|".join(asking.accounts)
    before = text[:start]
    named = list(compiled(rf"\b(?:{nouns})\b").finditer(before))
    if not named or subject in ("outcomes", "quotations"):
        return False
    between = before[named[-1].end() :]
    is_most = compiled(r"\bmost\b|\bfewest\b").search(between) is not None
    return len(between) <= _MOST_BETWEEN and matches(asking.cues.with_something, between) and not is_most


def asked_history(text: str, asking: AskSettings, today: date) -> AskedHistory | None:
    """A question about the kept weeks: who joined or left since a day, two weeks compared, or week by week."""
    found = since_day(text, asking, today)
    since, words = found if found is not None else (None, "")
    if matches(asking.history["course"], text) and not matches(asking.history["joined"], text):
        return AskedHistory("course", None if is_vague(words, asking) else since, words, _taken("course", text, asking))
    if since is None:
        return None
    kinds: tuple[HistoryKind, ...] = ("joined", "left", "compare")
    for kind in kinds:
        if matches(asking.history[kind], text):
            return AskedHistory(kind, since, words, _taken(kind, text, asking))
    return None


def _taken(kind: HistoryKind, text: str, asking: AskSettings) -> frozenset[str]:
    return frozenset(
        word
        for pattern in asking.history[kind]
        for match in compiled(pattern).finditer(text)
        for word in match[0].split()
    )
