"""A model doubts a cause with facts of the account, and a strong one adds steps of its own: choices that code checks.

The model is a list of answers (``Scripted``); everything else is the product.
"""

from dataclasses import replace
from html import unescape
from typing import Any

import pytest

from agents.play_drafter import PlayDrafter, draft_messages
from app.decision_file import decisions_template
from app.decision_prompts import doubt_lines
from app.report import render_files
from domain.decisions import PlayDecision
from domain.diagnosis import CauseDoubt
from domain.play_edits import AddedStep
from domain.save_play import PlayAction, SavePlay
from tests.builders import AS_OF, SHIPPED
from tests.sample_review import sample_review
from tests.unit.test_attack_sentences import ATTACKS
from tests.unit.test_drafting import STRONG, Scripted, at_work, configured, drafted_by, fit
from tests.unit.test_plays_about_money import CHAMPION, GOAL, TICKET, renewal, said
from tools.save_play.answer_schema import draft_schema
from tools.save_play.context import PlayContext
from tools.save_play.editing import edit_play
from tools.save_play.own_steps import facts_for_prompt, own_verbs
from tools.save_play.selection import play_version

FACTS = {
    "facts": (TICKET, GOAL, CHAMPION, said("We compare you with two others", "evaluating_alternatives"), renewal(120))
}
ALLOWED = configured(own_steps=(STRONG,))
ADDS_STEPS = SHIPPED.model.own_steps


def drafted(drafter: PlayDrafter, context: PlayContext, *answers: object) -> SavePlay:
    """The play after the model gave these answers."""
    drafter = replace(drafter, client=Scripted(*answers))
    return drafter.play(context, drafted_by(drafter, context))


def doubting(cause: str, *because: str) -> tuple[SavePlay, PlayContext]:
    drafter, context, _ = at_work(**FACTS)
    return drafted(drafter, context, {**fit(context), "doubt": {"cause": cause, "because": list(because)}}), context


def without_doubt(play: SavePlay) -> dict[str, Any]:
    return play.model_dump(exclude={"doubt": True, "drafting": {"answer_hash"}})


# doubts --------------------------------------------------------------------------------------------------------------


def test_a_doubt_names_another_cause_two_facts_and_the_question_that_would_tell() -> None:
    play, context = doubting("competitive_displacement", "F1", "E1")
    assert play.doubt is not None
    assert (play.doubt.cause, play.doubt.label, play.doubt.model) == (
        "competitive_displacement", "Competitive displacement", STRONG,
    )  # fmt: skip
    first = facts_for_prompt(context)[0]
    assert play.doubt.because == (first.fact.id, "E1")
    assert play.doubt.reasons == (first.sentence, context.evidence[0].statement)
    assert play.doubt.question in SHIPPED.causes.tell_apart.values()


def test_a_doubt_changes_nothing_of_the_play_and_nothing_of_its_version() -> None:
    drafter, context, _ = at_work(**FACTS)
    calm = drafted(drafter, context, {**fit(context), "doubt": None})
    play, _ = doubting("competitive_displacement", "F1", "E1")
    assert calm.doubt is None
    assert without_doubt(play) == without_doubt(calm)
    assert play_version(play) == play_version(calm)


@pytest.mark.parametrize(
    ("doubt", "reason"),
    [
        ({"cause": "competitive_displacement", "because": ["F1"]}, "it needs 2 facts and has 1"),
        ({"cause": "competitive_displacement", "because": ["F1", "F1"]}, "it needs 2 facts and has 1"),
        ({"cause": "competitive_displacement", "because": ["F1", "F99"]}, "'F99' is no fact of the account"),
        ({"cause": "competitive_displacement", "because": ["F1", "ticket:T-99999"]}, "is no fact of the account"),
        ({"cause": "service_failure", "because": ["F1", "F2"]}, "it names the cause that the review found"),
        ({"cause": "the weather", "because": ["F1", "F2"]}, "no cause is called 'the weather'"),
    ],
)
def test_a_doubt_that_does_not_hold_is_dropped_with_the_reason_and_costs_no_plan(doubt: object, reason: str) -> None:
    drafter, context, _ = at_work(**FACTS)
    drafter = replace(drafter, client=Scripted({**fit(context), "doubt": doubt}))
    found = drafted_by(drafter, context)
    play = drafter.play(context, found)
    assert (play.doubt, play.drafted_by, play.verified) == (None, "model", True)
    assert reason in found.doubt_refused


