"""Groups of the review document: shown at once or folded away. Nothing is left out."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from app.report.threshold_text import time_span
from domain.evidence import Evidence
from domain.portfolio import AccountMovement, Alert, DataGap
from domain.review import Review
from domain.save_play import SavePlay
from domain.tracking import Action, Commitment, CrmUpdate

_WEEK_DAYS = 7
_MAX_UNCITED = 8
_CITED = re.compile(r"\bE\d+\b")
_WAITING = ("late", "missed")
_KEPT = ("done", "done_late")


@dataclass(frozen=True)
class AccountCommitments:
    """The commitments of earlier reviews for one account."""

    account_id: str
    name: str
    commitments: tuple[Commitment, ...]

    def of(self, *statuses: str) -> list[Commitment]:
        """Those in one of these states."""
        return [each for each in self.commitments if each.status in statuses]

    @property
    def overdue(self) -> list[Commitment]:
        """Late and missed, longest first."""
        return sorted(self.of(*_WAITING), key=lambda each: (each.due, each.action_id))

    @property
    def kept(self) -> list[Commitment]:
        """Done, in time or late."""
        return self.of(*_KEPT)


def split_evidence(play: SavePlay) -> tuple[list[Evidence], list[Evidence]]:
    """The heaviest facts and every fact that is cited, then the others."""
    cited = {found for step in (s for phase in play.phases for s in phase.actions) for found in step.evidence}
    cited |= set(_CITED.findall(play.root_cause))
    first = [e for rank, e in enumerate(play.evidence) if e.id in cited or (rank < _MAX_UNCITED and e.risk_points > 0)]
    return first, [e for e in play.evidence if e not in first]


def commitments_by_account(review: Review) -> list[AccountCommitments]:
    """Commitments by account, those with the most that is late first."""
    by_account: dict[str, list[Commitment]] = {}
    for each in review.followup.commitments:
        by_account.setdefault(each.account_id, []).append(each)
    found = [AccountCommitments(key, group[0].account_name, tuple(group)) for key, group in by_account.items()]
    return sorted(found, key=lambda each: (-len(each.overdue), -len(each.kept), each.name, each.account_id))


def actions_by_due_date(review: Review) -> list[tuple[str, list[Action]]]:
    """Actions by how soon they are due; the first group is shown at once, the others are folded.

    The first group ends with the time of an immediate action; a week in an older review, which does not state it.
    """
    soon = review.thresholds.urgency_days.get("immediate", _WEEK_DAYS) if review.thresholds else _WEEK_DAYS
    ordered = sorted(review.actions, key=lambda each: (each.due, each.owner, each.account_name, each.id))
    days = [((action.due - review.as_of).days, action) for action in ordered]
    return [
        (f"Due within {time_span(soon)}", [action for left, action in days if 0 <= left <= soon]),
        ("Later this week", [action for left, action in days if soon < left <= _WEEK_DAYS]),
        ("After this week", [action for left, action in days if left > max(soon, _WEEK_DAYS)]),
        ("Due before this review", [action for left, action in days if left < 0]),
    ]


def reminders_today(review: Review) -> list[Action]:
    """Open actions whose owners are asked on the day of the review, before the date."""
    due = (a for a in review.actions if a.follow_up == review.as_of and a.due > review.as_of and a.status == "open")
    return sorted(due, key=lambda each: (each.owner, each.due, each.id))


def movements_by_change(review: Review, *changes: str) -> list[AccountMovement]:
    """Accounts that moved in one of these ways, in the order of the ways, then by ARR."""
    found = [m for m in review.portfolio.movements if m.change in changes]
    return sorted(found, key=lambda m: (changes.index(m.change), -(m.arr or 0), m.account_id))


def split_alerts(review: Review) -> tuple[list[Alert], list[Alert]]:
    """Health degradation first, then every other alert by kind."""
    falling = [alert for alert in review.alerts if alert.kind == "degradation"]
    others = [alert for alert in review.alerts if alert.kind != "degradation"]
    return falling, sorted(others, key=lambda alert: (alert.kind, alert.name, alert.account_id))


def count_kinds(items: Iterable[Alert | DataGap]) -> list[tuple[str, int]]:
    """Count of each kind, most first."""
    return sorted(Counter(item.kind for item in items).items(), key=lambda pair: (-pair[1], pair[0]))


def crm_updates_by_account(review: Review) -> list[tuple[str, str, list[CrmUpdate]]]:
    """CRM updates by account: id, name, updates."""
    by_account: dict[str, list[CrmUpdate]] = {}
    for update in review.crm_updates:
        by_account.setdefault(update.account_id, []).append(update)
    return [(key, group[0].name, group) for key, group in by_account.items()]


def gaps_by_accounts(review: Review) -> list[DataGap]:
    """Gaps, those that touch the most accounts first."""
    return sorted(review.data.gaps, key=lambda gap: (-gap.accounts, gap.kind, gap.subject))
