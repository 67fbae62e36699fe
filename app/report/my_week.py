"""One person's week: what is late, due today, this week and next; what customers wait for; what changed and was decided.

Made from the review and the progress since. Pure: the day is passed in.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.report.view import FileOwner, ReviewView
from domain.facts import ContactFact, PromiseFact
from domain.portfolio import AccountMovement
from domain.save_play import SavePlay
from domain.tracking import Action, Commitment
from tools.evidence.fact_text import FactText

Progress = Mapping[str, tuple[str, date | None]]
"""State of each action that somebody marked, by id: open, done, dropped or blocked, and its day."""
_SETTLED = ("done", "dropped", "done_late", "deferred")
"""States of an action that nobody has to do now; a deferred one comes back on its day."""


@dataclass(frozen=True)
class Task:
    """One action that is not settled."""

    id: str
    account_id: str
    account: str
    title: str
    due: date
    detail: str
    """The task in full; empty for an action of an earlier review."""
    question: str
    """Purpose of the action, which the follow-up asks about."""
    blocked: bool


@dataclass(frozen=True)
class Waiting:
    """Something that a customer waits for from us."""

    account_id: str
    account: str
    text: str


@dataclass(frozen=True)
class MyWeek:
    """The week of one person, soonest first. Days are calendar days; a week ends on Sunday."""

    overdue: tuple[Task, ...]
    today: tuple[Task, ...]
    this_week: tuple[Task, ...]
    next_week: tuple[Task, ...]
    later: tuple[Task, ...]
    waiting: tuple[Waiting, ...]
    changed: tuple[AccountMovement, ...]
    plays: tuple[SavePlay, ...]
    """Plays of this person's accounts, decided or not."""

    @property
    def groups(self) -> tuple[tuple[str, tuple[Task, ...]], ...]:
        """The tasks by when they are due, with a heading each."""
        return (
            ("Overdue", self.overdue), ("Today", self.today), ("This week", self.this_week), ("Next week", self.next_week),
            ("Later", self.later),
        )  # fmt: skip

    @property
    def open(self) -> int:
        """Number of tasks that are not settled."""
        return sum(len(tasks) for _, tasks in self.groups)


def week_of(view: ReviewView, person: FileOwner, today: date, progress: Progress | None = None) -> MyWeek:
    """The week of a person as of ``today``. Without ``progress`` the states are those of the review."""
    tasks = _tasks(view, person, progress or {})
    sunday = today + timedelta(days=6 - today.weekday())
    mine = view.accounts_of(person)
    return MyWeek(
        overdue=tuple(task for task in tasks if task.due < today),
        today=tuple(task for task in tasks if task.due == today),
        this_week=tuple(task for task in tasks if today < task.due <= sunday),
        next_week=tuple(task for task in tasks if sunday < task.due <= sunday + timedelta(days=7)),
        later=tuple(task for task in tasks if task.due > sunday + timedelta(days=7)),
        waiting=tuple(_waiting(view, mine)),
        changed=tuple(move for move in view.review.portfolio.movements if move.account_id in mine),
        plays=tuple(play for play in view.ranked_plays if play.account_id in mine),
    )


def _tasks(view: ReviewView, person: FileOwner, progress: Progress) -> list[Task]:
    """Unsettled actions of the person: this week's and those of earlier reviews, each once."""
    open_items: dict[str, Action | Commitment] = {}
    for commitment in view.review.followup.commitments:
        if person.is_owner(commitment.owner, commitment.owner_id):
            open_items[commitment.action_id] = commitment
    for action in view.actions_of(person):
        open_items[action.id] = action
    found = [
        _task(id_, item, progress)
        for id_, item in open_items.items()
        if progress.get(id_, (item.status, None))[0] not in _SETTLED and item.status not in _SETTLED
    ]
    return sorted(found, key=lambda task: (task.due, task.account, task.id))


def _task(id_: str, item: Action | Commitment, progress: Progress) -> Task:
    action = item if isinstance(item, Action) else None
    return Task(
        id=id_,
        account_id=item.account_id,
        account=item.account_name,
        title=item.title,
        due=item.due,
        detail=action.action if action else "",
        question=action.purpose if action else "",
        blocked=progress.get(id_, ("", None))[0] == "blocked",
    )


def _waiting(view: ReviewView, accounts: frozenset[str]) -> Sequence[Waiting]:
    """People who wrote and have no answer, and promises of ours that are due, by account; the longest wait first."""
    found: list[tuple[date, Waiting]] = []
    for account_id in sorted(accounts):
        facts = view.review.facts.get(account_id, ())
        text = FactText.of(facts, view.review.incidents, view.review.as_of)
        for fact in facts:
            waits = isinstance(fact, ContactFact) and fact.waiting_since is not None
            promised = isinstance(fact, PromiseFact) and fact.kept is None and fact.source.table != "actions"
            if waits or promised:
                since = fact.waiting_since if isinstance(fact, ContactFact) else fact.on
                name = view.name(account_id)
                found.append((since or view.review.as_of, Waiting(account_id, name, text.sentence(fact))))
    return [waiting for _, waiting in sorted(found, key=lambda pair: (pair[0], pair[1].account_id, pair[1].text))]
