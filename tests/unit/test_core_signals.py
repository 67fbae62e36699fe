"""Measured, stale and unknown signals; the engine and the evidence count the same rows."""

import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from domain.dossier import Dossier
from tests.builders import (
    AS_OF,
    BEST,
    SHIPPED,
    SIGNALS,
    WORST,
    PortfolioBuilder,
    ScoredPortfolio,
    component_of,
    score_signals,
)
from tools.configuration import DEFAULT_FOLDER, read_configuration
from tools.evidence.evidence import direction, signal_sentence
from tools.scoring.snapshots import SnapshotStore

EVENTS = [name for name, signal in SHIPPED.scoring.signals.items() if signal.fresh.events_stand]


def measure(world: PortfolioBuilder, account: str = "A") -> Mapping[str, float | None]:
    return world.score().values[account]


# --- silence ---


@pytest.fixture(scope="module")
def silences() -> ScoredPortfolio:
    world = PortfolioBuilder().account("no feed").usage("someone else", [5])
    world.account("zeros for three weeks").usage("zeros for three weeks", [9, 9, 9, 0, 0, 0])
    world.account("feed stopped a week ago").usage("feed stopped a week ago", [9, 9, 9], last=7)
    world.account("feed stopped eight days ago").usage("feed stopped eight days ago", [9, 9, 9], last=8)
    world.account("never used").usage("never used", [0, 0, 0])
    world.account("rows without users").usage("rows without users", [9, 9]).usage("rows without users", [None, None])  # type: ignore[list-item]
    return world.score()


def test_a_feed_that_says_zero_is_silence(silences: ScoredPortfolio) -> None:
    assert silences.values["zeros for three weeks"]["days_silent"] == 21


def test_an_account_without_a_feed_is_a_gap_and_not_silent(silences: ScoredPortfolio) -> None:
    usage = {
        name: v for name, v in silences.values["no feed"].items() if SHIPPED.scoring.signals[name].table == "usage"
    }
    assert set(usage.values()) == {None}
    assert silences["no feed"]["risk"] == 0


def test_a_feed_may_be_a_week_old_and_then_it_is_stale(silences: ScoredPortfolio) -> None:
    assert silences.values["feed stopped a week ago"]["days_silent"] == 0
    assert silences.values["feed stopped eight days ago"]["days_silent"] is None
    assert silences.measured["feed stopped eight days ago"]["days_silent"] == 0


def test_an_account_that_never_used_the_product_is_silent_since_its_first_row(silences: ScoredPortfolio) -> None:
    assert silences.values["never used"]["days_silent"] == 15


# --- stale sources ---


def seen_through(days: int) -> ScoredPortfolio:
    world = PortfolioBuilder().with_sources_connected(days).account("A").account("quiet")
    world.ticket("A", days + 1, escalated=True, priority="high").invoice("A", days + 20, status="failed")
    world.invoice("quiet", days + 30, paid=days + 30)
    world.touch("A", days + 40, "call", attended=False).touch("quiet", days + 40, "call", attended=True)
    return world.score()


@pytest.fixture(scope="module")
def fresh() -> ScoredPortfolio:
    return seen_through(3)


@pytest.fixture(scope="module")
def stale() -> ScoredPortfolio:
    return seen_through(31)


def test_tickets_exported_three_days_ago_prove_that_nothing_was_escalated(fresh: ScoredPortfolio) -> None:
    assert (fresh.values["A"]["escalations"], fresh.values["quiet"]["escalations"]) == (1, 0)


def test_a_stale_source_proves_no_silence_and_what_it_recorded_still_happened(stale: ScoredPortfolio) -> None:
    assert (stale.values["A"]["escalations"], stale.values["quiet"]["escalations"]) == (1, None)
    assert (stale.values["A"]["payment_failed"], stale.values["quiet"]["payment_failed"]) == (1, None)
    assert (stale.values["A"]["missed_meetings"], stale.values["quiet"]["missed_meetings"]) == (1, None)


