"""Tests that a playbook may put on a fact, by kind of fact and name: ``is: [open, escalated]``.

Pure. A test answers for what is on record: where the data cannot say, the answer is no.
"""

from collections.abc import Callable, Mapping
from typing import Any

from domain.facts import Fact

FactTest = Callable[[Any], bool]

_TICKET: dict[str, FactTest] = {
    "open": lambda fact: fact.open is True,
    "closed": lambda fact: fact.open is False,
    "escalated": lambda fact: fact.escalated is True,
    "urgent": lambda fact: fact.priority in ("high", "urgent"),
    "late": lambda fact: fact.sla_breached is True,
    "asked_again": lambda fact: (fact.subject or "").lower().startswith(("re:", "aw:", "fw:", "wg:")),
}
_CONTACT: dict[str, FactTest] = {
    "active": lambda fact: fact.status in ("active", "new"),
    "departed": lambda fact: fact.status == "departed",
    "new": lambda fact: fact.status == "new",
    "waiting": lambda fact: fact.waiting_since is not None,
    "on_record": lambda fact: fact.contact_id is not None,
    "never_met": lambda fact: fact.last_met is None,
    "met": lambda fact: fact.last_met is not None,
}
_INVOICE: dict[str, FactTest] = {
    "overdue": lambda fact: fact.status != "paid" and (fact.days_overdue or 0) > 0,
    "failed": lambda fact: fact.status == "failed",
    "coming": lambda fact: fact.status == "open" and fact.days_overdue is not None and fact.days_overdue <= 0,
}
_GOAL: dict[str, FactTest] = {
    "missed": lambda fact: fact.status == "missed",
    "behind": lambda fact: fact.status in ("missed", "behind"),
    "on_track": lambda fact: fact.status in ("on_track", "met"),
}
_MEETING: dict[str, FactTest] = {
    "missed": lambda fact: fact.attended is False,
    "held": lambda fact: fact.attended is True,
}
_PROMISE: dict[str, FactTest] = {
    "open": lambda fact: fact.kept is None,
    "broken": lambda fact: fact.kept is False,
}
_USAGE: dict[str, FactTest] = {
    "fallen": lambda fact: fact.to_value < fact.from_value,
    "stopped": lambda fact: fact.from_value > 0 and fact.to_value == 0,
    "falling": lambda fact: fact.to_value < fact.from_value and fact.turned_on is None,
    "stopped_falling": lambda fact: fact.to_value < fact.from_value and fact.turned_on is not None,
}
_RENEWAL: dict[str, FactTest] = {
    "overdue": lambda fact: fact.days is not None and fact.days < 0,
    "ahead": lambda fact: fact.days is not None and fact.days >= 0,
    "unknown": lambda fact: fact.days is None,
}
_QUOTATION: dict[str, FactTest] = {
    "asserted": lambda fact: fact.mode == "asserted",
    "with_figure": lambda fact: any(letter.isdigit() for letter in fact.text),
    "understood": lambda fact: fact.says is not None,
}
_ANY: dict[str, FactTest] = {
    "bad": lambda fact: fact.tone == "bad",
    "good": lambda fact: fact.tone == "good",
    "theirs": lambda fact: fact.side == "theirs",
    "ours": lambda fact: fact.side == "ours",
}

TESTS: Mapping[str, Mapping[str, FactTest]] = {
    kind: {**_ANY, **tests}
    for kind, tests in {
        "ticket": _TICKET, "quotation": _QUOTATION, "contact": _CONTACT, "invoice": _INVOICE, "goal": _GOAL,
        "meeting": _MEETING, "promise": _PROMISE, "usage": _USAGE, "renewal": _RENEWAL, "incident": {},
    }.items()
}  # fmt: skip
"""By kind of fact: every test by name."""


def passes(fact: Fact, names: tuple[str, ...]) -> bool:
    """True if the fact passes all the tests. Raises KeyError for a test that its kind does not have."""
    return all(TESTS[fact.kind][name](fact) for name in names)
