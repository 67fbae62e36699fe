"""Steps that wait for others, people with hours free, and names that a plan must not repeat."""

from dataclasses import replace

from domain.dossier import Person
from tests.builders import build_context, made_up_team
from tools.save_play.builder import build_play, playbook_choices
from tools.save_play.selection import account_team
from tools.save_play.step_order import number_steps
from tools.wording import safe_name


def test_a_step_that_needs_the_result_of_another_is_dated_and_shown_after_it() -> None:
    for category in ("service_failure", "product_fit", "value_gap", "competitive_displacement"):
        _, context = build_context(category)
        play = build_play(context, playbook_choices(context))
        steps = [action for phase in play.phases for action in phase.actions]
        numbers = {action.id: number for number, action in enumerate(steps, 1)}
        dues = {action.id: action.due for action in steps}
        waiting = [action for action in steps if action.step and action.step.after]
        assert waiting, category
        for action in waiting:
            assert action.step is not None
            assert action.step.after is not None
            assert dues[action.step.after] < action.due
            assert action.after == f"after step {numbers[action.step.after]}"


def test_without_the_step_that_it_waits_for_a_step_waits_for_none() -> None:
    _, context = build_context("service_failure")
    play = build_play(context, playbook_choices(context))
    waiting = next(a for phase in play.phases for a in phase.actions if a.after)
    assert waiting.step is not None
    left = number_steps(
        phase.model_copy(update={"actions": tuple(a for a in phase.actions if a.id != waiting.step.after)})
        for phase in play.phases
    )
    alone = next(a for phase in left for a in phase.actions if a.id == waiting.id)
    assert alone.after == ""
    assert alone.step is not None
    assert alone.step.after is None


def test_among_specialists_who_has_most_hours_free_comes_first() -> None:
    people = made_up_team()
    first = next(person for person in people.values() if person.role == "support_lead")
    second = first.model_copy(update={"person_id": f"{first.person_id}-2", "name": "Zoe Last"})
    team: dict[str, Person] = {**people, second.person_id: second}
    _, context = build_context("service_failure")
    assert account_team(context.dossier, team).by_role["support_lead"] == first
    hours = {first.person_id: 0.0, second.person_id: 4.5}
    assert account_team(context.dossier, team, hours).by_role["support_lead"] == second


def test_a_link_or_a_formula_instead_of_a_name_is_not_repeated_in_a_plan() -> None:
    formula = '=HYPERLINK("http://tracker.example.com/?id=1","Renewal terms")'
    assert safe_name(formula, "TF-1049") == "TF-1049"
    assert safe_name("Ana www.example.com", "their champion") == "their champion"
    assert safe_name("Jasperine & Pillai", "A-1") == "Jasperine & Pillai"
    _, context = build_context("relationship_erosion")
    named = replace(context, dossier=context.dossier.model_copy(update={"name": formula}))
    play = build_play(named, playbook_choices(named))
    said = " ".join(f"{a.title} {a.whole} {a.purpose}" for phase in play.phases for a in phase.actions)
    assert "tracker" not in said
