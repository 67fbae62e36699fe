"""Drafts of texts made from the play's own checked sentences, without a model. Pure.

Every sentence is a fact in code's words, a sentence of the plan, or one of the fixed sentences here.
"""

from collections.abc import Callable, Iterator, Sequence

from domain.configuration import DraftKind
from domain.facts import Fact, QuotationFact, TicketFact
from domain.save_play import PlayAction, SavePlay
from domain.text_drafts import DRAFT_SENTENCES, DRAFT_TITLES, DraftFact, TextDraft
from tools.evidence.fact_text import FactText
from tools.evidence.fact_words import fact_name
from tools.save_play.context import PlayContext
from tools.save_play.draft_record import is_internal, normalise, without_ids
from tools.save_play.own_steps import facts_for_prompt
from tools.wording import capitalize_first, format_date, format_money, format_short_day, quote

_MOST_STEPS, _MOST_QUOTES, _MOST_QUESTIONS = 6, 3, 4
Lines = Iterator[str]
_OUR = DRAFT_SENTENCES
_ROLES = {"economic_buyer": "economic buyer", "exec_sponsor": "executive sponsor", "champion": "champion"}


def draft_from_play(context: PlayContext, play: SavePlay, kind: DraftKind) -> TextDraft:
    """The draft of this kind, in the play's own sentences."""
    facts = [each.fact for each in facts_for_prompt(context)]
    return TextDraft(
        account_id=play.account_id,
        name=play.name,
        kind=kind,
        play_version=play.version,
        text=normalise("\n".join(_WRITERS[kind](context, play))),
        facts=draft_facts(context, facts),
    )


def draft_facts(context: PlayContext, facts: Sequence[Fact]) -> tuple[DraftFact, ...]:
    """The facts that a draft is made with, in words."""
    words = FactText.of(context.dossier.facts, (), context.today)
    return tuple(DraftFact(id=fact.id, text=words.sentence(fact)) for fact in facts)


def step_line(step: PlayAction) -> str:
    """One step with owner and day."""
    return f"{step.title} ({step.owner}, {format_short_day(step.due)})"


def steps_for(play: SavePlay, *, customer: bool, internal_words: frozenset[str] = frozenset()) -> list[PlayAction]:
    """The steps in the order of their days; for the customer only those that they see, without internal words."""
    steps = [step for phase in play.phases for step in phase.actions]
    if not customer:
        return steps
    return [step for step in steps if step.customer_facing and not internal_words & set(step.title.casefold().split())]


def quotations(context: PlayContext, *, customer: bool) -> list[QuotationFact]:
    """Quotations that speak against us, the newest first; for the customer without our own notes."""
    by_id = {fact.id: fact for fact in context.dossier.facts}
    said = [by_id[name] for name in context.facts.decisive]
    found = [fact for fact in said if isinstance(fact, QuotationFact) and not (customer and is_internal(fact))]
    return found[:_MOST_QUOTES]


def _said(fact: QuotationFact) -> str:
    where = f"ticket {fact.source.key}" if fact.source.table == "tickets" else fact.speaker or "a note"
    return f"- {quote(fact.text, 200)} ({where}{f', {format_short_day(fact.on)}' if fact.on else ''})"


def _talk_track(context: PlayContext, play: SavePlay) -> Lines:
    steps = steps_for(play, customer=False)
    first = next((step for step in steps if step.customer_facing), steps[0])
    yield f"{DRAFT_TITLES['talk_track']}: {play.name}"
    yield _OUR["purpose"]
    yield f"- {first.title}. {first.purpose}"
    if said := quotations(context, customer=False):
        yield _OUR["said"]
        yield from map(_said, said)
    yield _OUR["ask"]
    yield from (f"- {question}" for question in dict.fromkeys((*first.asks, *play.questions[:_MOST_QUESTIONS])))
    objections = list(_objections(context, steps))
    if objections:
        yield _OUR["objections"]
        yield from objections
    yield _OUR["agree"]
    yield from (f"- {step_line(step)}" for step in _next_steps(steps, first))
    yield _OUR["stay"]


