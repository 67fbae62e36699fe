"""Playbooks by the standards of a team: complete, conversation first, specific to the cause, readable."""

import re
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import get_args

import pytest
import yaml

from domain.playbook import PHASES, Difficulty, Phase, Playbook, PlaybookAction, PlayTier
from tests.builders import SHIPPED, build_context, build_play
from tools.save_play.agreements import success_criteria, success_criterion, walk_away

CAUSES = tuple(SHIPPED.causes.causes)
CONFIGS = Path(__file__).parents[2] / "configs"
FILES = sorted((CONFIGS / "playbooks").glob("*.yaml"))
TIERS: tuple[PlayTier, ...] = get_args(PlayTier)
DIFFICULTIES: tuple[Difficulty, ...] = get_args(Difficulty)
PREFIX = {
    "product_fit": "pf-",
    "value_gap": "vg-",
    "service_failure": "sf-",
    "relationship_erosion": "re-",
    "competitive_displacement": "cd-",
    "commercial_friction": "cf-",
    "customer_side_change": "cc-",
    "diagnosis": "dx-",
}
WINDOW: dict[Phase, tuple[int, int]] = {"stabilise": (0, 6), "address": (7, 27), "rebuild": (28, 55)}
EMPTY_PHRASES = re.compile(r"checking[ -]in|touch(ing)?[ -]base|just following up|circle back", re.IGNORECASE)
INTERNAL_WORDS = re.compile(
    r"at[ -]risk|health|risk (score|level|tier)|churn|probability|save play|\bscores?\b|critical account", re.IGNORECASE
)
MONEY_GIVEN = re.compile(
    r"\b(discount\w*|credits?|refund\w*|rebate\w*|waive\w*|free months?|lower price|lower total)\b", re.IGNORECASE
)


@cache
def load(path: Path) -> Playbook:
    return Playbook.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))


def actions(playbook: Playbook) -> list[PlaybookAction]:
    return [action for phase in PHASES for action in playbook.phase(phase)]


def always_apt(playbook: Playbook, phase: Phase, tier: PlayTier, difficulty: Difficulty) -> list[PlaybookAction]:
    return [
        action
        for action in playbook.phase(phase)
        if not action.signals and tier in action.tiers and difficulty in action.difficulty and needs_no_fact(action)
    ]


def needs_no_fact(action: PlaybookAction) -> bool:
    return (not action.about or action.about_else != "") and action.amount is None


def plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z]+", text.lower()))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def playbook(request: pytest.FixtureRequest) -> Playbook:
    return load(request.param)


@pytest.fixture(scope="module")
def library() -> list[Playbook]:
    return [load(path) for path in FILES]


def test_every_cause_and_the_undetermined_one_has_a_playbook_in_the_file_of_its_name() -> None:
    assert {path.stem for path in FILES} == {*CAUSES, "diagnosis"}
    assert [load(path).cause for path in FILES] == [path.stem for path in FILES]


def test_a_team_chooses_from_five_to_twelve_actions_in_each_phase(playbook: Playbook) -> None:
    assert {phase: 5 <= len(playbook.phase(phase)) <= 12 for phase in PHASES} == dict.fromkeys(PHASES, True)


def test_most_actions_name_a_fact_of_the_account_where_there_is_one(playbook: Playbook) -> None:
    named = [bool(action.about or action.because or action.amount) for action in actions(playbook)]
    assert sum(named) >= len(named) * 2 / 3


def test_every_action_has_a_verb_of_the_vocabulary(playbook: Playbook) -> None:
    assert [action.id for action in actions(playbook) if action.verb not in SHIPPED.plan.verbs] == []


def test_a_step_is_told_in_at_most_three_short_sentences(playbook: Playbook) -> None:
    told = {action.id: re.split(r"(?<=[.!?])\s+", action.what) for action in actions(playbook)}
    assert [name for name, sentences in told.items() if len(sentences) > 3] == []
    assert [name for name, sentences in told.items() if max(len(s.split()) for s in sentences) > 35] == []


@pytest.mark.parametrize(("tier", "difficulty"), list(product(TIERS, DIFFICULTIES)))
def test_a_plan_can_be_made_even_when_no_signal_is_known(
    playbook: Playbook, tier: PlayTier, difficulty: Difficulty
) -> None:
    short = [phase for phase in PHASES if len(always_apt(playbook, phase, tier, difficulty)) < 3]
    assert short == []


@pytest.mark.parametrize(("tier", "difficulty"), list(product(TIERS, DIFFICULTIES)))
def test_every_account_can_be_spoken_to_first_even_when_no_signal_is_known(
    playbook: Playbook, tier: PlayTier, difficulty: Difficulty
) -> None:
    assert any(action.first_touch for action in always_apt(playbook, "stabilise", tier, difficulty))