@pytest.mark.parametrize("shape", ["yes", 7, [], {}, {"cause": "value_gap"}, {"cause": 3, "because": ["F1", "F2"]}])
def test_a_doubt_of_another_shape_is_none(shape: object) -> None:
    drafter, context, _ = at_work(**FACTS)
    play = drafted(drafter, context, {**fit(context), "doubt": shape})
    assert (play.doubt, play.drafted_by) == (None, "model")


def test_no_word_of_a_model_stands_in_a_doubt() -> None:
    for attack in ATTACKS:
        play, _ = doubting("competitive_displacement", attack, "F1", attack)
        assert play.doubt is None
        assert play.draft is not None
        assert play.draft.doubt is None


def test_a_person_takes_a_doubt_over_with_one_choice() -> None:
    play, context = doubting("competitive_displacement", "F1", "E1")
    assert play.doubt is not None
    decision = PlayDecision(account=play.account_id, decision="edit", cause=play.doubt.cause)
    planned = edit_play(play, decision, context, "Ada")
    assert planned.cause == play.doubt.cause
    assert "Ada names this cause" in planned.root_cause
    assert planned.doubt is None, "it is answered"


def test_the_facts_and_the_quotations_come_before_the_offers() -> None:
    _, context, _ = at_work(**FACTS)
    told = draft_messages(context)[1].content
    places = [told.index(part) for part in ("Evidence\n", "Facts\n", "We compare you with two others", "Likely cause:")]
    assert places == sorted(places)
    assert places[-1] < told.index("choose 1 for")


def test_roles_stand_in_place_of_names() -> None:
    _, context, _ = at_work(**FACTS)
    told = draft_messages(context)[1].content
    assert "their champion" in told
    assert "somebody" not in told
    assert all(contact.name not in told for contact in context.dossier.contacts)


# own steps -----------------------------------------------------------------------------------------------------------


def own_step(context: PlayContext, **changes: object) -> dict[str, Any]:
    handles = {each.fact.id: each.handle for each in facts_for_prompt(context)}
    person = next(handle for fact, handle in handles.items() if fact == CHAMPION.id)
    step = {"verb": "test", "about": handles[TICKET.id], "person": person, "owner": "csm",
            "due": context.options["address"][0].days[0].isoformat(), "because": [handles[GOAL.id]]}  # fmt: skip
    return {**step, **changes}


def composed(*steps: dict[str, Any], configuration: Any = ALLOWED) -> tuple[SavePlay, PlayContext]:
    drafter, context, _ = at_work(configuration=configuration, **FACTS)
    return drafted(drafter, context, {**fit(context), "own_steps": list(steps)}, fit(context)), context


def own_of(play: SavePlay) -> list[PlayAction]:
    return [action for phase in play.phases for action in phase.actions if action.id.startswith("added-")]


def test_as_shipped_no_model_may_add_a_step() -> None:
    assert ADDS_STEPS == ()
    _, context, _ = at_work(**FACTS)
    assert "own_steps" not in draft_schema(context)["properties"]
    assert "own_steps" not in draft_messages(context)[0].content
    play, _ = composed(own_step(context), configuration=configured())
    assert own_of(play) == []
    assert "own_step_not_wanted" in {fault.code for fault in play.drafting.refused}


def test_a_strong_model_adds_a_step_that_code_words_and_verifies() -> None:
    _, context, _ = at_work(configuration=ALLOWED, **FACTS)
    play, _ = composed(own_step(context))
    assert (play.verified, play.violations, play.drafting.outcome) == (True, (), "first_try")
    (step,) = own_of(play)
    assert step.title.startswith("Try a solution for T-9 “")
    assert step.because[0].startswith("T-9")
    assert step.owner == context.team.name("csm")
    assert f"{STRONG} chose this step" in step.whole
    assert [each.model for each in play.edits.added] == [STRONG]


