"""A source that cannot say something is no proof that it did not happen; a signal is as old as its own rows."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from domain.portfolio import DataGap
from tests.builders import AS_OF, SHIPPED, PortfolioBuilder, Row, ScoredPortfolio, score_folder
from tests.contract.test_cell_meanings import as_parquet
from tools.scoring.data_gaps import unknown_reasons
from tools.scoring.portfolio_summary import data_report
from tools.scoring.signal_details import scores_with_signals_sql

Signals = Mapping[str, Mapping[str, object]]


def signals(found: ScoredPortfolio) -> dict[str, Signals]:
    """Every signal by account, as ``score --signals`` gives them."""
    base = found.base
    sql = scores_with_signals_sql(SHIPPED, base.as_of, unknown_reasons(base), base.source_shares)
    return {row["account_id"]: row["signals"] for row in base.rows(sql)}


def gaps(found: ScoredPortfolio) -> tuple[DataGap, ...]:
    """The gaps that the audit names."""
    return data_report(found.base).gaps


def escalated(world: PortfolioBuilder, **cells: str | None) -> PortfolioBuilder:
    """An old escalated high-priority ticket of A1, and a question of A2 from yesterday."""
    world.account("A1").account("A2").ticket("A1", 190, escalated=True, priority="high", **cells)
    return world.ticket("A2", 1, **cells)


# --- a column that nobody fills, a vocabulary that cannot say it ---


def test_without_an_end_in_any_row_nobody_knows_which_tickets_are_open(tmp_path: Path) -> None:
    found = signals(escalated(PortfolioBuilder()).score_files(tmp_path))["A1"]
    for name in ("open_escalations", "oldest_urgent_ticket"):
        assert (found[name]["value"], found[name]["state"]) == (None, "unknown")
        assert found[name]["reason"] == "tickets has no closed_at or status"
    assert found["escalations"]["state"] == "known"


def test_a_closing_date_that_is_there_and_never_filled_is_no_open_ticket_either(tmp_path: Path) -> None:
    folder = escalated(PortfolioBuilder()).write(tmp_path)
    lines = (folder / "tickets.csv").read_text(encoding="utf-8").splitlines()
    (folder / "tickets.csv").write_text("\n".join([f"{lines[0]},closed_at", *(f"{x}," for x in lines[1:])]) + "\n")
    found = score_folder(folder)
    assert signals(found)["A1"]["open_escalations"]["reason"] == "no row of tickets has closed_at or status"
    (gap,) = [gap for gap in gaps(found) if "closed_at" in gap.message and gap.kind == "signal"]
    assert "Escalated tickets still open" in gap.message


@pytest.mark.parametrize(("status", "open_ones", "age"), [("solved", 0, 0), ("Pending", 1, 190), ("On-hold", 1, 190)])
def test_a_status_says_which_tickets_are_open(tmp_path: Path, status: str, open_ones: int, age: int) -> None:
    found = escalated(PortfolioBuilder(), status=status).score_files(tmp_path)
    assert found.base.audit.left_out == ()
    assert (found.values["A1"]["open_escalations"], found.values["A1"]["oldest_urgent_ticket"]) == (open_ones, age)


def test_a_ticket_closed_after_the_review_date_was_open_then(tmp_path: Path) -> None:
    world = PortfolioBuilder().account("A1").ticket("A1", 9, closed=-3, status="closed", escalated=True)
    found = world.ticket("A1", 20, closed=12, status="closed").score_files(tmp_path)
    assert found.values["A1"]["open_escalations"] == 1


def test_a_closed_ticket_without_a_day_is_no_row_behind_an_open_escalation(tmp_path: Path) -> None:
    world = escalated(PortfolioBuilder(), status="closed").ticket("A1", 2, escalated=True, status="open")
    (fact,) = [e for e in world.score_files(tmp_path).dossier("A1").evidence if e.signal == "open_escalations"]
    assert [row.row for row in fact.rows] == [4]


def test_contacts_without_any_role_say_nothing_about_champion_and_sponsors(tmp_path: Path) -> None:
    world = PortfolioBuilder().account("A1").add("contacts", contact_id="C1", account_id="A1", name="Ida Brook")
    found = world.score_files(tmp_path)
    assert found["A1"]["risk"] == 0
    of_account = signals(found)["A1"]
    for name in ("champion_status", "sponsor_changed"):
        assert (of_account[name]["state"], of_account[name]["reason"]) == ("unknown", "contacts has no role")


def test_roles_that_know_no_champion_do_not_say_that_there_is_none(tmp_path: Path) -> None:
    world = PortfolioBuilder().account("A1").contact("A1", "economic_buyer").contact("A1", "user")
    found = signals(world.score_files(tmp_path))["A1"]
    assert found["champion_status"]["reason"] == "no row of contacts has the role champion"
    assert (found["sponsor_changed"]["value"], found["sponsor_changed"]["state"]) == (0, "known")


def test_a_champion_of_another_account_shows_that_this_one_has_none(tmp_path: Path) -> None:
    world = PortfolioBuilder().account("A1").account("A2").contact("A1", "user").contact("A2", "champion")
    assert world.score_files(tmp_path).values["A1"]["champion_status"] == 1


def test_without_status_and_departures_nobody_knows_whether_a_sponsor_left(tmp_path: Path) -> None:
    world = PortfolioBuilder().account("A1").contact("A1", "exec_sponsor", status=None)
    assert (
        signals(world.score_files(tmp_path))["A1"]["sponsor_changed"]["reason"]
        == "contacts has no status or departed_on"
    )


def weekly_calls(world: PortfolioBuilder, account: str, **cells: object) -> PortfolioBuilder:
    """A call every week for most of a year."""
    world.account(account, arr=150_000)
    for week in range(42):
        world.touch(account, 1 + 7 * week, "call", **cells)
    return world


def test_a_source_that_names_no_executive_does_not_say_that_nobody_met_one(tmp_path: Path) -> None:
    found = weekly_calls(PortfolioBuilder(), "A1").score_files(tmp_path)
    assert (found["A1"]["rule"], found["A1"]["intervention_tier"]) == (None, None)
    touch = signals(found)["A1"]["days_since_exec_touch"]
    assert (touch["state"], str(touch["reason"])[:46]) == ("unknown", "no row of touchpoints names an executive (kind")
    assert any(gap.message.startswith("No row of touchpoints names an executive") for gap in gaps(found))


@pytest.mark.parametrize("how", ["meeting", "contact"])
def test_one_executive_anywhere_shows_that_the_others_were_not_met(tmp_path: Path, how: str) -> None:
    world = weekly_calls(PortfolioBuilder(), "A1").account("A2").contact("A2", "exec_sponsor")
    if how == "meeting":
        world.touch("A2", 30, "exec_meeting")
    else:
        world.touch("A2", 30, "email", contact_id=world.tables["contacts"][0]["contact_id"])
    assert world.score_files(tmp_path).values["A1"]["days_since_exec_touch"] == 288


def test_a_table_whose_ids_match_no_account_measures_nothing_whenever_it_was_exported(tmp_path: Path) -> None:
    world = PortfolioBuilder().account("A1").ticket("B7", 2).ticket("B8", 3, closed=1)
    (tmp_path / "mapping.yaml").write_text("tables: {tickets: {exported_on: 2026-11-22}}\n")
    spike = signals(world.score_files(tmp_path))["A1"]["ticket_spike"]
    assert (spike["value"], spike["reason"]) == (None, "no row of tickets could be used")


def test_a_table_without_a_row_that_was_exported_yesterday_is_a_measured_zero(tmp_path: Path) -> None:
    folder = PortfolioBuilder().account("A1").write(tmp_path)
    (folder / "tickets.csv").write_text("ticket_id,account_id,opened_at\n")
    (folder / "mapping.yaml").write_text("tables: {tickets: {exported_on: 2026-11-22}}\n")
    assert score_folder(folder).values["A1"]["ticket_spike"] == 0


# --- each signal is as old as its own rows ---


def daily(world: PortfolioBuilder, account: str, days: range, **cells: float) -> PortfolioBuilder:
    """A row of usage for each of these days before the review."""
    for age in days:
        world.add("usage", account_id=account, date=world.day(age), **cells)
    return world


def test_usage_without_active_users_is_measured_by_what_it_has(tmp_path: Path) -> None:
    world = daily(PortfolioBuilder().account("A1", seats=20), "A1", range(28, 60), core_actions=100, features_used=4)
    found = signals(daily(world, "A1", range(28), core_actions=20, features_used=4).score_files(tmp_path))["A1"]
    assert (found["core_actions_trend"]["value"], found["core_actions_trend"]["observed_on"]) == (-80, AS_OF)
    assert found["feature_breadth"]["state"] == "known"
    for name in ("active_users_trend", "seat_utilisation", "days_silent"):
        assert (found[name]["state"], found[name]["reason"]) == ("unknown", "usage has no active_users")


@pytest.mark.parametrize("typed", [False, True])
def test_logins_that_stopped_being_recorded_are_old_and_users_are_not(tmp_path: Path, typed: bool) -> None:
    world = daily(PortfolioBuilder().account("A1", seats=20), "A1", range(20, 60), active_users=10, logins=30)
    folder = daily(world, "A1", range(20), active_users=10).write(tmp_path / "csv")
    if typed:
        folder = as_parquet(
            folder, tmp_path / "typed", date="date", active_users="double", logins="double", arr="double"
        )
    found = signals(score_folder(folder))["A1"]
    assert (found["active_users_trend"]["state"], found["active_users_trend"]["observed_on"]) == ("known", AS_OF)
    assert (found["logins_per_user"]["state"], found["logins_per_user"]["observed_on"]) == ("stale", date(2026, 11, 3))
    assert found["logins_per_user"]["reason"] == "last seen on 2026-11-03, and it counts for 7 days"


def test_the_trend_of_arr_is_dated_by_the_outcome_and_contacts_by_their_export(tmp_path: Path) -> None:
    world = PortfolioBuilder().account("A1").outcome("A1", "contracted", 120, -5000).contact("A1", "champion")
    (tmp_path / "mapping.yaml").write_text("tables: {contacts: {exported_on: 2026-10-01}}\n")
    found = signals(world.outcome("A1", "expanded", 300, 1000).score_files(tmp_path))["A1"]
    assert found["arr_trend"]["observed_on"] == date(2026, 7, 26)
    assert found["champion_status"]["observed_on"] == date(2026, 10, 1)


# --- silence in a table that has rows on days with use only ---


def stopped(world: PortfolioBuilder) -> PortfolioBuilder:
    """A1 was used daily until 14 days ago, A2 until today; no row says zero."""
    daily(world.account("A1", seats=10).account("A2", seats=10), "A1", range(14, 60), active_users=10, core_actions=20)
    return daily(world, "A2", range(60), active_users=10, core_actions=20)


def test_a_customer_who_went_dark_without_a_row_is_named_as_not_measured(tmp_path: Path) -> None:
    found = stopped(PortfolioBuilder()).score_files(tmp_path)
    assert found.values["A1"]["days_silent"] is None or found["A1"]["risk"] == 0
    (gap,) = [gap for gap in gaps(found) if "no_row" in gap.message]
    assert (gap.accounts, gap.subject) == (1, "usage")
    assert "1 account had no row in the last 7 days" in gap.message


@pytest.mark.parametrize("typed", [False, True])
def test_a_day_without_a_row_is_a_day_without_use_where_the_mapping_says_so(tmp_path: Path, typed: bool) -> None:
    folder = stopped(PortfolioBuilder()).write(tmp_path / "csv")
    if typed:
        folder = as_parquet(folder, tmp_path / "typed", date="date", active_users="double", core_actions="double")
    (folder / "mapping.yaml").write_text("tables: {usage: {no_row: zero}}\n")
    found = score_folder(folder)
    first = found.values["A1"]
    assert (first["days_silent"], first["active_users_trend"], first["core_actions_trend"]) == (14, -50, -50)
    assert found.values["A2"]["days_silent"] == 0
    assert found.base.audit.source("usage").rows == 46 + 60, "the rows that were filled in are none of the file's"
    (fact,) = [e for e in found.dossier("A1").evidence if e.signal == "days_silent"]
    assert all(row.row >= 2 for row in fact.rows)


def test_days_of_use_that_became_fewer_are_a_fall_where_no_row_means_no_use(tmp_path: Path) -> None:
    world = daily(PortfolioBuilder().account("A1", seats=10), "A1", range(28, 56), active_users=8)
    folder = daily(world, "A1", range(0, 28, 7), active_users=8).write(tmp_path)
    assert score_folder(folder).values["A1"]["active_users_trend"] == 0
    (folder / "mapping.yaml").write_text("tables: {usage: {no_row: zero}}\n")
    assert score_folder(folder).values["A1"]["active_users_trend"] == pytest.approx(-85.7, abs=0.1)


def test_an_account_without_any_row_stays_unmeasured_where_no_row_means_no_use(tmp_path: Path) -> None:
    folder = stopped(PortfolioBuilder()).account("A3").write(tmp_path)
    (folder / "mapping.yaml").write_text("tables: {usage: {no_row: zero}}\n")
    found: Row = score_folder(folder).values["A3"]
    assert (found["days_silent"], found["active_users_trend"]) == (None, None)