def test_every_action_lies_within_its_phase(playbook: Playbook) -> None:
    outside = [
        action.id
        for phase, (first, last) in WINDOW.items()
        for action in playbook.phase(phase)
        if not first <= action.days[0] <= action.days[1] <= last
    ]
    assert outside == []


def test_nobody_but_the_first_caller_is_given_less_than_four_days(playbook: Playbook) -> None:
    tight = [a.id for a in actions(playbook) if not a.first_touch and a.days[1] - a.days[0] + 1 < 4]
    assert tight == []


def test_the_first_touch_is_spoken_and_comes_in_the_first_days(playbook: Playbook) -> None:
    first = [action for action in actions(playbook) if action.first_touch]
    assert all(action.channel in ("call", "meeting") and action.customer_facing for action in first)
    assert all(action in playbook.stabilise and action.days[0] == 0 and action.days[1] <= 2 for action in first)


def test_a_critical_account_hears_from_the_csm_and_from_someone_above_at_once(playbook: Playbook) -> None:
    voices = {a.owner_role for a in playbook.stabilise if a.first_touch and "critical" in a.tiers and not a.signals}
    assert "csm" in voices
    assert voices & {"exec_sponsor", "cs_manager"}


def test_executives_are_not_spent_on_medium_accounts(playbook: Playbook) -> None:
    assert [a.id for a in actions(playbook) if a.owner_role == "exec_sponsor" and "medium" in a.tiers] == []


def test_the_csm_asks_the_four_direct_questions_in_the_first_call(playbook: Playbook) -> None:
    call = next(action for action in playbook.stabilise if action.first_touch and action.owner_role == "csm")
    asked = plain(" ".join([call.what, *(SHIPPED.plan.questions[name].says for name in call.asks)]))
    missing = [part for part in ("on track", "what works", "what does not", "would you change") if part not in asked]
    assert missing == []


def test_the_customer_gets_a_written_plan_within_a_day_of_the_call(playbook: Playbook) -> None:
    written = [
        action
        for action in playbook.stabilise
        if action.channel in ("document", "email") and action.customer_facing and not action.signals
    ]
    assert any(re.search("within (24 hours|a day) of the call", action.what.lower()) for action in written)


def test_what_is_sent_within_a_day_of_the_call_is_due_a_day_after_it(playbook: Playbook) -> None:
    said = [a for a in actions(playbook) if re.search("within (24 hours|a day) of the call", a.what.lower())]
    assert [a.id for a in said if a.within_days != 1 or not a.after] == []
    assert [a.id for a in actions(playbook) if a.within_days is not None and a not in said] == []


@pytest.mark.parametrize("cause", CAUSES)
@pytest.mark.parametrize("created", [date(2026, 11, 19), date(2026, 11, 20), date(2026, 11, 23)])
def test_in_a_play_it_is_due_on_the_working_day_after_the_call(cause: str, created: date) -> None:
    play = build_play(cause, created=created, account_id="A-1", intervention_tier="critical")
    within = {a.id for path in FILES for a in actions(load(path)) if a.within_days}
    steps = {step.id: step for phase in play.phases for step in phase.actions}
    found = [step for step in steps.values() if step.id in within and step.step and step.step.after]
    for step in found:
        assert step.step is not None
        call = steps[step.step.after]
        assert call.due < step.due <= call.due + timedelta(days=3 if call.due.weekday() == 4 else 1), (
            call.due,
            step.due,
        )
    assert found or cause in ("diagnosis", "value_gap"), "no such step fits the invented account"


def test_facts_are_prepared_inside_before_anything_is_promised(playbook: Playbook) -> None:
    assert any(a.channel == "internal" and a.days[0] == 0 and not a.signals for a in playbook.stabilise)


def test_what_is_internal_stays_internal_and_everything_else_is_seen_by_the_customer(playbook: Playbook) -> None:
    assert [a.id for a in actions(playbook) if (a.channel == "internal") == a.customer_facing] == []


def test_no_empty_phrases_are_used(playbook: Playbook) -> None:
    said = [(a.id, text) for a in actions(playbook) for text in (a.title, a.what, a.purpose, a.metric)]
    assert [where for where, text in said if EMPTY_PHRASES.search(text)] == []


def test_nothing_a_customer_may_read_shows_how_we_rate_them(playbook: Playbook) -> None:
    read = [(a.id, text) for a in actions(playbook) if a.customer_facing for text in (a.title, a.what, a.purpose)]
    read += [("questions", question) for question in playbook.questions]
    read += [(name, term.says) for name, term in (*SHIPPED.plan.exits.items(), *SHIPPED.plan.ways_back.items())]
    assert [where for where, text in read if INTERNAL_WORDS.search(text)] == []


def test_evidence_is_named_by_signals_that_the_review_measures(playbook: Playbook) -> None:
    measured = set(yaml.safe_load((CONFIGS / "scoring.yaml").read_text(encoding="utf-8"))["signals"])
    assert {signal for action in actions(playbook) for signal in action.signals} - measured == set()


