"""The single files of the pack: save plays, action lists, pre-work, calendars, file names."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from pathlib import PurePosixPath, PureWindowsPath
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical
from icalendar import Calendar

from app.report import render_files
from app.report.calendar_files import calendar_file
from app.report.file_names import person_stem, stems
from domain.drafting import Violation
from domain.tracking import CalendarHold
from tests.sample_review import AS_OF, HOSTILE_NAMES, sample_review

TEMPLATE = (
    "## Save Play: ", "**ARR:** EUR ", "**Created:** ", "### Root Cause", "### Intervention Plan",
    "**Phase 1: Stabilise (Week 1)**", "| Action | Owner | Deadline | Purpose |",
    "**Phase 2: Address (Weeks 2-4)**", "**Phase 3: Rebuild (Weeks 4-8)**", "### Success Criteria",
    "| Criteria | Metric | Target | Timeline |", "### Walk-Away Criteria", "### Review Cadence",
    "Weekly status check: ", "Manager review: ", "Decision point: ",
)  # fmt: skip


def text(name: str, state: str = "closed", **how: bool) -> str:
    return render_files(sample_review(state, **how))[name].decode("utf-8")


def test_a_save_play_follows_the_template_in_order() -> None:
    play = text("plays/acc-1001.md")
    places = [play.index(part) for part in TEMPLATE]
    assert places == sorted(places)
    assert "**Risk Level:** Critical | **Renewal:** 2026-12-30 (in 37 days)" in play


def test_a_save_play_shows_its_evidence_before_the_plan_and_who_drafted_it() -> None:
    play = text("plays/acc-1001.md")
    assert play.index("| E1 | A note of 18 Nov 2026") < play.index("### Intervention Plan")
    assert "a model, checked against the evidence" in play
    assert "Approved by Ingrid Moreau" in play
    assert "EUR 482,000 × 73 % chance of churn × 38 % chance of a save" in play


def test_a_play_that_was_not_verified_says_what_must_not_stand() -> None:
    review = sample_review()
    wrong = (Violation(code="date", message="No such day."),)
    play = review.plays[0].model_copy(update={"verified": False, "violations": wrong})
    pack = render_files(review.model_copy(update={"plays": (play, *review.plays[1:])}))
    assert b"**Not verified.** No such day." in pack["plays/acc-1001.md"]
    assert b"Not verified." in pack["accounts/acc-1001.html"]


def test_an_action_list_holds_what_its_owner_does_and_nobody_elses() -> None:
    mine = text("actions/nora-lindqvist-p01.md")
    assert mine.count("Write the plan down") >= 3
    assert "Call the economic buyer" not in mine, "it is done"
    assert "Brightwater Utilities" not in mine
    assert "Polaris Freight" in text("actions/unassigned.md")


def test_the_action_file_can_be_filled_in_and_read_again() -> None:
    review = sample_review("closed")
    rows = list(csv.DictReader(io.StringIO(render_files(review)["actions.csv"].decode("utf-8"), newline="")))
    assert [row["id"] for row in rows] == [action.id for action in review.actions]
    assert {row["status"] for row in rows} == {"open", "done"}
    assert all(float(row["effort_hours"]) == 2.5 for row in rows)
    assert list(rows[0]) == [
        "id", "review_id", "account_id", "account", "owner", "due", "follow_up", "kind", "title", "action", "purpose",
        "urgency", "effort_hours", "status", "done_on", "note",
    ]  # fmt: skip


def test_prework_has_numbers_reasons_questions_commitments_and_how_to_answer() -> None:
    page = text("prework/nora-lindqvist-p01.md", "waiting_for_decisions")
    for part in ("EUR 482,000", "Champion left on 30 Oct", "Who decides about the renewal now?", "pulse", "override"):
        assert part in page


def test_the_standup_names_critical_accounts_and_what_is_late() -> None:
    page = text("standup.md", "waiting_for_close")
    assert "**Northwind Logistics**" in page
    assert "## Due this week" in page
    assert "Tomás Herrera: Call the sponsor" in page


def test_both_agendas_carry_times_and_material() -> None:
    assert "## 0:40 to 1:15 (35 min): Deep dive on the top 10" in text("agenda.md")
    assert "Northwind Logistics: was the buyer called?" in text("next_agenda.md")


def test_a_calendar_hold_keeps_its_uid_time_and_zone() -> None:
    review = sample_review("waiting_for_close")
    book = Calendar.from_ical(render_files(review)["calendar/nora-lindqvist-p01.ics"])
    mine = [hold for hold in review.touchpoints if hold.owner_id == "p01"]
    assert [str(event["uid"]) for event in book.events] == [hold.uid for hold in mine]
    event, hold = book.events[0], mine[0]
    assert event.start == datetime(2026, 11, 24, 10, tzinfo=ZoneInfo("Europe/Berlin"))
    assert event.end - event.start == timedelta(minutes=hold.minutes)
    assert event["dtstart"].params["TZID"] == "Europe/Berlin"
    assert event["dtstamp"].dt == datetime(2026, 11, 23, tzinfo=UTC)
    assert event.alarms.times[0].trigger == datetime(2026, 11, 23, 8, tzinfo=UTC)
    assert "METHOD" not in book
    assert "attendee" not in event


def hold(**how: object) -> CalendarHold:
    given = {"uid": "u@saveplay", "account_id": "a", "name": "N", "kind": "customer_call", "title": "Call", "on": AS_OF,
             "starts": "09:30", "minutes": 30, "time_zone": "Europe/Berlin", "owner": "O", "owner_id": None,
             "attendees": (), "note": "", "follow_up": None}  # fmt: skip
    return CalendarHold.model_validate(given | how)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "", "Europe"])
def test_a_zone_that_does_not_exist_becomes_utc(zone: str) -> None:
    event = Calendar.from_ical(calendar_file([hold(time_zone=zone)], "O", AS_OF)).events[0]
    assert event.start == datetime(2026, 11, 23, 9, 30, tzinfo=UTC)


def test_a_hold_without_a_time_lasts_all_day() -> None:
    event = Calendar.from_ical(calendar_file([hold(starts="")], "O", AS_OF)).events[0]
    assert event.start == AS_OF
    assert event.end == date(2026, 11, 24)


@pytest.mark.parametrize("letter", ["n", "é", "\U0001f680"])
def test_a_line_of_a_calendar_has_at_most_75_octets_and_reads_as_it_was_written(letter: str) -> None:
    for length in range(50, 90):
        written = calendar_file([hold(title=letter * length)], "O", AS_OF)
        assert max(len(line) for line in written.split(b"\r\n")) <= 75
        assert str(Calendar.from_ical(written).events[0]["summary"]) == letter * length


def test_every_calendar_carries_the_clock_changes_of_its_zone_once() -> None:
    berlin, new_york = (hold(time_zone=zone) for zone in ("Europe/Berlin", "America/New_York"))
    for holds, zones in (
        ([berlin, berlin], ["Europe/Berlin"]),
        ([berlin, new_york], ["America/New_York", "Europe/Berlin"]),
    ):
        for _ in range(2):
            book = Calendar.from_ical(calendar_file(holds, "O", AS_OF))
            assert [str(zone["tzid"]) for zone in book.timezones] == zones
            assert [event.start.utcoffset() for event in book.events] == [
                datetime(2026, 11, 23, 9, 30, tzinfo=ZoneInfo(each.time_zone)).utcoffset() for each in holds
            ]


REGULAR = (
    "Europe/Berlin", "Europe/Dublin", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe", "Asia/Kolkata",
    "Africa/Nairobi",
)  # fmt: skip
IRREGULAR = ("Africa/Casablanca", "Asia/Jerusalem", "America/Nuuk")
"""By the moon, or on the day before a Sunday: no rule on the place of a weekday describes it, so they are in UTC."""


@pytest.mark.parametrize("zone", [*REGULAR, *IRREGULAR])
def test_the_clock_changes_of_a_calendar_come_back_every_year(zone: str) -> None:
    """Outlook knows no lists of days; another library reads the rules and gets the hours of the zone."""
    text = calendar_file([hold(time_zone=zone)], "O", AS_OF).decode()
    assert "RDATE" not in text
    event = Calendar.from_ical(text).events[0]
    assert event.start == datetime(2026, 11, 23, 9, 30, tzinfo=ZoneInfo(zone))
    if zone in IRREGULAR:
        assert "VTIMEZONE" not in text
        assert "DTSTART:2026" in text
        return
    assert f"DTSTART;TZID={zone}:20261123T093000" in text
    rules = tzical(io.StringIO(text)).get(zone)
    assert rules is not None
    for day in range(3 * 365):
        moment = datetime(2026, 11, 23, 9, 30) + timedelta(days=day)
        assert moment.replace(tzinfo=rules).utcoffset() == moment.replace(tzinfo=ZoneInfo(zone)).utcoffset(), moment


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_hostile_title_adds_no_line_to_a_calendar(name: str) -> None:
    title = f"{name}\r\nATTENDEE:mailto:x@evil.example\nEND:VEVENT"
    book = Calendar.from_ical(calendar_file([hold(title=title, note=title)], "O", AS_OF))
    assert len(book.events) == 1
    assert "attendee" not in book.events[0]
    assert "\n" not in str(book.events[0]["summary"])


def test_no_name_or_id_of_a_stranger_leaves_its_folder() -> None:
    for name in render_files(sample_review("closed", hostile=True)):
        path = PurePosixPath(name)
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert len(path.parts) <= 2
        assert not PureWindowsPath(name).is_reserved() if hasattr(PureWindowsPath, "is_reserved") else True
        assert name.isascii()


def test_ids_that_differ_only_by_case_get_files_of_their_own() -> None:
    found = stems(["ACC-1", "acc-1", "acc/1", "AcC-2"])
    assert len({stem.lower() for stem in found.values()}) == 4
    assert found["AcC-2"] == "acc-2"


def test_namesakes_get_files_of_their_own() -> None:
    assert person_stem("Ana Silva", "p1") != person_stem("Ana Silva", "p2")
    assert person_stem("TBD", None) == "unassigned"


def test_a_review_without_anything_at_risk_still_makes_every_page() -> None:
    empty = sample_review().model_copy(
        update=dict.fromkeys(
            ("at_risk", "plays", "causes", "intervention_plan", "plan_counts", "alerts", "patterns", "agenda", "prework",
             "escalations", "owners_to_assign", "capacity", "handovers", "matrix", "workflow", "next_agenda"), ()
        )
    )  # fmt: skip
    pack = render_files(empty)
    assert b"No account is at risk." in pack["review.html"]
    assert b"No account has a play this week." in pack["review.html"]
