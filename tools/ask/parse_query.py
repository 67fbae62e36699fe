"""A question about many accounts as a typed query. What no filter understands is kept and said, never dropped. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

from rapidfuzz import fuzz

from domain.configuration import AskSettings, FilterRule, Subject
from domain.dossier import Person
from domain.questions import Condition, Measure, PortfolioQuery
from domain.score_configuration import InterventionTier
from tools.ask.find_people import named_people
from tools.ask.parse_days import day_range, overdue_days, since_day
from tools.ask.parse_question import compiled, first_match, matches, normalize_text
from tools.ask.parse_range import FoundFigure, FoundRange, figure_range, money_range, renewal_range
from tools.ask.parse_subject import asked_history, asked_subject
from tools.ask.subject_tables import SUBJECTS, SubjectTable
from tools.wording import format_date, plain_name

Sort = Literal["arr", "renewal", "risk", "health"]
_BIG = r"(?:biggest|largest|highest|top|most valuable|grosst\w+|plus (?:gros|grand)s?|mas grandes?)"
_MOST = r"(?:most|highest|greatest|best|hochsten?|meisten|plus de|mas|mayor)"
_LEAST = r"(?:fewest|lowest|least|smallest|worst|niedrigsten?|wenigsten|moins de|menor|menos)"
_SORT = (
    r"(?:sorted|ordered|ranked|sort|order|sortiert|geordnet|trie(?:s|es)?|ordenad\w+)? ?(?:by|nach|par|por) (?:the )?"
)
_SORT_WORDS: dict[Sort, str] = {
    "arr": r"(?:arr|revenue|size|umsatz)", "renewal": r"(?:renewal(?: date)?|date)", "risk": r"risk(?: score)?", "health": r"health(?: score)?",
}  # fmt: skip
_MIN_WORD_MATCH = 80
_MOST_EXTREME = 10
"""Accounts that are shown of those with the highest or lowest figure, where no number is asked for."""
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
        match = first_match(patterns, self.text)
        if match is not None:
            self.take(match[0])
        return match is not None


@dataclass(frozen=True)
class QuestionTerms:
    """Terms that a question may refer to: the people, the segments, the day, who asks."""

    people: Mapping[str, Person]
    segments: Sequence[str]
    today: date
    currency: str
    asker: str | None = None
    """Person id of who asks."""
    account: tuple[str, str] | None = None
    """Id and name of the one account that the question is about."""
    causes: Mapping[str, str] = field(default_factory=dict)
    """Label of each cause, by its key."""
    incidents: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Words of each shared problem, by its title."""


def parse_query(question: str, asking: AskSettings, terms: QuestionTerms) -> PortfolioQuery:
    """Subject, filters, measure, group and order that the question names."""
    rest = _Rest(" " + re.sub(r"['’]s\b|['’]", " ", normalize_text(question)) + " ")
    if terms.account is not None:
        _take_account(rest, terms.account)
    history = asked_history(rest.text, asking, terms.today)
    is_about_list = history is not None and history.kind in ("joined", "left")
    subject: Subject = "accounts" if is_about_list else asked_subject(rest.text, asking)
    if history is not None and history.words:
        rest.take(history.words)
    own = asking.subjects.get(subject)
    of = next((name for name, words in own.amounts.items() if matches(words, rest.text)), "") if own else ""
    newest = _newest(rest, asking, subject)
    extreme = _extreme(rest, asking) if subject == "accounts" else None
    measure = _measure(rest, asking)
    group = next((name for name, patterns in own.groups.items() if rest.find(patterns)), None) if own else None
    group = group or next((name for name, patterns in asking.groups.items() if rest.find(patterns)), None)
    sort, ascending = extreme or _sort(rest, asking, subject)
    top, is_biggest = _top(rest, asking, subject)
    if newest is not None:
        sort, ascending, top = "day", False, newest or None
    if extreme and top is None:
        top = _number_of_accounts(rest, asking)
    if is_biggest and sort is None and own is not None:
        sort = next(iter(SUBJECTS[subject].money), None)
    if subject == "accounts":
        _account_days(rest, asking, terms)
        _ranges(rest, asking, terms)
        _incidents(rest, terms)
    else:
        _subject_filters(rest, asking, terms, subject)
    _words(rest, asking.filters)
    _segment_and_tier(rest, asking, terms)
    _causes(rest, terms, subject)
    _people(rest, question, asking, terms, subject)
    if of and own:
        rest.find(own.amounts[of])
    if own is None and group and extreme == ("arr", False) and measure == "list":
        measure = "sum"
    if own is None and (group or measure not in ("list", "count")):
        of = next((name for name, rule in asking.figures.items() if rest.find(rule.words)), "arr")
        if of != "arr" and measure == "list":
            measure = "sum" if asking.figures[of].adds_up else "average"
    if group and measure == "list":
        measure = "count"
    return PortfolioQuery(
        subject=subject,
        conditions=tuple(rest.conditions),
        measure=measure,
        of=of or "arr",
        group=group,
        sort=sort or ("arr" if own is None else None),
        ascending=ascending,
        top=top,
        history=history.kind if history else None,
        since=history.since if history else None,
        unapplied=tuple(word for word in _left(rest, asking, subject) if history is None or word not in history.text),
    )