def test_money_is_given_only_by_actions_that_say_so(playbook: Playbook) -> None:
    giving = [a for a in actions(playbook) if MONEY_GIVEN.search(f"{a.title} {a.what}")]
    assert [action.id for action in giving if not action.concession] == []


def test_a_concession_stays_within_authority_and_comes_after_the_first_week(playbook: Playbook) -> None:
    concessions = [action for action in actions(playbook) if action.concession]
    assert [a.id for a in concessions if "within the owner's authority" not in a.what] == []
    assert [a.id for a in concessions if a in playbook.stabilise or "easy" in a.difficulty] == []


def test_a_plan_of_three_actions_a_phase_costs_about_two_or_three_days_of_work(playbook: Playbook) -> None:
    mean = {phase: sum(a.effort_hours for a in playbook.phase(phase)) / len(playbook.phase(phase)) for phase in PHASES}
    assert 12 <= 3 * sum(mean.values()) <= 25
    assert all(0.5 <= action.effort_hours <= 8 for action in actions(playbook))


def test_billing_settles_invoices_and_leaves_worth_and_terms_to_others() -> None:
    billing = [
        a for a in actions(load(CONFIGS / "playbooks" / "commercial_friction.yaml")) if a.owner_role == "billing"
    ]
    payment = {"payment_failed", "invoice_overdue", "overdue_share"}
    assert billing
    about_an_invoice = {a.id for a in billing if a.about and {each.kind for each in a.about} == {"invoice"}}
    assert [a.id for a in billing if a.id not in about_an_invoice or set(a.signals) - payment or a.concession] == []
    assert [a.id for a in billing if re.search(r"\b(value|worth|terms|renew\w*)\b", a.what)] == []


def test_success_is_judged_in_week_one_four_and_eight_by_terms_of_the_vocabulary(playbook: Playbook) -> None:
    weeks = {criterion.name: criterion.week for criterion in playbook.success}
    expected = {"Re-engagement": 1, "Cause addressed": 4, "Renewal commitment": 8, "Health target": 8}
    assert expected.items() <= weeks.items()
    assert [criterion.name for criterion in playbook.success if criterion.count == "health"] == ["Health target"]


@pytest.mark.parametrize(
    ("today", "target"),
    [
        (39.0, "At least 60 of 100, from 39 today; high is good"),
        (55.0, "At least 70 of 100, from 55 today; high is good"),
        (62.0, "At least 80 of 100, from 62 today; high is good"),
        (79.0, "At least 80 of 100, from 79 today; high is good"),
        (92.0, "Stays at 80 of 100 or more; 92 today"),
        (None, "At least 60 of 100 once enough is known; not scored today"),
    ],
)
def test_the_health_to_reach_is_the_next_band_and_lies_beyond_todays_value(today: float | None, target: str) -> None:
    _, context = build_context("value_gap")
    context = replace(context, dossier=context.dossier.model_copy(update={"health": today}))
    item = next(item for item in context.playbook.success if item.count == "health")
    assert success_criterion(context, item).target == target


def test_success_names_the_people_and_the_ticket_of_the_account() -> None:
    _, context = build_context("service_failure")
    criteria = {item.name: item for item in success_criteria(context)}
    for item in criteria.values():
        assert item.terms is not None
        assert item.terms.by == item.by
        assert "{" not in item.metric + item.target


def test_four_ways_to_end_are_agreed_in_advance_and_each_names_an_exit_and_a_way_back(playbook: Playbook) -> None:
    conditions = {end.when for end in playbook.walk_away}
    assert len(conditions) == len(playbook.walk_away) >= 4
    assert conditions >= {"no_reply", "no_movement"}
    _, context = build_context(playbook.cause if playbook.cause != "diagnosis" else "undetermined")
    for end in walk_away(context):
        assert all(text.endswith(".") and "{" not in text for text in (end.when, end.exit, end.way_back))


def test_four_or_five_questions_tell_the_cause_from_its_neighbour(playbook: Playbook) -> None:
    assert 4 <= len(playbook.questions) <= 5
    assert all(question.endswith("?") and "{" not in question for question in playbook.questions)


def test_actions_carry_the_prefix_of_their_cause(playbook: Playbook) -> None:
    assert [a.id for a in actions(playbook) if not a.id.startswith(PREFIX[playbook.cause])] == []


def test_an_action_id_names_one_action_in_the_whole_library(library: list[Playbook]) -> None:
    count = Counter(action.id for playbook in library for action in actions(playbook))
    assert [name for name, times in count.items() if times > 1] == []


@pytest.mark.parametrize("field", ["title", "what", "purpose"])
def test_no_text_is_shared_between_actions_because_the_cause_decides_the_play(
    library: list[Playbook], field: str
) -> None:
    count = Counter(plain(getattr(action, field)) for playbook in library for action in actions(playbook))
    assert [text for text, times in count.items() if times > 1] == []
