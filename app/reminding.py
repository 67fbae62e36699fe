"""Reminders and alerts of a moment: who is told what, the plan, and its sending. Prints nothing; the time is passed in."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from app.outgoing import deliver_outgoing
from app.wiring import ReviewRequest, StoreSession, configuration_folder
from domain.errors import ConfigurationError, DecisionError
from domain.outbox import Content, Notice, OutboxSettings, PushPlan, PushReport, SinkName
from domain.phase_results import IdentifyResult, Trends
from domain.tracking import Action
from tools.outbox.plan import push_plan
from tools.outbox.push import marks_of, release, report, save_wanted
from tools.outbox.reminders import Moment, alert_notices, message_addresses, reminders, wanted_messages
from tools.outbox.settings import open_sinks, read_outbox_settings
from tools.save_play.selection import OwnedAccount
from tools.store.outbox_store import OutboxStore
from tools.working_days import WorkingDays


@dataclass(frozen=True)
class MessagePlan:
    """Messages of one moment."""

    plan: PushPlan
    settings: OutboxSettings
    sink: SinkName
    unreachable: tuple[str, ...]
    """People with a notice and without an address at the receiver."""
    quiet: tuple[str, ...]
    """People with a notice who are in their quiet hours."""
    contents: Mapping[str, Content]
    """Content of each message of the plan, by key."""


def plan_messages(session: StoreSession, at: datetime, configs: str | None, by: str) -> MessagePlan:
    """Store the messages that should go at a moment, and return the plan. Nothing is sent.

    Raises DecisionError without a closed review, ConfigurationError when no receiver sends messages.
    """
    review_id = _newest_closed(session, at)
    settings = _settings(session, review_id, configs)
    sink = _sink_of_messages(settings)
    configuration = session.review_configuration(review_id).review
    moment = Moment(at, settings.reminders, configuration.time_zone, WorkingDays(configuration))
    identified = session.store.get(review_id, "identified", IdentifyResult)
    plan_id = f"remind:{at.astimezone(ZoneInfo(configuration.time_zone)).date()}"
    with session.store.transaction():
        notices = _notices(session, review_id, identified, moment)
        addresses = message_addresses(identified.people.values(), sink, settings.sinks[sink])
        outbox = OutboxStore(session.store)
        wanted = wanted_messages(notices, outbox.items(), addresses, sink, moment)
        save_wanted(session.store, plan_id, wanted, [], by)
        items = outbox.items()
    plan = push_plan(plan_id, items, settings)
    told = sorted({notice.person_id for notice in notices})
    names = {person: identified.people[person].name for person in told if person in identified.people}
    contents = {item.key: item.desired for item in items if item.review_id == plan_id and item.desired is not None}
    return MessagePlan(
        plan=plan,
        settings=settings,
        sink=sink,
        unreachable=tuple(names.get(each, each) for each in told if each not in addresses),
        quiet=tuple(names.get(each, each) for each in told if each in addresses and moment.is_quiet(each)),
        contents=contents,
    )


def send_messages(session: StoreSession, planned: MessagePlan, plan_hash: str | None, by: str) -> PushReport:
    """Send exactly the plan of this hash; without one, what a leader released for all days in ``outbox.yaml``.

    Raises DecisionError when nobody released it, or when it is not what would be sent.
    """
    settings, plan_id = planned.settings, planned.plan.review_id
    standing = settings.reminders.released_by.strip()
    if plan_hash is None and not standing:
        raise DecisionError(
            "nobody released these messages: use --send --plan HASH, or name a leader under reminders: released_by in outbox.yaml"
        )
    by = by if plan_hash is not None else standing
    open_sinks(settings, [planned.sink])
    plan = release(session.store, plan_hash or planned.plan.hash, plan_id, settings, by)
    deliver_outgoing(session, plan_hash or planned.plan.hash, settings, by)
    return report(session.store, plan_id, plan, [planned.sink])


def _newest_closed(session: StoreSession, at: datetime) -> str:
    closed = [name for name, as_of, state in session.store.reviews() if state == "closed" and as_of <= at.date()]
    if not closed:
        raise DecisionError(f"no review up to {at.date()} is closed; people are told only what was decided")
    return closed[-1]


def _settings(session: StoreSession, review_id: str, configs: str | None) -> OutboxSettings:
    folder = Path(configs) if configs is not None else None
    if folder is None:
        folder = configuration_folder(ReviewRequest.from_stored(session.store.request(review_id)[0]))
    return read_outbox_settings(folder)


def _sink_of_messages(settings: OutboxSettings) -> SinkName:
    found = [name for name, sink in settings.on().items() if "message" in sink.sends]
    if not found:
        raise ConfigurationError(
            "outbox.yaml: no receiver that is on sends message; add it to sends of mail, slack or webhook"
        )
    return found[0]


def _notices(session: StoreSession, review_id: str, identified: IdentifyResult, moment: Moment) -> list[Notice]:
    store = session.store
    actions: dict[str, Action] = {}
    for name, as_of, state in store.reviews():  # oldest first: a later review knows more about an action
        if state == "closed" and as_of <= identified.as_of:
            actions |= {action.id: action for action in store.actions_of(name)}
    accounts: dict[str, OwnedAccount] = {row.account_id: row for row in identified.plan_rows}
    accounts |= {dossier.account_id: dossier for dossier in identified.all_dossiers}
    rules = {rule.id: rule for rule in session.review_configuration(review_id).review.workflow}
    alerts = store.get(review_id, "trends", Trends).alerts
    found = reminders(actions.values(), marks_of(store), moment)
    return [*found, *alert_notices(alerts, rules, accounts, identified.people, moment)]