def test_a_stale_source_still_puts_the_account_with_the_escalation_on_the_critical_list(stale: ScoredPortfolio) -> None:
    assert stale["A"]["intervention_tier"] == "critical"


def test_the_age_of_a_waiting_ticket_is_unknown_once_the_source_is_stale(stale: ScoredPortfolio) -> None:
    assert stale.measured["A"]["oldest_urgent_ticket"] == 32
    assert stale.values["A"]["oldest_urgent_ticket"] is None


def test_a_stale_signal_is_listed_as_stale_and_not_as_unknown(stale: ScoredPortfolio) -> None:
    states = {part.signal: part.state for part in stale.dossier("quiet").contributions}
    assert (states["escalations"], states["nps"]) == ("stale", "unknown")


# --- coverage ---


def test_health_is_not_scored_below_half_of_the_weight_and_the_flags_still_work() -> None:
    (row,) = score_signals([{"escalations": 1, "nps": 2}])
    assert row["coverage"] < 0.5
    assert (row["health"], row["health_band"], row["confidence"]) == (None, "not_scored", "low")
    assert (row["at_risk"], row["intervention_tier"], row["risk_tier"]) == (True, "critical", "medium")


def test_health_is_scored_from_exactly_half_of_the_weight_on() -> None:
    usage_and_relationship = [n for n, s in SHIPPED.scoring.signals.items() if s.category in ("usage", "relationship")]
    (row,) = score_signals([{n: BEST[n] for n in usage_and_relationship}])
    assert (row["coverage"], row["health"], row["health_band"]) == (0.5, 100, "green")


def test_an_account_of_which_nothing_is_known_has_neither_good_nor_bad_health() -> None:
    (row,) = score_signals([{}])
    assert (row["coverage"], row["health"], row["velocity_band"]) == (0, None, "unknown")


def test_everything_at_its_best_is_a_health_of_100_and_everything_at_its_worst_a_risk_near_100() -> None:
    best, worst = score_signals([{**BEST, "renewal_in_days": 300}, {**WORST, "renewal_in_days": 0}])
    assert (best["health"], best["risk"]) == (100, 0)
    assert worst["health"] < 5
    assert worst["risk"] > 99


# --- unknown is never a number ---


def test_tickets_without_an_escalation_column_say_nothing_about_escalations(tmp_path: Path) -> None:
    world = PortfolioBuilder().account("A")
    world.ticket("A", 1, escalated=None, sla_breached=None, priority=None)
    values = world.score_files(tmp_path).values["A"]
    assert (values["escalations"], values["open_escalations"], values["sla_breaches"]) == (None, None, None)
    assert values["oldest_urgent_ticket"] is None


def test_touchpoints_without_an_attendance_column_say_nothing_about_missed_meetings(tmp_path: Path) -> None:
    values = PortfolioBuilder().account("A").touch("A", 1, "call").score_files(tmp_path).values["A"]
    assert (values["missed_meetings"], values["unanswered_outreach"]) == (None, None)


@pytest.fixture(scope="module")
def gaps() -> ScoredPortfolio:
    world = (
        PortfolioBuilder()
        .with_sources_connected()
        .account("status unknown")
        .invoice("status unknown", 100, status=None)
    )
    world.account("not due").invoice("not due", -20).account("size unknown")
    world.outcome("size unknown", "contracted", 30, None)
    return world.account("left").contact("left", "champion", departed=20, status=None).score()


def test_invoices_without_a_status_and_a_payment_date_do_not_prove_that_payment_is_fine(gaps: ScoredPortfolio) -> None:
    values = gaps.values["status unknown"]
    assert (values["payment_failed"], values["invoice_overdue"]) == (None, None)


def test_an_invoice_that_is_not_due_yet_proves_nothing_about_payment(gaps: ScoredPortfolio) -> None:
    assert (gaps.values["not due"]["payment_failed"], gaps.values["not due"]["invoice_overdue"]) == (None, None)


def test_a_contraction_of_unknown_size_is_not_called_a_steady_arr(gaps: ScoredPortfolio) -> None:
    assert gaps.values["size unknown"]["arr_trend"] is None