def _take_account(rest: _Rest, account: tuple[str, str]) -> None:
    """Take the name of the account that the question is about, however it is spelt."""
    account_id, name = account
    words = [word for word in normalize_text(f"{account_id} {name}").split() if len(word) > 2]
    for token in re.findall(r"[\w-]+", rest.text):
        if any(fuzz.ratio(token, word) >= _MIN_WORD_MATCH for word in words):
            rest.take(token)
    rest.conditions.append(Condition(field="account", values=(account_id,), says=plain_name(name)))


def _measure(rest: _Rest, asking: AskSettings) -> Measure:
    for measure, patterns in asking.measures.items():
        if rest.find(patterns):
            return measure
    return "list"


def _extreme(rest: _Rest, asking: AskSettings) -> tuple[str, bool] | None:
    """The figure of which the highest or the lowest is asked for, and True for the lowest."""
    figures = {name: rule.words for name, rule in asking.figures.items()}
    for name, nouns in {"arr": (_SORT_WORDS["arr"],), **figures}.items():
        words = rf"(?:{'|'.join(nouns)})"
        for degree, is_lowest in ((_MOST, False), (_LEAST, True)):
            match = compiled(rf"\b(?:who has (?:the )?)?{degree} (?P<average>(?:average|mean) )?{words}").search(
                rest.text
            )
            if match is not None:
                rest.take(match[0])
                rest.text += f" average {match[0].split()[-1]} " if match["average"] else ""
                return name, is_lowest
    return None


def _newest(rest: _Rest, asking: AskSettings, subject: Subject) -> int | None:
    """Number of the newest rows that are asked for: 1 for "the last note", 3 for "the last three notes", 0 for "latest notes"."""
    if subject not in asking.subjects or SUBJECTS[subject].day is None:
        return None
    number = "|".join(word for word in asking.numbers if len(word) > 2)
    kinds = (phrase for rule in asking.subjects[subject].filters if rule.field == "kind" for phrase in rule.phrases)
    newest, nouns = "|".join(asking.cues.newest), "|".join((*asking.subjects[subject].words, *kinds))
    match = compiled(
        rf"(?P<said>(?:{newest})(?: (?P<count>\d{{1,2}}|{number}))?) (?:\w+ ){{0,2}}?(?P<noun>{nouns})"
    ).search(rest.text)
    if match is None:
        return None
    rest.take(match["said"])
    if match["count"]:
        return int(match["count"]) if match["count"].isdigit() else asking.numbers[match["count"]]
    return 0 if match["noun"].endswith("s") and match["noun"] != "nps" else 1


def _number_of_accounts(rest: _Rest, asking: AskSettings) -> int:
    """The 5 of "the 5 accounts with the lowest NPS"; 1 where one account is asked for."""
    number = "|".join(word for word in asking.numbers if len(word) > 2)
    nouns = "|".join(asking.accounts)
    match = compiled(rf"\b(\d{{1,2}}|{number}) (?:\w+ ){{0,2}}?(?:{nouns})\b").search(rest.text)
    if match is not None:
        rest.take(match[1])
        return int(match[1]) if match[1].isdigit() else asking.numbers[match[1]]
    return _MOST_EXTREME if compiled(rf"\b(?:{nouns})\b").search(rest.text) else 1


