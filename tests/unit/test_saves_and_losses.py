"""Saves and losses: each play that ended on one line, with what was learnt, kept from review to review and searchable."""

from datetime import date

from domain.tracking import AccountOutcome, SettledPlay
from tests.builders import AS_OF
from tools.planning.follow_up import PlayRecord, find_settled, merge_settled, settled_play


def outcome(status: str, name: str = "Hinode") -> AccountOutcome:
    return AccountOutcome.model_validate(
        {
            "account_id": "A-1",
            "name": name,
            "arr": None,
            "status": status,
            "health_before": 40,
            "health_now": None,
            "note": "",
            "people": (),
        }
    )


def line(status: str, *done: tuple[date, str, str], name: str = "Hinode") -> SettledPlay:
    found = settled_play(
        outcome(status, name), PlayRecord("Service failure", "2026-W44", date(2026, 10, 26), 5, done), "2026-W48", AS_OF
    )
    assert found is not None
    return found


def test_what_was_learnt_is_the_newest_note_that_somebody_left_at_a_step() -> None:
    found = line(
        "saved",
        (date(2026, 11, 9), "Sadia Karim", "The fix came too late; the apology in person helped."),
        (date(2026, 11, 2), "Diego Marin", "They want a status every day."),
        (date(2026, 11, 12), "Sadia Karim", ""),
    )
    assert found.learnt == "The fix came too late; the apology in person helped."
    assert found.people == ("Diego Marin", "Sadia Karim")
    assert (found.steps_done, found.steps, found.cause, found.origin) == (3, 5, "Service failure", "2026-W44")


def test_without_a_note_the_line_says_how_far_the_play_had_come() -> None:
    assert line("lost").learnt == "Lost before anything was done."
    assert line("lost", (date(2026, 11, 9), "Sadia Karim", "")).learnt == "After 1 of 5 steps; nobody noted why."


def test_a_play_that_goes_on_has_no_line() -> None:
    play = PlayRecord("Service failure", "2026-W44", date(2026, 10, 26), 5, ())
    assert settled_play(outcome("in_play"), play, "2026-W48", AS_OF) is None


def test_an_outcome_that_is_seen_again_keeps_its_first_line_and_a_later_one_replaces_it() -> None:
    first = line("recovered").model_copy(update={"review_id": "2026-W46", "on": date(2026, 11, 9)})
    assert merge_settled([first], [line("recovered")]) == (first,)
    assert merge_settled([first], [line("saved")]) == (line("saved"),)
    other = line("lost", name="Zephyr").model_copy(update={"account_id": "A-2"})
    assert [play.name for play in merge_settled([first], [other])] == ["Zephyr", "Hinode"], "newest first"


def test_a_search_finds_names_causes_people_and_words_of_what_was_learnt() -> None:
    plays = [
        line("saved", (date(2026, 11, 9), "Sadia Karim", "The apology in person helped.")),
        line("lost", name="Zephyr"),
    ]
    assert find_settled(plays, "") == plays
    assert find_settled(plays, "APOLOGY sadia") == plays[:1]
    assert find_settled(plays, "zephyr service") == plays[1:]
    assert find_settled(plays, "lost") == plays[1:]
    assert find_settled(plays, "nobody knows") == []
