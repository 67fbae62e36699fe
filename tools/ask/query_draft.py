"""A query that a model filled in, checked by code: fields, owners, accounts and days must exist. Pure; nothing is run here.

Each fault is named, so that the model can mend it. A filter must quote words of the question, so that none is invented.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, get_args

from domain.configuration import AskSettings, Subject
from domain.drafting import Violation
from domain.questions import Condition, FilterDraft, Measure, PortfolioQuery, QueryDraft
from domain.score_configuration import InterventionTier
from tools.ask.find_people import named_people
from tools.ask.parse_query import QuestionTerms
from tools.ask.parse_question import normalize_text, split_words
from tools.ask.run_query import ACCOUNT_FIELDS
from tools.ask.subject_tables import SUBJECTS
from tools.wording import format_date, format_number

_PERSON_FIELDS = {"csm": "csm", "sponsor": "exec_sponsor", "team": "cs_manager", "owner": None}
_DAY_FIELDS = ("renewal", "day", "touched", "answered")
_FIXED: Mapping[str, Sequence[str]] = {
    "stage": ("onboarding", "live", "offboarding"), "band": ("red", "yellow", "green"), "tier": get_args(InterventionTier),
    "at_risk": ("true", "false"), "change": ("new", "worsened", "improved", "resolved", "unchanged"),
    "said": ("evaluating_alternatives", "competitor_named", "budget_cut", "feature_gap", "reorganisation", "value_doubted"),
    "escalated": ("true",), "sla_breached": ("true",), "priority": ("low", "normal", "high", "urgent"),
    "role": ("champion", "economic_buyer", "exec_sponsor", "user"),
}  # fmt: skip
_OWN: Mapping[Subject, Mapping[str, Sequence[str]]] = {
    "actions": {"state": ("open", "late", "missed", "done", "done_late", "dropped", "deferred")},
    "people": {"state": ("active", "left", "unknown")},
    "plays": {"state": ("running", "ended"), "outcome": ("renewed", "expanded", "contracted", "churned", "none yet")},
    "quotations": {"kind": _FIXED["said"]},
    "tickets": {"state": ("open", "closed")},
    "invoices": {"state": ("open", "overdue", "failed", "paid")},
    "outcomes": {"kind": ("renewed", "expanded", "contracted", "churned")},
    "surveys": {"kind": ("nps", "csat"), "state": ("promoter", "passive", "detractor")},
    "touchpoints": {
        "kind": ("exec_meeting", "qbr", "call", "training", "email"),
        "state": ("held", "missed", "answered", "not answered", "from them"),
    },
    "goals": {"state": ("met", "on_track", "behind", "missed")},
    "colleagues": {"role": ("csm", "cs_manager", "exec_sponsor", "support_lead", "product", "billing")},
}
"""Values of the fields of each subject, beside those that are the same for all."""
_ACCOUNT_ONLY = ("segment", "csm", "sponsor", "team", "stage", "band", "tier", "at_risk", "change", "arr", "renewal", "health",
                 "risk", "account", "said", "champion", "touched", "answered", "incident", "cause")  # fmt: skip
_GROUPS = ("segment", "csm", "sponsor", "team", "stage", "band", "tier", "month", "account")
_MOST_NAMED = 20
_NOT_FOR_MODELS = {"owner_id", "contact", "email", "comment", "manager"}
"""Fields that hold ids or words of people outside."""
_MOST_FILTERS, _LONGEST_VALUE, _LONGEST_WORDS, _LONGEST_NAME = 5, 60, 60, 20
"""Of a model's answer; lengths in characters."""


def draft_schema(asking: AskSettings) -> dict[str, Any]:
    """JSON schema of the answer, with the fields as an enumeration. Texts are bounded, so that a model that repeats itself ends."""
    own = {name for table in SUBJECTS.values() for name in (*table.fields, *table.amounts)}
    fields = sorted({*_ACCOUNT_ONLY, *asking.figures, *own} - _NOT_FOR_MODELS | {"day", "owner"})
    value = {"type": "string", "maxLength": _LONGEST_VALUE}
    words = {"type": "string", "maxLength": _LONGEST_WORDS}
    name = {"type": "string", "maxLength": _LONGEST_NAME}
    one = {
        "type": "object", "additionalProperties": False, "required": ["field", "op", "value", "words"],
        "properties": {"field": {"type": "string", "enum": fields}, "op": {"type": "string", "enum": ["is", "at_least", "below", "missing"]},
                       "value": value, "words": words},
    }  # fmt: skip
    properties = {
        "fits": {"type": "boolean"},
        "subject": {"type": "string", "enum": list(get_args(Subject))},
        "filters": {"type": "array", "items": one, "maxItems": _MOST_FILTERS},
        "measure": {"type": "string", "enum": list(get_args(Measure))},
        "amount": name,
        "group": name,
        "sort": name,
        "ascending": {"type": "boolean"},
        "top": {"type": "integer"},
        "history": {"type": "string", "enum": ["", "joined", "left", "compare", "course"]},
        "since": {"type": "string", "maxLength": len("2026-11-23")},
    }
    return {"type": "object", "additionalProperties": False, "required": list(properties), "properties": properties}


