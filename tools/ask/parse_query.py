"""A question about many accounts as a typed query. What no filter understands is kept and said, never dropped. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from domain.configuration import AskSettings
from domain.dossier import Person
from domain.questions import AmountField, Condition, Measure, PortfolioQuery
from domain.score_configuration import InterventionTier
from tools.ask.find_people import named_people
from tools.ask.parse_question import normalize_text
from tools.ask.parse_range import money_range, renewal_range, score_ranges

Sort = Literal["arr", "renewal", "risk", "health"]
_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10,
            "drei": 3, "funf": 5, "zehn": 10, "trois": 3, "cinq": 5, "dix": 10, "tres": 3, "cinco": 5, "diez": 10}  # fmt: skip
_COUNT = rf"(\d{{1,3}}|{'|'.join(_NUMBERS)})"
_BIG = r"(?:biggest|largest|highest|top|most valuable|grosst\w+|plus (?:gros|grand)s?|mas grandes?)"
_TOP = (rf"\btop {_COUNT}\b", rf"\b{_COUNT} {_BIG}\b", rf"\b{_BIG} {_COUNT}\b")
_SORT = (
    r"(?:sorted|ordered|ranked|sort|order|sortiert|geordnet|trie(?:s|es)?|ordenad\w+)? ?(?:by|nach|par|por) (?:the )?"
)
_SORT_WORDS: dict[Sort, str] = {
    "arr": r"(?:arr|revenue|size|umsatz)", "renewal": r"(?:renewal(?: date)?|date)", "risk": r"risk(?: score)?", "health": r"health(?: score)?",
}  # fmt: skip
_TIERS: tuple[InterventionTier, ...] = ("critical", "high", "medium", "watch")
_ROLE_FIELD = {"csm": "csm", "exec_sponsor": "sponsor", "cs_manager": "team"}


@dataclass
class _Rest:
    """The part of the question that nothing has understood yet."""

    text: str
    conditions: list[Condition] = field(default_factory=list)

    def take(self, words: str) -> None:
        self.text = self.text.replace(words, " | ", 1)

    def find(self, patterns: Sequence[str]) -> bool:
        """True if one of the patterns is in what is left; its words are taken."""
        for pattern in patterns:
            if match := re.search(pattern, self.text):
                self.take(match[0])
                return True
        return False


@dataclass(frozen=True)
class QuestionTerms:
    """Terms that a question may refer to: the people, the segments, the day, who asks."""

    people: Mapping[str, Person]
    segments: Sequence[str]
    today: date
    currency: str
    asker: str | None = None
    """Person id of who asks."""


def parse_query(question: str, asking: AskSettings, terms: QuestionTerms) -> PortfolioQuery:
    """All filters, the measure, the group and the order that the question names."""
    rest = _Rest(" " + re.sub(r"['’]s\b|['’]", " ", normalize_text(question)) + " ")
    measure = _measure(rest, asking)
    group = next((name for name, patterns in asking.groups.items() if rest.find(patterns)), None)
    sort, ascending = _sort(rest, measure)
    top = _top(rest)
    _ranges(rest, asking, terms)
    _words(rest, asking)
    _segment_and_tier(rest, asking, terms)
    _people(rest, question, terms)
    if group and measure == "list":
        measure = "count"
    return PortfolioQuery(
        conditions=tuple(rest.conditions),
        measure=measure,
        of=_amount_field(normalize_text(question)),
        group=group,
        sort=sort,
        ascending=ascending,
        top=top,
        unapplied=_left(rest, asking),
    )


def _measure(rest: _Rest, asking: AskSettings) -> Measure:
    for measure, patterns in asking.measures.items():
        if rest.find(patterns):
            return measure
    return "list"


def _amount_field(text: str) -> AmountField:
    if re.search(r"\b(?:health|gesundheit|sante|salud)\b", text):
        return "health"
    return "risk" if re.search(r"\brisk score\b", text) else "arr"


def _sort(rest: _Rest, measure: Measure) -> tuple[Sort, bool]:
    for name, word in _SORT_WORDS.items():
        if rest.find([rf"\b{_SORT}{word}\b"]):
            return name, name in ("renewal", "health")
    rest.find([rf"\b{_BIG} first\b"])
    return ("renewal", True) if rest.find([r"\b(?:soonest|earliest)(?: first)?\b"]) else ("arr", False)


def _top(rest: _Rest) -> int | None:
    for pattern in _TOP:
        if match := re.search(pattern, rest.text):
            rest.take(match[0])
            return int(match[1]) if match[1].isdigit() else _NUMBERS[match[1]]
    if match := re.search(rf"\b{_BIG} (?:account|customer|client|renewal|kunde|compte|cuenta)\b", rest.text):
        rest.take(match[0])
        return 1
    return None


def _ranges(rest: _Rest, asking: AskSettings, terms: QuestionTerms) -> None:
    for found in score_ranges(rest.text):
        rest.take(found.words)
        rest.conditions.append(found.condition)
    for ranged in (money_range(rest.text, terms.currency), renewal_range(rest.text, asking, terms.today)):
        if ranged is not None:
            rest.take(ranged.words)
            rest.conditions.append(ranged.condition)


def _words(rest: _Rest, asking: AskSettings) -> None:
    """The filters of the configuration; several values of one field are alternatives."""
    for rule in asking.filters:
        if not rest.find(rule.phrases):
            continue
        while rest.find(rule.phrases):
            pass
        condition = Condition(field=rule.field, values=rule.values, low=rule.low, known=rule.known, says=rule.says)
        same = next(
            (each for each in rest.conditions if each.field == rule.field and each.values and rule.values), None
        )
        if same is not None and same.field != "at_risk":
            rest.conditions.remove(same)
            says = f"{same.says} or {condition.says}"
            condition = condition.model_copy(update={"values": (*same.values, *condition.values), "says": says})
        elif same is not None:
            continue
        rest.conditions.append(condition)


def _segment_and_tier(rest: _Rest, asking: AskSettings, terms: QuestionTerms) -> None:
    found = []
    for name in sorted(filter(None, terms.segments), key=len, reverse=True):
        words = r"[\s-]?".join(re.escape(part) for part in re.split(r"[\s-]+", normalize_text(name)))
        if rest.find([rf"\b{words}s?\b"]):
            found.append(name)
    if found:
        rest.conditions.append(Condition(field="segment", values=tuple(found), says=" or ".join(found)))
    tiers = [tier for tier in _TIERS if rest.find([rf"\b{normalize_text(n)}\b" for n in asking.tiers[tier]])]
    if tiers:
        rest.conditions.append(Condition(field="tier", values=tuple(tiers), says=f"priority {' or '.join(tiers)}"))


def _people(rest: _Rest, question: str, terms: QuestionTerms) -> None:
    by_field: dict[str, list[Person]] = {}
    for named in named_people(question, terms.people):
        field_name = _ROLE_FIELD.get(named.person.role)
        if field_name is None:
            continue
        for word in named.words.split():
            rest.find([rf"\b{re.escape(word)}\.?(?!\w)"])
        by_field.setdefault(field_name, []).append(named.person)
    if re.search(r"\b(?:my|mine|i)\b", rest.text):
        me = terms.people.get(terms.asker or "")
        if me is not None and me.role in _ROLE_FIELD:
            by_field.setdefault(_ROLE_FIELD[me.role], []).append(me)
        elif re.search(r"\b(?:my|mine)\b", rest.text):
            rest.text += " my "
    titles = {"csm": "CSM", "sponsor": "executive sponsor", "team": "team of"}
    for name, persons in by_field.items():
        says = f"{titles[name]} {' or '.join(person.name for person in persons)}"
        ids = tuple(person.person_id for person in persons)
        rest.conditions.append(Condition(field=name, values=ids, says=says))


def _left(rest: _Rest, asking: AskSettings) -> tuple[str, ...]:
    """Words that nothing took and that are no small words."""
    words = re.findall(r"[^\W\d_][\w-]+|\d[\w.,-]*", rest.text)
    left = [word for word in words if word not in asking.no_filter]
    if rest.text.endswith(" my "):
        left.append("my (say who asks)")
    return tuple(dict.fromkeys(left))
