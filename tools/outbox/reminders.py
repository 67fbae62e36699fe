"""Reminders and alerts: what each person is told when, at most one message a day unless it is critical. Pure: the time is passed in.

A notice that may have arrived is never told again, whatever message it was in.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from domain.configuration import AlertRule
from domain.dossier import Person
from domain.outbox import Content, Notice, OutboxItem, ReminderSettings, SinkName, SinkSettings, Wanted
from domain.portfolio import Alert
from domain.tracking import Action
from tools.outbox.desired import Mark
from tools.outbox.text import plain
from tools.save_play.selection import OwnedAccount, account_team

ALERT_DAYS = timedelta(days=6)
"""An alert counts until the next weekly review makes new ones."""
_OPEN = ("open", "late")


class Calendar(Protocol):
    """The days on which people work."""

    def is_working(self, day: date) -> bool:
        """True if people work on that day."""


@dataclass(frozen=True)
class Moment:
    """A moment, and how each person sees it."""

    at: datetime
    settings: ReminderSettings
    zone: str
    """Time zone of everybody who has no other."""
    calendar: Calendar

    def day(self, person_id: str) -> date:
        """Day of the person."""
        return self._local(person_id).date()

    def is_quiet(self, person_id: str) -> bool:
        """True in the quiet hours of the person and on days off."""
        now = self._local(person_id)
        begins, ends = self.settings.quiet_from, self.settings.quiet_until
        clock = f"{now:%H:%M}"
        is_quiet = begins <= clock < ends if begins <= ends else clock >= begins or clock < ends
        return is_quiet or not self.calendar.is_working(now.date())

    def _local(self, person_id: str) -> datetime:
        return self.at.astimezone(ZoneInfo(self.settings.time_zones.get(person_id, self.zone)))


def reminders(actions: Iterable[Action], marks: Mapping[str, Mark], moment: Moment) -> list[Notice]:
    """Open actions of which the owner is reminded: from the day of their follow-up to the due date."""
    found = []
    for action in actions:
        mark = marks.get(action.id)
        if action.owner_id is None or action.status not in _OPEN or (mark is not None and mark.state != "open"):
            continue
        day = moment.day(action.owner_id)
        is_deferred = action.deferred_until is not None and day < action.deferred_until
        if (action.follow_up or action.due) <= day <= action.due and not is_deferred:
            what = f"{plain(action.title, 160)} for {plain(action.account_name, 80)}, due {action.due}"
            found.append(
                Notice(
                    id=f"due:{action.id}:{action.due}",
                    person_id=action.owner_id,
                    text=what,
                    critical=action.urgency == "immediate",
                )
            )
    return found


def alert_notices(
    alerts: Iterable[Alert],
    rules: Mapping[str, AlertRule],
    accounts: Mapping[str, OwnedAccount],
    people: Mapping[str, Person],
    moment: Moment,
) -> list[Notice]:
    """Alerts of the newest review, to the people whom the workflow table names, each account's own where it has them."""
    found: dict[tuple[str, str], Notice] = {}
    for alert in alerts:
        rule, account = rules.get(alert.kind), accounts.get(alert.account_id)
        if rule is None or account is None:
            continue
        team = account_team(account, people).by_role
        for person in (team.get(role) for role in rule.tells):
            if person is None or not alert.on <= moment.day(person.person_id) <= alert.on + ALERT_DAYS:
                continue
            text = f"{plain(alert.name, 80)}: {rule.state}. {rule.task}."
            notice = Notice(
                id=f"alert:{alert.on}:{rule.id}:{alert.account_id}", person_id=person.person_id, text=text,
                critical=rule.standing == "critical",
            )  # fmt: skip
            found[notice.id, notice.person_id] = notice
    return list(found.values())


def wanted_messages(
    notices: Iterable[Notice],
    items: Iterable[OutboxItem],
    addresses: Mapping[str, str],
    sink: SinkName,
    moment: Moment,
) -> list[Wanted]:
    """Messages that should go now, sorted by key, and those that should not go any more.

    ``addresses``: person id to an address at the receiver; somebody without one gets nothing. What went out stays as it is.
    """
    by_person: dict[str, list[Notice]] = {}
    for notice in notices:
        if notice.person_id in addresses:
            by_person.setdefault(notice.person_id, []).append(notice)
    messages = [item for item in items if item.kind == "message" and item.sink == sink]
    found: dict[str, Wanted] = {}
    for person, own in by_person.items():
        if not moment.is_quiet(person):
            wanted = _message_of(person, own, messages, addresses[person], sink, moment.day(person))
            found |= {each.key: each for each in wanted}
    for item in messages:  # what waits and is not wanted now: a later message has its notices
        if item.key not in found and item.desired is not None and not item.is_ours_there:
            found[item.key] = Wanted(
                key=item.key, sink=sink, kind="message", target=item.target, content=None, reason="not sent in its time"
            )
    return [found[key] for key in sorted(found)]


def _message_of(
    person: str, notices: Sequence[Notice], messages: Iterable[OutboxItem], to: str, sink: SinkName, day: date
) -> list[Wanted]:
    """The message of the day; once that has gone, only what is critical, in a message of its own."""
    gone = [item for item in messages if (item.sent or item.tried or {}).get("person") == person]
    told = {each for item in gone for content in (item.sent, item.tried) if content for each in content["told"]}
    key = f"message:{person}:{day}"
    rest = sorted((each for each in notices if each.id not in told), key=lambda each: (not each.critical, each.id))
    if any(item.key == f"{key}@{sink}" for item in gone):
        rest = [each for each in rest if each.critical]
        key += ":" + hashlib.sha256("\n".join(each.id for each in rest).encode()).hexdigest()[:8]
    if not rest:
        return []
    content: Content = {
        "person": person, "to": to, "day": day.isoformat(), "lines": [each.text for each in rest],
        "critical": sum(each.critical for each in rest), "told": [each.id for each in rest],
    }  # fmt: skip
    return [Wanted(key=f"{key}@{sink}", sink=sink, kind="message", target=to, content=content)]


def message_addresses(people: Collection[Person], name: SinkName, sink: SinkSettings) -> dict[str, str]:
    """Person id to where a message reaches the person: an e-mail address, a Slack user, or the id itself for a webhook."""
    if name == "mail":
        return {each.person_id: each.email for each in people if each.email}
    if name == "slack":
        return {each.person_id: sink.people[each.person_id] for each in people if each.person_id in sink.people}
    return {each.person_id: each.person_id for each in people}