def test_a_contact_with_a_departure_date_has_left_even_where_no_status_says_so(gaps: ScoredPortfolio) -> None:
    assert gaps.values["left"]["champion_status"] == 2


def test_a_health_that_is_no_longer_scored_did_not_lose_its_points(tmp_path: Path) -> None:
    history = SnapshotStore(tmp_path)
    PortfolioBuilder(AS_OF - timedelta(days=7)).with_sources_connected().healthy_account("A").score(
        history=history
    ).save("2026-W47")
    dossier = PortfolioBuilder().account("A").survey("A", 5, 9).score(history=history).dossier("A")
    assert (dossier.health, dossier.health_then is not None) == (None, True)
    assert {part.health_change for part in dossier.contributions} == {None}


# --- who is a customer ---


def test_an_account_that_churned_leaves_the_base_and_one_that_came_back_is_in_it() -> None:
    world = PortfolioBuilder().account("gone").account("back").account("stays")
    world.outcome("gone", "churned", 0).outcome("back", "churned", 100).outcome("back", "renewed", 50)
    world.outcome("stays", "contracted", 10, -500)
    assert list(world.score().accounts) == ["back", "stays"]


def test_an_account_without_touchpoints_is_a_gap_and_one_without_executives_counts_from_the_first_row() -> None:
    world = (
        PortfolioBuilder()
        .with_sources_connected()
        .account("unmet")
        .account("no executive")
        .account("new customer", started_on=None)
    )
    world.touch("no executive", 10, "training", attended=True).touch("new customer", 5, "training", attended=True)
    world.tables["accounts"][-1]["started_on"] = world.day(40)
    values = world.score().values
    assert values["unmet"]["days_since_exec_touch"] is None
    assert values["no executive"]["days_since_exec_touch"] == 300
    assert values["new customer"]["days_since_exec_touch"] == 40


def test_a_meeting_that_the_executive_missed_is_no_executive_touch() -> None:
    world = PortfolioBuilder().with_sources_connected().account("A").touch("A", 10, "exec_meeting", attended=False)
    world.touch("A", 80, "exec_meeting", attended=True)
    assert measure(world)["days_since_exec_touch"] == 80


def test_outreach_younger_than_four_days_has_not_gone_unanswered_yet() -> None:
    world = (
        PortfolioBuilder()
        .with_sources_connected()
        .account("A")
        .touch("A", 3, "email", outbound=True)
        .touch("A", 4, "email", outbound=True)
    )
    assert measure(world)["unanswered_outreach"] == 1


def test_of_several_answers_on_one_day_the_lowest_counts() -> None:
    world = PortfolioBuilder().account("A").survey("A", 5, 9).survey("A", 5, 3).survey("A", 40, 8).survey("A", 40, 10)
    values = measure(world)
    assert (values["nps"], values["nps_change"]) == (3, -5)


def test_seats_in_use_never_exceed_all_of_them() -> None:
    assert measure(PortfolioBuilder().account("A", seats=10).usage("A", [15, 15]))["seat_utilisation"] == 100


# --- the engine and the evidence count the same rows ---

COUNTED = (
    "escalations", "open_escalations", "sla_breaches", "sponsor_changed", "unanswered_outreach", "missed_meetings",
    "payment_failed", "evaluating_alternatives", "competitor_named", "budget_cut", "value_doubted", "feature_gap",
    "reorganisation",
)  # fmt: skip


@pytest.fixture(scope="module")
def listed(example: ScoredPortfolio) -> list[Dossier]:
    """Every account of the example portfolio that is at risk."""
    return example.dossiers(example.at_risk())


@pytest.mark.parametrize("signal", COUNTED)
def test_a_count_is_the_number_of_rows_shown_behind_it_for_every_account_at_risk(
    listed: list[Dossier], signal: str
) -> None:
    facts = [(dossier.account_id, fact) for dossier in listed if (fact := dossier.evidence_for(signal))]
    assert facts
    assert [(account, fact.value, fact.row_count) for account, fact in facts if fact.value != fact.row_count] == []


