"""Questions in the terminal for each decision: one play at a time, evidence first, a reason where the rules ask for one.

Without a terminal it raises an error that says how to decide with a file.
"""

import sys
from datetime import date
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.prompt import Confirm, Prompt
from rich.text import Text

from app.parsing import parse_date
from app.service import load_review_document, waiting_gate
from app.wiring import StoreSession
from domain.decisions import CloseDecision, Decisions, PlayDecision
from domain.diagnosis import CauseFinding
from domain.errors import DecisionError, InputError
from domain.plan import TBD
from domain.review import Review
from domain.save_play import SavePlay
from tools.planning.decisions import reason_for_asking
from tools.wording import format_money


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
    plays = tuple(
        prompt_for_play(play, causes.get(play.account_id), f"{index} of {total}", console)
        for index, play in enumerate(review.plays, 1)
    )
    count = len(review.intervention_plan) - len(plays)
    others = (
        "approve"
        if Confirm.ask(f"Approve the primary actions of {count} accounts without a play", console=console)
        else "reject"
    )
    budget = _prompt_budget(review, console)
    close = _prompt_close(review, console) if Confirm.ask("Close the meeting now", console=console) else None
    return Decisions(review=review_id, decided_by=who, plays=plays, others=others, budget=budget, close=close)


def prompt_for_play(play: SavePlay, cause: CauseFinding | None, place: str, console: Console) -> PlayDecision:
    """Show one play and ask for the decision about it."""
    head = f"{place}  {play.name}  {format_money(play.arr, play.currency)}  {play.cause_label}"
    body = Text("\n".join(f"{fact.id}  {fact.statement}" for fact in play.evidence[:6]))
    body.append(f"\n\n{play.root_cause}\n")
    for phase in play.phases:
        body.append(f"\n{phase.title}\n", style="bold")
        for action in phase.actions:
            body.append(f"  {action.due}  {action.owner}: {action.title}\n")
            if action.because:
                body.append(f"      {'; '.join(action.because)}\n", style="dim")
    console.print(Panel(body, title=Text(head)))
    answer = Prompt.ask("approve, reject, defer", choices=["approve", "reject", "defer"], console=console)
    facts: dict[str, Any] = {"account": play.account_id, "decision": answer, "version": play.version}
    rule = reason_for_asking(answer, play, cause)
    if rule is not None:
        facts["reason"] = _prompt_reason(rule, console)
    if answer == "defer":
        facts["until"] = _prompt_date(console)
    return PlayDecision.model_validate(facts)


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