def _sort(rest: _Rest, asking: AskSettings, subject: Subject) -> tuple[str | None, bool]:
    own = asking.subjects.get(subject)
    for name, words in own.amounts.items() if own else ():
        if rest.find([rf"\b{_SORT}{word}" for word in words]):
            return name, False
    for sort, word in _SORT_WORDS.items():
        if rest.find([rf"\b{_SORT}{word}\b"]):
            is_own = own is not None and sort == "renewal"
            return ("day" if is_own else sort), sort in ("renewal", "health")
    for figure, rule in asking.figures.items() if own is None else ():
        if rest.find([rf"\b{_SORT}(?:{'|'.join(rule.words)})"]):
            return figure, False
    if rest.find([rf"\b{_BIG} first\b"]):
        amounts = SUBJECTS[subject].amounts if subject in SUBJECTS else {}
        return next(iter(amounts), None), False
    if rest.find([r"\b(?:soonest|earliest|oldest)(?: first)?\b"]):
        return ("day" if own else "renewal"), True
    return ("day", False) if own and rest.find([r"\b(?:newest|latest)(?: first)?\b"]) else (None, False)


def _top(rest: _Rest, asking: AskSettings, subject: Subject) -> tuple[int | None, bool]:
    """Number of rows that are asked for, and True if the biggest are."""
    count = rf"(\d{{1,3}}|{'|'.join(word for word in asking.numbers if len(word) > 2)})"
    for pattern in (rf"\btop {count}\b", rf"\b{count} {_BIG}\b", rf"\b{_BIG} {count}\b"):
        if match := compiled(pattern).search(rest.text):
            rest.take(match[0])
            return int(match[1]) if match[1].isdigit() else asking.numbers[match[1]], True
    if match := compiled(rf"\b{count} (?:cliente|cuenta|compte|client)s? {_BIG}\b").search(rest.text):
        rest.take(match[0])
        return int(match[1]) if match[1].isdigit() else asking.numbers[match[1]], True
    own = "|".join(asking.subjects[subject].words) if subject in asking.subjects else r"\b$"
    nouns = rf"(?:(?:account|customer|client|renewal|kunde|compte|cuenta)\b|{own})"
    match = compiled(rf"\b{_BIG} {nouns}").search(rest.text)
    if match is None:
        return None, False
    if not match[0].endswith("s"):
        rest.take(match[0])
        return 1, True
    return None, True


def _subject_filters(rest: _Rest, asking: AskSettings, terms: QuestionTerms, subject: Subject) -> None:
    """Filters and days of the subject itself; a day beside a word for renewing belongs to the account."""
    table, own = SUBJECTS[subject], asking.subjects[subject]
    if late := overdue_days(rest.text, asking, terms.today):
        days, words = late
        before = terms.today - timedelta(days=days)
        rest.take(words)
        rest.conditions.append(
            Condition(field="day", high=before, says=f"{table.day_title} before {format_date(before)}".strip())
        )
        if subject in ("invoices", "actions"):
            rest.text += " overdue "
    is_renewal = subject == "renewals" or (subject != "outcomes" and matches(asking.cues.renewing, rest.text))
    _take_names(rest, asking, subject)
    if subject == "tickets" and (opening := first_match(asking.cues.opening, rest.text)):
        verb = opening[0].split()[-1]  # who opened a ticket, does not say that it is open
        rest.text = rest.text.replace(opening[0], opening[0][: -len(verb)] + " | ", 1)
    if is_renewal:
        _ranges(rest, asking, terms)
    elif table.day is not None:
        found = day_range(rest.text, asking, terms.today, table.past, table.day_title)
        if found is not None:
            rest.take(found.words)
            rest.conditions.append(found.condition)
        _amounts(rest, terms, table)
    if subject == "incidents":
        _incidents(rest, terms)
    for name, nouns in own.amounts.items():
        is_bounded = name not in (*table.money, *table.of_many)
        found_figure = figure_range(rest.text, nouns) if is_bounded else None
        if found_figure is not None:
            _take_figure(rest, name, found_figure)
            rest.text += f" {found_figure.noun} "  # "NPS below 7" is about NPS answers as well
            break
    _figures(rest, asking)
    _words(rest, own.filters)
    while rest.find(own.words):
        pass