def _objections(context: PlayContext, steps: Sequence[PlayAction]) -> Lines:
    """Complaints, each with the step that answers it."""
    facts: list[QuotationFact | TicketFact] = [*quotations(context, customer=False), *_open_tickets(context)]
    for fact in facts:
        about = (step for step in steps if step.step and step.step.about == fact.id)
        because = (step for step in steps if step.step and fact.id in step.step.because)
        answer = next(about, None) or next(because, None)
        if answer is not None:
            complaint = quote(fact.text, 200) if isinstance(fact, QuotationFact) else fact_name(fact)
            yield f"- They: {complaint}. We: {step_line(answer)}. {answer.result}."


def _open_tickets(context: PlayContext) -> list[TicketFact]:
    return [fact for fact in context.dossier.facts if isinstance(fact, TicketFact) and fact.open][:2]


def _next_steps(steps: Sequence[PlayAction], first: PlayAction) -> list[PlayAction]:
    return [step for step in steps if step.customer_facing and step.id != first.id][:3]


def _internal_words(context: PlayContext) -> frozenset[str]:
    return frozenset(context.configuration.model.words.internal)


def _follow_up_email(context: PlayContext, play: SavePlay) -> Lines:
    steps = steps_for(play, customer=True, internal_words=_internal_words(context))
    first = steps[0] if steps else None
    yield _OUR["subject"]
    yield f"Hello {first.contact if first and first.contact else context.words['contact']},"
    yield f"{_OUR['thanks']} {_OUR['please']}"
    if said := quotations(context, customer=True):
        yield _OUR["told"]
        yield from map(_said, said)
    if first is not None and steps[1:]:
        yield _OUR["agreed"]
        yield from (
            f"- {step_line(step)}. What comes out: {step.result or step.metric}" for step in steps[1:_MOST_STEPS]
        )
    if first is not None and first.asks:
        yield _OUR["unclear"]
        yield from (f"- {question}" for question in first.asks)
    yield _OUR["regards"]
    yield play.owner


def _action_plan(context: PlayContext, play: SavePlay) -> Lines:
    steps = steps_for(play, customer=True, internal_words=_internal_words(context))
    yield f"{DRAFT_TITLES['action_plan']}: {play.name}"
    yield _OUR["reach"]
    for goal in play.success_criteria:
        if goal.terms is None or goal.terms.measure != "health":
            yield f"- {goal.metric}: {goal.target}, by {format_date(goal.by)}"
    yield _OUR["steps"]
    for number, step in enumerate(steps[: _MOST_STEPS + 2], 1):
        yield f"{number}. {format_short_day(step.due)}: {step.title} ({step.owner}). What comes out: {step.result or step.metric}"
    yield _OUR["together"]
    yield f"- every {play.cadence.weekly_check}, next on {format_date(play.cadence.next_check)}"
    yield f"- decision point {format_date(play.cadence.decision_point)}"


def _executive_brief(context: PlayContext, play: SavePlay) -> Lines:
    steps = steps_for(play, customer=False)
    yield f"{DRAFT_TITLES['executive_brief']}: {play.name}"
    renewal = format_date(play.renewal_date) if play.renewal_date else "unknown"
    yield f"ARR {format_money(play.arr, play.currency)}. Renewal on {renewal}. Owner: {play.owner}."
    yield _OUR["why"]
    yield f"- {play.cause_label}. {without_ids(play.root_cause)}"
    if said := quotations(context, customer=False):
        yield _OUR["words"]
        yield from map(_said, said)
    yield _OUR["who"]
    for contact in context.dossier.contacts:
        if contact.active and contact.role in _ROLES:
            title = f", {contact.title}" if contact.title else ""
            yield f"- {contact.name}{title}: {_ROLES[contact.role]}"
    yield _OUR["favour"]
    mine = [step for step in steps if step.owner_role in ("exec_sponsor", "cs_manager")] or steps[:1]
    yield from (f"- {step_line(step)}. {step.purpose}" for step in mine[:3])
    yield _OUR["works"]
    yield from (f"- {goal.metric}: {goal.target}, by {format_date(goal.by)}" for goal in play.success_criteria)
    yield f"Decision point {format_date(play.cadence.decision_point)}. {_OUR['stop']} {capitalize_first(play.walk_away[0].when)}"


_WRITERS: dict[DraftKind, Callable[[PlayContext, SavePlay], Lines]] = {
    "talk_track": _talk_track,
    "follow_up_email": _follow_up_email,
    "action_plan": _action_plan,
    "executive_brief": _executive_brief,
}
