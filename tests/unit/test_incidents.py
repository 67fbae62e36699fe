"""Incidents: the same thing reported by several accounts in the same weeks, and nothing by chance."""

from datetime import timedelta
from typing import Any

import pytest

from agents.health_scorer import incident_pattern
from domain.facts import Incident, IncidentFact
from tests.builders import AS_OF, PortfolioBuilder
from tools.evidence.dossier import Known, build_dossiers
from tools.evidence.incidents import find_incidents


def base(*accounts: str) -> PortfolioBuilder:
    made = PortfolioBuilder().with_sources_connected().person("P-9", "support_lead")
    for number, name in enumerate(accounts or "ABCDEFGH"):
        made.account(name, arr=10_000.10 + number)
    return made


def incidents(portfolio: PortfolioBuilder, **mixed: Any) -> tuple[Incident, ...]:
    return find_incidents(portfolio.score(**mixed).base)


def broken(portfolio: PortfolioBuilder, accounts: str, what: str, days_ago: int = 10, **cells: Any) -> PortfolioBuilder:
    for number, name in enumerate(accounts):
        portfolio.ticket(name, days_ago + number, **{"subject": what, "priority": "high", **cells})
    return portfolio


def test_three_accounts_that_report_one_error_number_in_a_month_are_an_incident() -> None:
    portfolio = broken(base(), "ABC", "Orders fail with E-417", body="It began on Monday.")
    portfolio.ticket("A", 5, subject="E-417 again", escalated=True, priority="urgent")
    (found,) = incidents(portfolio)
    assert found.words[0] == "E-417"
    assert found.account_ids == ("C", "B", "A")
    assert found.arr == 30_003.30
    assert (found.escalated, found.open, found.owner, found.earlier) == (1, True, "P-9", 0)
    assert (found.first_on, found.last_on) == (AS_OF - timedelta(days=12), AS_OF - timedelta(days=5))
    assert {report.fact for report in found.reports} == set(found.facts)


def test_two_accounts_are_a_coincidence_and_so_are_three_over_half_a_year() -> None:
    assert incidents(broken(base(), "AB", "Orders fail with E-417")) == ()
    spread = broken(broken(broken(base(), "A", "E-417"), "B", "E-417", 50), "C", "E-417", 100)
    assert incidents(spread) == ()


def test_what_customers_always_wrote_is_no_incident() -> None:
    usual = broken(broken(base(), "ABCDE", "Error 500 in export", 8), "BCDEFGH", "Error 500 in export", 70)
    assert incidents(usual) == ()


@pytest.mark.parametrize("subject", ["Question about Tallyfold", "Tallyfold invoice report", "Sandbox key expired"])
def test_accounts_that_share_a_word_by_chance_are_no_incident(subject: str) -> None:
    assert incidents(broken(base(), "ABCDEF", subject, priority="normal")) == ()


def test_an_amount_is_no_version_and_a_version_is_one_where_somebody_calls_it_so() -> None:
    assert incidents(broken(base(), "ABC", "The total shows 19.9 and not what we billed")) == ()
    (found,) = incidents(broken(base(), "ABC", "Sync stops since the update to 5.2"))
    assert found.title.startswith("release 5.2")


def test_an_update_without_problems_is_no_report() -> None:
    calm = base()
    for name in "ABCDEF":
        calm.note(name, "Checked how the 5.2 update went: no problems on their side.", 9)
    assert incidents(calm) == ()
    troubled = broken(calm, "ABC", "Sync errors since release 5.2")
    (found,) = incidents(troubled)
    assert set(found.account_ids) == {"A", "B", "C"}


def test_three_friendly_questions_about_a_release_are_no_incident() -> None:
    assert incidents(broken(base(), "ABC", "When is release 5.3 planned?", priority="low")) == ()


def test_two_incidents_in_the_same_weeks_stay_two_even_if_one_account_has_both() -> None:
    portfolio = broken(broken(base(), "ABCD", "Login fails: E-417"), "DEFG", "Printer prints blank: ERR-9001")
    portfolio.ticket("D", 4, subject="Both", body="We have E-417 and ERR-9001.", priority="high")
    found = incidents(portfolio)
    assert sorted(each.words[0] for each in found) == ["E-417", "ERR-9001"]
    assert all(len(each.account_ids) == 4 for each in found)


def test_a_release_and_its_error_number_that_stand_in_the_same_reports_are_one_incident() -> None:
    portfolio = broken(base(), "ABC", "Sync errors since release 5.2", body="The log shows E-417.")
    portfolio.ticket("D", 6, subject="E-417 in every sync", priority="high")
    (found,) = incidents(portfolio)
    assert set(found.words[:2]) == {"5.2", "E-417"}
    assert set(found.account_ids) == set("ABCD")


def test_an_escalation_that_names_the_thing_but_not_the_code_belongs_to_it() -> None:
    portfolio = broken(base(), "ABC", "Sync errors since release 5.2")
    portfolio.ticket(
        "A", 3, subject="ESCALATION", escalated=True, priority="urgent",
        body="Because of the sync errors 1,900 invoices have not gone out.",
    )  # fmt: skip
    (found,) = incidents(portfolio)
    assert found.escalated == 1
    assert "ESCALATION" in {report.text for report in found.reports}


def test_five_accounts_with_one_urgent_phrase_are_an_incident_without_any_code() -> None:
    (found,) = incidents(broken(base(), "ABCDE", "Warehouse connector stopped"))
    assert "warehouse connector" in found.words
    assert incidents(broken(base(), "ABC", "Warehouse connector stopped")) == ()


def test_an_incident_keeps_its_id_while_more_words_and_accounts_join_it() -> None:
    first = broken(base(), "ABC", "Sync errors since release 5.2", 10)
    first.as_of = AS_OF
    (week_one,) = incidents(first)
    second = broken(base(), "ABC", "Sync errors since release 5.2", 17)
    broken(second, "BCDE", "E-417 sync conflict since release 5.2", 2)
    (week_two,) = incidents(second)
    assert week_two.id == week_one.id
    assert "E-417" in week_two.words
    assert len(week_two.account_ids) == 5


def test_what_everybody_closed_a_while_ago_is_over() -> None:
    assert incidents(broken(base(), "ABC", "Orders fail with E-417", 35, closed=30)) == ()


def test_hostile_words_in_a_ticket_break_no_query() -> None:
    text = "E-417'); drop table tickets; -- \\ {x} \x00 <b>5.2</b> %"
    (found,) = incidents(broken(base(), "ABC", text))
    assert found.words[0] == "E-417"


def test_the_incident_leads_the_patterns_and_says_what_it_is_worth() -> None:
    (found,) = incidents(broken(base(), "ABC", "Orders fail with E-417", escalated=True))
    message = incident_pattern(found, "EUR").message
    assert message == (
        "3 accounts with EUR 30,003 of ARR have reported the same thing since 11 Nov: “E-417 (orders fail)”; "
        "3 tickets escalated, still open."
    )


def test_the_account_has_its_part_in_the_incident_with_the_rows_that_tie_it() -> None:
    portfolio = broken(base(), "ABC", "Orders fail with E-417").note(
        "A", "Patience is over after E-417. Fine otherwise.", 2
    )
    scored = portfolio.score()
    scored.base.select_accounts(["A"])
    known = Known(incidents=find_incidents(scored.base))
    (dossier,) = build_dossiers(scored.base, ["A"], scored.history, scored.base.signal_details(), known)
    (part,) = [fact for fact in dossier.facts if isinstance(fact, IncidentFact)]
    assert set(part.tied_by) <= {fact.id for fact in dossier.facts}
    assert len(part.tied_by) == 2