def _take_names(rest: _Rest, asking: AskSettings, subject: Subject) -> None:
    """The name of a contact, after a word like "called"."""
    if subject == "people" and (match := first_match(asking.cues.called, rest.text)):
        rest.take(match[0])
        rest.conditions.append(Condition(field="contact", values=(match[1],), says=f"called {match[1].title()}"))


def _incidents(rest: _Rest, terms: QuestionTerms) -> None:
    """The shared problem that the question names; "in an incident" alone means any."""
    named = [
        title
        for title, words in terms.incidents.items()
        if rest.find([_incident_words(word) for word in words if len(word) > 2])
    ]
    for title in named:
        while rest.find([_incident_words(word) for word in terms.incidents[title] if len(word) > 2]):
            pass
    if named:
        says = f"in {' or '.join(plain_name(title) for title in named)}"
        rest.conditions.append(Condition(field="incident", values=tuple(named), says=says))


def _incident_words(word: str) -> str:
    """The words of a shared problem; a bare number only as that of a release."""
    plain = re.escape(normalize_text(word))
    return rf"\b{plain}\w*" if re.search(r"[a-z]", plain) else rf"\b(?:release|version|v) ?{plain}\b"


def _causes(rest: _Rest, terms: QuestionTerms, subject: Subject) -> None:
    """The causes that the question names by their labels."""
    found = [key for key, label in terms.causes.items() if rest.find([rf"\b{_loose(label)}\b"])]
    if found:
        says = f"cause {' or '.join(terms.causes[key].lower() for key in found)}"
        rest.conditions.append(Condition(field="cause", values=tuple(found), says=says))


def _loose(label: str) -> str:
    return r"[\s-]+".join(re.escape(part) for part in re.split(r"[\s-]+", normalize_text(label)))


def _account_days(rest: _Rest, asking: AskSettings, terms: QuestionTerms) -> None:
    """Accounts that were or were not touched or answered since a day, and days of the longest overdue invoice."""
    for contact, patterns in asking.contacted.items():
        match = first_match(patterns, rest.text)
        found = since_day(rest.text, asking, terms.today) if match else None
        kinds = _touchpoint_kinds(match[0], asking) if match else None
        if match is None or (found is None and kinds is None):
            continue
        day, words = found or (date.min, "")
        rest.take(match[0])
        rest.take(words)
        is_without = matches(asking.cues.never, match[0])
        what = (
            f"{'without' if is_without else 'with'} {kinds.says}"
            if kinds
            else f"{'not ' if is_without else ''}{contact}"
        )
        says = f"{what} since {format_date(day)}" if found else f"{what} on record"
        known = False if is_without else None
        values = kinds.values if kinds else ()
        rest.conditions.append(Condition(field=contact, values=values, low=day, known=known, says=says))
        return
    if started := first_match(asking.cues.started, rest.text):
        found_days = day_range(rest.text[started.start() :], asking, terms.today, True, "started")
        if found_days is not None:
            rest.take(started[0])
            rest.take(found_days.words)
            rest.conditions.append(found_days.condition.model_copy(update={"field": "started"}))
            return
    if matches(asking.subjects["invoices"].words, rest.text) and (late := overdue_days(rest.text, asking, terms.today)):
        days, words = late
        rest.take(words)
        rest.find(asking.subjects["invoices"].words)
        says = f"with an invoice more than {days} days overdue"
        rest.conditions.append(Condition(field="invoice_overdue", low=float(days) + 0.5, says=says))


def _touchpoint_kinds(words: str, asking: AskSettings) -> FilterRule | None:
    """The kinds of touchpoint that the words name."""
    rules = asking.subjects["touchpoints"].filters
    return next((rule for rule in rules if rule.field == "kind" and matches(rule.phrases, words)), None)


