"""Reminders and alerts: before the due date, to the owner, outside quiet hours, one message a day, and nothing twice."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path

import pytest

from domain.configuration import AlertRule
from domain.dossier import Person
from domain.outbox import Notice, OutboxItem, OutboxSettings, ReminderSettings, Wanted
from domain.portfolio import Alert
from domain.tracking import Action
from tests.outgoing import run
from tests.receivers import SECRETS, Receivers, outbox_yaml, serve_receivers
from tests.sample_review import sample_review
from tools.configuration import read_configuration
from tools.outbox.desired import Mark
from tools.outbox.plan import push_plan
from tools.outbox.push import release, save_wanted
from tools.outbox.reminders import Moment, alert_notices, reminders, wanted_messages
from tools.store.outbox_store import OutboxStore
from tools.store.review_store import ReviewStore
from tools.working_days import WorkingDays

SHIPPED = read_configuration()
TUESDAY, WEDNESDAY = "2026-11-24T09:00+01:00", "2026-11-25T09:00+01:00"
AT = {"p1": "dana@example.com", "p2": "robin@example.com"}


def moment(text: str, **settings: object) -> Moment:
    reminder = ReminderSettings.model_validate(settings)
    return Moment(datetime.fromisoformat(text), reminder, "Europe/Berlin", WorkingDays(SHIPPED.review))


def action(**changed: object) -> Action:
    known = sample_review(state="closed").actions[0]
    usual = {
        "id": "2026-W48.acc-1.call", "owner_id": "p1", "due": date(2026, 11, 26), "follow_up": date(2026, 11, 25),
        "status": "open", "urgency": "standard", "deferred_until": None,
    }  # fmt: skip
    return known.model_copy(update={**usual, **changed})


def notice(name: str, person: str = "p1", critical: bool = False) -> Notice:
    return Notice(id=f"due:{name}", person_id=person, text=f"Call {name}", critical=critical)


def lines(wanted: Sequence[Wanted]) -> dict[str, list[str]]:
    return {each.key: each.content["lines"] for each in wanted if each.content}


def test_the_owner_is_reminded_from_the_day_before_until_the_due_date() -> None:
    days = [f"2026-11-{day}T09:00+01:00" for day in (24, 25, 26, 27)]
    assert [len(reminders([action()], {}, moment(day))) for day in days] == [0, 1, 1, 0]


@pytest.mark.parametrize(
    "silent",
    [
        {"owner_id": None},
        {"status": "done"},
        {"status": "dropped"},
        {"deferred_until": date(2026, 12, 1)},
    ],
)
def test_nobody_is_reminded_of_what_is_done_dropped_deferred_or_nobodys(silent: dict[str, object]) -> None:
    assert reminders([action(**silent)], {}, moment(WEDNESDAY)) == []


def test_what_somebody_marked_as_done_is_no_reminder_and_a_new_date_is_a_new_one() -> None:
    assert reminders([action()], {action().id: Mark("done")}, moment(WEDNESDAY)) == []
    moved = action(due=date(2026, 12, 3), follow_up=date(2026, 12, 2))
    ids = {each.id for at, one in ((WEDNESDAY, action()), ("2026-12-02T09:00+01:00", moved)) for each in reminders([one], {}, moment(at))}  # fmt: skip
    assert len(ids) == 2


@pytest.mark.parametrize(
    ("text", "zone", "quiet"),
    [
        ("2026-11-24T07:59+01:00", "Europe/Berlin", True),
        ("2026-11-24T08:00+01:00", "Europe/Berlin", False),
        ("2026-11-24T17:59+01:00", "Europe/Berlin", False),
        ("2026-11-24T18:00+01:00", "Europe/Berlin", True),
        ("2026-11-24T08:30+01:00", "America/New_York", True),
        ("2026-11-24T20:00+01:00", "America/New_York", False),
        ("2026-11-28T10:00+01:00", "Europe/Berlin", True),
    ],
)
def test_quiet_hours_are_those_of_the_persons_time_zone_and_days_off_are_quiet(
    text: str, zone: str, quiet: bool
) -> None:
    now = moment(text, time_zones={"p1": zone})
    assert now.is_quiet("p1") is quiet
    assert bool(wanted_messages([notice("a")], [], AT, "mail", now)) is not quiet


def test_an_unknown_time_zone_is_refused_with_the_person() -> None:
    with pytest.raises(ValueError, match=r"p1: there is no time zone 'Berlin'"):
        ReminderSettings(time_zones={"p1": "Berlin"})


def test_two_ways_to_people_are_refused() -> None:
    content = outbox_yaml("http://127.0.0.1:9", "mail", "slack")
    content["sinks"]["slack"]["sends"] = ["message"]
    with pytest.raises(ValueError, match="nobody is told twice"):
        OutboxSettings.model_validate(content)


def test_an_alert_goes_to_the_roles_of_the_table_and_an_accounts_own_people() -> None:
    people = {
        name: Person(person_id=name, name=name, email=None, role=role, manager_id=manager, weekly_hours=40.0)
        for name, role, manager in (
            ("c1", "csm", "m1"), ("c2", "csm", "m1"), ("m1", "cs_manager", None), ("x1", "exec_sponsor", None),
            ("x2", "exec_sponsor", None), ("s1", "support_lead", None), ("b1", "billing", None), ("q1", "product", None),
        )
    }  # fmt: skip

    class Owned:
        csm_id, exec_sponsor_id = "c2", "x2"

    rules: dict[str, AlertRule] = {rule.id: rule for rule in SHIPPED.review.workflow}
    told = {}
    for rule in rules.values():
        alert = Alert(kind=rule.id, account_id="A", name="Acme", message="", crm_field="", crm_value="", task="", on=date(2026, 11, 23))  # fmt: skip
        found = alert_notices([alert], rules, {"A": Owned()}, people, moment(TUESDAY))
        told[rule.id] = {each.person_id for each in found}
        assert {each.critical for each in found} == {rule.id == "critical"}
        assert alert_notices([alert], rules, {"A": Owned()}, people, moment("2026-11-30T09:00+01:00")) == []
    assert told == {
        "critical": {"c2", "m1", "x2"}, "new": {"c2", "m1"}, "degradation": {"c2"}, "evaluating": {"x2", "q1"},
        "escalation": {"s1"}, "payment": {"b1"}, "champion": {"c2"}, "silence": {"c2"}, "overdue": {"m1"},
        "resolved": {"c2"},
    }  # fmt: skip


class Desk:
    """Messages of a store, planned and sent moment by moment, as ``saveplay remind`` does."""

    def __init__(self, store: ReviewStore, settings: OutboxSettings) -> None:
        self.store, self.settings = store, settings

    def remind(self, text: str, *notices: Notice, send: bool = True) -> dict[str, list[str]]:
        items = OutboxStore(self.store).items()
        wanted = wanted_messages(notices, items, {person: person for person in AT}, "slack", moment(text))
        day = f"remind:{text[:10]}"
        save_wanted(self.store, day, wanted, [], "Lee")
        plan = push_plan(day, OutboxStore(self.store).items(), self.settings)
        if send:
            release(self.store, plan.hash, day, self.settings, "Lee")
            run(self.store, self.settings, plan.hash, "one")
        return lines(wanted)

    def item(self, key: str) -> OutboxItem:
        found = OutboxStore(self.store).find(key)
        assert found is not None
        return found


@pytest.fixture
def there() -> Iterator[Receivers]:
    with serve_receivers() as receivers:
        yield receivers


@pytest.fixture
def desk(tmp_path: Path, there: Receivers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    content = outbox_yaml(there.url, "slack", deadline=2)
    content["sinks"]["slack"]["sends"] = ["digest", "message"]
    store = ReviewStore(tmp_path / "store", lambda: "2026-11-23T10:00:00.000+00:00")
    yield Desk(store, OutboxSettings.model_validate(content))
    store.close()


def texts(there: Receivers, person: str = "p1") -> list[str]:
    return [each["text"] for each in there.messages if each["channel"] == f"D-{person}"]


def test_a_person_gets_one_message_a_day_and_what_comes_later_goes_tomorrow(desk: Desk, there: Receivers) -> None:
    desk.remind(TUESDAY, notice("a"), notice("b"), notice("c", "p2"))
    desk.remind("2026-11-24T15:00+01:00", notice("a"), notice("b"), notice("late"))
    assert texts(there) == ["*For 2026-11-24*\n• Call a\n• Call b"]
    desk.remind(WEDNESDAY, notice("a"), notice("b"), notice("late"))
    assert texts(there)[1:] == ["*For 2026-11-25*\n• Call late"]
    assert texts(there, "p2") == ["*For 2026-11-24*\n• Call c"]


def test_what_is_critical_does_not_wait_for_tomorrow(desk: Desk, there: Receivers) -> None:
    desk.remind(TUESDAY, notice("a"))
    for _ in range(2):
        desk.remind("2026-11-24T15:00+01:00", notice("a"), notice("b"), notice("fire", critical=True))
    assert texts(there)[1:] == ["*Critical for 2026-11-24*\n• Call fire"]
    desk.remind(WEDNESDAY, notice("a"), notice("b"), notice("fire", critical=True))
    assert texts(there)[2:] == ["*For 2026-11-25*\n• Call b"]


def test_a_message_that_did_not_leave_is_replaced_by_that_of_the_next_day(desk: Desk, there: Receivers) -> None:
    there.fault = lambda method, path: "429"
    desk.remind(TUESDAY, notice("a"))
    assert desk.item("message:p1:2026-11-24@slack").state == "retry"
    there.fault = lambda method, path: None
    desk.remind(WEDNESDAY, notice("a"), notice("b"))
    assert texts(there) == ["*For 2026-11-25*\n• Call a\n• Call b"]


def test_a_message_whose_answer_was_lost_is_looked_up_and_not_told_again(desk: Desk, there: Receivers) -> None:
    there.fault = lambda method, path: "commit and drop" if path == "/api/chat.postMessage" else None
    desk.remind(TUESDAY, notice("a"))
    there.fault = lambda method, path: None
    desk.remind("2026-11-24T10:00+01:00", notice("a"), notice("b"))
    desk.remind(WEDNESDAY, notice("a"))
    assert texts(there) == ["*For 2026-11-24*\n• Call a"]


def test_nothing_goes_in_quiet_hours_though_it_was_planned_before(desk: Desk, there: Receivers) -> None:
    desk.remind("2026-11-24T17:50+01:00", notice("a"), send=False)
    desk.remind("2026-11-24T18:10+01:00", notice("a"))
    assert there.messages == []
    desk.remind(WEDNESDAY, notice("a"))
    assert len(texts(there)) == 1


def test_hostile_names_are_text_in_a_message(desk: Desk, there: Receivers) -> None:
    desk.remind(TUESDAY, notice("<!channel> & <https://evil.example|x>\u202e"))
    assert texts(there) == ["*For 2026-11-24*\n• Call &lt;!channel&gt; &amp; &lt;https://evil.example|x&gt;"]


def test_somebody_without_an_address_gets_nothing() -> None:
    assert wanted_messages([notice("a", "p9")], [], AT, "mail", moment(TUESDAY)) == []