def test_active_contacts_are_the_different_people_behind_the_rows(listed: list[Dossier]) -> None:
    facts = [fact for dossier in listed if (fact := dossier.evidence_for("active_contacts"))]
    assert all(fact.value is not None and fact.value <= fact.row_count for fact in facts)
    assert all((fact.value == 0) == (fact.row_count == 0) for fact in facts)


def test_every_fact_that_adds_risk_names_rows_or_is_an_absence(listed: list[Dossier]) -> None:
    absences = {"active_contacts", "champion_status", "days_since_exec_touch"}
    found = {f.signal for d in listed for f in d.evidence if f.risk_points > 0 and f.row_count == 0}
    assert found <= absences


def test_scores_of_every_account_at_risk_are_the_sums_of_their_contributions(listed: list[Dossier]) -> None:
    for dossier in listed:
        assert sum(round(part.risk_points * 1e6) for part in dossier.contributions) == round(dossier.risk * 1e6)
        if dossier.health is not None:
            assert sum(round(p.health_points * 1e6) for p in dossier.contributions) == round(dossier.health * 1e6)


def test_an_answer_given_in_the_meeting_is_dated_alike_by_the_engine_and_by_the_evidence() -> None:
    world = PortfolioBuilder().with_sources_connected().account("A")
    world.touch("A", 20, "call", attended=True, responded=10).touch("A", 15, "email", outbound=True)
    fact = world.score().dossier("A").evidence_for("unanswered_outreach")
    assert fact is not None
    assert fact.value == fact.row_count


def test_evidence_never_shows_an_internal_score(listed: list[Dossier]) -> None:
    words = " ".join(fact.statement.lower() for dossier in listed for fact in dossier.evidence)
    assert not [word for word in ("risk", "health", "component", "weight", "churn") if word in words]


@pytest.mark.parametrize("name", [n for n in SIGNALS if "{value}" not in SHIPPED.scoring.signals[n].says.better])
def test_a_sentence_that_denies_all_trouble_stands_only_where_there_is_none(name: str) -> None:
    signal = SHIPPED.scoring.signals[name]
    denied = [
        value
        for value in range(1, int(WORST[name]) + 1)
        if signal_sentence(name, value, direction(signal, component_of(name, value), SHIPPED.scoring), SHIPPED.scoring)
        == signal.says.better
    ]
    assert denied == [], signal.says.better


@pytest.mark.parametrize(("count", "word"), [(1, "once"), (2, "twice"), (3, "3 times")])
def test_what_people_wrote_is_counted_in_words_however_the_phrase_is_worded(count: int, word: str) -> None:
    signals = SHIPPED.scoring.signals
    says = signals["budget_cut"].says.model_copy(update={"worse": "Cuts came up {value}"})
    changed = signals["budget_cut"].model_copy(update={"says": says})
    scoring = SHIPPED.scoring.model_copy(update={"signals": {**signals, "budget_cut": changed}})
    assert signal_sentence("budget_cut", count, "worse", scoring) == f"Cuts came up {word}"


# --- windows ---


def test_a_changed_window_reaches_the_sql_the_rows_and_the_sentence(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(DEFAULT_FOLDER, tmp_path / "configs"))
    path = folder / "scoring.yaml"
    text = path.read_text(encoding="utf-8").replace("risk: 34, window_days: 90", "risk: 34, window_days: 45")
    path.write_text(text, encoding="utf-8")
    world = PortfolioBuilder().account("A")
    for age in (10, 45, 46, 80):
        world.ticket("A", age, escalated=True)
    changed = world.score(configuration=read_configuration(folder))
    assert changed.values["A"]["escalations"] == 2
    (dossier,) = changed.dossiers(["A"])
    fact = dossier.evidence_for("escalations")
    assert fact is not None
    assert (fact.row_count, fact.statement) == (2, "Tickets escalated in the last 45 days: 2.")
    assert world.score().values["A"]["escalations"] == 4