@dataclass
class DraftCheck:
    """The check of one draft for one question. ``query`` is the query when there is no fault."""

    question: str
    asking: AskSettings
    terms: QuestionTerms
    find: Callable[[str], str | None]
    """Id of the account that words mean; None for nobody and for several."""
    named: str | None
    """Id of the account that the question itself names."""
    grammar: PortfolioQuery
    """The grammar's reading: words that neither it nor the draft takes stay unapplied."""
    query: PortfolioQuery | None = None
    _faults: list[Violation] = field(default_factory=list)

    def __call__(self, draft: QueryDraft) -> list[Violation]:
        """The faults of the draft, by name."""
        self._faults = []
        self.query = None
        if not draft.fits:
            return []
        self._check_left_out(draft)
        conditions = [self._condition(draft.subject, each) for each in draft.filters]
        group = self._group(draft)
        amount = self._amount(draft)
        since = self._day("since", draft.since) if draft.since else None
        sort = self._sort(draft)
        if not self._faults:
            self.query = PortfolioQuery(
                subject=draft.subject,
                conditions=tuple(each for each in conditions if each is not None),
                measure="count" if group and draft.measure == "list" else draft.measure,
                of=amount,
                group=group,
                sort=sort,
                ascending=draft.ascending,
                top=draft.top or None,
                history=draft.history or None,
                since=since,
                unapplied=self._unapplied(draft),
            )
        return self._faults

    def _check_left_out(self, draft: QueryDraft) -> None:
        """A filter that the grammar understood is not dropped by a model."""
        fields = {"owner_id" if each.field == "owner" else each.field for each in draft.filters}
        for condition in self.grammar.conditions:
            if draft.subject == self.grammar.subject and condition.field not in fields:
                self._fault(
                    "filter_left_out", f"the question says “{condition.says}”; add the filter {condition.field}"
                )

    def _unapplied(self, draft: QueryDraft) -> tuple[str, ...]:
        said = {word for each in draft.filters for word in split_words(each.words)}
        return tuple(word for word in self.grammar.unapplied if not set(split_words(word)) & said)

    def _fault(self, code: str, message: str) -> None:
        self._faults.append(Violation(code=code, message=message))

    def _fields(self, subject: Subject) -> set[str]:
        table = SUBJECTS.get(subject)
        own = {*table.fields, *table.amounts} if table else set()
        if table and table.day:
            own.add("day")
        return {*_ACCOUNT_ONLY, *self.asking.figures, *own} - _NOT_FOR_MODELS

    def _condition(self, subject: Subject, draft: FilterDraft) -> Condition | None:
        if draft.field not in self._fields(subject):
            known = ", ".join(sorted(self._fields(subject)))
            self._fault("unknown_field", f"{subject} have no field {draft.field[:40]!r}; there are {known}")
            return None
        if not draft.words.strip() or normalize_text(draft.words) not in normalize_text(self.question):
            self._fault(
                "words_not_in_question",
                f"{draft.words[:60]!r} is not in the question; quote the words that mean {draft.field}",
            )
            return None
        if draft.op == "missing":
            known_field = "champion" if draft.field == "champion" else draft.field
            return Condition(field=known_field, known=False, says=f"without {_title(draft.field)}")
        if draft.op in ("at_least", "below"):
            return self._bound(subject, draft)
        return self._values(subject, draft)

    def _is_number(self, subject: Subject, name: str) -> bool:
        table = SUBJECTS.get(subject)
        return name == "arr" or name in self.asking.figures or (table is not None and name in table.amounts)

    def _bound(self, subject: Subject, draft: FilterDraft) -> Condition | None:
        value: float | date | None = None
        if draft.field in _DAY_FIELDS:
            value = self._day(draft.field, draft.value)
        elif self._is_number(subject, draft.field):
            value = self._number(draft)
        else:
            self._fault("no_range", f"{draft.field} has no order; use is with one of its values")
        if value is None:
            return None
        shown = format_date(value) if isinstance(value, date) else format_number(value)
        says = f"{_title(draft.field)} {'from' if draft.op == 'at_least' else 'below' if not isinstance(value, date) else 'before'} {shown}"
        return Condition(field=draft.field, says=says, **{"low" if draft.op == "at_least" else "high": value})

    def _number(self, draft: FilterDraft) -> float | None:
        try:
            return float(draft.value.replace(",", ""))
        except ValueError:
            self._fault("no_number", f"{draft.field}: {draft.value[:40]!r} is no number; write digits only")
            return None

    def _day(self, name: str, value: str) -> date | None:
        try:
            return date.fromisoformat(value)
        except ValueError:
            self._fault("no_day", f"{name}: {value[:40]!r} is no day; write YYYY-MM-DD")
            return None

    def _values(self, subject: Subject, draft: FilterDraft) -> Condition | None:
        values = [value.strip() for value in draft.value.split("|") if value.strip()]
        if not values:
            self._fault("no_value", f"{draft.field} has no value")
            return None
        if draft.field == "account":
            return self._account(values[0])
        if draft.field in _PERSON_FIELDS:
            return self._people(subject, draft.field, values)
        allowed = self._allowed(subject, draft.field)
        if allowed is None:
            self._fault("no_values", f"{draft.field} takes at_least, below or missing")
            return None
        plain = {normalize_text(key): key for key in allowed}
        unknown = [value for value in values if normalize_text(value) not in plain]
        if unknown:
            self._fault(
                "unknown_value",
                f"{draft.field} has no {unknown[0][:40]!r}; there are {', '.join(list(allowed)[:_MOST_NAMED])}",
            )
            return None
        keys = tuple(plain[normalize_text(value)] for value in values)
        return Condition(
            field=draft.field,
            values=keys,
            says=f"{_title(draft.field)} {' or '.join(key.replace('_', ' ') for key in keys)}",
        )

    def _allowed(self, subject: Subject, name: str) -> Sequence[str] | None:
        if name == "segment":
            return list(self.terms.segments)
        if name == "cause":
            return list(self.terms.causes)
        if name == "incident":
            return list(self.terms.incidents)
        return _OWN.get(subject, {}).get(name) or _FIXED.get(name)

    def _people(self, subject: Subject, name: str, values: Sequence[str]) -> Condition | None:
        role = _PERSON_FIELDS[name]
        found = []
        for value in values:
            people = [each.person for each in named_people(value, self.terms.people)]
            people = [person for person in people if role is None or person.role == role]
            if len(people) != 1:
                ours = [person.name for person in self.terms.people.values() if role is None or person.role == role]
                self._fault(
                    "unknown_person",
                    f"{name}: nobody of ours is {value[:40]!r}; there are {', '.join(ours[:_MOST_NAMED])}",
                )
                return None
            found.append(people[0])
        key = "owner_id" if name == "owner" else name
        says = f"{_title(name)} {' or '.join(person.name for person in found)}"
        return Condition(field=key, values=tuple(person.person_id for person in found), says=says)

    def _account(self, words: str) -> Condition | None:
        """The account, if the question itself names it: a model names no other."""
        found = self.find(words)
        if found is None or found != self.named:
            self._fault("unknown_account", f"the question names no account {words[:40]!r}; leave the filter out")
            return None
        return Condition(field="account", values=(found,), says=words[:80])

    def _group(self, draft: QueryDraft) -> str | None:
        table = SUBJECTS.get(draft.subject)
        allowed = {*(table.fields if table else ()), *_GROUPS} - _NOT_FOR_MODELS - {"title"}
        if draft.subject == "accounts":
            allowed.discard("account")
        if draft.group and draft.group not in allowed:
            self._fault(
                "unknown_group",
                f"{draft.subject} cannot be grouped by {draft.group[:40]!r}; there are {', '.join(sorted(allowed))}",
            )
        return draft.group or None

    def _amount(self, draft: QueryDraft) -> str:
        table = SUBJECTS.get(draft.subject)
        allowed = list(table.amounts) if table else ["arr", *self.asking.figures]
        if draft.amount and draft.amount not in allowed:
            self._fault(
                "unknown_amount",
                f"{draft.subject} have no amount {draft.amount[:40]!r}; there are {', '.join(allowed) or 'none'}",
            )
        return draft.amount or ("arr" if table is None else "")

    def _sort(self, draft: QueryDraft) -> str | None:
        table = SUBJECTS.get(draft.subject)
        allowed = ["arr", "renewal", *self.asking.figures, *(["day", *table.amounts] if table else [])]
        if draft.sort and draft.sort not in allowed:
            self._fault("unknown_sort", f"rows cannot be sorted by {draft.sort[:40]!r}; there are {', '.join(allowed)}")
        return draft.sort or None


def _title(name: str) -> str:
    titles = {
        "csm": "CSM",
        "arr": "ARR",
        "at_risk": "at risk",
        "sla_breached": "SLA breached",
        "tier": "priority",
        "team": "team of",
    }
    return titles.get(name, name.replace("_", " "))


assert set(_GROUPS) - {"account"} <= ACCOUNT_FIELDS.keys()
