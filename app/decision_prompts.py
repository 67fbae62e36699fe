"""Questions in the terminal for each decision: one play at a time, evidence first, a reason where the rules ask for one.

Choices that wait already, made at the desk or carried over from an earlier run of the week, are shown and can be kept.
Without a terminal it raises an error that says how to decide with a file.
"""

import sys
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.prompt import Confirm, Prompt
from rich.text import Text

from app.decision_file import effect_lines
from app.edit_prompts import EditPrompts
from app.parsing import parse_date
from app.service import build_preview, load_review_document, waiting_gate
from app.wiring import StoreSession
from domain.decisions import CloseDecision, Decisions, PlayDecision
from domain.desk import PendingDecision
from domain.diagnosis import CauseDoubt, CauseFinding
from domain.errors import DecisionError, InputError
from domain.plan import TBD, WaitingPlay
from domain.review import Review
from domain.running_play import Consequences, PlayProgress
from domain.save_play import SavePlay
from tools.planning.decisions import reason_for_asking
from tools.store.desk_store import DeskStore
from tools.wording import format_arr, format_short_day, plural


def prompt_for_decisions(session: StoreSession, review_id: str) -> Decisions:
    """Ask for every decision that the review waits for. Raises DecisionError when there is no terminal."""
    if not sys.stdin.isatty():
        raise DecisionError(
            f"no terminal to ask in: saveplay decide {review_id} --file decisions.yaml, or --approve all"
        )
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    gate = waiting_gate(session, review_id)
    review = load_review_document(session, review_id)
    who = Prompt.ask("Who decides", console=console)
    if gate == "close":
        return Decisions(review=review_id, decided_by=who, close=_prompt_close(review, console))
    causes, total = {cause.account_id: cause for cause in review.causes}, len(review.plays)
    choices = DeskStore(session.store).choices(review_id, session.store.request(review_id)[2])
    preview = build_preview(session, review_id)
    waiting = {each.account_id: each for each in review.needs.waiting}
    asked = [
        prompt_for_play(
            play,
            causes.get(play.account_id),
            f"{index} of {total}",
            console,
            choices.pop(play.account_id, None),
            EditPrompts(play, preview, console, who).ask,
            waiting.get(play.account_id),
            review.running.get(play.account_id),
            review.consequences.get(play.account_id),
        )
        for index, play in enumerate(review.plays, 1)
    ]
    plays = [decision for decision in asked if decision is not None]
    count = len({line.account_id for line in review.intervention_plan} - {each.account for each in plays})
    kept = prompt_for_lines(choices, console)
    plays, count = [*plays, *kept], count - len(kept)
    others = (
        "approve"
        if Confirm.ask(f"Approve the primary actions of {count} accounts without a play", console=console)
        else "reject"
    )
    budget = _prompt_budget(review, console)
    close = _prompt_close(review, console) if Confirm.ask("Close the meeting now", console=console) else None
    return Decisions(review=review_id, decided_by=who, plays=tuple(plays), others=others, budget=budget, close=close)


def prompt_for_play(
    play: SavePlay,
    cause: CauseFinding | None,
    place: str,
    console: Console,
    choice: PendingDecision | None = None,
    ask_for_edit: Callable[[], dict[str, Any]] | None = None,
    waiting: WaitingPlay | None = None,
    running: PlayProgress | None = None,
    effect: Consequences | None = None,
) -> PlayDecision | None:
    """Show one play and ask for the decision about it; None when a play beyond the hours is left to wait.

    ``choice`` waits already; it is kept unless another is given.
    ``ask_for_edit`` asks what to change; an edit that changes nothing is an approval.
    ``running``: where the play stands, if it runs; ``effect``: what each decision does to its actions.
    """
    head = f"{place}  {play.name}  {format_arr(play.arr, play.currency)}  {play.cause_label}"
    body = Text("\n".join(f"{fact.id}  {fact.statement}" for fact in play.evidence[:6]))
    if running is not None:
        body = Text("\n".join(progress_lines(running)))
    body.append(f"\n\n{play.root_cause}\n")
    if play.doubt is not None:
        body.append("\n" + "\n".join(doubt_lines(play.doubt)) + "\n")
    for phase in play.phases:
        body.append(f"\n{phase.title}\n", style="bold")
        for action in phase.actions:
            body.append(f"  {action.due}  {action.owner}: {action.title}\n")
            if action.because:
                body.append(f"      {'; '.join(action.because)}\n", style="dim")
    console.print(Panel(body, title=Text(head)))
    for word, text in effect_lines(effect, running):
        console.print(f"{word}: {text}")
    answers = _answers(running, can_edit=ask_for_edit is not None)
    if waiting is not None:
        console.print(f"Waits for hours, number {waiting.place}: lacks {waiting.lacks}. {waiting.breaks}")
    if choice is None and waiting is not None:
        answers = ["wait", *answers]
        answer = Prompt.ask(", ".join(answers), choices=answers, default="wait", console=console)
        if answer == "wait":
            return None
    elif choice is None:
        answer = Prompt.ask(", ".join(answers), choices=answers, console=console)
    else:
        console.print(f"Chosen already: {_choice_text(choice)}")
        answers = ["keep", *answers]
        answer = Prompt.ask(", ".join(answers), choices=answers, default="keep", console=console)
        if answer == "keep":
            return _kept(choice)
    answer = {"change": "approve", "stop": "reject"}.get(answer, answer)
    facts: dict[str, Any] = {"account": play.account_id, "decision": answer, "version": play.version}
    if answer == "edit" and ask_for_edit is not None:
        changes = ask_for_edit()
        facts |= changes or {"decision": "approve"}
    rule = reason_for_asking(facts["decision"], play, cause)
    if rule is not None:
        facts["reason"] = _prompt_reason(rule, console)
    if answer == "defer":
        facts["until"] = _prompt_date(console)
    return PlayDecision.model_validate(facts)


