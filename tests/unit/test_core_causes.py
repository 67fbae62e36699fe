"""Diagnosis: one story per cause, from rows to a ranked cause, and an undetermined cause where the rows are unclear."""

import pytest

from domain.diagnosis import CauseFinding
from tests.builders import SHIPPED, WORST, PortfolioBuilder, ScoredPortfolio, build_dossier
from tools.evidence.causes import UNDETERMINED, diagnose, time_to_churn

CAUSES = tuple(SHIPPED.causes.causes)


def cause_of(values: dict[str, float], **facts: object) -> CauseFinding:
    return diagnose(build_dossier(values, **facts), SHIPPED.causes, SHIPPED.scoring)


@pytest.fixture(scope="module")
def stories() -> ScoredPortfolio:
    world = PortfolioBuilder().with_sources_connected()
    for cause in (*CAUSES, "a low answer"):
        world.healthy_account(cause)
    for days in (3, 9, 20):
        world.note("product_fit", "Missing single sign-on blocks the rollout.", days)
        world.note("value_gap", "The CFO questions the value.", days)
        world.note("competitive_displacement", "They are evaluating other vendors.", days)
        world.note("customer_side_change", "The company was acquired.", days)
        world.ticket("service_failure", days, escalated=True, sla_breached=True)
        world.touch("relationship_erosion", days, "email", outbound=True)
    world.note("competitive_displacement", "Corvane came up.").goal("value_gap", "missed")
    world.contact("customer_side_change", "economic_buyer", departed=30)
    world.invoice("commercial_friction", 80).invoice("commercial_friction", 20, status="failed")
    for contact in world.tables["contacts"]:
        if contact["account_id"] == "relationship_erosion" and contact["role"] == "champion":
            contact.update(status="departed", departed_on=world.day(15))
    world.survey("a low answer", 2, 6)
    return world.score()


@pytest.fixture(scope="module")
def findings(stories: ScoredPortfolio) -> dict[str, CauseFinding]:
    found = stories.dossiers([*CAUSES, "a low answer"])
    return {d.account_id: diagnose(d, SHIPPED.causes, SHIPPED.scoring) for d in found}


@pytest.mark.parametrize("cause", CAUSES)
def test_each_story_leads_to_its_cause_with_evidence(findings: dict[str, CauseFinding], cause: str) -> None:
    finding = findings[cause]
    assert (finding.category, finding.evidence != ()) == (cause, True)
    assert finding.evidence[0] in finding.reasoning


def test_thin_evidence_names_no_cause(findings: dict[str, CauseFinding]) -> None:
    finding = findings["a low answer"]
    assert (finding.category, finding.confidence) == (UNDETERMINED, "low")
    assert finding.reasoning.startswith("The evidence does not name one cause.")


def test_without_any_evidence_the_conversation_has_to_find_the_cause() -> None:
    finding = cause_of({})
    assert (finding.category, finding.runner_up, finding.driver, finding.pillar) == (
        UNDETERMINED,
        None,
        "unknown",
        "unknown",
    )
    assert finding.reasoning == "No evidence points to a cause; the conversation has to find it."


def test_a_tie_names_no_cause_and_asks_what_would_tell_the_two_apart() -> None:
    finding = cause_of({"evaluating_alternatives": 3, "feature_gap": 3})
    assert (finding.category, finding.runner_up) == (UNDETERMINED, "competitive_displacement")
    assert finding.would_tell_apart == SHIPPED.causes.tell_apart["competitive_displacement/product_fit"]


def test_a_close_race_names_both_causes_in_order_and_shows_the_signs_of_each() -> None:
    finding = cause_of({"feature_gap": 3, "value_doubted": 3})
    assert (finding.category, finding.candidates) == (UNDETERMINED, ("product_fit", "value_gap"))
    assert finding.label == "Undetermined: product fit or value gap"
    assert "For product fit: " in finding.reasoning
    assert "For value gap: " in finding.reasoning


def test_a_lead_that_is_just_enough_names_the_cause_and_is_not_called_sure() -> None:
    finding = cause_of({"evaluating_alternatives": 3, "budget_cut": 3})
    found = (finding.category, finding.runner_up, finding.confidence, finding.candidates)
    assert found == ("competitive_displacement", "commercial_friction", "low", ())


def test_a_cause_with_much_evidence_and_no_rival_is_sure() -> None:
    assert cause_of({"escalations": 2, "sla_breaches": 5}).confidence == "high"


def test_an_unknown_signal_speaks_for_no_cause() -> None:
    assert cause_of({"feature_gap": 3}).score == cause_of({**dict.fromkeys(["nps"], 10), "feature_gap": 3}).score == 45


@pytest.mark.parametrize(
    ("facts", "difficulty"),
    [
        ({}, "moderate"),
        ({"renewal_in_days": 31}, "moderate"),
        ({"renewal_in_days": 30}, "hard"),
        ({"renewal_in_days": -5}, "hard"),
        ({"health": 40}, "moderate"),
        ({"health": 39.9}, "hard"),
        ({"health": None}, "moderate"),
    ],
)
def test_a_near_renewal_or_very_low_health_makes_the_recovery_harder(facts: dict[str, float], difficulty: str) -> None:
    finding = cause_of({"escalations": 2, "sla_breaches": 5}, **facts)
    assert (finding.category, finding.difficulty) == ("service_failure", difficulty)


def test_a_departed_champion_makes_every_other_recovery_harder() -> None:
    owed = {"payment_failed": 2, "invoice_overdue": 90}
    assert cause_of({**owed, "champion_status": 0}).difficulty == "easy"
    assert cause_of({**owed, "champion_status": 2}).difficulty == "moderate"
    assert cause_of({"payment_failed": 2, "champion_status": 2}).difficulty == "moderate", "it may be the cause itself"
    assert cause_of({"unanswered_outreach": 5, "champion_status": 2}).difficulty == "moderate"


@pytest.mark.parametrize(
    ("signal", "driver"),
    [("active_users_trend", "usage"), ("champion_status", "engagement"), ("nps", "sentiment"),
     ("escalations", "sentiment"), ("payment_failed", "financial")],
)  # fmt: skip
def test_the_driver_is_where_most_of_the_risk_comes_from(signal: str, driver: str) -> None:
    assert cause_of({signal: WORST[signal]}).driver == driver


def test_the_time_to_churn_is_the_sooner_of_the_decision_and_the_trend() -> None:
    dossier = build_dossier({}, renewal_in_days=120)
    assert time_to_churn(dossier, SHIPPED.causes)[0] == (90, 120)
    falling = dossier.model_copy(update={"health": 45.0, "velocity": -0.5})
    assert time_to_churn(falling, SHIPPED.causes)[0] == (22, 38)
    assert time_to_churn(build_dossier({}, renewal_in_days=-4), SHIPPED.causes)[0] == (0, 0)
    assert time_to_churn(build_dossier({}, renewal_in_days=None), SHIPPED.causes)[0] is None


def test_the_causes_of_the_library_can_all_be_told_apart() -> None:
    pairs = {"/".join(sorted((a, b))) for a in CAUSES for b in CAUSES if a != b}
    assert set(SHIPPED.causes.tell_apart) == pairs