def _amounts(rest: _Rest, terms: QuestionTerms, table: SubjectTable) -> None:
    """A range of money: of the row's own amount where it has one, unless ARR is named."""
    if ranged := money_range(rest.text, terms.currency):
        rest.take(ranged.words)
        condition = ranged.condition
        if "amount" in table.amounts and " arr " not in rest.text:
            says = condition.says.replace("ARR", "amount", 1)
            condition = condition.model_copy(update={"field": "amount", "says": says})
        rest.conditions.append(condition)


def _ranges(rest: _Rest, asking: AskSettings, terms: QuestionTerms) -> None:
    _figures(rest, asking)
    found: tuple[FoundRange | None, ...] = (
        money_range(rest.text, terms.currency),
        renewal_range(rest.text, asking, terms.today),
    )
    for ranged in found:
        if ranged is not None:
            rest.take(ranged.words)
            rest.conditions.append(ranged.condition)


def _figures(rest: _Rest, asking: AskSettings) -> None:
    """Ranges of the figures of an account: "health below 60", "more than 300 seats", "usage down by 30 %"."""
    for name, rule in asking.figures.items():
        found = figure_range(rest.text, rule.words, rule.falls)
        if found is not None:
            _take_figure(rest, name, found)


def _take_figure(rest: _Rest, name: str, found: FoundFigure) -> None:
    rest.take(found.words)
    says = re.sub(r"\b(?:nps|csat|csm)\b", lambda word: word[0].upper(), " ".join(found.words.split()))
    rest.conditions.append(Condition(field=name, low=found.low, high=found.high, says=says))


def _words(rest: _Rest, rules: Sequence[FilterRule]) -> None:
    """The filters of the configuration; several values of one field are alternatives."""
    for rule in rules:
        if not rest.find(rule.phrases):
            continue
        while rest.find(rule.phrases):
            pass
        condition = Condition(
            field=rule.field, values=rule.values, low=rule.low, high=rule.high, known=rule.known, says=rule.says
        )
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


def _people(rest: _Rest, question: str, asking: AskSettings, terms: QuestionTerms, subject: Subject) -> None:
    by_field: dict[str, list[Person]] = {}
    has_owner = subject in SUBJECTS and "owner_id" in SUBJECTS[subject].fields
    for named in named_people(question, terms.people):
        field_name = "owner_id" if has_owner else _ROLE_FIELD.get(named.person.role)
        if field_name is None:
            continue
        for word in named.words.split():
            rest.find([rf"\b{re.escape(word)}\.?(?!\w)"])
        by_field.setdefault(field_name, []).append(named.person)
    if re.search(r"\b(?:my|mine|i)\b", rest.text):
        me = terms.people.get(terms.asker or "")
        if me is not None and (has_owner or me.role in _ROLE_FIELD):
            by_field.setdefault("owner_id" if has_owner else _ROLE_FIELD[me.role], []).append(me)
        elif matches(asking.cues.mine, rest.text):
            rest.text += " my "
    owner = SUBJECTS[subject].owner_title if subject in SUBJECTS else ""
    titles = {"csm": "CSM", "sponsor": "executive sponsor", "team": "team of", "owner_id": owner}
    for name, persons in by_field.items():
        says = f"{titles[name]} {' or '.join(person.name for person in persons)}".strip()
        ids = tuple(person.person_id for person in persons)
        rest.conditions.append(Condition(field=name, values=ids, says=says))


def _left(rest: _Rest, asking: AskSettings, subject: Subject) -> tuple[str, ...]:
    """Words that nothing took and that are no small words."""
    words = re.findall(r"[^\W\d_][\w-]+|\d[\w.,-]*", rest.text)
    left = [word for word in words if not _is_small(word, asking.no_filter)]
    if rest.text.endswith(" my "):
        left.append("my (say who asks)")
    return tuple(dict.fromkeys(left))


_ENDINGS = ("s", "es", "ed", "d", "ing", "n", "en")


def _is_small(word: str, small: frozenset[str]) -> bool:
    """True for a word that is no filter, also in another form: "owns" is "own"."""
    return word in small or any(word.endswith(end) and word[: -len(end)] in small for end in _ENDINGS)