def _answers(running: PlayProgress | None, *, can_edit: bool) -> list[str]:
    edit = ["edit"] if can_edit else []
    if running is None:
        return ["approve", *edit, "reject", "defer"]
    return ["continue", *(["change"] if running.proposal == "change" else []), *edit, "stop", "defer"]


def doubt_lines(doubt: CauseDoubt) -> list[str]:
    """A model's doubt about the cause, a line for each thing."""
    return [
        f"{doubt.model} doubts the cause and proposes: {doubt.label}. It changes nothing by itself.",
        *(f"  {reason}" for reason in doubt.reasons),
        f"  To tell them apart, ask: {doubt.question}",
        "  To take it over: edit, change the cause.",
    ]


def progress_lines(running: PlayProgress) -> list[str]:
    """Where a running play stands, a line for each thing."""
    found = [f"{running.proposal.upper()}: {running.why}", ""]
    if running.since is not None:
        found += [f"Since {format_short_day(running.since)}:"]
        found += [f"  {move.text}" for move in running.moves] or ["  Nothing new is on record."]
    for step in running.steps:
        done = f" on {step.done_on}" if step.done_on else ""
        state = f"{plural(step.days_late, 'day')} late" if step.state == "late" else step.state.replace("_", " ") + done
        found.append(
            f"  [{state}] {step.title}, {step.owner}, due {step.due}" + (f": {step.note}" if step.note else "")
        )
    if running.proposal == "change":
        found += [f"  + {title}" for title in running.adds] + [f"  - {title}" for title in running.ends]
    return found


def prompt_for_lines(choices: Mapping[str, PendingDecision], console: Console) -> list[PlayDecision]:
    """Show the choices about accounts without a play, and ask whether they are kept."""
    if not choices:
        return []
    for account, choice in choices.items():
        console.print(f"{account}: {_choice_text(choice)}")
    question = f"Keep these {len(choices)} choices about accounts without a play"
    return (
        [_kept(choice) for choice in choices.values()] if Confirm.ask(question, console=console, default=True) else []
    )


def _choice_text(choice: PendingDecision) -> str:
    decision = choice.decision
    until = f" until {decision.until}" if decision.until else ""
    reason = f" ({decision.reason})" if decision.reason else ""
    return f"{decision.decision}{until}, by {choice.by}{reason}"


def _kept(choice: PendingDecision) -> PlayDecision:
    """The decision of a choice. It stays the decision of the person who chose."""
    return choice.decision.model_copy(update={"by": choice.decision.by or choice.by})


def _prompt_reason(rule: str, console: Console) -> str:
    while True:
        answer = Prompt.ask(f"Why ({rule})", console=console).strip()
        if answer:
            return answer


def _prompt_date(console: Console) -> date:
    while True:
        try:
            return parse_date(Prompt.ask("Until when (like 2026-12-07)", console=console), "until")
        except InputError as error:
            console.print(str(error))


def _prompt_budget(review: Review, console: Console) -> float:
    while True:
        answer = Prompt.ask(f"Budget in {review.needs.currency}", default=f"{review.needs.budget:g}", console=console)
        try:
            return float(answer)
        except ValueError:
            console.print("That is not an amount.")


def _prompt_close(review: Review, console: Console) -> CloseDecision:
    owners = {}
    for line in review.intervention_plan:
        if line.tier == "critical" and line.owner == TBD:
            owners[line.account_id] = Prompt.ask(f"Owner of {line.name} (a person id)", console=console)
    notes = Prompt.ask("Notes for the record", default="", console=console)
    return CloseDecision(owners=owners, notes=notes)