def test_the_rules_list_the_verbs_but_none_that_gives_money_away() -> None:
    _, context, _ = at_work(configuration=ALLOWED, **FACTS)
    rules, verbs = draft_messages(context)[0].content, own_verbs(context)
    assert all(f"- {verb}: " in rules for verb in verbs)
    assert "offer" not in verbs
    assert "- offer: " not in rules


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"verb": "offer"}, "verb_unknown"), ({"verb": "waive the invoice"}, "verb_unknown"),
        ({"about": "F77"}, "fact_unknown"), ({"because": ["ticket:T-1"]}, "fact_unknown"),
        ({"person": "Mallory"}, "person_unknown"), ({"person": ""}, "person_missing"),
        ({"owner": "Mallory"}, "owner_not_allowed"), ({"due": "2027-12-24"}, "date_not_allowed"),
        ({"due": "2020-01-06"}, "date_not_allowed"), ({"about": "", "because": []}, "fact_missing"),
    ],
)  # fmt: skip
def test_a_faulty_step_goes_back_by_name_and_is_not_in_the_play(change: dict[str, object], code: str) -> None:
    _, context, _ = at_work(configuration=ALLOWED, **FACTS)
    play, _ = composed(own_step(context, **change))
    assert own_of(play) == []
    assert play.drafting.outcome == "repaired"
    named = [fault.message for fault in play.drafting.refused if fault.code == code]
    assert named
    assert all(message.startswith("own_steps: ") for message in named)


def test_a_step_twice_or_one_too_many_goes_back() -> None:
    _, context, _ = at_work(configuration=ALLOWED, **FACTS)
    for steps, code in (([own_step(context)] * 2, "action_twice"), ([own_step(context)] * 4, "phase_too_full")):
        play, _ = composed(*steps)
        assert code in {fault.code for fault in play.drafting.refused}
        assert own_of(play) == []


def test_a_letter_before_the_first_conversation_goes_back() -> None:
    _, context, _ = at_work(configuration=ALLOWED, **FACTS)
    answer = {**fit(context), "own_steps": [own_step(context, verb="report", due=AS_OF.isoformat())]}
    answer["first_touch"]["due"] = context.options["first_touch"][0].days[-1].isoformat()
    play = drafted(at_work(configuration=ALLOWED, **FACTS)[0], context, answer, fit(context))
    assert "first_touch_written" in {fault.code for fault in play.drafting.refused}
    assert own_of(play) == []


def test_when_the_faults_stay_the_playbooks_plan_stands() -> None:
    drafter, context, _ = at_work(configuration=ALLOWED, **FACTS)
    wrong = {**fit(context), "own_steps": [own_step(context, verb="dance")]}
    play = drafted(drafter, context, *[wrong] * 3)
    assert play.drafted_by == "playbook"
    assert "verb_unknown" in play.drafted_note


def test_a_step_of_a_decision_is_a_persons_whatever_the_file_says() -> None:
    step = AddedStep(verb="call", person="contact:1", owner="p-1", by=AS_OF, model="gpt")
    assert PlayDecision(account="A", decision="edit", add=(step,)).add[0].model == ""


def test_an_own_step_stays_when_people_change_the_play() -> None:
    _, context, _ = at_work(configuration=ALLOWED, **FACTS)
    play, context = composed(own_step(context))
    edited = edit_play(
        play, PlayDecision(account=play.account_id, decision="edit", remarks={"play": "Good"}), context, "Ada"
    )
    assert [step.id for step in own_of(edited)] == [step.id for step in own_of(play)]


# where people see a doubt --------------------------------------------------------------------------------------------


def test_people_see_cause_doubt_and_question_wherever_they_decide() -> None:
    review = sample_review()
    doubt = CauseDoubt(
        cause="value_gap", label="Value gap", because=("quote:1", "E2"), reasons=("“Why do we pay?” (Ana, 3 Nov).", "Users fell."),
        question="What would it have to be worth?", model=STRONG,
    )  # fmt: skip
    play = review.plays[0].model_copy(update={"doubt": doubt})
    review = review.model_copy(update={"plays": (play, *review.plays[1:])})
    files = {name: content.decode() for name, content in render_files(review).items()}
    shown = [
        files[f"plays/{play.account_id}.md"],
        files[f"accounts/{play.account_id}.html"],
        decisions_template(review),
    ]
    shown.append("\n".join(doubt_lines(doubt)))
    for text in map(unescape, shown):
        assert f"{STRONG} doubts the cause" in text.replace("\\", "")
        assert all(part.strip(".") in text.replace("\\", "") for part in ("Users fell", doubt.question))
    assert "decision: edit, cause: value_gap" in shown[2]
    assert '"doubt": {' in files["review.json"]
    calm = render_files(sample_review())[f"plays/{play.account_id}.md"].decode()
    assert "doubts the cause" not in calm
